//! One real server as a child process, on a port of this host that was free and in a directory of its own.

use redis::{Client, Connection, RedisResult, Value};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

use super::{Found, on_each_server};

/// Ports are taken below those that Linux gives to outgoing connections: such a connection could sit on a port between
/// two lives of a server, or be made to itself by a client that tries while nobody listens.
const PORTS: std::ops::Range<u16> = 12_000..32_000;

/// Above what any answer takes on a busy host. It ends a test that would wait for ever.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a test asks of its server. By default it keeps everything in memory and lets anybody in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// Keeps an append-only file, synced "always", "everysec" or "no". Without it a restarted server is empty.
    pub(crate) appendfsync: Option<&'static str>,
    pub(crate) maxmemory: Option<u64>,
    pub(crate) maxmemory_policy: Option<&'static str>,
    pub(crate) requirepass: Option<&'static str>,
    /// Lines of an ACL file. The harness adds a user of its own to them, so `default` may be off.
    pub(crate) acl: Option<&'static str>,
    /// A second port speaks TLS, with a certificate that [`RedisServer::authority`] has signed.
    pub(crate) tls: bool,
    pub(crate) cluster: bool,
    pub(crate) replicaof: Option<SocketAddr>,
    /// Any other options, as on its command line.
    pub(crate) extra: Vec<String>,
}

/// A server. It is killed when it goes out of scope.
#[derive(Debug)]
pub(crate) struct RedisServer {
    found: Found,
    options: Options,
    directory: TempDir,
    ports: Ports,
    child: Child,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    plain: u16,
    /// 0 without TLS.
    tls: u16,
    /// 0 without cluster.
    bus: u16,
}

impl Ports {
    fn free(options: &Options) -> Self {
        let tls = if options.tls { free_port() } else { 0 };
        let bus = if options.cluster { free_port() } else { 0 };
        Self { plain: free_port(), tls, bus }
    }
}

