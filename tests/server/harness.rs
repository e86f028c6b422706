//! The real server as a child process on the repository's own feed, for the end-to-end tests.

use seathold::audit::{Audit, Report};
use seathold::ledger::file::{Directory, FileReader};
use seathold_client::Client;
use seathold_protocol::frame::{self, HEADER_BYTES};
use seathold_protocol::limits::REPLY_BYTES_MAX;
use seathold_protocol::reply::{Resolved, Welcome};
use seathold_protocol::request::{Hello, Request, VERSION};
use seathold_protocol::status::Status;
use seathold_protocol::{Day, reply};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The service date that the tests sell, and it as days since 1970.
pub(crate) const DATE: &str = "2027-03-15";
pub(crate) const DAY: Day = Day(20_892);

/// A server and its directory.
pub(crate) struct TestServer {
    directory: TempDir,
    /// Its `--ledger`.
    url: String,
    extra: Vec<String>,
    child: Child,
    address: SocketAddr,
    /// What it said before it was ready.
    said: String,
}

impl TestServer {
    /// Starts a server with two unpinned cores and a file ledger in a fresh directory.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Likewise, with more options.
    pub(crate) fn start_with(extra: &[&str]) -> Self {
        let directory = TempDir::new().unwrap();
        let url = file_ledger(directory.path());
        Self::start_in(directory, url, extra)
    }

    /// Likewise, on another ledger than one in its directory.
    pub(crate) fn start_on(ledger: &str, extra: &[&str]) -> Self {
        Self::start_in(TempDir::new().unwrap(), ledger.to_owned(), extra)
    }

