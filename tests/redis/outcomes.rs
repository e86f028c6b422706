//! The errors that real servers give to the append step, provoked, and what the table of outcomes makes of them.

use crate::harness::cluster::Cluster;
use crate::harness::{Found, Options, PATIENCE, RedisServer, on_each_server, until};
use redis::{Client, Cmd, Connection, Value, cmd};
use seathold::ledger::redis::{Class, Node, Remedy, Taken, classify, taken};
use std::fs;

on_each_server!(
    the_step_says_what_it_did,
    a_forgotten_step_is_to_be_loaded,
    full_memory_has_its_own_remedy,
    a_replica_sends_to_its_primary,
    too_few_replicas_are_the_operators,
    a_failed_snapshot_is_the_operators,
    a_connection_without_a_password_is_the_operators,
    a_user_who_may_not_append_is_the_operators,
    a_user_who_may_only_append_leaves_it_unknown,
    a_key_of_another_type_is_the_operators_before_anything_is_written,
    a_busy_server_is_waited_for,
    a_loading_server_is_waited_for,
    a_cluster_without_the_slot_is_waited_for,
    keys_of_two_slots_are_the_operators,
    a_cluster_names_the_node_to_ask,
    an_ended_wait_proves_nothing,
);

const STEP: &str = include_str!("../../src/ledger/redis/append.lua");

const KEYS: [&str; 3] = ["{p}:tail", "{p}:log", "{p}:remaining"];

/// A batch behind `before`, as the log asks for it.
fn step(mut call: Cmd, keys: [&str; 3], before: &str, sequence: u64) -> Cmd {
    call.arg(3).arg(&keys[..]).arg(before).arg(format!("7-{sequence} 00000000000000ab"));
    call.arg(format!("7-{sequence}")).arg("00000000000000ab").arg("batch").arg("G1 2027-03-15").arg("{}");
    call
}

fn eval() -> Cmd {
    cmd("EVAL").arg(STEP).take()
}

/// The first batch of an empty log.
fn first() -> Cmd {
    step(eval(), KEYS, "", 1)
}

fn library() -> String {
    let function = "redis.register_function('step', step)";
    format!("#!lua name=outcomes\nlocal function step(KEYS, ARGV)\n{STEP}end\n{function}\n")
}

fn answer(connection: &mut Connection, call: &Cmd) -> Value {
    connection.send_packed_command(&call.get_packed_command()).unwrap();
    connection.recv_response().unwrap()
}

#[track_caller]
fn judged(connection: &mut Connection, call: &Cmd) -> (Class, Remedy) {
    match answer(connection, call) {
        Value::ServerError(refusal) => {
            let judged = classify(&refusal);
            eprintln!("{refusal}: {}", judged.sentence);
            (judged.class, judged.remedy)
        }
        value => panic!("it was taken: {value:?}"),
    }
}

/// The call is refused with this remedy, and nothing is in the log.
#[track_caller]
fn refused(server: &RedisServer, connection: &mut Connection, call: &Cmd, remedy: Remedy) {
    assert_eq!(judged(connection, call), (Class::NotExecuted, remedy));
    assert_eq!(server.text(&["EXISTS", KEYS[1]]), "0");
}

/// Asks until the answer is an error of that code.
fn until_refused(connection: &mut Connection, call: &Cmd, code: &str) -> (Class, Remedy) {
    let mut last = None;
    until(code, || {
        let Value::ServerError(refusal) = answer(connection, call) else { return false };
        let is_it = refusal.code() == code;
        last = Some(classify(&refusal));
        is_it
    });
    let judged = last.expect("it was seen");
    (judged.class, judged.remedy)
}

fn as_user(server: &RedisServer, user: &str) -> Connection {
    let client = Client::open(format!("redis://{user}:hunter2@{}", server.address())).unwrap();
    client.get_connection_with_timeout(PATIENCE).unwrap()
}

fn the_step_says_what_it_did(found: &Found) {
    let server = RedisServer::start(found, Options::default());
    server.command(&["FUNCTION", "LOAD", &library()]);
    let connection = &mut server.connect();
    let tail = "7-1 00000000000000ab";
    for call in [eval(), cmd("FCALL").arg("step").take()] {
        server.command(&["FLUSHALL"]);
        let mut says =
            |before, sequence| taken(&answer(connection, &step(call.clone(), KEYS, before, sequence)));
        assert_eq!(says(tail, 2), Some(Taken::Other(None)));
        assert_eq!(says("", 1), Some(Taken::Fresh));
        assert_eq!(says("", 1), Some(Taken::Already));
        assert_eq!(says("", 2), Some(Taken::Other(Some(tail.parse().unwrap()))));
        assert_eq!(says(tail, 2), Some(Taken::Fresh));
    }
    server.command(&["SET", KEYS[0], "something else"]);
    assert_eq!(taken(&answer(connection, &first())), None);
}

