//! The harness does what it says: a fault that never happens would let every test of faults pass.

use redis::{Client, ClientTlsConfig, TlsCertificates, Value};
use std::fs;
use std::time::Duration;

use crate::harness::{Flavor, Found, Options, RedisServer, on_each_server, on_redis};

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
