//! The log on a real server: appended once, read in order, taken over, repaired, trimmed; and refused when it must be.

use crate::harness::pair::{Pair, until_it_copies};
use crate::harness::{Found, Options, RedisServer, on_each_server};
use crate::rig::{self, Owner, PARTITIONS, create, read, url};
use seathold::ledger::redis::{self, Durability, RedisError, RedisLog};
use seathold::ledger::{AppendError, Log};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any append may take; it ends a test that would wait for ever.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a start does to a partition that it takes over.
const CLAIM: &str = include_str!("../../src/ledger/redis/claim.lua");

on_each_server!(
    what_was_appended_is_found_by_the_next_owner,
    several_batches_of_several_partitions_go_together,
    a_batch_that_is_sent_again_is_in_once,
    the_owner_before_is_shut_out,
    reading_shuts_nobody_out,
    a_pause_in_the_midst_of_a_take_over_is_waited_for,
    an_owner_with_nothing_to_append_looks,
    an_owner_that_never_pauses_is_shut_out,
    a_tail_that_was_lost_is_appended_again,
    what_was_told_is_appended_again_behind_a_lost_claim,
    what_was_told_is_appended_again_behind_any_of_several_claims,
    what_was_emptied_under_its_owner_is_written_again,
    nothing_is_started_on_a_redis_that_was_emptied,
    a_ledger_is_created_once,
    no_script_is_run_where_tails_can_be_watched,
    a_user_who_may_not_watch_appends_through_the_script,
    batches_never_run_outside_their_transaction,
    a_stream_that_something_else_has_written_to_is_given_up,
    a_lost_script_is_loaded_again,
    a_frozen_server_is_away_and_comes_back,
    a_full_server_takes_what_is_on_its_way_and_says_that_it_is_full,
    covered_batches_are_trimmed,
    a_trim_that_is_refused_waits_for_the_next_cover,
    what_no_replica_has_is_not_acknowledged_after_a_reconnect,
);

fn started(found: &Found) -> RedisServer {
    let server = RedisServer::start(found, Options::default());
    create(&server);
    server
}

fn what_was_appended_is_found_by_the_next_owner(found: &Found) {
    let server = started(found);
    let mut first = Owner::take(&server);
    first.append(1, b"one");
    first.append(1, b"two");
    let second = Owner::take(&server);
    let (opening, found) = second.batches[1].split_last().unwrap();
    assert_eq!(found, first.batches[1]);
    assert_eq!(opening.position.epoch, first.batches[1][2].position.epoch + 1);
    assert_eq!(read(&server), second.batches);
}

