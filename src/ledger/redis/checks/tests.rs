//! What real servers say of themselves, shortened to the lines that are read and a few that look like them.

use super::told::read;
use super::*;
use crate::ledger::redis::durability::Durability;
use crate::ledger::redis::link::{Lost, Reply};
use crate::ledger::redis::servers::Trouble;
use redis::Value;

const REDIS_6_2: &str = "# Server\r\nredis_version:6.2.14\r\nredis_mode:standalone\r\ngcc_version:10.2.1\r\n\
    \r\n# Memory\r\nused_memory:944936\r\nused_memory_human:922.79K\r\nmaxmemory:0\r\nmaxmemory_human:0B\r\n\
    maxmemory_policy:noeviction\r\n\r\n# Persistence\r\nloading:0\r\naof_enabled:0\r\n\r\n# Replication\r\n\
    role:master\r\nconnected_slaves:0\r\nmaster_failover_state:no-failover\r\n";

const REDIS_7_0: &str = "# Server\r\nredis_version:7.0.15\r\nredis_mode:cluster\r\ngcc_version:12.2.0\r\n\
    \r\n# Memory\r\nused_memory:917112\r\nused_memory_human:895.62K\r\nmaxmemory:104857600\r\n\
    maxmemory_human:100.00M\r\nmaxmemory_policy:allkeys-lru\r\n\r\n# Persistence\r\nloading:0\r\nasync_loading:0\r\n\
    aof_enabled:1\r\naof_rewrite_in_progress:0\r\n\r\n# Stats\r\nslave_expires_tracked_keys:0\r\n\r\n# Replication\r\n\
    role:master\r\nconnected_slaves:3\r\nslave0:ip=127.0.0.1,port=6380,state=online,offset=259,lag=0\r\n\
    slave1:ip=127.0.0.1,port=6381,state=wait_bgsave,offset=0,lag=0\r\n\
    slave2:ip=127.0.0.1,port=6382,state=online,offset=259,lag=1\r\nmaster_failover_state:no-failover\r\n";

const VALKEY_8: &str = "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\n\
    valkey_release_stage:ga\r\nserver_mode:cluster\r\n\r\n# Memory\r\nused_memory:1018856\r\nmaxmemory:0\r\n\
    maxmemory_policy:noeviction\r\n\r\n# Persistence\r\naof_enabled:0\r\n\r\n# Replication\r\nrole:slave\r\n\
    master_host:10.0.0.7\r\nmaster_port:6379\r\nmaster_link_status:up\r\nconnected_slaves:0\r\n";

const VALKEY_9: &str = "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n\
    server_mode:standalone\r\n\r\n# Memory\r\nused_memory:1018856\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n\
    \r\n# Persistence\r\naof_enabled:1\r\n\r\n# Replication\r\nrole:master\r\nconnected_slaves:0\r\n";

const SENTINEL: &str = "# Server\r\nredis_version:7.0.15\r\nredis_mode:sentinel\r\n\r\n# Sentinel\r\n\
    sentinel_masters:1\r\nmaster0:name=west,status=ok,address=127.0.0.1:6379,slaves=1,sentinels=3\r\n";

fn value(protocol: &str) -> Reply {
    match redis::parse_redis_value(protocol.replace('|', "\r\n").as_bytes()).unwrap() {
        Value::ServerError(refusal) => Err(refusal),
        value => Ok(value),
    }
}

/// RESP3's text of a known format.
fn verbatim(info: &str) -> Reply {
    value(&format!("={}|txt:{info}|", info.len() + 4))
}

fn settings(pairs: &[(&str, &str)]) -> Reply {
    let pairs: String =
        pairs.iter().map(|(name, set)| format!("${}|{name}|${}|{set}|", name.len(), set.len())).collect();
    value(&format!("%{}|{pairs}", pairs.matches('$').count() / 2))
}

fn files(appendfsync: &str, skips: &str) -> Reply {
    settings(&[("appendfsync", appendfsync), ("no-appendfsync-on-rewrite", skips)])
}

