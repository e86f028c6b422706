//! The server as a process: started, paused, killed, started again on the same ledger and port.

use crate::timetable::{DATE, feed};
use crate::{ChaosError, PATIENCE, until};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use seathold::ledger::LedgerUrl;
use seathold::ledger::redis::RedisUrl;
use seathold_client::{Builder, Client};
use std::ffi::OsString;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Below the ports that Linux gives to outgoing connections: such a connection could take a port between two lives of a
/// server, or be made to itself by a client that tries while nobody listens.
const PORTS: std::ops::Range<u16> = 12_000..32_000;

/// How a server is started.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The `seathold` to run.
    pub program: PathBuf,
    /// Where its ledger is, as the server sees it; without a password.
    pub ledger: LedgerUrl,
    /// What runs the server in its place, and keeps its process id: strace, unshare; nothing as a rule.
    pub through: Vec<OsString>,
}

/// A server.
pub struct Server {
    setup: Setup,
    address: SocketAddr,
    life: Life,
}

/// One process.
struct Life {
    child: Child,
    /// Says when it is ready, and hangs up when it has ended.
    ready: Receiver<()>,
    said: Arc<Mutex<String>>,
}

impl Setup {
    /// A server run by nothing else, with its ledger in this directory.
    pub fn new(program: &Path, ledger: &Path) -> Self {
        Self::on(program, LedgerUrl::File(ledger.to_owned()))
    }

    /// Likewise, with its ledger in a Redis.
    pub fn in_redis(program: &Path, ledger: RedisUrl) -> Self {
        Self::on(program, LedgerUrl::Redis(ledger))
    }

    fn on(program: &Path, ledger: LedgerUrl) -> Self {
        Self { program: program.to_owned(), ledger, through: Vec::new() }
    }

    /// The ledger's directory.
    ///
    /// # Panics
    ///
    /// If the ledger is in none: whoever damages files has made them.
    pub fn directory(&self) -> &Path {
        let LedgerUrl::File(directory) = &self.ledger else { panic!("{} is no directory", self.ledger) };
        directory
    }

    fn spawn(&self, address: SocketAddr) -> Result<Life, ChaosError> {
        let mut words = self.through.iter().map(OsString::as_os_str).chain([self.program.as_os_str()]);
        let first = words.next().expect("there is the program at least");
        let (lines, log) = std::io::pipe()?;
        let mut command = Command::new(first);
        command.args(words).args(["serve", "--no-pin", "--cores", "2", "--core-ports", "0", "--dates", DATE]);
        command.args(["--listen", &address.to_string(), "--gtfs"]).arg(feed());
        command.arg("--rules").arg(feed().join("rules.toml"));
        command.args(["--ledger", &self.ledger.to_string()]);
        // The settings of a server that runs here are not this one's.
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SEATHOLD_"))
        {
            command.env_remove(name);
        }
        // A panic's backtrace takes memory. Where there is none, the standard library waits for a lock that it has itself.
        command.env_remove("RUST_BACKTRACE");
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let started = command.spawn();
        // It holds the pipe's other end open.
        drop(command);
        let program = first.into();
        let child = started.map_err(|error| ChaosError::Program { program, error })?;
        let (says, ready) = unbounded();
        let said = Arc::new(Mutex::new(String::new()));
        let copy = Arc::clone(&said);
        let follow = move || follow(BufReader::new(lines), &copy, &says);
        std::thread::Builder::new().name("server-log".to_owned()).spawn(follow)?;
        Ok(Life { child, ready, said })
    }
}

/// Keeps what a server says, and picks out that it is ready.
fn follow(lines: impl BufRead, said: &Mutex<String>, says: &Sender<()>) {
    for line in lines.lines().map_while(Result::ok) {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.push_str(&line);
        said.push('\n');
        if line.contains("ready on ") {
            // Whoever does not wait any more does not want to know.
            let _ = says.send(());
        }
    }
}

impl Server {
    /// Starts a server and waits until it is ready.
    pub fn start(setup: Setup) -> Result<Self, ChaosError> {
        let mut server = Self::begin(setup)?;
        server.wait_until_ready()?;
        Ok(server)
    }

    /// Starts a server, which is not ready yet.
    pub fn begin(setup: Setup) -> Result<Self, ChaosError> {
        let address = free_port();
        let life = setup.spawn(address)?;
        Ok(Self { setup, address, life })
    }

    /// Starts it again on its ledger and port, after it has ended.
    pub fn begin_again(&mut self) -> Result<(), ChaosError> {
        self.life = self.setup.spawn(self.address)?;
        Ok(())
    }

    /// Likewise, and waits until it is ready.
    pub fn start_again(&mut self) -> Result<(), ChaosError> {
        self.begin_again()?;
        self.wait_until_ready()
    }

    /// Likewise, but run as `setup` says.
    pub fn start_again_as(&mut self, setup: Setup) -> Result<(), ChaosError> {
        self.begin_again_as(setup)?;
        self.wait_until_ready()
    }

    /// Starts it again as `setup` says, after it has ended.
    pub fn begin_again_as(&mut self, setup: Setup) -> Result<(), ChaosError> {
        self.setup = setup;
        self.begin_again()
    }

