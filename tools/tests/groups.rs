//! `tail` and `audit` of a ledger in Redis: real programs on a real server, up to a pipe that breaks and a signal.
#![cfg(test)]

#[expect(dead_code, reason = "found for tests/redis, of which only Redis itself is wanted here")]
#[path = "../../tests/redis/harness/found.rs"]
mod found;
mod serving;

use found::{Flavor, Found, on};
use seathold::ledger::redis::{RedisConsumer, create};
use seathold::server::Server;
use serde_json::Value;
use serving::serve;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

const DATE: &str = "2027-03-15";

/// The partitions of the ledger, of which one has the departure.
const PARTITIONS: u16 = 4;

macro_rules! on_redis {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn on_redis() {
                super::on(super::Flavor::Redis, concat!(module_path!(), "::on_redis"), super::$name);
            }
        }
    )+};
}
on_redis!(
    a_group_is_told_each_record_once,
    what_could_not_be_written_comes_again,
    following_ends_with_a_signal_and_loses_nothing,
    a_removed_entry_is_told_as_lost,
    a_group_is_removed,
    an_audit_reads_redis,
    an_audit_compares_what_other_systems_are_told,
);

/// A Redis, a ledger in it, and a Seathold on it.
struct World {
    redis: Child,
    port: u16,
    _directory: TempDir,
    server: Option<Server>,
}

impl World {
    fn start(found: &Found) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (redis, port) = start_redis(found, directory.path());
        let mut world = Self { redis, port, _directory: directory, server: None };
        create(&world.ledger().parse().unwrap(), PARTITIONS, "2027-01-01T00:00:00Z").unwrap();
        world.server = Some(serve(1, &world.ledger(), "feeds/sample/rules.toml", DATE));
        world
    }

    fn ledger(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seathold-cli"));
        let ledger = self.ledger();
        let words = line.split_whitespace().map(|word| word.replace('~', " ").replace("LEDGER", &ledger));
        let server = self.server.as_ref().expect("it runs");
        command.args(words).env("SEATHOLD_URL", format!("seathold://{}", server.address()));
        command
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).output().expect("seathold-cli runs")
    }

    /// The JSON lines of a command that succeeds.
    fn lines(&self, line: &str) -> Vec<Value> {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(0), "{line}\n{output:?}");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The sentence of a command that fails with `code`.
    fn failure(&self, code: i32, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(code), "{line}\n{output:?}");
        String::from_utf8(output.stderr).expect("UTF-8")
    }

    /// Reserves a place; the id.
    fn reserve(&self) -> String {
        let held = self.lines(&format!("reserve X~3 {DATE} --class second --from 0 --to 1 --json"));
        held[0]["id"].as_str().unwrap().to_owned()
    }

    /// What Redis answers, as far as it is one line.
    fn redis(&self, words: &[&str]) -> String {
        let mut request = format!("*{}\r\n", words.len());
        words.iter().for_each(|word| request.push_str(&format!("${}\r\n{word}\r\n", word.len())));
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        assert!(!line.starts_with('-'), "{words:?}: {line}");
        line.trim_end().to_owned()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
        let _ = self.redis.kill();
        let _ = self.redis.wait();
    }
}

