//! `tail`: a ledger's records as JSON lines, and those that are still to come.

use super::exit::Exit;
use super::failure::Failure;
use super::group;
use super::ledger::WhichLedger;
use super::output::{Output, json_line};
use super::record_line::RecordLine;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

/// How often a followed ledger is looked at.
const FOLLOW_EVERY: Duration = Duration::from_millis(100);

/// What `--help` says of consumer groups.
pub(super) const GROUPS: &str = "\
Consumer groups (of a ledger in Redis only):

A group is registered when it is first read, at the oldest entry that is there. Each of its entries goes to one of its \
consumers, in the order of each partition's log, and is acknowledged when its lines were written and flushed: a consumer \
that dies before that gets the same lines again under its name. So each line comes at least once. An entry that somebody \
removed from the log meanwhile comes as a line of kind \"lost\".

What a group has not acknowledged stays in Redis. A group that nobody reads any more keeps the ledger from being trimmed, \
until Redis is full: take it away with --remove.

Ctrl-C and SIGTERM end --follow between two entries. It also ends when Redis is away, with status 74: start it again.";

#[derive(Debug, Args)]
pub(super) struct Tail {
    #[command(flatten)]
    ledger: WhichLedger,
    /// Go on with what is appended, until interrupted
    #[arg(short, long)]
    follow: bool,
    /// Read as this consumer group: what it has acknowledged before does not come again
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    group: Option<String>,
    /// Which consumer of the group this is; of those that read at the same time each has a name of its own
    #[arg(long, value_name = "NAME", requires = "group", default_value = "tail", value_parser = NonEmptyStringValueParser::new())]
    consumer: String,
    /// Take the group away, so that the ledger is trimmed without it
    #[arg(long, requires = "group", conflicts_with_all = ["follow", "consumer"])]
    remove: bool,
}

impl Tail {
    pub(super) fn run(self, output: Output) -> Result<Exit, Failure> {
        let Some(group) = &self.group else { return self.read() };
        let url = self.ledger.in_redis()?;
        if self.remove {
            group::remove(url, group, output)
        } else {
            group::read(url, group, &self.consumer, self.follow)
        }
    }

    fn read(&self) -> Result<Exit, Failure> {
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