const FUNCTIONS: &str = "*2|*7|$5|fcall|:-3|~0|:0|:0|:0|~0|_|";
const BOTH: &str = "*2|*7|$5|fcall|:-3|~0|:0|:0|:0|~0|*7|$7|waitaof|:4|~0|:0|:0|:0|~0|";

fn told(info: &str, commands: &str, appendfsync: Reply, policy: Reply) -> Found {
    read(vec![verbatim(info), value(commands), appendfsync, policy]).unwrap()
}

fn node() -> Node {
    Node { host: "10.0.0.7".to_owned(), port: 6379 }
}

#[test]
fn redis_6_2_is_read() {
    let found =
        told(REDIS_6_2, "*2|_|_|", files("everysec", "no"), settings(&[("maxmemory-policy", "noeviction")]));
    let expected = Found {
        version: Version { major: 6, minor: 2, patch: 14 },
        used_memory: Some(944_936),
        append_only: false,
        appendfsync: Some(AppendFsync::EverySecond),
        has_functions: false,
        has_waitaof: false,
        ..found_in_tests()
    };
    assert_eq!(found, expected);
}

#[test]
fn redis_7_0_is_read() {
    let found =
        told(REDIS_7_0, FUNCTIONS, files("always", "yes"), settings(&[("maxmemory-policy", "allkeys-lru")]));
    let expected = Found {
        version: Version { major: 7, minor: 0, patch: 15 },
        mode: Mode::Cluster,
        replicas: 2,
        maxmemory: Some(104_857_600),
        used_memory: Some(917_112),
        maxmemory_policy: Some("allkeys-lru".to_owned()),
        skips_fsync_on_rewrite: Some(true),
        has_waitaof: false,
        ..found_in_tests()
    };
    assert_eq!(found, expected);
}

#[test]
fn valkey_8_is_read() {
    let found = told(VALKEY_8, BOTH, files("no", "no"), settings(&[("maxmemory-policy", "noeviction")]));
    let expected = Found {
        flavor: Flavor::Valkey,
        version: Version { major: 8, minor: 0, patch: 1 },
        mode: Mode::Cluster,
        role: Role::Replica(node()),
        used_memory: Some(1_018_856),
        append_only: false,
        appendfsync: Some(AppendFsync::No),
        ..found_in_tests()
    };
    assert_eq!(found, expected);
}

#[test]
fn valkey_9_is_read() {
    let found = told(VALKEY_9, BOTH, files("always", "no"), settings(&[("maxmemory-policy", "noeviction")]));
    let version = Version { major: 9, minor: 1, patch: 2 };
    let expected =
        Found { flavor: Flavor::Valkey, version, used_memory: Some(1_018_856), ..found_in_tests() };
    assert_eq!(found, expected);
}

#[test]
fn a_service_that_refuses_config_and_command_is_judged_by_its_version() {
    for refused in
        ["-ERR unknown command 'config'|", "-NOPERM User a has no permissions to run it|", "*0|", "+OK|"]
    {
        let found = told(VALKEY_9, refused, value(refused), value(refused));
        assert_eq!((found.appendfsync, found.skips_fsync_on_rewrite), (None, None));
        assert_eq!(found.maxmemory_policy.as_deref(), Some("noeviction"), "INFO tells it");
    }
    let refused = "-ERR unknown command 'command'|";
    let has = |info: &str| {
        let found = told(info, refused, value(refused), value(refused));
        (found.has_functions, found.has_waitaof)
    };
    assert_eq!(has(REDIS_6_2), (false, false));
    assert_eq!(has(REDIS_7_0), (true, false));
    assert_eq!(has(VALKEY_8), (true, true));
}

#[test]
fn a_policy_that_info_leaves_out_is_asked_for() {
    let info = VALKEY_9.replace("maxmemory_policy:noeviction\r\n", "");
    let found = told(&info, BOTH, files("always", "no"), settings(&[("maxmemory-policy", "volatile-ttl")]));
    assert_eq!(found.maxmemory_policy.as_deref(), Some("volatile-ttl"));
    let refused = "-NOPERM User a has no permissions to run the 'config|get' command|";
    let found = told(&info, BOTH, value(refused), value(refused));
    assert_eq!(found.maxmemory_policy, None);
}