fn a_forgotten_step_is_to_be_loaded(found: &Found) {
    let server = RedisServer::start(found, Options::default());
    let connection = &mut server.connect();
    let digest = server.text(&["SCRIPT", "LOAD", STEP]);
    server.command(&["FUNCTION", "LOAD", &library()]);
    server.command(&["SCRIPT", "FLUSH"]);
    server.command(&["FUNCTION", "FLUSH"]);
    for call in [cmd("EVALSHA").arg(digest).take(), cmd("FCALL").arg("step").take()] {
        refused(&server, connection, &step(call, KEYS, "", 1), Remedy::LoadScript);
    }
}

fn full_memory_has_its_own_remedy(found: &Found) {
    let server = RedisServer::start(found, Options::default());
    let connection = &mut server.connect();
    server.command(&["FUNCTION", "LOAD", &library()]);
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    for call in [eval(), cmd("FCALL").arg("step").take()] {
        refused(&server, connection, &step(call, KEYS, "", 1), Remedy::FreeMemory);
    }
    let uncaught = cmd("EVAL").arg(format!("redis.call('SET', KEYS[1], '')\n{STEP}")).take();
    refused(&server, connection, &step(uncaught, KEYS, "", 1), Remedy::FreeMemory);
}

fn a_replica_sends_to_its_primary(found: &Found) {
    let server = RedisServer::start(found, Options::default());
    let connection = &mut server.connect();
    // Nobody listens on port 1, so the link to the primary stays down.
    server.command(&["REPLICAOF", "127.0.0.1", "1"]);
    refused(&server, connection, &first(), Remedy::FindPrimary);
    server.command(&["CONFIG", "SET", "replica-serve-stale-data", "no"]);
    let judged = judged(connection, &first());
    assert_eq!(judged, (Class::NotExecuted, Remedy::FindPrimary), "now by MASTERDOWN");
}

