//! A Redis of the demo's own: nobody else's data is near, and it is killed and started again like the server.

use super::DemoError;
use super::child::{Child, Role};
use super::interrupt::Interrupt;
use crate::ledger::redis::RedisUrl;
use std::io;
use std::net::TcpListener;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What is looked for on PATH, in this order.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

/// Below the ports that Linux gives to outgoing connections: one of those could sit on the port between two lives of
/// Redis, and a client that tries while nobody listens could be connected to itself.
const PORTS: Range<u16> = 12_000..32_000;

pub(super) struct Redis {
    child: Child,
    command: Box<dyn Fn() -> Command>,
    port: u16,
}

impl Redis {
    /// Starts `program` on a free port with its files in `directory`, and waits until it is ready.
    pub(super) fn start(program: &Path, directory: &Path, interrupt: &Interrupt) -> Result<Self, DemoError> {
        let (program, files) = (program.to_owned(), directory.join("redis"));
        std::fs::create_dir(&files)?;
        let port = free_port()?;
        let command = Box::new(move || {
            let mut command = Command::new(&program);
            command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]).arg("--dir").arg(&files);
            command.args(["--appendonly", "yes", "--appendfsync", "always", "--save", ""]);
            command.args(["--maxmemory-policy", "noeviction"]);
            command
        });
        let role =
            Role { name: "Redis", sign: "Ready to accept connections", log: directory.join("redis.log") };
        let child = Child::start(role, command(), interrupt)?;
        let mut redis = Self { child, command, port };
        redis.wait_until_ready()?;
        Ok(redis)
    }

    pub(super) fn url(&self) -> RedisUrl {
        format!("redis://127.0.0.1:{}", self.port).parse().expect("host and port make a URL")
    }

    /// Waits until it takes connections, if it does not.
    pub(super) fn wait_until_ready(&mut self) -> Result<(), DemoError> {
        self.child.wait_until_ready().map(drop)
    }

    /// SIGKILL, and a new one on the same port and files. Returns when it was killed; the new one is still starting.
    pub(super) fn crash(&mut self) -> Result<Instant, DemoError> {
        self.wait_until_ready()?;
        self.child.crash((self.command)())
    }
}

/// The server to start: the one that was named, else the first on PATH.
pub(super) fn find_program(named: Option<&Path>) -> Result<PathBuf, DemoError> {
    if let Some(path) = named {
        let fail = |error| DemoError::RedisServer { path: path.to_owned(), error };
        return runs(path).map(|()| path.to_owned()).map_err(fail);
    }
    let found = PROGRAMS.iter().map(PathBuf::from).find(|program| runs(program).is_ok());
    found.ok_or(DemoError::NoRedisServer)
}

fn runs(program: &Path) -> io::Result<()> {
    let mut asked = Command::new(program);
    let status =
        asked.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("with --version it ended with {status}")))
    }
}

/// A port that nobody listens on. Demos that start together begin to look at ports of their own.
fn free_port() -> io::Result<u16> {
    let first = std::process::id() as u16 % PORTS.len() as u16;
    let mut ports = (0..PORTS.len() as u16).map(|step| PORTS.start + (first + step) % PORTS.len() as u16);
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.find(free).ok_or_else(|| io::Error::other(format!("no port of {PORTS:?} is free for Redis")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_named_must_run() {
        assert_eq!(find_program(Some(Path::new("true"))).unwrap(), Path::new("true"));
        let said = |program: &str| find_program(Some(Path::new(program))).unwrap_err().to_string();
        assert!(
            said("/nowhere/redis-server").starts_with("/nowhere/redis-server (--redis-server) cannot be run")
        );
        assert!(said("false").contains("exit status: 1"), "{}", said("false"));
    }

    #[test]
    fn a_port_is_free_and_none_of_outgoing_connections() {
        let port = free_port().unwrap();
        assert!(PORTS.contains(&port));
        let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
        assert_ne!(free_port().unwrap(), port);
        drop(taken);
    }
}
