//! What `bench/redis-ledger` compares the ledger with: stock counted in Redis itself, by one script per reservation.
//!
//! It asks as much of Redis as can be asked with this way: the script by its digest, many in one pipeline, several
//! connections so that one pipeline is always waiting while another is read.

use clap::Parser;
use redis::{Connection, RedisError};
use std::thread;
use std::time::{Duration, Instant};

/// One reservation: is there stock (HGET), is the account below its limit (HGET), one less (HINCRBY). It replies with
/// what is left, or with a negative number for no.
///
/// This is less than a sale needs, all of it in favour of the script. It does not count the account up, does not store
/// who has reserved what under which id and until when, so that nothing can be confirmed, given back or asked again, and
/// knows no seats and no segments.
const SCRIPT: &str = "\
local left = tonumber(redis.call('HGET', KEYS[1], ARGV[1]))
if not left or left < 1 then return -1 end
local taken = tonumber(redis.call('HGET', KEYS[2], ARGV[2]))
if taken and taken >= tonumber(ARGV[3]) then return -2 end
return redis.call('HINCRBY', KEYS[1], ARGV[1], -1)
";

const STOCK: &str = "stock";
const ACCOUNTS: &str = "accounts";

/// Places of each departure, as in bench/redis-ledger.rules.toml.
const PLACES: u32 = 1_000_000;

/// Accounts that have bought before, each one place.
const ACCOUNTS_KNOWN: u64 = 1_000;

/// Places that an account may have.
const LIMIT: u32 = 5;

/// Reserve by one script call each, as fast as Redis answers
#[derive(Clone, Debug, Parser)]
struct Options {
    /// The server; its keys `stock` and `accounts` are overwritten
    #[arg(long, default_value = "redis://127.0.0.1:6379")]
    redis: String,
    /// Script calls of one pipeline
    #[arg(long, default_value_t = 256)]
    depth: usize,
    /// Connections, each with one pipeline in flight
    #[arg(long, default_value_t = 16)]
    connections: u64,
    /// Departures on sale
    #[arg(long, default_value_t = 51)]
    departures: u64,
    /// Seconds to run
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(mixed ^ (mixed >> 31)) * u128::from(bound)) >> 64) as u64
    }
}

fn main() -> Result<(), RedisError> {
    let options = Options::parse();
    let digest = prepare(&mut connect(&options)?, &options)?;
    let began = Instant::now();
    let until = began + Duration::from_secs(options.seconds);
    let sell = |seed| sell(&options, &digest, Random(seed), until);
    let tallies: Result<Vec<(u64, u64)>, RedisError> = thread::scope(|scope| {
        let sellers: Vec<_> = (0..options.connections).map(|seed| scope.spawn(move || sell(seed))).collect();
        sellers.into_iter().map(|seller| seller.join().expect("a seller does not panic")).collect()
    });
    let (accepted, refused) = tallies?.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let rate = accepted as f64 / began.elapsed().as_secs_f64();
    println!("{{\"accepted\":{accepted},\"refused\":{refused},\"accepted_per_second\":{rate:.1}}}");
    Ok(())
}

fn connect(options: &Options) -> Result<Connection, RedisError> {
    redis::Client::open(options.redis.as_str())?.get_connection_with_timeout(Duration::from_secs(5))
}

/// Fills the stock and the accounts; the script's digest.
fn prepare(connection: &mut Connection, options: &Options) -> Result<String, RedisError> {
    let mut pipe = redis::pipe();
    pipe.cmd("DEL").arg(STOCK).arg(ACCOUNTS).ignore();
    for departure in 0..options.departures {
        pipe.cmd("HSET").arg(STOCK).arg(departure).arg(PLACES).ignore();
    }
    for account in 0..ACCOUNTS_KNOWN {
        pipe.cmd("HSET").arg(ACCOUNTS).arg(account).arg(1).ignore();
    }
    pipe.cmd("SCRIPT").arg("LOAD").arg(SCRIPT);
    let (digest,) = pipe.query(connection)?;
    Ok(digest)
}

/// One pipeline after the other; how many were accepted and how many refused.
fn sell(
    options: &Options,
    digest: &str,
    mut random: Random,
    until: Instant,
) -> Result<(u64, u64), RedisError> {
    let mut connection = connect(options)?;
    let (mut accepted, mut refused) = (0, 0);
    while Instant::now() < until {
        let mut pipe = redis::pipe();
        for _ in 0..options.depth {
            let (departure, account) = (random.below(options.departures), random.below(2 * ACCOUNTS_KNOWN));
            pipe.cmd("EVALSHA").arg(digest).arg(2).arg(STOCK).arg(ACCOUNTS);
            pipe.arg(departure).arg(account).arg(LIMIT);
        }
        let replies: Vec<i64> = pipe.query(&mut connection)?;
        let yes = replies.iter().filter(|left| **left >= 0).count() as u64;
        accepted += yes;
        refused += replies.len() as u64 - yes;
    }
    Ok((accepted, refused))
}
