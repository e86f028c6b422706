//! Each row from replies as real servers gave them: Redis 6.2.14, 7.0.15 and Valkey 9.1.2.

use super::table::{ROWS, Verdict};
use super::*;
use crate::ledger::redis::Owner;
use seathold_protocol::batch::Position;

const WRONGTYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
const OOM: &str = "OOM command not allowed when used memory > 'maxmemory'.";

fn judged(line: &str) -> Judgement {
    match redis::parse_redis_value(format!("-{line}\r\n").as_bytes()) {
        Ok(Value::ServerError(refusal)) => classify(&refusal),
        other => panic!("{line}: {other:?}"),
    }
}

#[track_caller]
fn not_executed(line: &str, remedy: &Remedy) {
    let judged = judged(line);
    assert_eq!((judged.class, &judged.remedy), (Class::NotExecuted, remedy), "{line}");
    assert!(judged.sentence.contains(line.split(' ').next_back().unwrap()), "{}", judged.sentence);
}

#[track_caller]
fn unknown(line: &str) {
    let judged = judged(line);
    assert_eq!((judged.class, judged.remedy), (Class::Unknown, Remedy::Settle), "{line}");
}

fn node(host: &str, port: u16) -> Node {
    Node { host: host.to_owned(), port }
}

#[test]
fn what_passes_is_waited_for() {
    for line in [
        "LOADING Redis is loading the dataset in memory",
        "LOADING Valkey is loading the dataset in memory",
        "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "CLUSTERDOWN Hash slot not served",
        "CLUSTERDOWN The cluster is down",
        "EXECABORT Transaction discarded because of previous errors.",
        "ERR Script killed by user with SCRIPT KILL... script: 694a5fe1ddb97a4c6a1bf299d9537c7d3d0f84e7, on @user_script:1.",
        "ERR Script killed by user with SCRIPT KILL. script: on @user_script:1.",
    ] {
        not_executed(line, &Remedy::Wait);
    }
}

#[test]
fn a_discarded_transaction_is_judged_by_its_reason() {
    not_executed(&format!("EXECABORT Transaction discarded because of: {OOM}"), &Remedy::FreeMemory);
    let replica = "READONLY You can't write against a read only replica.";
    not_executed(&format!("EXECABORT Transaction discarded because of: {replica}"), &Remedy::FindPrimary);
}

#[test]
fn a_replica_sends_to_its_primary() {
    for line in [
        "READONLY You can't write against a read only replica.",
        "READONLY You can't write against a read only replica. script: 2a870189ecd05ec5fba96e41fabd70e0662dbd37, on @user_script:1.",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    ] {
        not_executed(line, &Remedy::FindPrimary);
    }
}

#[test]
fn a_cluster_names_the_node() {
    not_executed("MOVED 3999 127.0.0.1:6381", &Remedy::Retarget(node("127.0.0.1", 6381)));
    not_executed("MOVED 3999 redis-2.example:6381", &Remedy::Retarget(node("redis-2.example", 6381)));
    not_executed("MOVED 0 2001:db8::7:6381", &Remedy::Retarget(node("2001:db8::7", 6381)));
    not_executed("ASK 16383 127.0.0.1:6381", &Remedy::Ask(node("127.0.0.1", 6381)));
}

#[test]
fn a_node_without_a_name_is_not_asked() {
    for line in
        ["MOVED 3999 :6381", "MOVED 3999 ?:6381", "MOVED 3999 a:0", "MOVED 3999", "MOVED x a:1", "MOVED"]
    {
        not_executed(line, &Remedy::FindPrimary);
    }
    for line in ["ASK 3999 :6381", "ASK 3999 ?:6381", "ASK 3999 127.0.0.1:65536", "ASK"] {
        not_executed(line, &Remedy::Wait);
    }
}

#[test]
fn a_lost_step_is_loaded() {
    not_executed("NOSCRIPT No matching script. Please use EVAL.", &Remedy::LoadScript);
    not_executed("ERR Function not found", &Remedy::LoadScript);
}

#[test]
fn full_memory_is_its_own_remedy() {
    not_executed(OOM, &Remedy::FreeMemory);
    not_executed(&format!("{OOM} script: on @user_script:1."), &Remedy::FreeMemory);
}

#[test]
fn an_operator_is_told() {
    for line in [
        "MISCONF Errors writing to the AOF file: No space left on device",
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
        "NOREPLICAS Not enough good replicas to write.",
        "NOREPLICAS Not enough good replicas to write. script: on @user_script:1.",
        "NOAUTH Authentication required.",
        "ERR Protocol error: unauthenticated multibulk length",
        "WRONGPASS invalid username-password pair or user is disabled.",
        "NOPERM this user has no permissions to run the 'evalsha' command",
        "NOPERM User seathold has no permissions to run the 'fcall' command",
        "ERR The user executing the script can't run this command or subcommand",
        "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments",
        "ERR ACL failure in script: User seathold has no permissions to run the 'xadd' command",
        WRONGTYPE,
        "CROSSSLOT Keys in request don't hash to the same slot",
        "ERR unknown command `fcall`, with args beginning with: `f`, `1`",
        "ERR unknown command 'EVALSHA', with args beginning with: '694a5fe1'",
    ] {
        not_executed(line, &Remedy::Operator);
    }
}

