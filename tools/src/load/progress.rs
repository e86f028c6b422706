//! What a person sees while it runs: a line for the set-up, a bar for the run. Nothing when stderr is no terminal.

use super::driver::Pulse;
use super::results::report::grouped;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Between two looks at the counts.
const TICK: Duration = Duration::from_millis(250);

/// A line that says what is being made ready.
pub(super) struct SetUp(ProgressBar);

impl SetUp {
    pub(super) fn new(what: &'static str) -> Self {
        let line = ProgressBar::new_spinner().with_style(style("{spinner} {msg}")).with_message(what);
        line.enable_steady_tick(TICK);
        Self(line)
    }

    pub(super) fn sold_out(&self, done: usize, of: usize) {
        self.0.set_message(format!("selling out trips: {done} of {of}"));
    }

    pub(super) fn say(&self, what: &'static str) {
        self.0.set_message(what);
    }
}

impl Drop for SetUp {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Shows a bar over `length` until `is_over`.
pub(super) fn watch(pulses: &[Pulse], length: Duration, is_over: impl Fn() -> bool) {
    let template = "{bar:30} {elapsed}  {msg}";
    let bar = ProgressBar::new(length.as_millis() as u64).with_style(style(template));
    let mut before = 0;
    while !is_over() {
        std::thread::park_timeout(TICK);
        let sum = |count: fn(&Pulse) -> &AtomicU64| -> u64 {
            pulses.iter().map(|pulse| count(pulse).load(Ordering::Relaxed)).sum()
        };
        let answers = sum(|pulse| &pulse.answers);
        let rate = (answers - before) as f64 / TICK.as_secs_f64();
        before = answers;
        bar.set_message(format!(
            "{}/s  refused {}  errors {}",
            grouped(rate as u64),
            grouped(sum(|pulse| &pulse.refusals)),
            grouped(sum(|pulse| &pulse.errors))
        ));
        bar.set_position(bar.elapsed().as_millis() as u64);
    }
    bar.finish_and_clear();
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates of this file are well formed")
}
