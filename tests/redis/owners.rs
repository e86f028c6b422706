//! Two servers on one ledger: the later one has it, the earlier one knows, and no buyer is told two things.

use crate::crowd::Crowd;
use crate::harness::{Found, Options, RedisServer, on_each_server};
use crate::serving::TestServer;
use seathold_client::{Error, Reason};
use std::env;
use std::time::{Duration, Instant};

on_each_server!(
    a_second_server_takes_over,
    a_server_that_cannot_start_takes_nothing,
    an_idle_server_notices_that_it_lost,
    servers_fight_for_the_ledger
);

/// A buyer of a server that may lose the ledger does not wait long.
const HASTY: Duration = Duration::from_millis(300);

/// Longer than it takes to notice. It ends a test that would wait for ever.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many seconds servers fight. A minute shows more, and is asked for by this variable.
const FIGHT: (&str, u64) = ("SEATHOLD_TEST_FIGHT_S", 4);

fn ledger(found: &Found) -> RedisServer {
    let redis = RedisServer::start(found, Options::default());
    seathold::ledger::redis::create(&redis.url().parse().unwrap(), 4, "2027-01-01T00:00:00Z").unwrap();
    redis
}

fn a_second_server_takes_over(found: &Found) {
    let redis = ledger(found);
    let mut first = TestServer::start_on(&redis.url(), &[]);
    let client = first.client().with_timeout(HASTY);
    let mut crowd = Crowd::new(&first.client());
    let mut second = None;
    crowd.rush(&client, 800, || second = Some(TestServer::start_on(&redis.url(), &[])));
    let mut second = second.expect("the rush has a middle");
    let told = client.reserve(crowd.strangers().request());
    let refused = matches!(told, Err(Error::NotDone { reason: Reason::Unavailable, .. }));
    assert!(refused, "the first server said {told:?}");
    client.ping().expect("it lives on");
    crowd.rush(&second.client(), 400, || ());
    assert!(crowd.accepted > 100, "only {} were accepted by the second server", crowd.accepted);
    assert!(first.terminate().success() && second.terminate().success());
    crowd.judge_ledger(&redis.url());
}

/// Somebody starts it with last year's rules, while the sale goes on.
fn a_server_that_cannot_start_takes_nothing(found: &Found) {
    let redis = ledger(found);
    let mut server = TestServer::start_on(&redis.url(), &[]);
    let mut crowd = Crowd::new(&server.client());
    crowd.rush(&server.client(), 400, || ());
    let rules = tempfile::NamedTempFile::new().unwrap();
    let sample = include_str!("../../feeds/sample/rules.toml");
    std::fs::write(&rules, sample.replace("ABC DF", "ABC D")).unwrap();
    let (status, said) =
        TestServer::fail_to_start_on(&redis.url(), &["--rules", rules.path().to_str().unwrap()]);
    assert!(!status.success() && said.contains("was sold by another seat plan"), "{said}");
    crowd.rush(&server.client(), 400, || ());
    assert!(server.terminate().success());
    crowd.judge_ledger(&redis.url());
}

/// Or it would go on to answer from counters that nobody keeps true.
fn an_idle_server_notices_that_it_lost(found: &Found) {
    let redis = ledger(found);
    let first = TestServer::start_on(&redis.url(), &[]);
    let client = first.client().with_timeout(HASTY);
    let crowd = Crowd::new(&first.client());
    let departure = crowd.strangers().request().target().departure;
    client.availability(departure, None, None).unwrap();
    let _second = TestServer::start_on(&redis.url(), &[]);
    let began = Instant::now();
    loop {
        match client.availability(departure, None, None) {
            Err(Error::NotDone { reason: Reason::Unavailable, .. }) => break,
            other => assert!(began.elapsed() < PATIENCE, "the first server said {other:?}"),
        }
    }
}

fn servers_fight_for_the_ledger(found: &Found) {
    let redis = ledger(found);
    let mut owner = TestServer::start_on(&redis.url(), &[]);
    let mut crowd = Crowd::new(&owner.client());
    let (variable, default) = FIGHT;
    let seconds = env::var(variable).map_or(default, |seconds| seconds.parse().expect(variable));
    let (began, mut fights) = (Instant::now(), 0);
    while began.elapsed().as_secs() < seconds {
        let client = owner.client().with_timeout(HASTY);
        let mut rival = None;
        crowd.rush(&client, 60, || rival = Some(TestServer::start_on(&redis.url(), &[])));
        // The one that lost is killed while it still answers.
        owner = rival.expect("the rush has a middle");
        fights += 1;
    }
    assert!(fights > 2, "only {fights} fights in {seconds} s");
    crowd.rush(&owner.client(), 100, || ());
    assert!(owner.terminate().success());
    crowd.judge_ledger(&redis.url());
}
