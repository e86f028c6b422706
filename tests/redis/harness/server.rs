//! One real server as a child process, on a port of this host that was free and in a directory of its own.

use redis::{Client, ClientTlsConfig, Connection, RedisResult, TlsCertificates, Value};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::time::Duration;
use tempfile::TempDir;

use super::process::{Ports, sentinel_configuration, spawn, until_ports_are_free};
use super::{Flavor, Found, PATIENCE, on_each_server, on_redis};

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
    /// It is a sentinel that watches this server.
    pub(crate) sentinel_of: Option<SocketAddr>,
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

impl RedisServer {
    /// Starts a server and waits until it takes commands.
    pub(crate) fn start(found: &Found, options: Options) -> Self {
        let directory = TempDir::new().unwrap();
        if let Some(acl) = options.acl {
            let ours = format!("user {HARNESS} on >{HARNESS} ~* &* +@all\n");
            fs::write(directory.path().join("users.acl"), format!("{acl}\n{ours}")).unwrap();
        }
        if let Some(primary) = options.sentinel_of {
            fs::write(directory.path().join("sentinel.conf"), sentinel_configuration(primary)).unwrap();
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

    /// Where the nodes of a cluster talk to each other.
    pub(crate) fn bus_port(&self) -> u16 {
        self.ports.bus
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
        self.try_connect().unwrap_or_else(|error| panic!("{}: {error}", self.address()))
    }

    fn try_connect(&self) -> RedisResult<Connection> {
        let url = match self.options.acl {
            Some(_) => format!("redis://{HARNESS}:{HARNESS}@{}", self.address()),
            None => self.url(),
        };
        let connection = Client::open(url)?.get_connection_with_timeout(PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        Ok(connection)
    }

    /// Asks the server one thing on a connection of its own.
    pub(crate) fn try_command(&self, words: &[&str]) -> RedisResult<Value> {
        redis::cmd(words[0]).arg(&words[1..]).query(&mut self.try_connect()?)
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

    /// Whether it has run a command since it started, or since CONFIG RESETSTAT.
    pub(crate) fn has_run(&self, command: &str) -> bool {
        self.text(&["INFO", "commandstats"]).contains(&format!("cmdstat_{command}:"))
    }

    /// From now on batches go through the append script, as in a cluster.
    pub(crate) fn forbid_watching(&self) {
        self.command(&["ACL", "SETUSER", "default", "-watch"]);
    }

    /// Whether the text that it answers has this part. A server that becomes primary or replica closes its connections, so
    /// no answer is none, too.
    pub(crate) fn says(&self, words: &[&str], part: &str) -> bool {
        let answer = self.try_command(words).and_then(|value| Ok(redis::from_redis_value::<String>(value)?));
        answer.is_ok_and(|text| text.contains(part))
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

on_each_server!(
    a_server_is_of_its_flavor,
    what_was_appended_outlives_a_kill,
    a_stopped_server_starts_again,
    without_a_file_a_restarted_server_is_empty,
    a_frozen_server_answers_only_when_thawed,
    a_full_server_refuses_writes,
    a_password_is_asked_for,
    users_are_those_of_the_file,
);
on_redis!(a_server_speaks_tls);

fn a_server_is_of_its_flavor(found: &Found) {
    let server = RedisServer::start(found, Options::default());
    let info = server.text(&["INFO", "server"]);
    assert_eq!(info.contains("valkey_version"), found.flavor == Flavor::Valkey, "{info}");
    assert!(info.contains(&format!("process_id:{}\r", server.pid().as_raw_pid())), "{info}");
}

fn what_was_appended_outlives_a_kill(found: &Found) {
    let mut server = RedisServer::start(found, Options { appendfsync: Some("always"), ..Options::default() });
    let (address, pid) = (server.address(), server.pid());
    server.command(&["SET", "kept", "1"]);
    server.restart();
    assert_eq!((server.address(), server.text(&["GET", "kept"])), (address, "1".to_owned()));
    assert_ne!(server.pid(), pid);
}

fn a_stopped_server_starts_again(found: &Found) {
    let mut server = RedisServer::start(found, Options { appendfsync: Some("no"), ..Options::default() });
    server.command(&["SET", "kept", "1"]);
    assert!(server.stop().success());
    let refused = Client::open(server.url()).unwrap().get_connection_with_timeout(Duration::from_secs(5));
    assert!(refused.is_err_and(|error| error.is_connection_refusal()));
    server.restart();
    assert_eq!(server.text(&["GET", "kept"]), "1");
}

fn without_a_file_a_restarted_server_is_empty(found: &Found) {
    let mut server = RedisServer::start(found, Options::default());
    server.command(&["SET", "lost", "1"]);
    server.restart();
    assert_eq!(server.command(&["GET", "lost"]), Value::Nil);
    assert_eq!(fs::read_dir(server.directory()).unwrap().count(), 0);
}

fn a_frozen_server_answers_only_when_thawed(found: &Found) {
    let server = RedisServer::start(found, Options::default());
    let mut connection = server.connect();
    server.freeze();
    connection.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let silence = redis::cmd("SET").arg("key").arg("1").exec(&mut connection);
    assert!(silence.is_err_and(|error| error.is_timeout()));
    server.thaw();
    // It does now what was sent while it was frozen.
    assert_eq!(server.text(&["GET", "key"]), "1");
}

fn a_full_server_refuses_writes(found: &Found) {
    let options = Options { maxmemory: Some(1), maxmemory_policy: Some("noeviction"), ..Options::default() };
    let server = RedisServer::start(found, options);
    let refusal = server.try_command(&["SET", "key", "1"]).unwrap_err();
    assert_eq!(refusal.code(), Some("OOM"), "{refusal}");
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    server.command(&["SET", "key", "1"]);
}

fn a_password_is_asked_for(found: &Found) {
    let server = RedisServer::start(found, Options { requirepass: Some("secret"), ..Options::default() });
    assert_eq!(server.text(&["PING"]), "PONG");
    let mut stranger =
        Client::open(format!("redis://{}", server.address())).unwrap().get_connection().unwrap();
    let refusal = redis::cmd("PING").exec(&mut stranger).unwrap_err();
    assert_eq!(refusal.code(), Some("NOAUTH"), "{refusal}");
}

fn users_are_those_of_the_file(found: &Found) {
    let acl = "user default off\nuser reader on >secret ~seathold* +get";
    let server = RedisServer::start(found, Options { acl: Some(acl), ..Options::default() });
    let url = format!("redis://reader:secret@{}", server.address());
    let mut reader = Client::open(url).unwrap().get_connection().unwrap();
    let refusal = redis::cmd("SET").arg("seathold").arg("1").exec(&mut reader).unwrap_err();
    assert_eq!(refusal.code(), Some("NOPERM"), "{refusal}");
    server.command(&["SET", "seathold", "1"]);
    assert_eq!(redis::cmd("GET").arg("seathold").query(&mut reader), Ok(Some("1".to_owned())));
}

fn a_server_speaks_tls(found: &Found) {
    let server = RedisServer::start(found, Options { tls: true, ..Options::default() });
    let vouched = |authority: Option<Vec<u8>>| {
        let certificates = TlsCertificates { client_tls: None::<ClientTlsConfig>, root_cert: authority };
        let client = Client::build_with_tls(server.tls_url(), certificates).unwrap();
        let mut connection = client.get_connection_with_timeout(Duration::from_secs(5))?;
        redis::cmd("PING").query::<String>(&mut connection)
    };
    assert_eq!(vouched(Some(fs::read(RedisServer::authority()).unwrap())), Ok("PONG".to_owned()));
    assert!(vouched(None).is_err());
}
