//! What a person sees while it runs: a line for the set-up, a bar for the run. Nothing when stderr is no terminal.

use super::results::figures::{duration, grouped, whole};
use super::results::live::{Glance, Pulse, glance};
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// Between two moves of the bar.
const TICK: Duration = Duration::from_millis(250);

/// Moves of the bar between two looks at the counts: a second, over which a rate is steady enough to be read.
const TICKS_PER_LOOK: u32 = 4;

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

/// Shows a bar over `length`, and what came in the last second, until `is_over`.
pub(super) fn watch(pulses: &[Pulse], length: Duration, is_over: impl Fn() -> bool) {
    let template = format!("{{bar:24}} {{elapsed}} of {}s  {{wide_msg}}", length.as_secs());
    let bar = ProgressBar::new(length.as_millis() as u64).with_style(style(&template));
    let mut ticks = 0;
    while !is_over() {
        std::thread::park_timeout(TICK);
        ticks += 1;
        if ticks % TICKS_PER_LOOK == 0 {
            bar.set_message(line(&glance(pulses)));
        }
        bar.set_position(bar.elapsed().as_millis() as u64);
    }
    bar.finish_and_clear();
}

fn line(seen: &Glance) -> String {
    let (p50, p99) =
        seen.done_us.map_or(("-".into(), "-".into()), |(p50, p99)| (duration(p50), duration(p99)));
    format!(
        "done {}/s  p50 {p50}  p99 {p99}  refused {}/s  errors {}",
        whole(seen.done_per_second),
        whole(seen.refused_per_second),
        grouped(seen.errors)
    )
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates of this file are well formed")
}
