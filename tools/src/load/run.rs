//! A run from the command line to the report.

use super::buyer::Script;
use super::connection::Clock;
use super::deal::Deal;
use super::departures::{self, Departure};
use super::driver::{Ended, Share, drive};
use super::exit::Failure;
use super::options::Options;
use super::oracle;
use super::progress::{SetUp, watch};
use super::results::counter::Counter;
use super::results::live::Pulse;
use super::results::report::Report;
use super::results::tally::Tally;
use super::session::{Session, locate};
use super::stage::Stage;
use seathold_protocol::reply::Welcome;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Makes ready what the workload needs, runs it, and reports.
pub fn measure(options: &Options) -> Result<Report, Failure> {
    Rig::new(options)?.measure(options)
}

/// A server that is ready to be measured, any number of times.
pub(super) struct Rig {
    address: SocketAddr,
    welcome: Welcome,
    stage: Stage,
}

impl Rig {
    /// Makes ready what the workload needs.
    pub(super) fn new(options: &Options) -> Result<Self, Failure> {
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
        Ok(Self { address, welcome, stage })
    }

    /// Runs once and reports.
    pub(super) fn measure(&self, options: &Options) -> Result<Report, Failure> {
        let opening = match options.open_after {
            None => None,
            Some(after_ns) => {
                let (mut session, _) = Session::open(self.address, &options.operator_token)?;
                Stage::close_sales(&mut session, &self.stage.departures)?;
                let after = Duration::from_secs(options.warmup) + Duration::from_nanos(after_ns);
                Some(Opening { session, after, departures: &self.stage.departures })
            }
        };
        let shares = connect(options, self.address, &self.welcome, self.stage.clone())?;
        let Ended { tally, memories } = run(options, shares, opening)?;
        let mut report = Report::new(options, &self.welcome, self.stage.departures.len(), &tally);
        if let Some(slo) = &options.slo {
            report.slo_missed = slo.missed(&report);
        }
        if options.oracle {
            let _line = SetUp::new("looking up what was acknowledged");
            let (mut session, _) = Session::open(self.address, "")?;
            report.oracle = Some(oracle::check(memories, &mut session)?);
        }
        Ok(report)
    }
}

/// A sale that opens in the middle of a run.
struct Opening<'a> {
    session: Session,
    after: Duration,
    departures: &'a [Departure],
}

fn prepare(options: &Options, session: &mut Session) -> Result<Stage, Failure> {
    let line = SetUp::new("looking for departures");
    let departures = departures::find(options, session)?;
    if options.open {
        line.say("opening sales");
        Stage::open_sales(session, &departures)?;
    }
    let weights = options.habits.trains_by.weights(&departures, options.seed);
    Stage::prepare(&options.workload, departures, weights, session, |done, of| line.sold_out(done, of))
}

/// Opens the connections and deals them out to the threads.
fn connect(
    options: &Options,
    address: SocketAddr,
    welcome: &Welcome,
    stage: Stage,
) -> Result<Vec<Share>, Failure> {
    let script = Arc::new(Script {
        workload: options.workload.clone(),
        habits: options.habits.clone(),
        seed: options.seed,
    });
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

fn run(options: &Options, shares: Vec<Share>, opening: Option<Opening<'_>>) -> Result<Ended, Failure> {
    let (warmup, measured) = (Duration::from_secs(options.warmup), Duration::from_secs(options.seconds));
    let length = warmup + measured;
    let pulses: Vec<_> = shares.iter().map(|_| Pulse::default()).collect();
    let measured_ns = warmup.as_nanos() as u64..length.as_nanos() as u64;
    let tally = || Tally::new(measured_ns.clone(), !options.shape.closed, options.shape.steps.len());
    // Made before the clock runs: a counter is large, and the time to make it would be the generator's own lateness.
    let counters: Vec<_> = shares.iter().map(|_| Counter::new(tally())).collect();
    let mut sum = Ended { tally: tally(), memories: Vec::new() };
    let clock = Clock {
        epoch: Instant::now(),
        from_ns: warmup.as_nanos() as u64,
        until_ns: length.as_nanos() as u64,
    };
    let watcher = thread::current();
    thread::scope(|scope| {
        let opener = opening.map(|Opening { mut session, after, departures }| {
            let epoch = clock.epoch;
            scope.spawn(move || {
                thread::sleep(after.saturating_sub(epoch.elapsed()));
                Stage::open_sales(&mut session, departures)
            })
        });
        let drivers: Vec<_> = shares
            .into_iter()
            .zip(counters)
            .zip(&pulses)
            .map(|((share, counter), pulse)| {
                let (watcher, clock) = (&watcher, &clock);
                scope.spawn(move || {
                    let ended = drive(share, clock, pulse, counter);
                    watcher.unpark();
                    ended
                })
            })
            .collect();
        watch(&pulses, length, || drivers.iter().all(thread::ScopedJoinHandle::is_finished));
        for driver in drivers {
            let ended = driver.join().expect("a driver does not panic");
            let ended =
                ended.map_err(|error| Failure::Unavailable(format!("the system refused: {error}")))?;
            sum.tally.add(&ended.tally);
            sum.memories.extend(ended.memories);
        }
        match opener.map(|opener| opener.join().expect("an opener does not panic")) {
            Some(Err(failure)) => Err(failure),
            _ => Ok(sum),
        }
    })
}
