//! A server's process: its ports, its command line, and the wait until it is ready.

use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;

use super::sentinel::MASTER;
use super::{Found, Options, PATIENCE, RedisServer, on_each_server};

/// Ports are taken below those that Linux gives to outgoing connections: such a connection could sit on a port between
/// two lives of a server, or be made to itself by a client that tries while nobody listens.
const PORTS: std::ops::Range<u16> = 12_000..32_000;

#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    pub(super) plain: u16,
    /// 0 without TLS.
    pub(super) tls: u16,
    /// 0 without cluster.
    pub(super) bus: u16,
}

impl Ports {
    pub(super) fn free(options: &Options) -> Self {
        let tls = if options.tls { free_port() } else { 0 };
        let bus = if options.cluster { free_port() } else { 0 };
        Self { plain: free_port(), tls, bus }
    }
}

/// Times are as short as they can be on a busy host: a fail-over takes two seconds.
pub(super) fn sentinel_configuration(primary: SocketAddr) -> String {
    format!(
        "sentinel monitor {MASTER} 127.0.0.1 {} 1\n\
         sentinel down-after-milliseconds {MASTER} 1000\n\
         sentinel failover-timeout {MASTER} 3000\n",
        primary.port()
    )
}

/// Starts the program and waits for the line that says that it is ready; or what it said before it ended.
pub(super) fn spawn(
    found: &Found,
    options: &Options,
    directory: &Path,
    ports: Ports,
) -> Result<Child, String> {
    let mut command = Command::new(&found.program);
    let ready = if options.sentinel_of.is_some() {
        command.arg(directory.join("sentinel.conf")).arg("--sentinel");
        "+monitor master"
    } else {
        "Ready to accept connections"
    };
    let mut set = |name: &str, value: &str| {
        command.args([&format!("--{name}"), value]);
    };
    set("bind", "127.0.0.1");
    set("port", &ports.plain.to_string());
    set("dir", directory.to_str().unwrap());
    if options.sentinel_of.is_none() {
        set("save", "");
        set("enable-debug-command", "yes");
        // Replicas are asked for one at a time: waiting five seconds for more of them only costs time.
        set("repl-diskless-sync-delay", "0");
    }
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
        // How long a node is waited for before it counts as failed.
        set("cluster-node-timeout", "1000");
    }
    if let Some(primary) = options.replicaof {
        command.args(["--replicaof", "127.0.0.1", &primary.port().to_string()]);
    }
    command.args(&options.extra).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", found.program.display()));
    let mut said = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.by_ref().map_while(Result::ok) {
        if line.contains(ready) {
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
pub(super) fn until_ports_are_free<T>(mut start: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match start() {
            Ok(started) => return started,
            Err(said) if said.contains("Address already in use") && Instant::now() < deadline => {}
            Err(said) => panic!("the server ended at its start, and said:\n{said}"),
        }
    }
}

pub(super) fn free_port() -> u16 {
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