/// Ports are taken below those that Linux gives to outgoing connections, until nobody else has one.
fn start_redis(found: &Found, directory: &Path) -> (Child, u16) {
    loop {
        let port = 12_000 + (RandomState::new().hash_one(()) % 20_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_err() {
            continue;
        }
        let mut child = Command::new(&found.program)
            .args(["--bind", "127.0.0.1", "--save", "", "--port", &port.to_string(), "--dir"])
            .arg(directory)
            .args(["--maxmemory-policy", "noeviction"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("redis-server runs");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        if lines.by_ref().any(|line| line.contains("Ready to accept connections")) {
            std::thread::spawn(move || lines.for_each(drop));
            return (child, port);
        }
        child.wait().unwrap();
    }
}

fn kinds(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["kind"].as_str().unwrap()).collect()
}

fn a_group_is_told_each_record_once(found: &Found) {
    let world = World::start(found);
    let first = world.reserve();
    let plain = world.lines("tail LEDGER");
    assert_eq!(kinds(&plain), ["plan", "reservation"]);
    let output = world.run("tail LEDGER --group orders");
    let registered = String::from_utf8(output.stderr).unwrap();
    assert!(registered.contains("--group orders --remove"), "{registered}");
    assert_eq!(world.lines("tail LEDGER --group figures"), plain, "the same lines as without a group");
    assert_eq!(plain[1]["id"], first.as_str());
    let second = world.reserve();
    let new = world.lines("tail LEDGER --group orders --consumer b");
    assert_eq!((kinds(&new), &new[0]["id"]), (vec!["reservation"], &Value::from(second)));
    assert!(world.lines("tail LEDGER --group orders").is_empty());
    assert_eq!(world.lines("tail LEDGER").len(), 3);
}

fn what_could_not_be_written_comes_again(found: &Found) {
    let world = World::start(found);
    world.reserve();
    // Whoever was to read has gone before anything is written.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut broken = world.command("tail LEDGER --group orders");
    let output = broken.stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = world.command("tail LEDGER --group orders").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(74), "{output:?}");
    assert_eq!(kinds(&world.lines("tail LEDGER --group orders")), ["plan", "reservation"]);
    assert!(world.lines("tail LEDGER --group orders").is_empty());
}

fn following_ends_with_a_signal_and_loses_nothing(found: &Found) {
    let world = World::start(found);
    let mut following =
        world.command("tail LEDGER --group orders --follow").stdout(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(following.stdout.take().unwrap());
    let mut next = || {
        let mut line = String::new();
        told.read_line(&mut line).unwrap();
        serde_json::from_str::<Value>(&line).unwrap()
    };
    let first = world.reserve();
    assert_eq!(next()["kind"], "plan");
    assert_eq!(next()["id"], first.as_str());
    let second = world.reserve();
    assert_eq!(next()["id"], second.as_str());
    let signalled = Command::new("sh").args(["-c", &format!("kill -INT {}", following.id())]).status();
    assert!(signalled.unwrap().success());
    assert_eq!(following.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    told.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert!(world.lines("tail LEDGER --group orders").is_empty(), "all was acknowledged");
}

fn a_removed_entry_is_told_as_lost(found: &Found) {
    let world = World::start(found);
    world.reserve();
    let mut dies = RedisConsumer::join(&world.ledger().parse().unwrap(), "orders", "tail").unwrap();
    while dies.next_page().unwrap().is_some() {}
    let place = world.lines("tail LEDGER")[1].clone();
    let id = format!("{}-{}", place["epoch"], place["sequence"]);
    assert_eq!(world.redis(&["XDEL", &format!("{{seathold:{}}}:log", place["partition"]), &id]), ":1");
    let output = world.run("tail LEDGER --group orders");
    let told: Vec<Value> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(kinds(&told), ["lost"]);
    for key in ["partition", "epoch", "sequence"] {
        assert_eq!(told[0][key], place[key]);
    }
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert!(sentence.contains(&format!("entry {id} of partition {}", place["partition"])), "{sentence}");
    assert!(world.lines("tail LEDGER --group orders").is_empty());
}

fn a_group_is_removed(found: &Found) {
    let world = World::start(found);
    assert!(world.failure(1, "tail LEDGER --group orders --remove").contains("no consumer group \"orders\""));
    world.lines("tail LEDGER --group orders");
    let output = world.run("tail LEDGER --group orders --remove");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, "the group \"orders\" is removed from 4 partitions\n");
    world.lines("tail LEDGER --group orders");
    let json = world.lines("tail LEDGER --group orders --remove --json");
    assert_eq!((&json[0]["removed"], &json[0]["partitions"]), (&"orders".into(), &PARTITIONS.into()));
    assert_eq!(world.redis(&["XINFO", "GROUPS", "{seathold:0}:log"]), "*0");
    assert!(world.failure(64, "tail file:/tmp --group orders").contains("file:/tmp has no consumer groups"));
}

fn an_audit_reads_redis(found: &Found) {
    let world = World::start(found);
    world.reserve();
    let report = world.lines("audit LEDGER --json");
    assert_eq!((&report[0]["audit"], &report[0]["held"]), (&"pass".into(), &1.into()));
    assert_eq!(report[0]["remaining"], serde_json::json!({ "told": 1, "compared": 1 }));
    let place = world.lines("tail LEDGER")[1].clone();
    let log = format!("{{seathold:{}}}:log", place["partition"]);
    let id = format!("{}-{}", place["epoch"], place["sequence"]);
    world.redis(&["XDEL", &log, &id]);
    assert!(world.failure(65, "audit LEDGER").contains("damaged"));
    assert!(world.failure(66, "audit LEDGER?prefix=other").contains("create-ledger"));
}

fn an_audit_compares_what_other_systems_are_told(found: &Found) {
    let world = World::start(found);
    world.reserve();
    let [plan, reservation] = world.lines("tail LEDGER").try_into().unwrap();
    let segments = plan["stops"].as_array().unwrap().len() - 1;
    // The reservation has one place of second on the first segment.
    let free = |wrong: u64| {
        let class = |class: &Value| {
            let (name, capacity) = (class["class"].as_str().unwrap(), class["capacity"].as_u64().unwrap());
            let mut free = vec![capacity; segments];
            free[0] -= u64::from(name == "second");
            free[segments - 1] -= wrong;
            (name.to_owned(), free.into())
        };
        plan["classes"].as_array().unwrap().iter().map(class).collect::<serde_json::Map<_, Value>>()
    };
    let (key, field) = (format!("{{seathold:{}}}:remaining", plan["partition"]), format!("X 3 {DATE}"));
    let tell = |version: u64, free| {
        let text = serde_json::json!({ "version": version, "free": Value::Object(free) }).to_string();
        world.redis(&["HSET", &key, &field, &text]);
    };
    tell(reservation["version"].as_u64().unwrap(), free(0));
    let report = &world.lines("audit LEDGER --json")[0];
    let counts = |compared: u64| serde_json::json!({ "told": 1, "compared": compared });
    assert_eq!((&report["audit"], &report["remaining"]), (&"pass".into(), &counts(1)));
    tell(reservation["version"].as_u64().unwrap(), free(1));
    let output = world.run("audit LEDGER");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("told of 1 departures, compared of 1\n")
            && text.contains("remaining places of version 1"),
        "{text}"
    );
    tell(reservation["version"].as_u64().unwrap() + 1, free(1));
    let report = &world.lines("audit LEDGER --json")[0];
    assert_eq!((&report["audit"], &report["remaining"]), (&"pass".into(), &counts(0)));
}