    /// Waits until clients can connect.
    pub fn wait_until_ready(&mut self) -> Result<(), ChaosError> {
        match self.life.ready.recv_timeout(PATIENCE) {
            Ok(()) => Ok(()),
            Err(RecvTimeoutError::Timeout) => Err(self.late("being ready")),
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.life.child.wait()?;
                Err(ChaosError::NotStarted { status, said: self.said() })
            }
        }
    }

    /// SIGKILL. Returns how it ended, which may have been before.
    pub fn kill(&mut self) -> Result<ExitStatus, ChaosError> {
        self.life.child.kill()?;
        Ok(self.life.child.wait()?)
    }

    /// SIGTERM: it finishes what was begun. Returns how it ended.
    pub fn terminate(&mut self) -> Result<ExitStatus, ChaosError> {
        self.signal(Signal::TERM)?;
        self.ended()
    }

    /// Waits until it has ended by itself.
    pub fn ended(&mut self) -> Result<ExitStatus, ChaosError> {
        match until("the server's end", || self.life.child.try_wait().transpose()) {
            Ok(status) => Ok(status?),
            Err(_) => Err(self.late("the server's end")),
        }
    }

    /// How it has ended, if it has.
    pub fn has_ended(&mut self) -> Result<Option<ExitStatus>, ChaosError> {
        Ok(self.life.child.try_wait()?)
    }

    /// SIGSTOP, and waits until no thread of it runs.
    pub fn pause(&self) -> Result<(), ChaosError> {
        self.signal(Signal::STOP)?;
        until("the pause", || self.is_paused().then_some(()))
    }

    /// SIGCONT.
    pub fn go_on(&self) -> Result<(), ChaosError> {
        self.signal(Signal::CONT)?;
        until("the end of the pause", || (!self.is_paused()).then_some(()))
    }

    /// Whether all its threads are stopped.
    fn is_paused(&self) -> bool {
        let Ok(threads) = std::fs::read_dir(self.proc("task")) else { return false };
        let state = |thread: std::io::Result<std::fs::DirEntry>| {
            let text = std::fs::read_to_string(thread.ok()?.path().join("stat")).ok()?;
            text.rsplit(") ").next()?.chars().next()
        };
        threads.map(state).all(|state| state == Some('T'))
    }

    fn signal(&self, signal: Signal) -> Result<(), ChaosError> {
        Ok(kill_process(self.pid(), signal).map_err(std::io::Error::from)?)
    }

    /// Sets how many descriptors it may have; `None` is as many as at its start. The hard limit stays: only root may raise it
    /// again.
    pub fn limit_descriptors(&self, limit: Option<u64>) -> Result<(), ChaosError> {
        // The server has it from this process.
        let maximum = getrlimit(Resource::Nofile).maximum;
        let limits = Rlimit { current: limit.or(maximum), maximum };
        prlimit(Some(self.pid()), Resource::Nofile, limits).map_err(std::io::Error::from)?;
        Ok(())
    }

    /// Descriptors that it has.
    pub fn descriptors(&self) -> Result<u64, ChaosError> {
        Ok(std::fs::read_dir(self.proc("fd"))?.count() as u64)
    }

    /// Lets it have so many bytes of memory more than it has now (RLIMIT_DATA: heap and private mappings). Only its next life has as much
    /// as it likes again.
    pub fn limit_memory(&self, more_bytes: u64) -> Result<(), ChaosError> {
        let limit = Some(self.memory_bytes("VmData")? + more_bytes);
        let limits = Rlimit { current: limit, maximum: limit };
        prlimit(Some(self.pid()), Resource::Data, limits).map_err(std::io::Error::from)?;
        Ok(())
    }

    /// A figure of its memory by the name that proc_pid_status(5) gives it: VmData, VmRSS.
    pub fn memory_bytes(&self, name: &str) -> Result<u64, ChaosError> {
        let status = std::fs::read_to_string(self.proc("status"))?;
        let figure = |line: &str| {
            let kib = line.strip_prefix(name)?.strip_prefix(':')?.trim().strip_suffix(" kB")?;
            Some(kib.parse::<u64>().ok()? << 10)
        };
        let found = status.lines().find_map(figure);
        Ok(found.ok_or_else(|| std::io::Error::other(format!("{name} is not in {status}")))?)
    }

    /// A file of its directory in /proc.
    pub fn proc(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.life.child.id().to_string()).join(file)
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its ledger's directory; see [`Setup::directory`].
    pub fn ledger(&self) -> &Path {
        self.setup.directory()
    }

    /// How it is started.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// What its present life has said so far.
    pub fn said(&self) -> String {
        self.life.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A patient client.
    pub fn client(&self) -> Result<Client, ChaosError> {
        Ok(self.client_builder().build()?)
    }

    /// A patient client of a server that may be down yet.
    pub(crate) fn early_client(&self) -> Result<Client, ChaosError> {
        Ok(self.client_builder().build_unconnected()?)
    }

    fn client_builder(&self) -> Builder {
        let builder = Client::builder(&format!("seathold://{}", self.address)).client_name("chaos");
        let backoff = (Duration::from_millis(5), Duration::from_millis(50));
        builder.timeout(PATIENCE).backoff(backoff.0, backoff.1)
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.life.child)
    }

    fn late(&self, what: &str) -> ChaosError {
        ChaosError::Late { what: what.to_owned(), said: self.said() }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> SocketAddr {
    loop {
        let port = PORTS.start + (RandomState::new().hash_one(()) % PORTS.len() as u64) as u16;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
