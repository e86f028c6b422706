//! `tail --group`: a ledger in Redis read as a consumer group. An entry is acknowledged only when its lines have left.

use super::exit::Exit;
use super::failure::Failure;
use super::ledger::of_redis;
use super::output::{Output, json_line};
use super::record_line::{LostLine, RecordLine};
use seathold::ledger::redis::{Delivery, Page, RedisConsumer, RedisUrl, remove_group};
use seathold::sys::end_on_signal;
use seathold_protocol::batch::Position;
use serde::Serialize;
use std::fmt;
use std::io::{self, BufWriter, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Prints what the group has not read yet, and goes on with what is appended if `follow`.
pub(super) fn read(url: &RedisUrl, group: &str, consumer: &str, follow: bool) -> Result<Exit, Failure> {
    let ended = end_on_signal()?;
    let mut consumer = RedisConsumer::join(url, group, consumer).map_err(of_redis)?;
    if consumer.is_new() {
        note(format_args!(
            "the group {group:?} is registered, and keeps from trimming what it has not read; `seathold-cli tail {url} --group \
             {group} --remove` takes it away"
        ));
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let read = read_on(&mut consumer, &mut out, follow, &ended);
    match read {
        // A signal interrupts what waits for a server. What was not acknowledged comes again.
        Err(failure) if failure.exit == Exit::Io && ended.load(Ordering::Relaxed) => Ok(Exit::Done),
        read => read.map(|()| Exit::Done),
    }
}

fn read_on(
    consumer: &mut RedisConsumer,
    out: &mut impl Write,
    follow: bool,
    ended: &AtomicBool,
) -> Result<(), Failure> {
    while !ended.load(Ordering::Relaxed) {
        if let Some(page) = consumer.next_page().map_err(of_redis)? {
            print(&page, out)?;
            out.flush()?;
            consumer.acknowledge(page).map_err(of_redis)?;
        } else if follow {
            consumer.wait().map_err(of_redis)?;
        } else {
            break;
        }
    }
    Ok(())
}

fn print(page: &Page, out: &mut impl Write) -> Result<(), Failure> {
    let partition = page.partition();
    let mut written = Ok(());
    let read = page.for_each(|delivery| match delivery {
        Delivery::Batch(batch) => batch.for_each_record(|record| {
            if written.is_ok() {
                written = json_line(out, &RecordLine::new(&batch, record));
            }
        }),
        Delivery::Lost(position) => {
            if written.is_ok() {
                written = json_line(out, &LostLine::new(partition, position));
            }
            let Position { epoch, sequence } = position;
            note(format_args!(
                "entry {epoch}-{sequence} of partition {partition} was removed from the log before the group had \
                 acknowledged it: it is lost to the group"
            ));
            Ok(())
        }
    });
    written?;
    read.map_err(of_redis)
}

/// Tells on stderr what is no line of the ledger.
fn note(sentence: fmt::Arguments<'_>) {
    // Nobody is left to tell when the terminal is gone.
    let _ = writeln!(io::stderr(), "seathold-cli: {sentence}");
}

/// Takes the group away.
pub(super) fn remove(url: &RedisUrl, group: &str, output: Output) -> Result<Exit, Failure> {
    match remove_group(url, group).map_err(of_redis)? {
        0 => Err(Failure::new(Exit::Refused, format!("the ledger at {url} has no consumer group {group:?}"))),
        partitions => output.show(&Removed { removed: group, partitions }),
    }
}

#[derive(Serialize)]
struct Removed<'a> {
    removed: &'a str,
    partitions: u16,
}

impl fmt::Display for Removed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the group {:?} is removed from {} partitions", self.removed, self.partitions)
    }
}
