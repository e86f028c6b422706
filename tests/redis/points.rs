//! The server ends at each named point on the way to durability in Redis (`src/sys/points.rs`), and starts again on what is
//! there: nothing that was told is lost. A Redis that goes on may have what its server never heard of. `tests/fail_points` does
//! the same for a ledger in files, and sees to it that every point is listed.

#[expect(dead_code, reason = "the points of a ledger in files are listed there, too")]
#[path = "../fail_points/ends.rs"]
mod ends;
#[path = "../fail_points/lives.rs"]
mod lives;

use crate::harness::{Found, Options, RedisServer, on_each_server, on_redis, until};
use crate::start::replica_of;
use ends::{
    AT_A_COMPACTION, AT_A_CREATION, AT_A_REPLICA, AT_A_STEP, AT_A_TAKEOVER, AT_A_TRANSACTION, Ends, RESTORED,
    RESTORING, WITHOUT_ITS_REPLICA, each,
};
use lives::{assert_ended, assert_whole, buyers, end_at_each, ending, ends_at};
use seathold::ledger::redis::{RedisReader, create};
use seathold::server::ExitCode;
use seathold_chaos::{Buyers, ChaosError, Crowd, KEEP, Server, Setup, full_ledger};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

on_each_server!(ended_at_each_point_of_a_transaction_nothing_told_is_lost);
on_redis!(
    ended_at_each_point_of_a_creation_the_ledger_is_made,
    ended_at_each_point_of_a_takeover_nothing_told_is_lost,
    ended_at_each_point_of_a_step_nothing_told_is_lost,
    ended_before_and_behind_a_replica_nothing_told_is_lost,
    ended_at_each_point_of_a_compaction_nothing_told_is_lost,
    ended_before_an_emptied_redis_is_whole_it_is_no_ledger,
    ended_when_an_emptied_redis_is_whole_nothing_told_is_lost,
);

const PROGRAM: &str = env!("CARGO_BIN_EXE_seathold");

/// Partitions of the ledgers here but the full one: a takeover ends between two of them.
const PARTITIONS: &str = "4";

fn setup(redis: &RedisServer) -> Setup {
    Setup::in_redis(Path::new(PROGRAM), redis.url().parse().unwrap())
}

/// A server on a new ledger, with its sales open, and its crowd, whose buyers are drawn from `seed`.
fn sale(setup: Setup, seed: u64) -> (Server, Buyers, Crowd) {
    let (buyers, url) = (buyers(seed), setup.ledger.to_string());
    create(&url.parse().unwrap(), PARTITIONS.parse().unwrap(), "2027-01-01T00:00:00Z").unwrap();
    let server = Server::start(setup).unwrap_or_else(|error| panic!("{error}"));
    buyers.timetable().open(&server.client().unwrap()).unwrap();
    let crowd = Crowd::start(&server, buyers.clone(), 0).unwrap();
    (server, buyers, crowd)
}

/// Sells through lives that end at these points.
fn end_under_load(setup: Setup, seed: u64, points: &[Ends]) {
    let (mut server, buyers, crowd) = sale(setup.clone(), seed);
    crowd.wait_for(50).unwrap();
    server.terminate().unwrap();
    end_at_each(&mut server, &setup, points);
    server.start_again_as(setup).unwrap_or_else(|error| panic!("{error}"));
    assert_whole(server, &buyers, crowd);
}

fn ended_at_each_point_of_a_transaction_nothing_told_is_lost(found: &Found) {
    let redis = RedisServer::start(found, Options::default());
    end_under_load(setup(&redis), 60, AT_A_TRANSACTION);
    assert!(!redis.has_run("fcall"), "a batch went through the script");
}

fn ended_at_each_point_of_a_step_nothing_told_is_lost(found: &Found) {
    let redis = RedisServer::start(found, Options::default());
    redis.forbid_watching();
    end_under_load(setup(&redis), 61, AT_A_STEP);
}

fn ended_at_each_point_of_a_creation_the_ledger_is_made(found: &Found) {
    let (redis, buyers) = (RedisServer::start(found, Options::default()), buyers(62));
    let create = |settings: &[String]| -> Output {
        let words = ["create-ledger", "--partitions", PARTITIONS, "--ledger", &redis.url()];
        Command::new("env").args(settings).arg(PROGRAM).args(words).output().unwrap()
    };
    for (point, nth) in each(AT_A_CREATION) {
        let ended = create(&[ends_at(point, nth)]);
        assert_eq!(ended.status.signal(), Some(6), "{point}, {nth}: {ended:?}");
    }
    let refused = create(&[]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("there is a ledger"), "{refused:?}");
    let server = Server::start(setup(&redis)).unwrap_or_else(|error| panic!("{error}"));
    buyers.timetable().open(&server.client().unwrap()).unwrap();
    let crowd = Crowd::start(&server, buyers.clone(), 0).unwrap();
    assert_whole(server, &buyers, crowd);
}

