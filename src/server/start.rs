//! From options to running threads, and to their end.

use super::exit::exit_on_panic;
use super::listen::{Listeners, bind_all};
use super::recovery::OpenLedger;
use super::{ExitCode, ServeOptions, StartError};
use crate::admin::{AdminPort, AdminThread, Watched};
use crate::catalog::{Catalog, ImportOptions};
use crate::counters::Counters;
use crate::engine::{Board, Engine};
use crate::ledger::file::{Directory, SpareWorker};
use crate::ledger::{LedgerWriter, Notice};
use crate::mesh::{self, Bell};
use crate::reactor::{LedgerPort, Parts, Reactor, Shared, TOKEN_BELL};
use crate::sys::{Clock, available_cores, pin_to_core, point, raise_descriptor_limit};
use crossbeam_channel::bounded;
use mio::{Poll, Waker};
use seathold_protocol::limits::{CORES_MAX, TOKEN_BYTES_MAX};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

/// Notices of the ledger that a core may have waiting: one per commit, and words on its health.
const NOTICES_PER_CORE: usize = 64;

/// A running server.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    bells: Vec<Arc<Bell>>,
    cores: Vec<JoinHandle<()>>,
    ledger: LedgerWriter,
    spare_worker: Option<SpareWorker<Directory>>,
    admin: Option<AdminThread>,
}

/// Runs a server until SIGTERM or SIGINT.
pub fn serve(options: &ServeOptions) -> Result<(), StartError> {
    exit_on_panic();
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    if let Err(error) = raise_descriptor_limit() {
        log::warn!(
            "the limit of open files cannot be raised ({error}); see ulimit -n for how many clients can connect"
        );
    }
    let server = Server::start(options)?;
    log::info!("ready on {}", server.address());
    // Nobody listens when not run by systemd; that is no error.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    let signal = signals.forever().next();
    let name = signal.and_then(signal_hook::low_level::signal_name).unwrap_or("a signal");
    log::info!("{name}: stopping");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    server.stop();
    log::info!("stopped: every acknowledged answer is in the ledger");
    Ok(())
}