#[test]
fn redis_6_2_says_first_where_the_step_caught_it() {
    not_executed(&format!("@user_script: 12: -{OOM}  "), &Remedy::FreeMemory);
    not_executed("@user_script: 1: -NOREPLICAS Not enough good replicas to write.  ", &Remedy::Operator);
    not_executed(
        "@user_script: 1: -READONLY You can't write against a read only replica.  ",
        &Remedy::FindPrimary,
    );
    not_executed(
        "@user_script: 1: The user executing the script can't run this command or subcommand",
        &Remedy::Operator,
    );
    for line in [
        "@user_script:",
        "@user_script: 1",
        "@user_script: 1: ",
        "@user_script: 1: -",
        "@user_script: 1: Boom",
    ] {
        unknown(line);
    }
}

#[test]
fn what_may_be_raised_behind_the_first_write_is_unknown() {
    for line in [
        &format!("{WRONGTYPE} script: d500baae19e0b9e9daf4a9ca9a272eb34106a240, on @user_script:1."),
        &format!("{WRONGTYPE} script: seathold1_append, on @user_function:24."),
        &format!("{WRONGTYPE} script: on @user_function:24."),
        "ERR The user executing the script can't run this command or subcommand script: 3396d506, on @user_script:1.",
        "ERR ACL failure in script: No permissions to access a key script: on @user_script:1.",
        "NOPERM this user has no permissions to run the 'hset' command script: 3396d506, on @user_script:1.",
        "ERR Error running script (call to f_3396d506): @user_script:1: WRONGTYPE Operation against a key",
        "ERR Error running script (call to f_3396d506): @user_script:1: @user_script: 1: -OOM command not allowed",
    ] {
        unknown(line);
    }
}

#[test]
fn all_else_is_unknown() {
    for line in [
        "ERR The ID specified in XADD is equal or smaller than the target stream top item",
        "ERR user_script:1: boom script: 82903a0434f1503e152f89c03c9acd881a0e8150, on @user_script:1.",
        "ERR Unknown Redis command called from script script: 7ae0187b, on @user_script:1.",
        "ERR",
        "ERR ",
        "FENCED 7-3",
        "oom command not allowed",
        "",
        " ",
    ] {
        unknown(line);
    }
    assert!(judged("FENCED 7-3").sentence.ends_with("(FENCED 7-3)"));
}

#[test]
fn an_ended_wait_is_no_word_on_the_batches_before_it() {
    for line in [
        "UNBLOCKED client unblocked via CLIENT UNBLOCK",
        "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
    ] {
        let judged = judged(line);
        assert_eq!((judged.class, judged.remedy), (Class::Executed, Remedy::Settle), "{line}");
    }
}

/// No row stands twice, or behind one that takes all that it would take.
#[test]
fn every_row_can_be_reached() {
    for (index, row) in ROWS.iter().enumerate() {
        let before = ROWS[..index].iter();
        let hides = |other: &&table::Row| other.code == row.code && row.text.starts_with(other.text);
        assert_eq!(before.clone().find(hides).map(|row| row.text), None, "{} {}", row.code, row.text);
        assert!(!row.sentence.ends_with('.') && !row.sentence.is_empty(), "{}", row.code);
    }
}

#[test]
fn every_class_and_every_remedy_has_a_row() {
    let has = |fits: fn(&Verdict) -> bool| ROWS.iter().any(|row| fits(&row.verdict));
    assert!(has(|verdict| matches!(verdict, Verdict::NotExecuted(Remedy::Wait))));
    assert!(has(|verdict| matches!(verdict, Verdict::NotExecuted(Remedy::LoadScript))));
    assert!(has(|verdict| matches!(verdict, Verdict::NotExecuted(Remedy::FindPrimary))));
    assert!(has(|verdict| matches!(verdict, Verdict::NotExecuted(Remedy::FreeMemory))));
    assert!(has(|verdict| matches!(verdict, Verdict::NotExecuted(Remedy::Operator))));
    assert!(has(|verdict| matches!(verdict, Verdict::Moved)));
    assert!(has(|verdict| matches!(verdict, Verdict::Asked)));
    assert!(has(|verdict| matches!(verdict, Verdict::Executed)));
    assert!(has(|verdict| matches!(verdict, Verdict::Unknown)));
}

fn reply(text: &str) -> Option<Taken> {
    taken(&redis::parse_redis_value(text.replace('|', "\r\n").as_bytes()).unwrap())
}

#[test]
fn the_step_says_what_it_did() {
    let tail = Tail { position: Position { epoch: 7, sequence: 3 }, owner: Owner(0xab), claimed_by: None };
    assert_eq!(reply("*2|:0|$20|7-3 00000000000000ab|"), Some(Taken::Fresh));
    assert_eq!(reply("*2|:1|$20|7-3 00000000000000ab|"), Some(Taken::Already));
    assert_eq!(reply("*2|:2|$20|7-3 00000000000000ab|"), Some(Taken::Other(Some(tail))));
    assert_eq!(reply("*2|:2|$0||"), Some(Taken::Other(None)));
}

#[test]
fn nothing_else_is_taken_for_its_answer() {
    for text in [
        "*2|:0|$0||",
        "*2|:1|$0||",
        "*2|:3|$20|7-3 00000000000000ab|",
        "*2|:-1|$20|7-3 00000000000000ab|",
        "*2|:2|$3|7-3|",
        "*2|:0|$3|7-3|",
        "*2|:2|$4|junk|",
        "*2|:2|_|",
        "*2|:2|:7|",
        "*2|$1|0|$20|7-3 00000000000000ab|",
        "*1|:0|",
        "*3|:0|$20|7-3 00000000000000ab|:0|",
        "*0|",
        ":0|",
        "+OK|",
        "$20|7-3 00000000000000ab|",
    ] {
        assert_eq!(reply(text), None, "{text}");
    }
    assert_eq!(taken(&Value::Array(vec![Value::Int(2), Value::BulkString(vec![0xff])])), None);
}
