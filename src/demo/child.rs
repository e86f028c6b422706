//! A process that the demo runs: started, killed in the middle of the sale, started again, and gone when the demo ends.

use super::DemoError;
use super::interrupt::Interrupt;
use crossbeam_channel::{Receiver, Sender, bounded};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child as Process, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// A child says that it is ready within this time.
const START_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) struct Child {
    role: Role,
    /// Shared with whoever kills it when the demo is interrupted.
    process: Arc<Mutex<Process>>,
    says: Receiver<Ready>,
    ready: Option<Ready>,
}

/// What a child is to the demo.
#[derive(Clone)]
pub(super) struct Role {
    /// As messages call it.
    pub(super) name: &'static str,
    /// What stands in the line of its log that says that it is ready.
    pub(super) sign: &'static str,
    pub(super) log: PathBuf,
}

/// A child has said that it is ready.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    pub(super) at: Instant,
    /// The rest of that line, behind the sign.
    pub(super) rest: String,
}

impl Child {
    /// Starts it; it is not ready yet.
    pub(super) fn start(role: Role, command: Command, interrupt: &Interrupt) -> Result<Self, DemoError> {
        // From here to the push no signal ends the demo, so none leaves the child behind.
        let mut children = interrupt.children();
        let (process, says) = spawn(&role, command)?;
        let process = Arc::new(Mutex::new(process));
        children.push(Arc::clone(&process));
        drop(children);
        Ok(Self { role, process, says, ready: None })
    }

    /// Waits until it is ready, if it is not.
    pub(super) fn wait_until_ready(&mut self) -> Result<&Ready, DemoError> {
        if self.ready.is_none() {
            let ready = self.says.recv_timeout(START_TIMEOUT);
            self.ready = Some(ready.map_err(|_| self.failed("did not become ready".to_owned()))?);
        }
        Ok(self.ready.as_ref().expect("waited for above"))
    }

    /// SIGKILL, and `command` in its place, which is not ready yet. Returns when the old one was gone.
    pub(super) fn crash(&mut self, command: Command) -> Result<Instant, DemoError> {
        let mut process = lock(&self.process);
        process.kill()?;
        process.wait()?;
        let killed_at = Instant::now();
        (*process, self.says) = spawn(&self.role, command)?;
        self.ready = None;
        Ok(killed_at)
    }

    /// SIGTERM: it finishes what was begun and ends with 0.
    pub(super) fn stop(&mut self) -> Result<(), DemoError> {
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

    fn failed(&self, what: String) -> DemoError {
        DemoError::Child { name: self.role.name, what, log: self.role.log.clone() }
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
    process.lock().expect("nobody panics with a child locked")
}

fn spawn(role: &Role, mut command: Command) -> Result<(Process, Receiver<Ready>), DemoError> {
    let log = OpenOptions::new().create(true).append(true).open(&role.log)?;
    let (lines, output) = std::io::pipe()?;
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let process = command.spawn()?;
    let (says, heard) = bounded(1);
    let sign = role.sign;
    let follow = move || follow(BufReader::new(lines), log, sign, &says);
    std::thread::Builder::new().name("child-log".to_owned()).spawn(follow)?;
    Ok((process, heard))
}

/// Copies what a child says to a file and picks out the line that says that it is ready.
fn follow(lines: impl BufRead, mut log: File, sign: &str, says: &Sender<Ready>) {
    for line in lines.lines().map_while(Result::ok) {
        // A log that cannot be kept is missed only by whoever looks for the reason of a failure.
        let _ = writeln!(log, "{line}");
        if let Some((_, rest)) = line.split_once(sign) {
            let _ = says.try_send(Ready { at: Instant::now(), rest: rest.to_owned() });
        }
    }
}