    fn start_in(directory: TempDir, url: String, extra: &[&str]) -> Self {
        let extra: Vec<String> = extra.iter().map(|option| (*option).to_owned()).collect();
        let (child, address, said) = spawn(&url, any_port(), &extra).unwrap();
        Self { directory, url, extra, child, address, said }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where `--admin` listens.
    pub(crate) fn admin(&self) -> SocketAddr {
        let line = self.said.lines().find_map(|line| line.split("admin on ").nth(1)).unwrap();
        line.trim_end_matches('"').parse().unwrap()
    }

    /// What it said before it was ready.
    pub(crate) fn said(&self) -> &str {
        &self.said
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.directory.path().join("ledger")
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same ledger and port.
    pub(crate) fn start_again(&mut self) {
        (self.child, self.address, self.said) = spawn(&self.url, self.address, &self.extra).unwrap();
    }

    /// Tries to start another server on the same ledger: how it ended and what it said.
    pub(crate) fn start_another(&self) -> (ExitStatus, String) {
        spawn(&self.url, any_port(), &self.extra).map(|_| ()).unwrap_err()
    }

    /// Tries to start a server with more options: how it ended and what it said.
    pub(crate) fn fail_to_start(extra: &[&str]) -> (ExitStatus, String) {
        let directory = TempDir::new().unwrap();
        Self::fail_to_start_on(&file_ledger(directory.path()), extra)
    }

    /// Likewise, on another ledger.
    pub(crate) fn fail_to_start_on(ledger: &str, extra: &[&str]) -> (ExitStatus, String) {
        let extra: Vec<String> = extra.iter().map(|option| (*option).to_owned()).collect();
        spawn(ledger, any_port(), &extra).map(|_| ()).unwrap_err()
    }

    /// SIGTERM: how it ended.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }

    pub(crate) fn client(&self) -> Client {
        let url = format!("seathold://{}", self.address);
        Client::builder(&url).client_name("test").timeout(Duration::from_secs(20)).build().unwrap()
    }

    /// The audit of the ledger as it is on disk.
    pub(crate) fn audit(&self) -> (Audit, Report) {
        audit(&self.ledger())
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn audit(ledger: &Path) -> (Audit, Report) {
    let mut reader = FileReader::open(Directory::read_only(ledger).unwrap()).unwrap();
    let mut audit = Audit::new(reader.partitions(), reader.is_trimmed());
    let follow = |batch: seathold_protocol::batch::BatchView<'_>| {
        audit.follow(&batch);
        Ok(())
    };
    reader.for_each(follow).unwrap();
    let report = audit.finish();
    (audit, report)
}

fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn file_ledger(directory: &Path) -> String {
    format!("file:{}", directory.join("ledger").display())
}

/// Starts the binary and waits for the line that says that it is ready; or how it ended and what it said.
fn spawn(
    ledger: &str,
    listen: SocketAddr,
    extra: &[String],
) -> Result<(Child, SocketAddr, String), (ExitStatus, String)> {
    let feed = Path::new(env!("CARGO_MANIFEST_DIR")).join("feeds/sample");
    let has_rules = extra.iter().any(|option| option == "--rules");
    let rules = (!has_rules).then(|| feed.join("rules.toml"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_seathold"))
        .args(["serve", "--no-pin", "--cores", "2", "--core-ports", "0", "--dates", DATE])
        .args(["--listen", &listen.to_string()])
        .args(["--ledger", ledger])
        .arg("--gtfs")
        .arg(&feed)
        .args(rules.iter().flat_map(|rules| [OsStr::new("--rules"), rules.as_os_str()]))
        .args(extra)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    for line in lines.by_ref().map_while(Result::ok) {
        if let Some(address) = line.split("ready on ").nth(1) {
            let address = address.trim_end_matches('"').parse().unwrap();
            std::thread::spawn(move || {
                lines.map_while(Result::ok).for_each(|line| eprintln!("server: {line}"))
            });
            return Ok((child, address, said));
        }
        said.push_str(&line);
        said.push('\n');
    }
    Err((child.wait().unwrap(), said))
}

/// A connection that speaks frames, or anything else.
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
}

impl Wire {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self { stream }
    }

    /// Connects and says HELLO.
    pub(crate) fn open(address: SocketAddr) -> (Self, Welcome) {
        let mut wire = Self::connect(address);
        let hello = Hello { version_min: 1, version_max: VERSION, client: "wire", token: "" };
        match wire.ask(&Request::Hello(hello), 0) {
            Ok(Answered::Welcome(welcome)) => (wire, welcome),
            other => panic!("HELLO was answered {other:?}"),
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub(crate) fn ask(&mut self, request: &Request<'_>, correlation: u64) -> Result<Answered, Closed> {
        let mut bytes = Vec::new();
        request.encode(correlation, &mut bytes);
        self.send(&bytes);
        self.receive().map(|(_, answered)| answered)
    }

    /// The next reply and its correlation.
    pub(crate) fn receive(&mut self) -> Result<(u64, Answered), Closed> {
        let mut bytes = vec![0; HEADER_BYTES];
        self.stream.read_exact(&mut bytes).map_err(|_| Closed)?;
        let length = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
        bytes.resize(length, 0);
        self.stream.read_exact(&mut bytes[HEADER_BYTES..]).map_err(|_| Closed)?;
        let frame = frame::split(&bytes, REPLY_BYTES_MAX).unwrap().expect("a whole frame was read");
        let answered = match reply::Reply::decode(&frame).unwrap() {
            reply::Reply::Welcome(welcome) => Answered::Welcome(welcome),
            reply::Reply::Resolved(resolved) => Answered::Resolved(resolved),
            reply::Reply::Refused(_, refusal) => Answered::Refused(refusal.status),
            other => Answered::Other(format!("{other:?}")),
        };
        Ok((frame.header.correlation, answered))
    }

    /// Whether the server closes the connection, whatever it says before.
    pub(crate) fn is_closed_in_the_end(&mut self) -> bool {
        while let Ok(answered) = self.receive() {
            assert!(matches!(answered.1, Answered::Refused(_)), "{answered:?}");
        }
        matches!(self.stream.read(&mut [0]), Ok(0) | Err(_))
    }
}

/// A reply, owned.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    Welcome(Welcome),
    Resolved(Resolved),
    Refused(Status),
    Other(String),
}

/// The connection is closed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Closed;
