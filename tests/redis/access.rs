//! Connections to real servers: who is greeted as whom, and what an operator reads where nobody is.

use crate::harness::{Found, Options, RedisServer, on_each_server, on_redis};
use seathold::ledger::redis::{Access, Link, Lost, Node};
use std::fs;
use std::time::{Duration, Instant};

on_each_server!(
    a_user_is_let_in_with_the_password_of_a_file,
    a_refused_login_names_what_to_check,
    a_frozen_server_is_given_up_in_time,
);

on_redis!(a_certificate_is_believed_for_its_host_alone, a_port_that_speaks_otherwise_is_named);

/// Neither user may do more than it needs: the second not even give its connection a name.
const USERS: &str = "user default off\n\
                     user ledger on >hunter2 ~* +@all\n\
                     user narrow on >hunter2 ~* +hello +select";

fn a_user_is_let_in_with_the_password_of_a_file(found: &Found) {
    let server = RedisServer::start(found, Options { acl: Some(USERS), ..Options::default() });
    let file = server.directory().join("password");
    fs::write(&file, "hunter2\n").unwrap();
    let list = |user| {
        let url = format!("redis://{user}@{}/3?password_file={}", server.address(), file.display());
        let _link = connect(&url, &node(&server)).unwrap();
        let list = server.text(&["CLIENT", "LIST"]);
        list.lines().find(|line| line.contains(&format!("user={user} "))).expect(&list).to_owned()
    };
    let ledger = list("ledger");
    assert!(ledger.contains("name=seathold ") && ledger.contains("db=3 "), "{ledger}");
    // Redis tells the protocol since 7.0.
    assert!(ledger.contains("resp=3"), "{ledger}");
    let narrow = list("narrow");
    assert!(narrow.contains("name= ") && narrow.contains("db=3 "), "{narrow}");
}

fn a_refused_login_names_what_to_check(found: &Found) {
    let server = RedisServer::start(found, Options { requirepass: Some("hunter2"), ..Options::default() });
    let node = node(&server);
    let said = |login: &str, database: u32| lost(&format!("redis://{login}{node}/{database}"), &node);
    assert!(said(":hunter3@", 0).contains("refuses user or password; check USER:PASSWORD or password_file"));
    assert!(said("nobody:hunter2@", 0).contains("(WRONGPASS invalid"));
    assert!(said("", 0).contains("wants a password"));
    let database = said(":hunter2@", 1_000_000);
    assert!(database.contains("refuses the connection: ERR ") && database.contains("range"), "{database}");
}

fn a_frozen_server_is_given_up_in_time(found: &Found) {
    let server = RedisServer::start(found, Options::default());
    let (url, node) = (server.url(), node(&server));
    server.freeze();
    let started = Instant::now();
    let sentence = lost(&url, &node);
    assert!(sentence.contains("did not answer within 1000 ms"), "{sentence}");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    server.thaw();
    connect(&url, &node).unwrap();
}

fn a_certificate_is_believed_for_its_host_alone(found: &Found) {
    let bind = ["--bind", "127.0.0.1", "127.0.0.2"].map(str::to_owned).to_vec();
    let server = RedisServer::start(found, Options { tls: true, extra: bind, ..Options::default() });
    let node = |host: &str| Node { host: host.to_owned(), port: tls_port(&server) };
    let ca = format!("rediss://r1?ca={}", RedisServer::authority().display());
    for host in ["127.0.0.1", "localhost"] {
        connect(&ca, &node(host)).unwrap_or_else(|error| panic!("{host}: {error}"));
    }
    let other_host = lost(&ca, &node("127.0.0.2"));
    assert!(other_host.contains("TLS") && other_host.contains("not valid for name"), "{other_host}");
    let unknown = lost("rediss://r1", &node("127.0.0.1"));
    assert!(unknown.contains("TLS") && unknown.contains("UnknownIssuer"), "{unknown}");
}

fn a_port_that_speaks_otherwise_is_named(found: &Found) {
    let server = RedisServer::start(found, Options { tls: true, ..Options::default() });
    let plain = node(&server);
    let tls = Node { port: tls_port(&server), ..plain.clone() };
    let ca = format!("rediss://r1?ca={}", RedisServer::authority().display());
    let sentence = lost(&ca, &plain);
    assert!(sentence.contains("speaks TLS on this port"), "{sentence}");
    let sentence = lost("redis://r1", &tls);
    assert!(sentence.contains("write rediss in --ledger if it wants TLS"), "{sentence}");
}

fn node(server: &RedisServer) -> Node {
    Node { host: "127.0.0.1".to_owned(), port: server.address().port() }
}

fn tls_port(server: &RedisServer) -> u16 {
    server.tls_url().rsplit(':').next().unwrap().parse().unwrap()
}

fn connect(url: &str, node: &Node) -> Result<Link, Lost> {
    Access::new(&url.parse().unwrap()).unwrap().connect(node)
}

/// Why there is no connection, which must name the node.
fn lost(url: &str, node: &Node) -> String {
    let Lost(sentence) = connect(url, node).err().expect("nobody lets us in");
    assert!(sentence.contains(&node.to_string()), "{sentence}");
    sentence
}
