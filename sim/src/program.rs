//! The program: many seeds on all processors, or one and what happened in it.

use crate::branch::{Branch, Counts};
use crate::run::{Broken, Bug, REVISION, Ran, run};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::cell::Cell;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Broken seeds after which no further ones are begun: the first of them say enough.
const BROKEN_MAX: usize = 5;

/// Runs simulated servers, each in a world of its own that its seed draws: crashes, disks that forget, clients who never
/// learn what became of their request. Fails if one of them breaks a promise, and names its seed.
#[derive(Debug, Parser)]
#[command(name = "seathold-sim", version)]
struct Options {
    /// How many seeds
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0, value_name = "N")]
    first: u64,
    /// Only this one, and print what happens in it
    #[arg(long, value_name = "N", conflicts_with_all = ["seeds", "first"])]
    seed: Option<u64>,
    /// Threads, each with seeds of its own; as many as there are processors unless told otherwise
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    threads: Option<u64>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

thread_local! {
    /// The seed that this thread is at, for the last words of a build whose panics abort.
    static PRESENT: Cell<Option<u64>> = const { Cell::new(None) };
}

/// What all seeds came to.
#[derive(Default)]
struct Total {
    seeds: u64,
    counts: Counts,
    broken: Vec<Broken>,
}

/// Runs the program: 0 if every promise held, 1 if not, 2 for a wrong command line.
pub fn main() -> ExitCode {
    let options = Options::parse();
    name_the_seed_of_a_panic();
    let began = Instant::now();
    let total = match options.seed {
        Some(seed) => one(seed, !options.json),
        None => many(&options),
    };
    let mut out = io::stdout().lock();
    let told = if options.json {
        writeln!(out, "{}", as_json(&options, &total, began.elapsed()))
    } else {
        tell(&mut out, &total, began.elapsed())
    };
    // Whoever reads may have seen enough, and the exit code tells whether the promises held.
    if let Err(error) = told
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        eprintln!("seathold-sim: what was found cannot be written: {error}");
        return ExitCode::FAILURE;
    }
    if total.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A release build ends with the first panic: nothing but its hook can still tell which seed that was.
fn name_the_seed_of_a_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if let Some(seed) = PRESENT.get() {
            eprintln!("seed {seed} of revision {REVISION} panicked; again with: seathold-sim --seed {seed}");
        }
        before(panic);
    }));
}

fn one(seed: u64, told: bool) -> Total {
    let mut total = Total::default();
    total.take(attempt(seed, told));
    total
}

fn attempt(seed: u64, told: bool) -> Result<Ran, Broken> {
    PRESENT.set(Some(seed));
    let ran = run(seed, Bug::None, told);
    PRESENT.set(None);
    ran
}

fn many(options: &Options) -> Total {
    let bar = ProgressBar::new(options.seeds).with_style(
        ProgressStyle::with_template("{bar:24} {pos} of {len} seeds  {per_sec}  {elapsed}  {msg}")
            .expect("the template is well formed"),
    );
    let threads = options.threads.unwrap_or_else(|| {
        std::thread::available_parallelism().map_or(1, |processors| processors.get() as u64)
    });
    let (next, broken) = (AtomicU64::new(options.first), AtomicU64::new(0));
    let end = options.first.saturating_add(options.seeds);
    let work = || {
        let mut total = Total::default();
        while broken.load(Relaxed) < BROKEN_MAX as u64 {
            let seed = next.fetch_add(1, Relaxed);
            if seed >= end {
                break;
            }
            let ran = attempt(seed, false);
            if let Err(found) = &ran {
                broken.fetch_add(1, Relaxed);
                bar.println(found.to_string());
            }
            total.take(ran);
            bar.inc(1);
        }
        total
    };
    let total = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().fold(Total::default(), |sum, thread| {
            sum.plus(thread.join().expect("a panic inside a seed is caught there"))
        })
    });
    bar.finish_and_clear();
    total
}

impl Total {
    fn take(&mut self, ran: Result<Ran, Broken>) {
        self.seeds += 1;
        match ran {
            Ok(ran) => self.counts.add(&ran.counts),
            Err(broken) => self.broken.push(broken),
        }
    }

    fn plus(mut self, other: Self) -> Self {
        self.seeds += other.seeds;
        self.counts.add(&other.counts);
        self.broken.extend(other.broken);
        self.broken.sort_by_key(|broken| broken.seed);
        self
    }
}

fn tell(out: &mut impl Write, total: &Total, took: Duration) -> io::Result<()> {
    for broken in &total.broken {
        writeln!(out, "{broken}")?;
    }
    let held = if total.broken.is_empty() { "every promise held" } else { "a promise was broken" };
    writeln!(out, "{} seeds in {:.1} s, revision {REVISION}: {held}", total.seeds, took.as_secs_f64())?;
    Branch::ALL
        .iter()
        .try_for_each(|branch| writeln!(out, "{:>12}  {}", total.counts.get(*branch), branch.name()))
}

fn as_json(options: &Options, total: &Total, took: Duration) -> Value {
    let counts = Branch::ALL.iter().map(|branch| (branch.name(), total.counts.get(*branch)));
    let broken = total.broken.iter().map(|broken| json!({"seed": broken.seed, "found": broken.found}));
    json!({
        "schema": 1,
        "revision": REVISION,
        "first": options.seed.unwrap_or(options.first),
        "seeds": total.seeds,
        "seconds": took.as_secs_f64(),
        "broken": broken.collect::<Vec<_>>(),
        "counts": counts.map(|(name, count)| (name.to_owned(), json!(count))).collect::<serde_json::Map<_, _>>(),
    })
}
