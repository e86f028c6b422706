//! `tail`: a ledger's records as JSON lines, and those that are still to come.

use super::exit::Exit;
use super::failure::Failure;
use super::ledger::WhichLedger;
use super::output::json_line;
use super::record_line::RecordLine;
use clap::Args;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

/// How often a followed ledger is looked at.
const FOLLOW_EVERY: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
pub(super) struct Tail {
    #[command(flatten)]
    ledger: WhichLedger,
    /// Go on with what is appended, until interrupted
    #[arg(short, long)]
    follow: bool,
}

impl Tail {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let mut reader = self.ledger.open()?;
        let mut out = BufWriter::new(io::stdout().lock());
        loop {
            // A reader goes on to the present tail; after a failed write it does so without printing.
            let mut written = Ok(());
            let read = reader.for_each(|batch| match &written {
                Err(_) => Ok(()),
                Ok(()) => batch.for_each_record(|record| {
                    if written.is_ok() {
                        written = json_line(&mut out, &RecordLine::new(&batch, record));
                    }
                }),
            });
            written?;
            out.flush()?;
            read?;
            if !self.follow {
                return Ok(Exit::Done);
            }
            std::thread::sleep(FOLLOW_EVERY);
        }
    }
}