impl Server {
    /// Loads the timetable, replays the ledger and starts the threads. Clients can connect when this returns.
    pub fn start(options: &ServeOptions) -> Result<Self, StartError> {
        let cores = choose_cores(options)?;
        let operator_token = options.operator_token_file.as_deref().map(read_token).transpose()?;
        let clock = Clock::new()?;
        let listeners = bind_all(options.listen, options.core_ports, cores.len())?;
        let address = listeners[0].shared.address()?;
        let admin_port = options.admin.map(bind_admin).transpose()?;
        let core_ports = listeners
            .iter()
            .map(|listeners| listeners.own.address().map(|address| address.port()))
            .collect::<Result<Vec<_>, _>>()?;

        let catalog = Arc::new(import(options)?);
        let counters: Vec<_> = cores.iter().map(|_| Arc::new(Counters::default())).collect();

        let departures = catalog.len();
        let opened = OpenLedger::open(options, cores.len())?;
        let board = Arc::new(Board::new(Arc::clone(&catalog), opened.partitions()));
        let core_of = |partition: u16| (usize::from(partition) % cores.len()) as u8;
        let partition_cores: Vec<u8> = (0..opened.partitions()).map(core_of).collect();
        let mut engines: Vec<_> = (0..cores.len())
            .map(|core| {
                let owns = |partition: u16| usize::from(partition_cores[usize::from(partition)]) == core;
                let (board, counters) = (Arc::clone(&board), Arc::clone(&counters[core]));
                let mut engine = Engine::new(Arc::clone(&catalog), board, counters, owns);
                engine.publish_remaining(opened.shows_remaining());
                engine
            })
            .collect();
        let redis = opened.redis_figures();
        let (log, spare_worker) = opened.replay(&mut engines, &partition_cores, clock)?;
        point("recovery::replayed");

        let polls = cores.iter().map(|_| Poll::new()).collect::<Result<Vec<_>, _>>()?;
        let bells = polls
            .iter()
            .map(|poll| Ok(Arc::new(Bell::new(Waker::new(poll.registry(), TOKEN_BELL)?))))
            .collect::<Result<Vec<_>, std::io::Error>>()?;
        let (notices_in, notices_out): (Vec<_>, Vec<_>) =
            cores.iter().map(|_| bounded::<Notice>(NOTICES_PER_CORE)).unzip();
        let ledger_bells = bells.clone();
        let on_notice = move |core: usize, notice: Notice| {
            // A core that is gone has stopped; its notices are not missed.
            if notices_in[core].send(notice).is_ok()
                && let Err(error) = ledger_bells[core].ring()
            {
                log::error!("core {core} cannot be woken: {error}");
                std::process::exit(ExitCode::Software as i32);
            }
        };
        let on_broken = |_| std::process::exit(ExitCode::Io as i32);
        let ledger = LedgerWriter::spawn(log, cores.len(), on_notice, on_broken)?;

        let shared = Arc::new(Shared {
            clock,
            board,
            counters,
            ledger: ledger.figures(),
            core_ports,
            partition_cores,
            wait_max: Duration::from_millis(options.busy_after_ms),
            operator_token,
            stopping: Arc::new(AtomicBool::new(false)),
            drained: AtomicUsize::new(0),
        });
        let mailboxes = mesh::connect(&bells);
        let parts = listeners.into_iter().zip(polls).zip(engines).zip(mailboxes).zip(notices_out);
        let mut threads = Vec::with_capacity(cores.len());
        for (core, ((((listeners, poll), engine), mailbox), notices)) in parts.enumerate() {
            let Listeners { shared: shared_listener, own: core_listener } = listeners;
            let parts = Parts {
                core,
                shared: Arc::clone(&shared),
                poll,
                bell: Arc::clone(&bells[core]),
                shared_listener,
                core_listener,
                engine,
                mailbox,
                ledger: LedgerPort { commits: ledger.commits(), notices },
            };
            let pin = (!options.no_pin).then_some(cores[core]);
            threads.push(spawn_core(Reactor::new(parts)?, core, pin)?);
        }
        let admin = admin_port.map(|port| {
            log::info!("admin on {}", port.address());
            port.serve(Watched {
                counters: shared.counters.clone(),
                ledger: ledger.figures(),
                redis,
                departures,
                partitions: shared.partition_cores.len() as u16,
                up_since: SystemTime::now(),
                stopping: Arc::clone(&shared.stopping),
            })
        });
        let admin = admin.transpose()?;
        Ok(Self { address, shared, bells, cores: threads, ledger, spare_worker, admin })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, finishes what was begun, syncs, and returns when every thread has ended.
    pub fn stop(self) {
        self.shared.stopping.store(true, Ordering::Release);
        for bell in &self.bells {
            // A core that cannot be woken looks up within a second by itself.
            let _ = bell.ring();
        }
        for core in self.cores {
            core.join().expect("a core that panics stops the whole process");
        }
        self.ledger.join();
        drop(self.spare_worker);
        // Last: until here it says that the server is stopping.
        if let Some(admin) = self.admin {
            admin.stop();
        }
    }
}

/// One thread per core. An error of one stops the whole process, as a panic does: its departures would be silent
/// otherwise, and everything acknowledged is in the ledger.
fn spawn_core(reactor: Reactor, core: usize, pin: Option<usize>) -> Result<JoinHandle<()>, StartError> {
    let run = move || {
        if let Some(processor) = pin
            && let Err(error) = pin_to_core(processor)
        {
            log::warn!("core {core}: cannot be pinned to processor {processor} ({error}); goes on unpinned");
        }
        if let Err(error) = reactor.run() {
            log::error!("core {core}: {error}; the server stops");
            std::process::exit(ExitCode::Software as i32);
        }
    };
    Ok(std::thread::Builder::new().name(format!("core-{core}")).spawn(run)?)
}

fn choose_cores(options: &ServeOptions) -> Result<Vec<usize>, StartError> {
    let available = available_cores()?;
    let wanted = options.cores.map_or(available.len().min(CORES_MAX), usize::from);
    if wanted > available.len() && !options.no_pin {
        return Err(StartError::Usage(format!(
            "--cores {wanted} is more than the {} processors that this process may use: ask for fewer, or add --no-pin",
            available.len()
        )));
    }
    Ok((0..wanted).map(|core| available[core % available.len()]).collect())
}

fn bind_admin(address: SocketAddr) -> Result<AdminPort, StartError> {
    AdminPort::bind(address).map_err(|error| StartError::Admin { address, error })
}

fn read_token(path: &Path) -> Result<String, StartError> {
    let fail = |reason: String| StartError::Token { path: path.to_owned(), reason };
    let token = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?.trim().to_owned();
    if token.is_empty() || token.len() > TOKEN_BYTES_MAX {
        return Err(fail(format!("a token has 1 to {TOKEN_BYTES_MAX} bytes, this one {}", token.len())));
    }
    Ok(token)
}

fn import(options: &ServeOptions) -> Result<Catalog, StartError> {
    let started = Instant::now();
    let catalog = Catalog::import(&ImportOptions {
        gtfs: options.gtfs.clone(),
        rules: options.rules.clone(),
        dates: options.dates,
        lenient: options.lenient,
    })?;
    for skipped in &catalog.report().skipped {
        log::warn!("skipped: {skipped}");
    }
    let (count, elapsed) = (catalog.len(), started.elapsed());
    log::info!("timetable: {count} departures in {:.1} s", elapsed.as_secs_f64());
    Ok(catalog)
}
