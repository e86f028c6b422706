//! A run from the command line to the report.

use super::buyer::Script;
use super::command::{Command, CommandLine};
use super::connection::Clock;
use super::deal::Deal;
use super::departures;
use super::driver::{Share, drive};
use super::exit::{EXIT_NOT_VALID, EXIT_USAGE, Failure};
use super::options::Options;
use super::progress::{SetUp, watch};
use super::results::live::Pulse;
use super::results::report::Report;
use super::results::tally::Tally;
use super::session::{Session, locate};
use super::stage::Stage;
use seathold_protocol::reply::Welcome;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// `seathold-load` from its arguments to its exit code.
pub fn main() -> ExitCode {
    let line = match CommandLine::read() {
        Ok(line) => line,
        Err(error) => {
            // Nobody is left to tell when the terminal is gone.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { EXIT_USAGE } else { 0 });
        }
    };
    let done = match line.command {
        Some(Command::Compare(compare)) => compare.run(),
        None => measure_and_tell(&line.run),
    };
    done.unwrap_or_else(|failure| {
        let _ = writeln!(io::stderr(), "seathold-load: {failure}");
        ExitCode::from(failure.exit_code())
    })
}

fn measure_and_tell(options: &Options) -> Result<ExitCode, Failure> {
    options.output.prepare()?;
    let report = measure(options)?;
    options.output.tell(&report)?;
    Ok(ExitCode::from(if report.valid { 0 } else { EXIT_NOT_VALID }))
}

/// Makes ready what the workload needs, runs it, and reports.
pub fn measure(options: &Options) -> Result<Report, Failure> {
    options.validate()?;
    let address = locate(&options.url)?;
    let (mut session, welcome) = Session::open(address, &options.operator_token)?;
    if options.in_flight > welcome.credit as usize {
        return Err(Failure::Usage(format!(
            "--in-flight {} is above the {} that this server grants a connection; use more connections",
            options.in_flight, welcome.credit
        )));
    }
    let stage = prepare(options, &mut session)?;
    let departures = stage.departures.len();
    drop(session);
    let shares = connect(options, address, &welcome, stage)?;
    let tally = run(options, shares)?;
    Ok(Report::new(options, &welcome, departures, &tally))
}

fn prepare(options: &Options, session: &mut Session) -> Result<Stage, Failure> {
    let line = SetUp::new("looking for departures");
    let departures = departures::find(options, session)?;
    if options.open {
        line.say("opening sales");
        Stage::open_sales(session, &departures)?;
    }
    Stage::prepare(&options.workload, departures, session, |done, of| line.sold_out(done, of))
}

/// Opens the connections and deals them out to the threads.
fn connect(
    options: &Options,
    address: SocketAddr,
    welcome: &Welcome,
    stage: Stage,
) -> Result<Vec<Share>, Failure> {
    let script =
        Arc::new(Script { workload: options.workload.clone(), party: options.party, seed: options.seed });
    let doors = doors(options, address, welcome, stage)?;
    let mut deal = Deal::new(options, doors.iter().map(|(_, stage)| Arc::clone(stage)).collect(), script);
    for at in 0..options.connections {
        let door = at % doors.len();
        let (session, _) = Session::open(doors[door].0, "")?;
        let stream = session.into_stream();
        stream.set_nonblocking(true).map_err(|error| Failure::Unavailable(error.to_string()))?;
        deal.take(at, door, mio::net::TcpStream::from_std(stream));
    }
    Ok(deal.shares())
}

/// Where connections go, and what is asked there: the shared port and everything, or each core's port and what it owns.
fn doors(
    options: &Options,
    address: SocketAddr,
    welcome: &Welcome,
    stage: Stage,
) -> Result<Vec<(SocketAddr, Arc<Stage>)>, Failure> {
    if !options.shard_aware {
        return Ok(vec![(address, Arc::new(stage))]);
    }
    let door = |(core, port): (usize, &u16)| {
        (SocketAddr::new(address.ip(), *port), Arc::new(stage.of_core(core as u8, welcome)))
    };
    let mut doors: Vec<_> = welcome.core_ports.iter().enumerate().map(door).collect();
    doors.retain(|(_, stage)| stage.serves(&options.workload));
    if doors.is_empty() {
        return Err(Failure::Usage(
            "no core owns departures for every part of the workload; name more departures, or leave --shard-aware"
                .to_owned(),
        ));
    }
    Ok(doors)
}

fn run(options: &Options, shares: Vec<Share>) -> Result<Tally, Failure> {
    let (warmup, measured) = (Duration::from_secs(options.warmup), Duration::from_secs(options.seconds));
    let length = warmup + measured;
    let pulses: Vec<_> = shares.iter().map(|_| Pulse::default()).collect();
    let measured_ns = warmup.as_nanos() as u64..length.as_nanos() as u64;
    // Made before the clock runs: a tally is large, and the time to make it would be the generator's own lateness.
    let tallies: Vec<_> = shares.iter().map(|_| Tally::new(measured_ns.clone())).collect();
    let mut sum = Tally::new(measured_ns);
    let clock = Clock {
        epoch: Instant::now(),
        from_ns: warmup.as_nanos() as u64,
        until_ns: length.as_nanos() as u64,
    };
    let watcher = thread::current();
    thread::scope(|scope| {
        let drivers: Vec<_> = shares
            .into_iter()
            .zip(tallies)
            .zip(&pulses)
            .map(|((share, tally), pulse)| {
                let (watcher, clock) = (&watcher, &clock);
                scope.spawn(move || {
                    let tally = drive(share, clock, pulse, tally);
                    watcher.unpark();
                    tally
                })
            })
            .collect();
        watch(&pulses, length, || drivers.iter().all(thread::ScopedJoinHandle::is_finished));
        for driver in drivers {
            let tally = driver.join().expect("a driver does not panic");
            sum.add(&tally.map_err(|error| Failure::Unavailable(format!("the system refused: {error}")))?);
        }
        Ok(sum)
    })
}