impl RedisServer {
    /// Starts a server and waits until it takes commands.
    pub(crate) fn start(found: &Found, options: Options) -> Self {
        let directory = TempDir::new().unwrap();
        if let Some(acl) = options.acl {
            let ours = format!("user {HARNESS} on >{HARNESS} ~* &* +@all\n");
            fs::write(directory.path().join("users.acl"), format!("{acl}\n{ours}")).unwrap();
        }
        let (ports, child) = until_ports_are_free(|| {
            let ports = Ports::free(&options);
            Ok((ports, spawn(found, &options, directory.path(), ports)?))
        });
        Self { found: found.clone(), options, directory, ports, child }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.ports.plain))
    }

    /// As `--ledger` and the redis crate take it, with the password of `requirepass`.
    pub(crate) fn url(&self) -> String {
        let password = self.options.requirepass.map(|password| format!(":{password}@")).unwrap_or_default();
        format!("redis://{password}{}", self.address())
    }

    /// The same with TLS.
    pub(crate) fn tls_url(&self) -> String {
        assert!(self.options.tls, "this server was started without TLS");
        let password = self.options.requirepass.map(|password| format!(":{password}@")).unwrap_or_default();
        format!("rediss://{password}127.0.0.1:{}", self.ports.tls)
    }

    /// The certificate of the authority that vouches for `127.0.0.1` and `localhost`.
    pub(crate) fn authority() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/redis/certificates/authority.pem"))
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A connection that may do everything.
    pub(crate) fn connect(&self) -> Connection {
        let url = match self.options.acl {
            Some(_) => format!("redis://{HARNESS}:{HARNESS}@{}", self.address()),
            None => self.url(),
        };
        let opened = Client::open(url).and_then(|client| client.get_connection_with_timeout(PATIENCE));
        let connection = opened.unwrap_or_else(|error| panic!("{}: {error}", self.address()));
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        connection
    }

    /// Asks the server one thing on a connection of its own.
    pub(crate) fn try_command(&self, words: &[&str]) -> RedisResult<Value> {
        redis::cmd(words[0]).arg(&words[1..]).query(&mut self.connect())
    }

    /// Likewise.
    ///
    /// # Panics
    ///
    /// If it refuses.
    pub(crate) fn command(&self, words: &[&str]) -> Value {
        self.try_command(words).unwrap_or_else(|error| panic!("{} to {words:?}: {error}", self.address()))
    }

    /// Likewise, of an answer that is text or a number.
    pub(crate) fn text(&self, words: &[&str]) -> String {
        let value = self.command(words);
        redis::from_redis_value_ref(&value).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// SIGKILL. What it had written to its file is still there, synced or not: only its own buffers are lost.
    pub(crate) fn kill9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM: it closes its files in order.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        kill_process(self.pid(), Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }

    /// Starts it again on the same ports and in the same directory, if need be after killing it.
    pub(crate) fn restart(&mut self) {
        self.kill9();
        let spawned = || spawn(&self.found, &self.options, self.directory.path(), self.ports);
        self.child = until_ports_are_free(spawned);
    }

    /// SIGSTOP: its sockets stay open and it does nothing.
    pub(crate) fn freeze(&self) {
        kill_process(self.pid(), Signal::STOP).unwrap();
        // The signal is on its way until the process is seen to have stopped.
        let (_, status) = waitpid(Some(self.pid()), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped(), "{status:?}");
    }

    /// SIGCONT.
    pub(crate) fn thaw(&self) {
        kill_process(self.pid(), Signal::CONT).unwrap();
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The harness's user and its password, where a test gives users.
const HARNESS: &str = "harness";

/// Starts the program and waits for the line that says that it is ready; or what it said before it ended.
fn spawn(found: &Found, options: &Options, directory: &Path, ports: Ports) -> Result<Child, String> {
    let mut command = Command::new(&found.program);
    let mut set = |name: &str, value: &str| {
        command.args([&format!("--{name}"), value]);
    };
    set("bind", "127.0.0.1");
    set("port", &ports.plain.to_string());
    set("dir", directory.to_str().unwrap());
    set("save", "");
    set("enable-debug-command", "yes");
    // Replicas are asked for one at a time: waiting five seconds for more of them only costs time.
    set("repl-diskless-sync-delay", "0");
    if let Some(appendfsync) = options.appendfsync {
        set("appendonly", "yes");
        set("appendfsync", appendfsync);
    }
    if let Some(bytes) = options.maxmemory {
        set("maxmemory", &bytes.to_string());
    }
    if let Some(policy) = options.maxmemory_policy {
        set("maxmemory-policy", policy);
    }
    if let Some(password) = options.requirepass {
        set("requirepass", password);
        set("masterauth", password);
    }
    if options.acl.is_some() {
        set("aclfile", "users.acl");
    }
    if options.tls {
        let certificates = RedisServer::authority().parent().expect("a file lies in a folder");
        set("tls-port", &ports.tls.to_string());
        set("tls-ca-cert-file", RedisServer::authority().to_str().unwrap());
        set("tls-cert-file", certificates.join("server.pem").to_str().unwrap());
        set("tls-key-file", certificates.join("server.key").to_str().unwrap());
        set("tls-auth-clients", "no");
    }
    if options.cluster {
        set("cluster-enabled", "yes");
        set("cluster-port", &ports.bus.to_string());
    }
    if let Some(primary) = options.replicaof {
        command.args(["--replicaof", "127.0.0.1", &primary.port().to_string()]);
    }
    command.args(&options.extra).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", found.program.display()));
    let mut said = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.by_ref().map_while(Result::ok) {
        if line.contains("Ready to accept connections") {
            let name = format!("port {}", ports.plain);
            std::thread::spawn(move || {
                lines.map_while(Result::ok).for_each(|line| eprintln!("{name}: {line}"));
            });
            return Ok(child);
        }
        said.push_str(&line);
        said.push('\n');
    }
    child.wait().unwrap();
    Err(said)
}

/// Does again what fails because somebody took a port in between.
fn until_ports_are_free<T>(mut start: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match start() {
            Ok(started) => return started,
            Err(said) if said.contains("Address already in use") && Instant::now() < deadline => {}
            Err(said) => panic!("the server ended at its start, and said:\n{said}"),
        }
    }
}

fn free_port() -> u16 {
    loop {
        let drawn = RandomState::new().hash_one(()) % PORTS.len() as u64;
        let port = PORTS.start + drawn as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

on_each_server!(a_taken_port_is_tried_again);

fn a_taken_port_is_tried_again(found: &Found) {
    let (options, directory) = (Options::default(), TempDir::new().unwrap());
    let ports = Ports::free(&options);
    let mut taken = Some(TcpListener::bind(("127.0.0.1", ports.plain)).unwrap());
    let mut faults = 0;
    let mut child = until_ports_are_free(|| {
        let spawned = spawn(found, &options, directory.path(), ports);
        faults += usize::from(spawned.is_err());
        taken = None;
        spawned
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((faults, taken.is_none()), (1, true));
}
