//! The server as a child process: started, killed in the middle of the sale, started again, stopped in the end.

use super::{DemoError, DemoOptions};
use crossbeam_channel::{Receiver, bounded};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child as Process, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The server says that it is ready within this time.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// What the log says when clients can connect, before the address.
const READY: &str = "ready on ";

pub(super) struct Child {
    /// Shared with whoever kills it when the demo is interrupted.
    process: Arc<Mutex<Process>>,
    command: Box<dyn Fn(SocketAddr) -> Command>,
    log: PathBuf,
    address: SocketAddr,
    ready: Receiver<SocketAddr>,
    /// When the last kill was, until the next ready.
    killed_at: Option<Instant>,
    recoveries: Vec<Duration>,
}

impl Child {
    /// Starts the server on a free port and waits until it is ready.
    pub(super) fn start(log: &Path, ledger: &Path, options: &DemoOptions) -> Result<Self, DemoError> {
        let program = std::env::current_exe()?;
        let (ledger, gtfs, rules) = (format!("file:{}", ledger.display()), options.gtfs(), options.rules());
        let dates = options.dates().to_string();
        let command = Box::new(move |address: SocketAddr| {
            let mut command = Command::new(&program);
            command.args([
                "serve",
                "--listen",
                &address.to_string(),
                "--core-ports",
                "0",
                "--ledger",
                &ledger,
            ]);
            command.arg("--gtfs").arg(&gtfs).arg("--rules").arg(&rules).args([
                "--dates",
                &dates,
                "--lenient",
            ]);
            // The settings of a server that runs here are not the demo's.
            let ours = |(name, _): &(OsString, OsString)| name.to_string_lossy().starts_with("SEATHOLD_");
            std::env::vars_os().filter(ours).for_each(|(name, _)| {
                command.env_remove(name);
            });
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
            command
        });
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let (process, ready) = spawn(&*command, any_port, log)?;
        let (log, process) = (log.to_owned(), Arc::new(Mutex::new(process)));
        let mut child =
            Self { process, command, log, address: any_port, ready, killed_at: None, recoveries: Vec::new() };
        child.address = child.wait_until_ready()?;
        Ok(child)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server's process, whichever it is at the time.
    pub(super) fn process(&self) -> Arc<Mutex<Process>> {
        Arc::clone(&self.process)
    }

    /// SIGKILL, and a new server on the same ledger and port. Returns at once; the new one is still starting.
    pub(super) fn crash(&mut self) -> Result<(), DemoError> {
        if self.killed_at.is_some() {
            self.wait_until_ready()?;
        }
        let mut process = lock(&self.process);
        process.kill()?;
        process.wait()?;
        self.killed_at = Some(Instant::now());
        (*process, self.ready) = spawn(&*self.command, self.address, &self.log)?;
        Ok(())
    }

    /// Notes a server that has become ready since the last crash.
    pub(super) fn look(&mut self) {
        if let (Some(killed_at), Ok(_)) = (self.killed_at, self.ready.try_recv()) {
            self.recoveries.push(killed_at.elapsed());
            self.killed_at = None;
        }
    }

    /// SIGTERM: the server finishes what was begun and ends with 0.
    pub(super) fn stop(&mut self) -> Result<(), DemoError> {
        if self.killed_at.is_some() {
            self.wait_until_ready()?;
        }
        let mut process = lock(&self.process);
        kill_process(Pid::from_child(&process), Signal::TERM).map_err(std::io::Error::from)?;
        let status = process.wait()?;
        drop(process);
        if status.success() {
            Ok(())
        } else {
            Err(self.failed(format!("ended with {status} when it was told to stop")))
        }
    }

    /// How long each crash took, from the kill to the next ready.
    pub(super) fn recoveries(&self) -> &[Duration] {
        &self.recoveries
    }

    fn wait_until_ready(&mut self) -> Result<SocketAddr, DemoError> {
        let ready = self.ready.recv_timeout(START_TIMEOUT);
        let address = ready.map_err(|_| self.failed("did not become ready".to_owned()))?;
        if let Some(killed_at) = self.killed_at.take() {
            self.recoveries.push(killed_at.elapsed());
        }
        Ok(address)
    }

    fn failed(&self, what: String) -> DemoError {
        DemoError::Server { what, log: self.log.clone() }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let mut process = lock(&self.process);
        // It may have ended already.
        let _ = process.kill();
        let _ = process.wait();
    }
}

fn lock(process: &Mutex<Process>) -> MutexGuard<'_, Process> {
    process.lock().expect("nobody panics with the server locked")
}

fn spawn(
    command: &dyn Fn(SocketAddr) -> Command,
    address: SocketAddr,
    log: &Path,
) -> Result<(Process, Receiver<SocketAddr>), DemoError> {
    let mut process = command(address).spawn()?;
    let lines = BufReader::new(process.stderr.take().expect("stderr is piped"));
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    let (ready_in, ready_out) = bounded(1);
    std::thread::Builder::new().name("server-log".to_owned()).spawn(move || follow(lines, log, &ready_in))?;
    Ok((process, ready_out))
}

/// Copies the server's log to a file and picks out the line that says that it is ready.
fn follow(lines: impl BufRead, mut log: File, ready: &crossbeam_channel::Sender<SocketAddr>) {
    for line in lines.lines().map_while(Result::ok) {
        // A log that cannot be kept is missed only by whoever looks for the reason of a failure.
        let _ = writeln!(log, "{line}");
        let address = line.split(READY).nth(1).map(|rest| rest.trim_end_matches('"'));
        if let Some(address) = address.and_then(|address| address.parse().ok()) {
            let _ = ready.try_send(address);
        }
    }
}