fn several_batches_of_several_partitions_go_together(found: &Found) {
    let server = started(found);
    let mut owner = Owner::take(&server);
    let batches: Vec<_> = [(0, "a"), (2, "b"), (0, "c"), (1, ""), (0, "d")]
        .iter()
        .map(|(partition, payload)| owner.next(*partition, payload.as_bytes()))
        .collect();
    owner.log.append(&batches.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(read(&server), owner.batches);
}

fn a_batch_that_is_sent_again_is_in_once(found: &Found) {
    let server = started(found);
    let mut owner = Owner::take(&server);
    let batch = owner.next(0, b"once");
    owner.log.append(&[&batch]).unwrap();
    owner.log.append(&[&batch]).unwrap();
    server.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    owner.log.append(&[&batch]).unwrap();
    owner.append(0, b"next");
    assert_eq!(read(&server), owner.batches);
    assert_eq!(server.text(&["XLEN", "{seathold:0}:log"]), "3");
}

fn the_owner_before_is_shut_out(found: &Found) {
    let server = started(found);
    let (mut first, mut second) = (Owner::take(&server), Owner::take(&server));
    second.append(0, b"theirs");
    for partition in 0..PARTITIONS {
        let refused = first.try_append(partition, b"too late").unwrap_err();
        let fenced = matches!(refused, AppendError::Fenced { partition: lost, .. } if lost == partition);
        assert!(fenced, "{refused}");
        let again = first.try_append(partition, b"still too late").unwrap_err();
        assert!(matches!(again, AppendError::Fenced { .. }), "{again}");
    }
    second.append(2, b"theirs, too");
    assert_eq!(read(&server), second.batches);
}

/// What a start does before it knows that it can serve.
fn reading_shuts_nobody_out(found: &Found) {
    let server = started(found);
    let mut first = Owner::take(&server);
    first.append(0, b"before");
    let options = redis::Options { url: url(&server), durability: Durability::Local, keep_bytes: u64::MAX };
    let mut takeover = RedisLog::open(&options).unwrap();
    let mut batches = vec![Vec::new(); usize::from(PARTITIONS)];
    takeover.read(|batch| rig::found(&mut batches, batch)).unwrap();
    assert_eq!(batches, first.batches);
    first.append(0, b"meanwhile");
    first.append(2, b"meanwhile");
    let second = Owner::behind(takeover, batches).unwrap();
    assert!(matches!(first.try_append(1, b"too late"), Err(AppendError::Fenced { .. })));
    assert_eq!(second.batches[0][..3], first.batches[0]);
    assert_eq!(read(&server), second.batches);
}

/// The owner before may be shut out already, so a server that pauses then is waited for.
fn a_pause_in_the_midst_of_a_take_over_is_waited_for(found: &Found) {
    let server = started(found);
    Owner::take(&server).append(1, b"sold");
    let options = redis::Options { url: url(&server), durability: Durability::Local, keep_bytes: u64::MAX };
    let takeover = RedisLog::open(&options).unwrap();
    server.command(&["CLIENT", "PAUSE", "1500", "ALL"]);
    let began = Instant::now();
    let second = Owner::behind(takeover, vec![Vec::new(); usize::from(PARTITIONS)]).unwrap();
    assert!(began.elapsed() > Duration::from_secs(1), "it met no pause: {:?}", began.elapsed());
    assert_eq!(read(&server), second.batches);
}

fn an_owner_with_nothing_to_append_looks(found: &Found) {
    let server = started(found);
    let mut first = Owner::take(&server);
    assert!(first.log.look_every().is_some_and(|every| every <= Duration::from_secs(1)));
    first.log.append(&[]).unwrap();
    server.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    first.log.append(&[]).expect("a connection that was closed while nobody used it is no trouble");
    server.command(&["FLUSHALL"]);
    first.log.append(&[]).unwrap();
    assert_eq!(read(&server), first.batches, "what was lost is there again");
    let second = Owner::take(&server);
    for partition in 0..PARTITIONS {
        let refused = first.log.append(&[]).unwrap_err();
        assert!(
            matches!(refused, AppendError::Fenced { partition: lost, .. } if lost == partition),
            "{refused}"
        );
    }
    first.log.append(&[]).expect("a fence is told once");
    assert_eq!(read(&server), second.batches);
}

/// A fail-over to a replica that lacks the last batches looks like this: all keys of the partition are older.
fn an_owner_that_never_pauses_is_shut_out(found: &Found) {
    let server = started(found);
    let mut owner = Owner::take(&server);
    let mut appended = 0;
    for _ in 0..20 {
        let taken = AtomicBool::new(false);
        owner = thread::scope(|scope| {
            scope.spawn(|| {
                while !taken.load(Relaxed) {
                    let batches = [0, 1, 2].map(|partition| owner.next(partition, b"more"));
                    match owner.log.append(&batches.iter().collect::<Vec<_>>()) {
                        Ok(()) => appended += 1,
                        Err(AppendError::Fenced { .. }) => break,
                        Err(error) => panic!("{error}"),
                    }
                }
            });
            let next = Owner::try_take(&server, u64::MAX);
            taken.store(true, Relaxed);
            next.unwrap()
        });
    }
    assert!(appended > 20, "only {appended} appends met the 20 that took over");
    assert_eq!(read(&server), owner.batches);
}

fn a_tail_that_was_lost_is_appended_again(found: &Found) {
    let server = started(found);
    let mut owner = Owner::take(&server);
    owner.append(1, b"kept");
    let keys = ["{seathold:1}:log", "{seathold:1}:tail", "{seathold:1}:remaining"];
    let turn_back = |reconnect: bool| {
        for key in keys {
            server.command(&["COPY", &format!("{key}:old"), key, "REPLACE"]);
        }
        if reconnect {
            server.command(&["CLIENT", "KILL", "TYPE", "normal"]);
        }
    };
    for key in keys {
        server.command(&["COPY", key, &format!("{key}:old")]);
    }
    for reconnect in [false, true] {
        owner.append(1, b"lost");
        owner.append(1, b"lost, too");
        turn_back(reconnect);
        assert_ne!(read(&server), owner.batches, "batches are lost");
        owner.append(1, b"new");
        assert_eq!(read(&server), owner.batches);
    }
    // With a new connection every partition is looked at, not only those that have something to append.
    turn_back(true);
    owner.append(0, b"elsewhere");
    assert_eq!(read(&server), owner.batches);
}

/// A fail-over to a replica that had not got the change of owners: a new ledger's first owner, and the next one.
fn what_was_told_is_appended_again_behind_a_lost_claim(found: &Found) {
    let server = started(found);
    let keys = ["{seathold:1}:log", "{seathold:1}:tail", "{seathold:1}:remaining"];
    for _ in 0..2 {
        for key in keys {
            server.command(&["COPY", key, &format!("{key}:old"), "REPLACE"]);
        }
        let mut owner = Owner::take(&server);
        owner.append(1, b"told");
        for key in keys {
            server.command(&["COPY", &format!("{key}:old"), key, "REPLACE"]);
        }
        assert_ne!(read(&server), owner.batches, "batches are lost");
        owner.append(1, b"new");
        assert_eq!(read(&server), owner.batches);
    }
}

/// Starts that ended before they appended anything have claimed a new ledger, and one that is in use. A fail-over loses the
/// owner's claim alone, or theirs with it.
fn what_was_told_is_appended_again_behind_any_of_several_claims(found: &Found) {
    let server = started(found);
    let keys = ["{seathold:1}:log", "{seathold:1}:tail", "{seathold:1}:remaining"];
    for _ in 0..2 {
        for start in ["a", "b", "c"] {
            for key in keys {
                server.command(&["COPY", key, &format!("{key}:{start}"), "REPLACE"]);
            }
            server.command(&["EVAL", CLAIM, "2", keys[1], keys[2], &format!("{start:0>16}")]);
        }
        let mut owner = Owner::take(&server);
        for start in ["c", "b", "a"] {
            owner.append(1, b"told");
            for key in keys {
                server.command(&["COPY", &format!("{key}:{start}"), key, "REPLACE"]);
            }
            assert_ne!(read(&server), owner.batches, "batches are lost");
            owner.append(1, b"new");
            assert_eq!(read(&server), owner.batches, "claimed by {start} and those after it");
        }
    }
}

fn what_was_emptied_under_its_owner_is_written_again(found: &Found) {
    let server = started(found);
    let mut owner = Owner::take(&server);
    owner.append(0, b"zero");
    owner.append(1, b"one");
    server.command(&["FLUSHALL"]);
    server.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    owner.append(0, b"after");
    assert_eq!(read(&server), owner.batches);
    assert_eq!(Owner::take(&server).batches[1][1].payload, b"one");
}

fn nothing_is_started_on_a_redis_that_was_emptied(found: &Found) {
    let server = started(found);
    let refusal = || Owner::try_take(&server, u64::MAX).map(drop).unwrap_err();
    let mut owner = Owner::take(&server);
    owner.append(1, b"sold");
    for lost in ["{seathold:1}:tail", "{seathold:1}:remaining", "{seathold:1}:log"] {
        server.command(&["RENAME", lost, "elsewhere"]);
        let damaged = refusal();
        assert!(matches!(&damaged, RedisError::Damaged { key, .. } if key == lost), "{lost}: {damaged}");
        assert_eq!(refusal(), damaged, "a start that was refused makes the next one no easier");
        server.command(&["RENAME", "elsewhere", lost]);
    }
    server.command(&["XTRIM", "{seathold:1}:log", "MAXLEN", "0"]);
    assert!(matches!(refusal(), RedisError::Damaged { .. }));
    server.command(&["FLUSHALL"]);
    assert!(matches!(refusal(), RedisError::NoLedger { .. }));
    assert_eq!(server.text(&["DBSIZE"]), "0", "nothing was filled again");
}

fn a_ledger_is_created_once(found: &Found) {
    let server = started(found);
    let mut owner = Owner::take(&server);
    owner.append(0, b"sold");
    let again = redis::create(&url(&server), PARTITIONS, "2028-01-01T00:00:00Z").unwrap_err();
    let created = "2027-01-01T00:00:00Z".to_owned();
    assert_eq!(again, RedisError::Exists { url: server.url(), created });
    // One whose head alone is lost is not taken for a half-made one.
    server.command(&["DEL", "seathold:ledger"]);
    let again = redis::create(&url(&server), PARTITIONS, "2028-01-01T00:00:00Z").unwrap_err();
    assert!(matches!(again, RedisError::Damaged { .. }), "{again}");
    owner.append(0, b"sold, too");
}

fn no_script_is_run_where_tails_can_be_watched(found: &Found) {
    let server = started(found);
    let mut owner = Owner::take(&server);
    owner.append(0, b"before");
    server.command(&["CONFIG", "RESETSTAT"]);
    (0..3).for_each(|partition| owner.append(partition, b"by a transaction"));
    assert!(server.has_run("exec") && !server.has_run("fcall") && !server.has_run("evalsha"));
    server.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    owner.append(0, b"on a new connection");
    assert!(!server.has_run("fcall") && !server.has_run("evalsha"));
    assert_eq!(read(&server), owner.batches);
}

fn a_user_who_may_not_watch_appends_through_the_script(found: &Found) {
    let server = started(found);
    let mut first = Owner::take(&server);
    first.append(0, b"by a transaction");
    server.forbid_watching();
    server.command(&["CONFIG", "RESETSTAT"]);
    (0..3).for_each(|partition| first.append(partition, b"by the script"));
    assert!(server.has_run("fcall"));
    let mut second = Owner::take(&server);
    assert_eq!(second.batches[0][..3], first.batches[0]);
    second.append(1, b"theirs");
    assert!(matches!(first.try_append(1, b"too late"), Err(AppendError::Fenced { .. })));
    assert_eq!(read(&server), second.batches);
}

/// Where MULTI is refused, what follows it is done at once, and nobody compares a tail.
fn batches_never_run_outside_their_transaction(found: &Found) {
    for command in ["-multi", "-exec", "-mget"] {
        let server = started(found);
        server.command(&["ACL", "SETUSER", "default", command]);
        let mut first = Owner::take(&server);
        first.append(0, b"by the script");
        assert!(server.has_run("fcall"), "{command}");
        let mut second = Owner::take(&server);
        second.append(0, b"theirs");
        assert!(matches!(first.try_append(0, b"too late"), Err(AppendError::Fenced { .. })), "{command}");
        assert_eq!(read(&server), second.batches);
    }
    let server = started(found);
    let mut owner = Owner::take(&server);
    owner.append(0, b"by a transaction");
    server.command(&["ACL", "SETUSER", "default", "-multi"]);
    let broken = owner.try_append(0, b"bare").unwrap_err();
    assert!(matches!(broken, AppendError::Broken(_)), "{broken}");
    assert!(broken.to_string().contains("without their transaction"), "{broken}");
}

/// The transaction would move the tail on over a batch that the stream refuses.
fn a_stream_that_something_else_has_written_to_is_given_up(found: &Found) {
    let server = started(found);
    let mut owner = Owner::take(&server);
    owner.append(0, b"sold");
    server.command(&["XADD", "{seathold:0}:log", "99-1", "what", "is this"]);
    let broken = owner.try_append(0, b"sold, too").unwrap_err();
    assert!(matches!(broken, AppendError::Broken(_)), "{broken}");
    assert!(broken.to_string().contains("{seathold:0}:log, which something else has written to"), "{broken}");
    assert!(matches!(Owner::try_take(&server, u64::MAX), Err(RedisError::Damaged { .. })));
}

fn a_lost_script_is_loaded_again(found: &Found) {
    let server = started(found);
    server.forbid_watching();
    let mut owner = Owner::take(&server);
    for flush in [["FUNCTION", "FLUSH"], ["SCRIPT", "FLUSH"]] {
        owner.append(0, b"before");
        server.command(&flush);
        owner.append(0, b"after");
    }
    assert!(server.has_run("fcall"));
    assert_eq!(read(&server), owner.batches);
}

fn a_frozen_server_is_away_and_comes_back(found: &Found) {
    let server = started(found);
    let mut owner = Owner::take(&server);
    server.freeze();
    let began = Instant::now();
    let batch = owner.next(0, b"when it thaws");
    let away = owner.log.append(&[&batch]).unwrap_err();
    assert!(matches!(away, AppendError::Away(_)), "{away}");
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    server.thaw();
    owner.log.append(&[&batch]).unwrap();
    owner.append(0, b"next");
    assert_eq!(read(&server), owner.batches);
}

fn a_full_server_takes_what_is_on_its_way_and_says_that_it_is_full(found: &Found) {
    let server = started(found);
    let mut owner = Owner::take(&server);
    owner.append(0, b"there is room");
    assert!(!owner.log.is_full());
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    owner.append(0, b"there is none");
    assert!(owner.log.is_full());
    // What has to be loaded is loaded even then.
    server.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    server.command(&["SCRIPT", "FLUSH"]);
    server.command(&["FUNCTION", "FLUSH"]);
    owner.append(1, b"there is still none");
    assert!(owner.log.is_full());
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    let began = Instant::now();
    while owner.log.is_full() {
        assert!(began.elapsed() < PATIENCE, "there is room, and it is not noticed");
        owner.append(0, b"again");
    }
    assert_eq!(read(&server), owner.batches);
}

fn covered_batches_are_trimmed(found: &Found) {
    let server = started(found);
    let mut owner = Owner::try_take(&server, 10_000).unwrap();
    let began = Instant::now();
    let wanted = loop {
        assert!(began.elapsed() < PATIENCE, "ten thousand bytes were never reached");
        owner.append(0, &[7; 1000]);
        if let Some(wanted) = owner.log.wants_compaction() {
            break wanted;
        }
    };
    let tail = |owner: &Owner, partition: usize| owner.batches[partition].last().unwrap().position.sequence;
    assert_eq!(wanted, [(0, tail(&owner, 0)), (1, tail(&owner, 1)), (2, tail(&owner, 2))]);
    owner.append(0, b"all that was live, written again");
    wanted.iter().for_each(|(partition, sequence)| owner.log.covered(*partition, *sequence));
    owner.append(0, b"one more");
    assert_eq!(server.text(&["XLEN", "{seathold:0}:log"]), "2");
    assert_eq!(server.text(&["XLEN", "{seathold:1}:log"]), "1", "the tail stays");
    assert_eq!(owner.log.wants_compaction(), None);
    let next = Owner::take(&server);
    assert_eq!(next.batches[0][..2], owner.batches[0][owner.batches[0].len() - 2..]);
}

/// Not one question more for each append.
fn a_trim_that_is_refused_waits_for_the_next_cover(found: &Found) {
    let server = started(found);
    let mut owner = Owner::take(&server);
    (0..5).for_each(|_| owner.append(0, b"sold"));
    server.command(&["ACL", "SETUSER", "default", "-eval"]);
    server.command(&["CONFIG", "RESETSTAT"]);
    let refused = |times| server.says(&["INFO", "commandstats"], &format!("rejected_calls={times},"));
    for (cover, times) in [(3, 1), (4, 2)] {
        owner.log.covered(0, cover);
        (0..5).for_each(|_| owner.append(0, b"sold"));
        assert!(refused(times), "{}", server.text(&["INFO", "commandstats"]));
    }
    server.command(&["ACL", "SETUSER", "default", "+eval"]);
    owner.log.covered(0, 5);
    owner.append(0, b"sold");
    assert_eq!(read(&server)[0], owner.batches[0][5..]);
}

/// The new connection found the batch at the tail and took that for an acknowledgement.
fn what_no_replica_has_is_not_acknowledged_after_a_reconnect(found: &Found) {
    let pair = Pair::start(found, Options::default());
    until_it_copies(&pair.primary);
    create(&pair.primary);
    let mut owner = Owner::take_as(&pair.primary, Durability::Replicated(1));
    owner.append(0, b"with the replica");
    pair.part();
    let batch = owner.next(0, b"without");
    for _ in 0..3 {
        let away = owner.log.append(&[&batch]).unwrap_err();
        assert!(matches!(away, AppendError::Away(_)), "{away}");
        pair.primary.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    }
    assert_eq!(read(&pair.primary), owner.batches, "it is in, and nobody was told");
    pair.join();
    let began = Instant::now();
    while let Err(away) = owner.log.append(&[&batch]) {
        assert!(began.elapsed() < PATIENCE, "{away}");
    }
}
