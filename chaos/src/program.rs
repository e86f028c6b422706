//! The program: rounds of strikes, each on a fresh ledger and checked at its end, for as long as it is told.

use crate::rivals::compete;
use crate::strikes::{Plan, Struck, strike};
use crate::sweep::sweep;
use crate::{ChaosError, Disk, Setup};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Kills of one round. A ledger that grows for hours would make each restart longer than the last.
const KILLS_PER_ROUND: u64 = 25;

/// Kills of the rivals behind each round: few, so that an order of all that they did can be found.
const KILLS_OF_RIVALS: u64 = 2;

/// A promise was broken.
const VIOLATION: u8 = 1;

/// There is no result: the server does not start, or the fault cannot be made.
const NO_RESULT: u8 = 3;

const REVISION: &str = match option_env!("SEATHOLD_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

/// Kills a server again and again under load, at random moments, pauses it in between, and checks what its buyers were
/// told against the ledger
#[derive(Debug, Parser)]
#[command(name = "seathold-chaos", version, after_help = MORE)]
struct Options {
    /// How often to kill the server
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    kills: u64,
    /// Cut the power of the ledger's disk with each kill: an ext4 in a file is shut down without flushing, and now and then a
    /// write is torn; takes root
    #[arg(long)]
    power_loss: bool,
    /// Draws the moments and the buyers; threads and disk may meet them in another order [default: drawn, and printed]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Stop after so many seconds, even if kills are left [default: when all are done]
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Kill it instead at each of the first N system calls of every kind on the way to the disk; needs strace
    #[arg(long, value_name = "N", conflicts_with_all = ["kills", "seconds", "power_loss"], value_parser = clap::value_parser!(u32).range(1..))]
    disk_calls: Option<u32>,
    /// The server [default: the seathold beside this program]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

const MORE: &str = "\
Exit status:
   0  every promise held
   1  a promise was broken: what was found is printed, and the ledger is kept
   2  the command line is wrong
   3  there is no result";

/// All rounds.
#[derive(Default)]
struct Total {
    struck: Struck,
    rounds: u64,
    kept: Vec<PathBuf>,
}

/// Runs the program.
pub fn main() -> ExitCode {
    let options = Options::parse();
    let seed = options.seed.unwrap_or_else(|| RandomState::new().hash_one(std::process::id()));
    let began = Instant::now();
    match run(&options, seed) {
        Ok(total) => {
            tell(&options, seed, &total, began.elapsed());
            if total.struck.checked.violations.is_empty() { ExitCode::SUCCESS } else { VIOLATION.into() }
        }
        Err(error) => {
            eprintln!("seathold-chaos: {error}\nseed {seed}, revision {REVISION}");
            NO_RESULT.into()
        }
    }
}

fn run(options: &Options, seed: u64) -> Result<Total, ChaosError> {
    let program = match &options.server {
        Some(server) => server.clone(),
        None => std::env::current_exe()?.with_file_name("seathold"),
    };
    if let Some(most) = options.disk_calls {
        return sweep_calls(&program, seed, most);
    }
    let until = options.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let bar = ProgressBar::new(options.kills).with_style(
        ProgressStyle::with_template("{bar:24} {pos} of {len} kills  {elapsed}  {msg}")
            .expect("the template is well formed"),
    );
    bar.set_message(format!("seed {seed}"));
    let mut total = Total::default();
    while total.struck.kills < options.kills && until.is_none_or(|until| Instant::now() < until) {
        let directory = TempDir::with_prefix("seathold-chaos-")?;
        let kills = (options.kills - total.struck.kills).min(KILLS_PER_ROUND);
        let plan = Plan { seed: seed.wrapping_add(total.rounds), kills, until };
        let before = total.struck.kills;
        let disk = options.power_loss.then(Disk::mount).transpose()?;
        let place = disk.as_ref().map_or_else(|| directory.path().to_owned(), Disk::path);
        let setup = Setup::new(&program, &place.join("ledger"));
        let mut struck = strike(setup, plan, disk.as_ref(), |kills| bar.set_position(before + kills))?;
        let rivals = Setup::new(&program, &directory.path().join("rivals"));
        struck.checked.add(compete(rivals, plan.seed, KILLS_OF_RIVALS)?.checked);
        let broken = !struck.checked.violations.is_empty();
        total.take(struck);
        if broken {
            // The first broken round says enough.
            total.kept.push(match disk {
                Some(disk) => disk.keep()?,
                None => directory.keep(),
            });
            break;
        }
    }
    bar.finish_and_clear();
    Ok(total)
}

fn sweep_calls(program: &Path, seed: u64, most: u32) -> Result<Total, ChaosError> {
    let bar = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} {pos} kills  {elapsed}  {msg}")
            .expect("the template is well formed"),
    );
    bar.set_message(format!("seed {seed}"));
    let (struck, kept) = sweep(program, seed, most, |kills| bar.set_position(kills))?;
    bar.finish_and_clear();
    let rounds = struck.kills + struck.kills_at_start;
    Ok(Total { struck, rounds, kept: kept.into_iter().map(TempDir::keep).collect() })
}

impl Total {
    fn take(&mut self, round: Struck) {
        self.rounds += 1;
        self.struck.add(round);
    }
}

fn tell(options: &Options, seed: u64, total: &Total, took: Duration) {
    let (struck, checked) = (&total.struck, &total.struck.checked);
    if options.json {
        let report = json!({
            "schema": 1,
            "revision": REVISION,
            "seed": seed,
            "seconds": took.as_secs_f64(),
            "rounds": total.rounds,
            "struck": struck,
            "kept": total.kept,
        });
        return println!("{report}");
    }
    checked.violations.iter().for_each(|found| println!("{found}"));
    let held = if checked.violations.is_empty() { "every promise held" } else { "a promise was broken" };
    println!("{held}: seed {seed}, revision {REVISION}, {:.0} s", took.as_secs_f64());
    let slowest = struck.recovery_ms.iter().max().copied().unwrap_or(0);
    let rows = [
        (struck.kills, "kills under load"),
        (struck.kills_at_start, "kills of a server that was starting"),
        (struck.power_losses, "of both with a loss of power"),
        (struck.torn_writes, "of these with a torn write"),
        (struck.pauses, "pauses"),
        (slowest, "ms at most from a kill to the next ready server"),
        (checked.told, "answers that the ledger bears out"),
        (checked.refused, "refusals without effect"),
        (checked.sold_out, "of them SOLD_OUT"),
        (checked.unknown, "unknown outcomes"),
        (checked.unknown_done, "of them done, as the ledger tells"),
        (checked.reservations, "reservations in the ledger"),
        (checked.ordered, "changes in the order of the clock"),
        (checked.linearized, "answers to rivals for few seats, explained one by one"),
    ];
    rows.iter().for_each(|(count, what)| println!("{count:>12}  {what}"));
    total.kept.iter().for_each(|path| println!("the ledger is kept in {}", path.display()));
}
