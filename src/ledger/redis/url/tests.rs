//! Every form that an operator may write, what it means, and what each refusal says.

use super::*;

fn url(text: &str) -> RedisUrl {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn node(host: &str, port: u16) -> Node {
    Node { host: host.to_owned(), port }
}

fn plain(servers: Servers) -> RedisUrl {
    RedisUrl { servers, tls: false, login: None, database: 0, prefix: "seathold".to_owned(), ca: None }
}

fn login(user: Option<&str>, password: Password) -> Option<Login> {
    Some(Login { user: user.map(str::to_owned), password })
}

#[test]
fn one_server_is_its_host_alone_or_with_everything() {
    let alone = |host, port| plain(Servers::Alone(node(host, port)));
    assert_eq!(url("redis://r1"), alone("r1", 6379));
    assert_eq!(url("redis://r1:7000/"), alone("r1", 7000));
    assert_eq!(url("redis://[::1]"), alone("::1", 6379));
    assert_eq!(url("redis://[2001:db8::7]:7000/0"), alone("2001:db8::7", 7000));
    let full =
        "rediss://us%3Aer:p%40s%2Fs:w%25@redis-1.example.org:7000/3?prefix=East_2.a-b&ca=/etc/ca%20two.pem";
    let expected = RedisUrl {
        tls: true,
        login: login(Some("us:er"), Password::Text("p@s/s:w%".to_owned())),
        database: 3,
        prefix: "East_2.a-b".to_owned(),
        ca: Some("/etc/ca two.pem".into()),
        ..alone("redis-1.example.org", 7000)
    };
    assert_eq!(url(full), expected);
}

#[test]
fn a_login_is_a_password_with_or_without_a_user_and_from_a_file() {
    let of = |text: &str| url(text).login;
    assert!(of("redis://:secret@r1") == login(None, Password::Text("secret".to_owned())));
    assert!(of("redis://u:a@b@r1") == login(Some("u"), Password::Text("a@b".to_owned())));
    let file = || Password::File("/run/credentials/seathold@1.service/redis".into());
    let option = "password_file=/run/credentials/seathold@1.service/redis";
    assert!(of(&format!("redis://r1?{option}")) == login(None, file()));
    assert!(of(&format!("redis://u@r1?{option}")) == login(Some("u"), file()));
}

#[test]
fn sentinels_and_the_nodes_of_a_cluster_are_lists() {
    let sentinels = vec![node("s1", 26379), node("s2", 5000), node("::1", 26379)];
    let servers = Servers::Sentinel { sentinels: sentinels.clone(), name: "seats".to_owned(), login: None };
    assert_eq!(url("redis+sentinel://s1,s2:5000,[::1]/seats"), plain(servers));
    let servers = Servers::Sentinel {
        sentinels,
        name: "the seats".to_owned(),
        login: login(Some("watch"), Password::File("/p2".into())),
    };
    let expected = RedisUrl {
        tls: true,
        login: login(Some("u"), Password::File("/p1".into())),
        database: 2,
        ..plain(servers)
    };
    let text = "rediss+sentinel://u@s1,s2:5000,[::1]/the%20seats/2?password_file=/p1&sentinel_user=watch&sentinel_password_file=/p2";
    assert_eq!(url(text), expected);
    let cluster = plain(Servers::Cluster(vec![node("c1", 6379), node("c2", 7000)]));
    assert_eq!(url("redis+cluster://c1,c2:7000"), cluster);
    assert_eq!(url("rediss+cluster://c1,c2:7000/?ca=/ca").ca, Some("/ca".into()));
}

#[test]
fn what_is_shown_reads_the_same_again() {
    for text in [
        "redis://r1:6379",
        "rediss://[::1]:7000/3?prefix=east&password_file=/a%20b&ca=/c%3Dd%26e",
        "redis://u%40x@r1:6379?password_file=/p",
        "redis+sentinel://s1:26379,s2:5000/the%20seats/2",
        "rediss+sentinel://u@s1:26379/m?password_file=/p1&sentinel_user=w&sentinel_password_file=/p2",
        "redis+cluster://c1:6379,c2:7000?prefix=a",
    ] {
        assert_eq!(url(text).to_string(), text);
        assert_eq!(url(&url(text).to_string()), url(text));
    }
    assert_eq!(url("redis://r1/0?prefix=seathold").to_string(), "redis://r1:6379");
}

#[test]
fn nothing_shows_the_password() {
    let secret = url("redis://user:hunter2@r1");
    assert_eq!(secret.to_string(), "redis://user:***@r1:6379");
    assert_eq!(format!("{secret:?}"), "RedisUrl(redis://user:***@r1:6379)");
    // Passwords that were not encoded, so that a part of them stands where something else should.
    for broken in ["hun/ter2", "hun?ter2", "12/ter2", "12?ter2", "12?ter2=3", "%hunter2"] {
        let error = format!("redis://user:{broken}@r1").parse::<RedisUrl>().expect_err(broken);
        let said = format!("{error} {error:?}");
        assert!(!said.contains("ter2") && !said.contains("hun"), "{said}");
    }
}

#[test]
fn a_refusal_says_what_is_wrong() {
    use RedisUrlError::*;
    let value =
        |name| move |error: &RedisUrlError| matches!(error, OptionValue { name: n, .. } if *n == name);
    type Case<'a> = (&'a str, &'a dyn Fn(&RedisUrlError) -> bool);
    let prefix = value("prefix");
    let (long, ca) = (format!("redis://r1?prefix={}", "a".repeat(65)), value("ca"));
    let is = |expected: RedisUrlError| move |error: &RedisUrlError| *error == expected;
    let cases: [Case<'_>; 36] = [
        ("r1:6379", &is(Scheme)),
        ("redis:r1", &is(Scheme)),
        ("http://r1", &is(Scheme)),
        ("redis+sentry://r1", &is(Scheme)),
        ("valkey+cluster://r1", &is(Scheme)),
        ("redis://", &is(Server(1))),
        ("redis://:6379", &is(Server(1))),
        ("redis://r1:", &is(Server(1))),
        ("redis://r1:0", &is(Server(1))),
        ("redis://r1:+1", &is(Server(1))),
        ("redis://r1:65536", &is(Server(1))),
        ("redis://::1", &is(Server(1))),
        ("redis://[r1]", &is(Server(1))),
        ("redis://[::1]6379", &is(Server(1))),
        ("redis://r 1", &is(Server(1))),
        ("redis+cluster://r1,", &is(Server(2))),
        ("redis+cluster://r1,r2,r3:x", &is(Server(3))),
        ("redis://r1,r2", &is(SeveralServers)),
        ("redis://@r1", &is(Login)),
        ("redis://u:@r1", &is(Login)),
        ("redis://u:%zz@r1", &is(Login)),
        ("redis://u@r1", &is(PasswordMissing)),
        ("redis+sentinel://s1/m?sentinel_user=w", &is(PasswordMissing)),
        ("redis://u:p@r1?password_file=/p", &is(PasswordTwice)),
        ("redis+sentinel://s1", &is(NoName)),
        ("redis+sentinel://s1//2", &is(NoName)),
        ("redis://r1/x", &is(Database)),
        ("redis://r1/-1", &is(Database)),
        ("redis+cluster://r1/0", &is(DatabaseOfCluster)),
        ("redis://r1?timeout=3", &is(UnknownOption("timeout".to_owned()))),
        ("redis://r1?sentinel_user=w", &is(UnknownOption("sentinel_user".to_owned()))),
        ("redis://r1?prefix=a&prefix=b", &is(OptionTwice("prefix"))),
        ("redis://r1?prefix=a%7Bb", &prefix),
        (&long, &prefix),
        ("rediss://r1?ca=", &ca),
        ("redis://r1?ca=/ca", &is(CaWithoutTls)),
    ];
    for (text, expected) in cases {
        let error = text.parse::<RedisUrl>().expect_err(text);
        assert!(expected(&error), "{text}: {error:?}");
    }
    assert_eq!(url(&format!("redis://r1?prefix={}", "a".repeat(64))).prefix.len(), 64);
}
