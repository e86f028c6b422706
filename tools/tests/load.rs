//! `seathold-load` against a real server: what it asks, what it finds, and its exit codes.

use seathold::ledger::LedgerUrl;
use seathold::server::{ServeOptions, Server};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const DATES: &str = "2027-03-15..2027-03-16";

struct World {
    server: Option<Server>,
    url: String,
}

impl World {
    fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let options = ServeOptions {
            admin: None,
            listen: "127.0.0.1:0".parse().expect("an address"),
            core_ports: None,
            cores: Some(2),
            no_pin: true,
            durability: seathold::ledger::redis::Durability::Local,
            ledger: LedgerUrl::Memory,
            rules: root.join("bench/throughput.rules.toml"),
            gtfs: root.join("feeds/sample"),
            dates: DATES.parse().expect("dates"),
            lenient: false,
            operator_token_file: None,
            ledger_keep_mib: 64,
        };
        let server = Server::start(&options).expect("the server starts");
        let url = format!("seathold://{}", server.address());
        Self { server: Some(server), url }
    }

    /// Runs `seathold-load`: its exit code and its JSON object.
    fn load(&self, line: &str) -> (i32, Value) {
        let output = Command::new(env!("CARGO_BIN_EXE_seathold-load"))
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
            .args(line.split_whitespace())
            .args([&self.url, "--json", "--connections", "4", "--in-flight", "64", "--warmup", "0"])
            .output()
            .expect("seathold-load runs");
        let object =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
        (output.status.code().expect("an exit code"), object)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }
}

const FEED: &str = "--gtfs feeds/sample --rules bench/throughput.rules.toml --dates 2027-03-15..2027-03-16";

#[test]
fn a_sale_opens_while_buyers_wait() {
    let world = World::start();
    let line = "--workload sale --rate 300 --burst 600 --half-life 1s --seconds 2 --open --open-after 1s";
    let (_, report) = world.load(&format!("{FEED} {line}"));
    let (accepted, closed) = (report["accepted"].as_u64(), report["refusals"]["CLOSED"].as_u64());
    assert!(closed > Some(200) && closed < Some(450), "about 300 came before: {report}");
    assert!(accepted > Some(500), "about 700 came after: {report}");
}
