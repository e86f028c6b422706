//! The demo: a million buyers, ten thousand places, a crash, and an audit that proves that nothing was sold twice and
//! nothing lost.
//!
//! ```text
//!  prepare ─► open the sale ─► rush (SIGKILL and restart on the way) ─► let the last holds run out
//!          ─► last wave asks for every piece that is free ─► SIGTERM ─► audit the ledger against what buyers were told
//! ```
//!
//! The server is a child process, reached over its socket through the SDK like any other. The only thing that this
//! program knows better is what each buyer was told.

mod child;
mod crowd;
mod history;
mod interrupt;
mod last_wave;
mod options;
mod report;
mod rush;

pub use options::{DemoError, DemoOptions};
pub use report::DemoReport;

use crate::audit::Audit;
use crate::catalog::{Catalog, ImportOptions};
use crate::ledger::file::{Directory, FileReader};
use child::Child;
use crowd::Crowd;
use history::History;
use report::Run;
use rush::Rush;
use seathold_client::Client;
use std::path::Path;
use std::time::{Duration, Instant};

/// A buyer gives up after this long. Far above a restart, so that every outcome is learnt.
const BUYER_PATIENCE: Duration = Duration::from_secs(60);

/// Runs the demo and returns its report.
pub fn demo(options: &DemoOptions) -> Result<DemoReport, DemoError> {
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
    let ledger = directory.path().join("ledger");
    let mut child = Child::start(&directory.path().join("server.log"), &ledger, options)?;
    interrupt::clean_up_on_signal(child.process(), &directory)?;
    let client = Client::builder(&format!("seathold://{}", child.address()))
        .client_name("seathold-demo")
        .timeout(BUYER_PATIENCE)
        .build()?;
    for departure in crowd.departures() {
        client.open(departure.id, 0)?;
    }
    let mut history = History::default();
    let started = Instant::now();
    let mut rush = Rush::new(&client, &crowd, &mut history, options);
    rush.run(&mut child)?;
    let tally = rush.finish();
    let elapsed = started.elapsed();
    history.wait_for_holds(&client)?;
    let wave = last_wave::run(&client, &crowd, options.buyers, &mut history)?;
    drop(client);
    child.stop()?;
    let audit = read_ledger(&ledger)?;
    let run = Run { tally, rush: elapsed, wave, recoveries: child.recoveries().to_vec(), audit };
    let report = DemoReport::new(options, &crowd, &history, run);
    if !report.passes() {
        directory.keep();
    }
    Ok(report)
}

fn read_ledger(path: &Path) -> Result<Audit, DemoError> {
    let mut reader = FileReader::open(Directory::read_only(path)?)?;
    let mut audit = Audit::new(reader.partitions(), reader.is_trimmed());
    reader.for_each(|batch| {
        audit.follow(&batch);
        Ok(())
    })?;
    reader.check_tail()?;
    Ok(audit)
}
