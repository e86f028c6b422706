//! What is read from files, and what is said of hosts that are no server of ours.

use super::*;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;

fn access(url: &str) -> Result<Access, AccessError> {
    Access::new(&url.parse().unwrap())
}

fn node(listener: &TcpListener) -> Node {
    Node { host: "127.0.0.1".to_owned(), port: listener.local_addr().unwrap().port() }
}

/// Why a connection to `node` does not come about.
fn lost(url: &str, node: &Node) -> String {
    let Lost(sentence) = access(url).unwrap().connect(node).err().expect("no server is there");
    assert!(sentence.contains(&node.to_string()), "{sentence}");
    sentence
}

#[test]
fn a_password_file_is_read_once_and_trimmed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("password");
    let url = format!("redis://user@r1/3?password_file={}", path.display());
    let error = access(&url).unwrap_err().to_string();
    assert!(error.starts_with(&*path.to_string_lossy()) && error.contains("No such file"), "{error}");
    fs::write(&path, " \n").unwrap();
    assert!(matches!(access(&url), Err(AccessError::NoPassword(of)) if of == path));
    fs::write(&path, "hunter2\r\n").unwrap();
    let access = access(&url).unwrap();
    let settings = &access.server.settings;
    assert_eq!((settings.username(), settings.password()), (Some("user"), Some("hunter2")));
    assert_eq!(settings.db(), 3);
    assert!(!format!("{access:?}").contains("hunter2"));
}

#[test]
fn a_sentinel_has_a_login_of_its_own_and_no_database() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("password");
    fs::write(&path, "second").unwrap();
    let options = format!("sentinel_user=watch&sentinel_password_file={}", path.display());
    let access = access(&format!("redis+sentinel://user:first@s1/m/2?{options}")).unwrap();
    let of = |greeting: &Greeting| {
        let settings = greeting.settings.clone();
        (settings.username().map(str::to_owned), settings.password().map(str::to_owned), settings.db())
    };
    assert_eq!(of(&access.server), (Some("user".to_owned()), Some("first".to_owned()), 2));
    assert_eq!(of(&access.sentinel), (Some("watch".to_owned()), Some("second".to_owned()), 0));
}

#[test]
fn a_file_without_a_certificate_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.pem");
    let url = format!("rediss://r1?ca={}", path.display());
    assert!(matches!(access(&url), Err(AccessError::Authorities { path: of, .. }) if of == path));
    for text in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        fs::write(&path, text).unwrap();
        assert!(matches!(access(&url), Err(AccessError::NoAuthority(of)) if of == path), "{text}");
    }
}

#[test]
fn a_host_that_does_not_listen_answer_or_exist_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = lost("redis://r1", &node(&listener));
    assert!(silent.contains("did not answer within 1000 ms"), "{silent}");
    let gone = node(&listener);
    drop(listener);
    let refused = lost("redis://r1", &gone);
    assert!(refused.contains("nothing listens"), "{refused}");
    // Longer than a name can be, so that nobody is asked.
    let unknown = lost("redis://r1", &Node { host: "a".repeat(64), port: 6379 });
    assert!(unknown.contains("cannot be reached"), "{unknown}");
}

#[test]
fn what_is_no_redis_is_said_to_be_none() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let node = node(&listener);
    let peer = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        }
    });
    let plain = lost("redis://r1", &node);
    assert!(plain.contains("check that it is Redis"), "{plain}");
    let tls = lost("rediss://r1", &node);
    assert!(tls.contains("check that this port speaks TLS"), "{tls}");
    peer.join().unwrap();
}