#[test]
fn resp2_is_read_as_well() {
    let info = value(&format!("${}|{REDIS_7_0}|", REDIS_7_0.len()));
    let files = value("*4|$11|appendfsync|$6|always|$25|no-appendfsync-on-rewrite|$2|no|");
    let policy = value("*2|$16|maxmemory-policy|$11|allkeys-lru|");
    let found = read(vec![info, value("*2|*6|$5|fcall|:-3|*0|:0|:0|:0|*-1|"), files, policy]).unwrap();
    assert_eq!(found.appendfsync, Some(AppendFsync::Always));
    assert_eq!((found.has_functions, found.has_waitaof, found.replicas), (true, false, 2));
}

#[test]
fn what_tells_nothing_is_refused_and_what_is_busy_is_asked_again() {
    let refusal = |info: Reply| read(vec![info, value("*0|"), value("%0|"), value("%0|")]).unwrap_err();
    let unfit = |info: Reply, sentence: &str| {
        let Trouble::Unfit(said) = refusal(info) else { panic!("not unfit") };
        assert!(said.contains(sentence), "{said}");
    };
    unfit(value("-NOPERM User a has no permissions to run the 'info' command|"), "ACL SETUSER");
    unfit(value("-NOAUTH Authentication required.|"), "password");
    unfit(value("+OK|"), "INFO");
    unfit(verbatim("# Server\r\nos:Linux\r\n"), "does not tell its version");
    unfit(verbatim("redis_version:new\r\n"), "does not tell its version");
    let busy = refusal(value("-BUSY Redis is busy running a script.|"));
    assert!(matches!(busy, Trouble::Lost(Lost(said)) if said.contains("SCRIPT KILL")));
    assert!(matches!(read(Vec::new()), Err(Trouble::Lost(_))));
}

#[track_caller]
fn refuses(found: &Found, durability: Durability, sentence: &str) {
    assert_eq!(found.refusal(durability).as_deref(), Some(sentence));
}

const EVERY: [Durability; 3] = [Durability::Local, Durability::Fsync, Durability::Replicated(1)];

#[test]
fn a_fit_server_is_not_refused() {
    let found = Found { replicas: 1, ..found_in_tests() };
    for durability in EVERY {
        assert_eq!(found.refusal(durability), None);
    }
}

#[test]
fn a_server_that_may_not_hold_the_ledger_is_refused_whatever_is_asked() {
    let fit = || Found { replicas: 1, ..found_in_tests() };
    let policy = |policy: &str| Found { maxmemory_policy: Some(policy.to_owned()), ..fit() };
    let version = |major, minor| Found { version: Version { major, minor, patch: 9 }, ..fit() };
    for durability in EVERY {
        for name in ["allkeys-lru", "volatile-lru", "allkeys-random", "volatile-ttl"] {
            let said = policy(name).refusal(durability).unwrap();
            assert!(
                said.contains(&format!("is {name},")) && said.contains("set maxmemory-policy noeviction"),
                "{said}"
            );
        }
        let silent = Found { maxmemory_policy: None, ..fit() };
        assert!(silent.refusal(durability).unwrap().contains("CONFIG GET"));
        refuses(&version(6, 0), durability, "this is Redis 6.0.9; use 6.2 or newer, or Valkey");
        assert_eq!(version(6, 2).refusal(Durability::Local), None);
        refuses(
            &Found { role: Role::Replica(node()), ..fit() },
            durability,
            "this is a replica of 10.0.0.7:6379; name the primary in --ledger, or the Sentinels that know it",
        );
    }
    let sentinel =
        told(SENTINEL, "*2|_|_|", value("-ERR unknown command 'CONFIG'|"), value("-ERR unknown command|"));
    let said = sentinel.refusal(Durability::Local).unwrap();
    assert!(said.contains("redis+sentinel://"), "{said}");
}