/// The owner before serves meanwhile, and knows of it or not.
fn ended_at_each_point_of_a_takeover_nothing_told_is_lost(found: &Found) {
    let redis = RedisServer::start(found, Options::default());
    let setup = setup(&redis);
    let (mut owner, buyers, crowd) = sale(setup.clone(), 63);
    for (point, nth) in each(AT_A_TAKEOVER) {
        crowd.wait_for(50).unwrap_or_else(|error| panic!("{point}, {nth}: {error}{}", owner.said()));
        let mut next = Server::begin(ending(&setup, point, nth)).unwrap();
        assert_ended(&mut next, point, nth);
        let status = owner.terminate().unwrap();
        assert!(status.success(), "{point}, {nth}: {status}: {}", owner.said());
        owner.start_again().unwrap_or_else(|error| panic!("{point}, {nth}: {error}"));
    }
    assert_whole(owner, &buyers, crowd);
}

fn ended_before_and_behind_a_replica_nothing_told_is_lost(found: &Found) {
    let redis = RedisServer::start(found, Options::default());
    let replica = replica_of(&redis, found);
    let copied =
        Setup { through: vec!["env".into(), "SEATHOLD_DURABILITY=replicated=1".into()], ..setup(&redis) };
    let (mut server, buyers, crowd) = sale(copied.clone(), 64);
    crowd.wait_for(50).unwrap();
    server.terminate().unwrap();
    end_at_each(&mut server, &copied, AT_A_REPLICA);
    // A batch is in Redis, and whoever waits for it is told nothing.
    let (point, nth) = (WITHOUT_ITS_REPLICA.0, WITHOUT_ITS_REPLICA.1[0]);
    server.start_again_as(ending(&copied, point, nth)).unwrap_or_else(|error| panic!("{error}"));
    crowd.wait_for(50).unwrap();
    replica.freeze();
    assert_ended(&mut server, point, nth);
    replica.thaw();
    server.start_again_as(copied).unwrap_or_else(|error| panic!("{error}"));
    assert_whole(server, &buyers, crowd);
}

fn ended_at_each_point_of_a_compaction_nothing_told_is_lost(found: &Found) {
    let (redis, buyers) = (RedisServer::start(found, Options::default()), buyers(65));
    let plain = setup(&redis);
    let small = Setup { through: vec!["env".into(), KEEP.into()], ..plain.clone() };
    let mut server = full_ledger(plain, &buyers).unwrap();
    let crowd = Crowd::start(&server, buyers.clone(), 0).unwrap();
    end_at_each(&mut server, &small, AT_A_COMPACTION);
    assert!(crowd.done() > 0, "nobody was told anything that a compaction could lose");
    server.start_again_as(small).unwrap_or_else(|error| panic!("{error}"));
    let url = redis.url().parse().unwrap();
    until("the oldest batches are gone", || RedisReader::open(&url).unwrap().is_trimmed());
    assert_whole(server, &buyers, crowd);
}

/// What is missing nobody can tell any more, so there is no ledger rather than a part of one.
fn ended_before_an_emptied_redis_is_whole_it_is_no_ledger(found: &Found) {
    let redis = RedisServer::start(found, Options::default());
    let plain = setup(&redis);
    let (mut server, _, crowd) = sale(ending(&plain, RESTORING.0, RESTORING.1[0]), 66);
    crowd.wait_for(50).unwrap();
    redis.command(&["FLUSHALL"]);
    assert_ended(&mut server, RESTORING.0, RESTORING.1[0]);
    let error = server.start_again_as(plain).unwrap_err();
    let ChaosError::NotStarted { status, said } = &error else { panic!("{error}") };
    assert_eq!(status.code(), Some(ExitCode::Config as i32), "{said}");
    let refused = create(&redis.url().parse().unwrap(), 1, "2027-01-01T00:00:00Z").unwrap_err();
    assert!(refused.to_string().contains("without the key that says that there is a ledger"), "{refused}");
}

fn ended_when_an_emptied_redis_is_whole_nothing_told_is_lost(found: &Found) {
    let redis = RedisServer::start(found, Options::default());
    let plain = setup(&redis);
    let (mut server, buyers, crowd) = sale(ending(&plain, RESTORED.0, RESTORED.1[0]), 67);
    crowd.wait_for(50).unwrap();
    redis.command(&["FLUSHALL"]);
    assert_ended(&mut server, RESTORED.0, RESTORED.1[0]);
    server.start_again_as(plain).unwrap_or_else(|error| panic!("{error}"));
    assert_whole(server, &buyers, crowd);
}
