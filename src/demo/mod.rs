//! The demo: a million buyers, ten thousand places, a crash, and an audit that proves that nothing was sold twice and
//! nothing lost.
//!
//! ```text
//!  prepare ─► open the sale ─► rush (SIGKILLs and restarts on the way) ─► let the last holds run out
//!          ─► last wave asks for every piece that is free ─► SIGTERM ─► audit the ledger against what buyers were told
//! ```
//!
//! The server is a child process, reached over its socket through the SDK like any other, and so is the Redis that keeps
//! its ledger, if one does. The only thing that this program knows better is what each buyer was told.

mod child;
mod crashes;
mod crowd;
mod history;
mod interrupt;
mod last_wave;
mod ledger;
mod options;
mod redis;
mod report;
mod rush;
mod server;

pub use options::{DemoError, DemoOptions, LedgerKind};
pub use report::DemoReport;

use crate::catalog::{Catalog, ImportOptions};
use crashes::{Crashes, Plan};
use crowd::Crowd;
use history::History;
use interrupt::Interrupt;
use ledger::Ledger;
use report::Run;
use rush::Rush;
use seathold_client::Client;
use server::Server;
use std::path::Path;
use std::time::{Duration, Instant};

/// A buyer gives up after this long. Far above a restart, so that every outcome is learnt.
const BUYER_PATIENCE: Duration = Duration::from_secs(60);

/// Runs the demo and returns its report.
pub fn demo(options: &DemoOptions) -> Result<DemoReport, DemoError> {
    options.check()?;
    let redis_server = match options.ledger {
        LedgerKind::File => None,
        LedgerKind::Redis => Some(redis::find_program(options.redis_server.as_deref())?),
    };
    let dates = options.dates();
    let rules = options.rules();
    let gtfs = options.gtfs();
    // Whoever tries a timetable of their own should see a sale, and what was left out of it.
    let catalog = Catalog::import(&ImportOptions { gtfs, rules, dates, lenient: true })?;
    for skipped in &catalog.report().skipped {
        eprintln!("skipped: {skipped}");
    }
    let crowd = Crowd::new(&catalog, options.places, options.seed)?;
    let directory = options.directory()?;
    let interrupt = Interrupt::arm(&directory)?;
    let report = sell(options, &crowd, redis_server.as_deref(), directory.path(), &interrupt);
    if !report.as_ref().is_ok_and(DemoReport::passes) {
        directory.keep();
    }
    report
}

/// The demo from the start of the server to the audit, with all its files in `directory`.
fn sell(
    options: &DemoOptions,
    crowd: &Crowd,
    redis_server: Option<&Path>,
    directory: &Path,
    interrupt: &Interrupt,
) -> Result<DemoReport, DemoError> {
    let mut ledger = match redis_server {
        None => Ledger::in_files(directory),
        Some(program) => Ledger::in_redis(program, directory, interrupt)?,
    };
    let mut server = Server::start(directory, &ledger, options, interrupt)?;
    let client = Client::builder(&format!("seathold://{}", server.address()))
        .client_name("seathold-demo")
        .timeout(BUYER_PATIENCE)
        .build()?;
    for departure in crowd.departures() {
        client.open(departure.id, 0)?;
    }
    let mut history = History::default();
    let started = Instant::now();
    let mut rush = Rush::new(&client, crowd, &mut history, options);
    let plan = Plan { buyers: options.buyers, server: options.crashes, redis: options.redis_crashes };
    let mut crashes = Crashes::new(plan, &mut server, ledger.redis());
    rush.run(&mut crashes)?;
    let tally = rush.finish();
    let elapsed = started.elapsed();
    crashes.wait_until_ready()?;
    history.wait_for_holds(&client)?;
    let wave = last_wave::run(&client, crowd, options.buyers, &mut history)?;
    drop(client);
    server.stop()?;
    let recoveries = server.recoveries().to_vec();
    let run = Run { tally, rush: elapsed, wave, recoveries, audit: ledger.audit()? };
    Ok(DemoReport::new(options, crowd, &history, run))
}