#[test]
fn fsync_needs_a_file_and_its_syncs() {
    let none = Found { append_only: false, ..found_in_tests() };
    assert!(none.refusal(Durability::Fsync).unwrap().contains("set appendonly yes and appendfsync always"));
    let skips = Found { skips_fsync_on_rewrite: Some(true), ..found_in_tests() };
    assert!(skips.refusal(Durability::Fsync).unwrap().contains("set no-appendfsync-on-rewrite no"));
    let rarely = Found { appendfsync: Some(AppendFsync::No), ..found_in_tests() };
    assert!(rarely.refusal(Durability::Fsync).unwrap().contains("appendfsync is no,"));
    for found in [none, skips, rarely] {
        assert_eq!(found.refusal(Durability::Local), None);
    }
    let unknown = Found { skips_fsync_on_rewrite: None, has_waitaof: false, ..found_in_tests() };
    assert_eq!(unknown.refusal(Durability::Fsync), None);
}

#[test]
fn waitaof_stands_for_always_where_it_can_be_believed() {
    let server = |flavor, major, minor, has_waitaof, appendfsync| Found {
        flavor,
        version: Version { major, minor, patch: 3 },
        appendfsync,
        has_waitaof,
        ..found_in_tests()
    };
    for appendfsync in [Some(AppendFsync::EverySecond), None] {
        let fits = |flavor, major, minor, has_waitaof| {
            server(flavor, major, minor, has_waitaof, appendfsync).refusal(Durability::Fsync).is_none()
        };
        assert!(fits(Flavor::Redis, 7, 2, true));
        assert!(!fits(Flavor::Redis, 7, 4, true));
        assert!(fits(Flavor::Redis, 8, 2, true));
        assert!(!fits(Flavor::Valkey, 8, 0, true));
        assert!(!fits(Flavor::Valkey, 9, 1, true));
        assert!(!fits(Flavor::Redis, 7, 0, false));
    }
    let every = server(Flavor::Valkey, 9, 1, true, Some(AppendFsync::EverySecond));
    refuses(
        &every,
        Durability::Fsync,
        "its appendfsync is everysec, and the WAITAOF of Valkey 9.1.3 then answers before the sync, so --durability \
         fsync cannot hold; set appendfsync always",
    );
    let always = server(Flavor::Valkey, 9, 1, true, Some(AppendFsync::Always));
    assert_eq!(always.refusal(Durability::Fsync), None);
}

#[test]
fn replicas_have_to_be_there() {
    let found = Found { replicas: 1, ..found_in_tests() };
    assert_eq!(found.refusal(Durability::Replicated(1)), None);
    refuses(
        &found,
        Durability::Replicated(2),
        "it has 1 replica in sync, and --durability replicated=2 waits for 2; start more, or ask for less",
    );
    let none = found_in_tests().refusal(Durability::Replicated(1)).unwrap();
    assert!(none.contains("it has 0 replicas in sync"), "{none}");
}

#[test]
fn what_may_be_lost_is_said() {
    let at = |found: Found| found.durability_sentence(&node());
    assert_eq!(
        at(Found { version: Version { major: 7, minor: 0, patch: 15 }, ..found_in_tests() }),
        "Redis 7.0.15 at 10.0.0.7:6379: appendfsync always, 0 replicas: a crash of its host loses nothing that it has answered",
    );
    let said = at(Found { appendfsync: Some(AppendFsync::EverySecond), replicas: 1, ..found_in_tests() });
    assert!(
        said.ends_with("appendfsync everysec, 1 replica: a crash of its host may lose the last second"),
        "{said}"
    );
    let said = at(Found { appendfsync: Some(AppendFsync::No), replicas: 2, ..found_in_tests() });
    assert!(said.contains("appendfsync no, 2 replicas: a crash of its host may lose"), "{said}");
    let said = at(Found { appendfsync: None, ..found_in_tests() });
    assert!(said.contains("appendfsync unknown"), "{said}");
    let said = at(Found { append_only: false, flavor: Flavor::Valkey, ..found_in_tests() });
    assert!(said.starts_with("Valkey ") && said.contains("no append-only file"), "{said}");
    let skips = Found { skips_fsync_on_rewrite: Some(true), ..found_in_tests() };
    assert_eq!(skips.at_risk(), AtRisk::Unwritten);
}
