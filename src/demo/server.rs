//! The server as a child process: reached over its socket only, like any other.

use super::child::{Child, Role};
use super::interrupt::Interrupt;
use super::ledger::Ledger;
use super::{DemoError, DemoOptions};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

pub(super) struct Server {
    child: Child,
    command: Box<dyn Fn(SocketAddr) -> Command>,
    address: SocketAddr,
    /// When the last kill was, until its recovery is noted.
    killed_at: Option<Instant>,
    recoveries: Vec<Duration>,
}

impl Server {
    /// Starts the server on a free port and waits until it is ready.
    pub(super) fn start(
        directory: &Path,
        ledger: &Ledger,
        options: &DemoOptions,
        interrupt: &Interrupt,
    ) -> Result<Self, DemoError> {
        let program = std::env::current_exe()?;
        let (gtfs, rules, dates) = (options.gtfs(), options.rules(), options.dates().to_string());
        let ledger = ledger.arguments();
        let command = Box::new(move |address: SocketAddr| {
            let mut command = Command::new(&program);
            command.args(["serve", "--listen", &address.to_string(), "--core-ports", "0"]).args(&ledger);
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
            command
        });
        let role = Role { name: "the server", sign: "ready on ", log: directory.join("server.log") };
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut child = Child::start(role, command(any_port), interrupt)?;
        let told = child.wait_until_ready()?.rest.trim_end_matches('"').parse();
        let address = told.expect("the server says its address behind the sign");
        Ok(Self { child, command, address, killed_at: None, recoveries: Vec::new() })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until clients can connect, if they cannot, and notes how long that took.
    pub(super) fn wait_until_ready(&mut self) -> Result<(), DemoError> {
        let ready_at = self.child.wait_until_ready()?.at;
        self.recoveries.extend(self.killed_at.take().map(|killed_at| ready_at - killed_at));
        Ok(())
    }

    /// SIGKILL, and a new server on the same ledger and port. Returns at once; the new one is still starting.
    pub(super) fn crash(&mut self) -> Result<(), DemoError> {
        self.wait_until_ready()?;
        self.killed_at = Some(self.child.crash((self.command)(self.address))?);
        Ok(())
    }

    /// SIGTERM: the server finishes what was begun and ends with 0.
    pub(super) fn stop(&mut self) -> Result<(), DemoError> {
        self.wait_until_ready()?;
        self.child.stop()
    }

    /// How long each crash took, from the kill to the next ready.
    pub(super) fn recoveries(&self) -> &[Duration] {
        &self.recoveries
    }
}
