//! The line between the server and Redis breaks again and again in the middle of appends: no batch is lost, none is in twice.

use crate::harness::proxy::Proxy;
use crate::harness::{Found, Options, RedisServer, on_each_server, until};
use crate::sale::{PARTITIONS, Sale, Stage};

/// How often the line breaks in one sale.
const TIMES: usize = 20;

on_each_server!(pipelines_are_cut_in_their_middle, replies_are_lost_after_the_append);

/// The server reaches Redis through the line alone.
type Lined = (RedisServer, Proxy);

fn open(found: &Found) -> Sale<Lined> {
    let redis = RedisServer::start(found, Options { appendfsync: Some("always"), ..Options::default() });
    let line = Proxy::before(redis.address());
    let url = line.url();
    Sale::open((redis, line), &url, &["--durability", "fsync"])
}

fn pipelines_are_cut_in_their_middle(found: &Found) {
    open(found).survives_all_along(|stage| {
        // Each time at another place: an append has some hundred bytes.
        each_time(stage, |line, time| line.cut_requests_after(1 + 37 * time));
        every_sequence_is_there_once(&stage.redis.0);
    });
}

fn replies_are_lost_after_the_append(found: &Found) {
    open(found).survives_all_along(|stage| {
        // Bytes of a reply tell that the batch is in. Of some appends the first replies arrive: each has some forty bytes.
        each_time(stage, |line, time| line.cut_replies_after(20 * (time % 8)));
        every_sequence_is_there_once(&stage.redis.0);
    });
}

/// Breaks the line, each time with appends on their way.
fn each_time(stage: &Stage<'_, Lined>, cut: impl Fn(&Proxy, usize)) {
    let (redis, line) = &*stage.redis;
    for time in 0..TIMES {
        let before = batches(redis);
        until("batches arrive", || batches(redis) > before + 3);
        cut(line, time);
        line.wait_until_struck(time + 1);
    }
    let before = batches(redis);
    until("batches arrive again", || batches(redis) > before);
}

/// The first batch of each partition has the sequence 1, so the last one tells how many there have been. The audit at the
/// end reads all of them.
fn every_sequence_is_there_once(redis: &RedisServer) {
    for partition in 0..PARTITIONS {
        let key = |name: &str| format!("{{seathold:{partition}}}:{name}");
        // In one step: the sale goes on.
        let both = "return {redis.call('GET', KEYS[1]), redis.call('XLEN', KEYS[2])}";
        let told = redis.command(&["EVAL", both, "2", &key("tail"), &key("log")]);
        let (tail, length): (String, String) = redis::from_redis_value(told).unwrap();
        let sequence = tail.split(['-', ' ']).nth(1);
        assert_eq!(sequence, Some(&*length), "the tail is {tail}, and there are {length} batches");
    }
}

/// Batches of all partitions.
fn batches(redis: &RedisServer) -> u64 {
    (0..PARTITIONS)
        .map(|partition| {
            redis.text(&["XLEN", &format!("{{seathold:{partition}}}:log")]).parse::<u64>().unwrap()
        })
        .sum()
}
