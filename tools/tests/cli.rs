//! Every command of `seathold-cli` against a real server and its ledger: what is printed, and the exit codes.

mod serving;

use seathold::server::Server;
use serde_json::Value;
use serving::serve;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A Monday, on which most trains of the sample feed run.
const DATE: &str = "2027-03-15";

/// A byte within the first group of a segment, behind the segment's and the group's headers.
const FIRST_GROUP_BYTE: usize = 4_096 + 60;

struct World {
    directory: TempDir,
    url: String,
    server: Option<Server>,
}

impl World {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let ledger = format!("file:{}", directory.path().join("ledger").display());
        let server = serve(1, &ledger, "feeds/sample/rules.toml", DATE);
        let url = format!("seathold://{}", server.address());
        Self { directory, url, server: Some(server) }
    }

    /// Runs a command. `~` is a space within a word.
    fn run(&self, line: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_seathold-cli"))
            .args(line.split_whitespace().map(|word| word.replace('~', " ")))
            .env("SEATHOLD_URL", &self.url)
            .env_remove("SEATHOLD_TOKEN_FILE")
            .output()
            .expect("seathold-cli runs")
    }

    /// What a command that succeeds prints.
    fn text(&self, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(0), "{line}\n{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// The one object that it prints with --json.
    fn json(&self, line: &str) -> Value {
        let text = self.text(&format!("{line} --json"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{line}: {error}\n{text}"))
    }

    /// The sentence of a command that fails with `code`.
    fn failure(&self, code: i32, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(code), "{line}\n{output:?}");
        assert!(output.stdout.is_empty(), "{line}\n{output:?}");
        String::from_utf8(output.stderr).expect("UTF-8")
    }

    fn ledger(&self) -> PathBuf {
        self.directory.path().join("ledger")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }
}

#[test]
fn a_reservation_from_the_first_look_to_the_refund() {
    let world = World::start();
    assert!(world.text("ping -c 3").contains("3 round trips"));

    let train = world.json(&format!("resolve X~3 {DATE}"));
    let departure = train["departure"].as_str().unwrap();
    let stops = train["stops"].as_array().unwrap();
    let (first, last) =
        (stops[0]["code"].as_str().unwrap(), stops[stops.len() - 1]["code"].as_str().unwrap());
    let text = world.text(&format!("resolve X~3 {DATE}"));
    assert!(text.contains(departure) && text.contains("second") && text.contains(first), "{text}");

    let matrix = world.text(&format!("availability X~3 {DATE} --class second"));
    assert!(matrix.contains("from \\ to"), "{matrix}");
    assert!(matrix.lines().all(|line| line.chars().count() <= 80), "{matrix}");
    let trip = format!("--from {first} --to {last}");
    let free = |class: &str| {
        let reply = world.json(&format!("availability X~3 {DATE} --class {class} {trip}"));
        reply["free"][0]["free"].as_u64().unwrap()
    };
    let before = free("second");

    let reserve = format!("reserve X~3 {DATE} --class second {trip} --passengers 2 --account 7");
    let held = world.json(&format!("{reserve} --seat-letters A,- --hold 5m"));
    assert_eq!((held["state"].as_str(), held["seats"].as_array().map(Vec::len)), (Some("held"), Some(2)));
    assert!((1..=300_000).contains(&held["remaining_ms"].as_u64().unwrap()), "{held}");
    assert_eq!(free("second"), before - 2);

    // What is printed can be typed.
    let text = world.text(&reserve);
    let typed = |verb: &str, text: &str| {
        let start = format!("seathold-cli {verb} ");
        let line = text.lines().find_map(|line| line.split_once(&start)).map(|(_, rest)| rest);
        format!("{verb} {}", line.unwrap_or_else(|| panic!("no {verb} in {text}")))
    };
    assert!(world.text(&typed("cancel", &text)).starts_with("cancelled: 2 places second"));
    let text = world.text(&reserve);
    let sold = world.text(&typed("confirm", &text));
    assert!(sold.starts_with("confirmed: 2 places second"), "{sold}");
    assert!(world.failure(1, &typed("cancel", &text)).contains("use `seathold-cli refund`"));
    assert!(world.text(&typed("refund", &sold)).starts_with("refunded"));

    let id = held["id"].as_str().unwrap();
    let by_name = format!("{id} --train X~3 --date {DATE} --account 7");
    assert!(world.text(&format!("lookup {by_name}")).contains(first));
    assert!(world.failure(1, &format!("refund {by_name}")).contains("not confirmed"));
    // Asking again under the same id finds the same reservation, made-up passengers and all.
    let again = world.json(&format!("{reserve} --seat-letters A,- --hold 5m --id {id}"));
    assert_eq!(again["seats"], held["seats"]);
    assert!(world.failure(1, &format!("{reserve} --id {id}")).contains("other contents"));

    assert_eq!(world.json("stats")["reserved"].as_u64(), Some(4));
    assert!(world.text("stats").starts_with("reservations\n"));
}

#[test]
fn an_operator_closes_and_opens() {
    let world = World::start();
    let reserve = format!("reserve X~3 {DATE} --class second --from 0 --to 1");
    assert!(world.text(&format!("close X~3 {DATE}")).contains("closed"));
    assert!(world.failure(1, &reserve).contains("an operator opens it"));
    assert!(world.text(&format!("resolve X~3 {DATE}")).contains("closed by an operator"));
    assert!(world.failure(1, &format!("open X~3 {DATE} --released 50")).contains("never shrinks"));
    assert!(world.text(&format!("open X~3 {DATE} --released 100")).contains("open, 100 %"));
    assert!(world.text(&reserve).starts_with("held: 1 place second"));
}

#[test]
fn wrong_input_is_told_what_is_right() {
    let world = World::start();
    assert!(world.failure(1, &format!("resolve Y99 {DATE}")).contains("no train of this name"));
    assert!(world.failure(1, "resolve X~3 2027-12-01").contains("--dates FROM..TO"));
    assert!(world.failure(64, "resolve X~3 15.3.2027").contains("YYYY-MM-DD"));
    let reserve = format!("reserve X~3 {DATE}");
    let stop = world.failure(64, &format!("{reserve} --class second --from Calis --to 1"));
    assert!(stop.contains("the nearest names are Callis"), "{stop}");
    assert!(world.failure(64, &format!("{reserve} --class second --from 1 --to 0")).contains("exchange"));
    assert!(world.failure(64, &format!("{reserve} --class third --from 0 --to 1")).contains("it has "));
    assert!(
        world
            .failure(64, &format!("{reserve} --class second --from 0 --to 1 --passengers 10"))
            .contains("1..=9")
    );
    let twice =
        world.failure(1, &format!("{reserve} --class second --from 0 --to 1 --passenger 5 --passenger 5"));
    assert!(twice.contains("twice"), "{twice}");
    assert!(
        world.failure(1, &format!("{reserve} --class second --from 0 --to 1 --hold 20h")).contains("30 min")
    );
    assert!(world.failure(1, &format!("lookup abc --train X~3 --date {DATE}")).contains("no reservation"));
    assert!(world.failure(1, "lookup abc --departure abc").contains("resolve TRAIN DATE"));
    let output = world.run(&format!("resolve Y99 {DATE} --json"));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((told["outcome"].as_str(), told["status"].as_str()), (Some("refused"), Some("UNKNOWN_TRAIN")));
}

#[test]
fn no_server_is_said_so() {
    let world = World::start();
    // Bound and closed again: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let sentence = world.failure(69, &format!("ping --url seathold://127.0.0.1:{port}"));
    assert!(sentence.contains("is the server running there?"), "{sentence}");
    assert!(world.failure(64, "ping --url http://127.0.0.1").contains("seathold://host:port"));
    assert!(world.failure(64, "stats --token-file /nonexistent").contains("/nonexistent"));
}

#[test]
fn a_ledger_is_read_while_the_server_writes_it() {
    let mut world = World::start();
    let reserve = format!("reserve X~3 {DATE} --class second --from 0 --to 1");
    let held = world.json(&reserve);
    let url = format!("file:{}", world.ledger().display());
    let lines: Vec<Value> =
        world.text(&format!("tail {url}")).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["plan", "reservation"]);
    assert_eq!((&lines[1]["id"], &lines[1]["state"]), (&held["id"], &held["state"]));
    assert_eq!(lines[1]["departure"], held["departure"]);

    let report = world.json(&format!("audit {url}"));
    assert_eq!((report["audit"].as_str(), report["held"].as_u64()), (Some("pass"), Some(1)));
    assert!(world.text(&format!("audit {url}")).ends_with("audit: pass\n"));

    if let Some(server) = world.server.take() {
        server.stop();
    }
    damage_first_record(&world.ledger());
    assert!(world.failure(65, &format!("audit {url}")).contains("damaged"));
    assert!(
        world.failure(66, &format!("audit file:{}", world.directory.path().display())).contains("no ledger")
    );
    assert!(world.failure(66, "tail file:/nonexistent").contains("no ledger"));
    assert!(world.failure(74, "tail redis://127.0.0.1:1").contains("nothing listens at 127.0.0.1:1"));
    assert!(world.failure(64, "tail memory:").contains("file:DIR"));
}

/// Changes a byte of the first group; whole groups follow it.
fn damage_first_record(ledger: &Path) {
    let entries = std::fs::read_dir(ledger).expect("the ledger's directory");
    let mut segments: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    segments.retain(|path| path.extension().is_some_and(|end| end == "log"));
    segments.sort();
    let mut bytes = std::fs::read(&segments[0]).expect("the first segment");
    bytes[FIRST_GROUP_BYTE] ^= 1;
    std::fs::write(&segments[0], bytes).expect("the first segment");
}