fn too_few_replicas_are_the_operators(found: &Found) {
    let server = RedisServer::start(found, Options::default());
    server.command(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    refused(&server, &mut server.connect(), &first(), Remedy::Operator);
}

fn a_failed_snapshot_is_the_operators(found: &Found) {
    let server = RedisServer::start(found, Options::default());
    server.command(&["CONFIG", "SET", "save", "3600 1000000"]);
    fs::remove_dir_all(server.directory()).unwrap();
    server.command(&["BGSAVE"]);
    until("the snapshot fails", || server.says(&["INFO", "persistence"], "rdb_last_bgsave_status:err"));
    refused(&server, &mut server.connect(), &first(), Remedy::Operator);
}

fn a_connection_without_a_password_is_the_operators(found: &Found) {
    let server = RedisServer::start(found, Options { requirepass: Some("hunter2"), ..Options::default() });
    let client = Client::open(format!("redis://{}", server.address())).unwrap();
    for call in [first(), cmd("GET").arg(KEYS[0]).take(), cmd("AUTH").arg("hunter3").take()] {
        let connection = &mut client.get_connection_with_timeout(PATIENCE).unwrap();
        refused(&server, connection, &call, Remedy::Operator);
    }
}

const USERS: &str = "user narrow on >hunter2 ~* +ping\n\
                     user reader on >hunter2 ~* +eval +get\n\
                     user stranger on >hunter2 ~other* +eval +get +xadd\n\
                     user appender on >hunter2 ~* +eval +get +set +xadd";

fn a_user_who_may_not_append_is_the_operators(found: &Found) {
    let server = RedisServer::start(found, Options { acl: Some(USERS), ..Options::default() });
    for user in ["narrow", "reader", "stranger"] {
        refused(&server, &mut as_user(&server, user), &first(), Remedy::Operator);
    }
}

/// Behind the first write nothing is rolled back: what is refused there must not be taken for a batch that is not in.
fn a_user_who_may_only_append_leaves_it_unknown(found: &Found) {
    let server = RedisServer::start(found, Options { acl: Some(USERS), ..Options::default() });
    let connection = &mut as_user(&server, "appender");
    assert_eq!(judged(connection, &first()), (Class::Unknown, Remedy::Settle));
    assert_eq!(server.text(&["XLEN", KEYS[1]]), "1");
    assert_eq!(taken(&answer(connection, &first())), Some(Taken::Already));
}

fn a_key_of_another_type_is_the_operators_before_anything_is_written(found: &Found) {
    let server = RedisServer::start(found, Options::default());
    let connection = &mut server.connect();
    server.command(&["SET", KEYS[1], "no stream"]);
    assert_eq!(judged(connection, &first()), (Class::NotExecuted, Remedy::Operator));
    assert_eq!(server.text(&["EXISTS", KEYS[0]]), "0");
    server.command(&["DEL", KEYS[1]]);
    server.command(&["SET", KEYS[2], "no hash"]);
    assert_eq!(judged(connection, &first()), (Class::Unknown, Remedy::Settle));
    assert_eq!(server.text(&["XLEN", KEYS[1]]), "1");
}

fn a_busy_server_is_waited_for(found: &Found) {
    let server = RedisServer::start(found, Options::default());
    let (connection, endless) = (&mut server.connect(), &mut server.connect());
    server.command(&["CONFIG", "SET", "lua-time-limit", "1"]);
    let call = cmd("EVAL").arg("while true do end").arg(0).take();
    endless.send_packed_command(&call.get_packed_command()).unwrap();
    assert_eq!(until_refused(connection, &first(), "BUSY"), (Class::NotExecuted, Remedy::Wait));
    assert_eq!(answer(connection, cmd("SCRIPT").arg("KILL")), Value::Okay);
    let Ok(Value::ServerError(killed)) = endless.recv_response() else { panic!("it was not killed") };
    let killed = classify(&killed);
    assert_eq!((killed.class, killed.remedy), (Class::NotExecuted, Remedy::Wait));
}

fn a_loading_server_is_waited_for(found: &Found) {
    let server = RedisServer::start(found, Options::default());
    let (connection, loads) = (&mut server.connect(), &mut server.connect());
    server.command(&["DEBUG", "POPULATE", "20000"]);
    // Microseconds for each key, and a look at the sockets now and then.
    server.command(&["CONFIG", "SET", "key-load-delay", "500"]);
    server.command(&["CONFIG", "SET", "loading-process-events-interval-bytes", "1024"]);
    loads.send_packed_command(&cmd("DEBUG").arg("RELOAD").get_packed_command()).unwrap();
    assert_eq!(until_refused(connection, &first(), "LOADING"), (Class::NotExecuted, Remedy::Wait));
}

fn a_cluster_without_the_slot_is_waited_for(found: &Found) {
    let server = RedisServer::start(found, Options { cluster: true, ..Options::default() });
    assert_eq!(judged(&mut server.connect(), &first()), (Class::NotExecuted, Remedy::Wait));
}

fn keys_of_two_slots_are_the_operators(found: &Found) {
    let server = RedisServer::start(found, Options { cluster: true, ..Options::default() });
    let slots: Vec<String> = (0..16_384).map(|slot| slot.to_string()).collect();
    let words: Vec<&str> =
        ["CLUSTER", "ADDSLOTS"].into_iter().chain(slots.iter().map(String::as_str)).collect();
    server.command(&words);
    let call = step(eval(), ["{a}:tail", "{b}:log", "{c}:remaining"], "", 1);
    assert_eq!(judged(&mut server.connect(), &call), (Class::NotExecuted, Remedy::Operator));
}

fn a_cluster_names_the_node_to_ask(found: &Found) {
    let cluster = Cluster::start(found, Options::default());
    let slot = cluster.slot(KEYS[1]);
    let owns = |node: &usize| cluster.nodes[*node].address() == cluster.owner(0, slot);
    let from = (0..3).find(owns).unwrap();
    let to = (from + 1) % 3;
    let address = |node: usize| {
        let address = cluster.nodes[node].address();
        Node { host: address.ip().to_string(), port: address.port() }
    };
    let asks = |node: usize| judged(&mut cluster.nodes[node].connect(), &first());

    assert_eq!(asks(to), (Class::NotExecuted, Remedy::Retarget(address(from))));
    assert_eq!(taken(&answer(&mut cluster.nodes[from].connect(), &first())), Some(Taken::Fresh));
    cluster.begin_move(slot, from, to);
    assert_eq!(cluster.move_keys(slot, from, to, 1), 1);
    assert_eq!(asks(from), (Class::NotExecuted, Remedy::Wait), "some of its keys have moved");
    assert_eq!(cluster.move_keys(slot, from, to, 10), 2);
    assert_eq!(asks(from), (Class::NotExecuted, Remedy::Ask(address(to))));
    cluster.end_move(slot, from, to);
    assert_eq!(asks(from), (Class::NotExecuted, Remedy::Retarget(address(to))));
    assert_eq!(taken(&answer(&mut cluster.nodes[to].connect(), &first())), Some(Taken::Already));
}

fn an_ended_wait_proves_nothing(found: &Found) {
    let server = RedisServer::start(found, Options::default());
    let connection = &mut server.connect();
    let Value::Int(id) = answer(connection, cmd("CLIENT").arg("ID")) else { panic!("no number") };
    assert_eq!(taken(&answer(connection, &first())), Some(Taken::Fresh));
    connection.send_packed_command(&cmd("WAIT").arg(1).arg(0).get_packed_command()).unwrap();
    let unblock = ["CLIENT", "UNBLOCK", &id.to_string(), "ERROR"];
    until("it waits, and no more", || server.text(&unblock) == "1");
    let Ok(Value::ServerError(ended)) = connection.recv_response() else { panic!("it was not ended") };
    let ended = classify(&ended);
    assert_eq!((ended.class, ended.remedy), (Class::Executed, Remedy::Settle));
}
