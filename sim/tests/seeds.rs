//! The seeds of the check, in parts that run beside each other.
//!
//! `cargo run --release --bin seathold-sim -- --seeds 10000` runs more of them, and `--seed 17` one, telling what happens.

#![cfg(test)]

use seathold_sim::{Branch, Bug, Counts, run};

/// Seeds of one part: every rare branch runs in each.
const PART: u64 = 250;

fn no_promise_is_broken(part: u64) {
    let mut counts = Counts::default();
    for seed in part * PART..(part + 1) * PART {
        let ran = run(seed, Bug::None, false).unwrap_or_else(|broken| panic!("{broken}"));
        counts.add(&ran.counts);
    }
    assert!(counts.missing().is_empty(), "never happened: {:?}; all: {counts:?}", counts.missing());
    assert!(counts.get(Branch::Answer) > 10_000, "{counts:?}");
}

macro_rules! parts {
    ($($name:ident $part:literal;)*) => {
        $(
            #[test]
            fn $name() {
                no_promise_is_broken($part);
            }
        )*
    };
}

parts! {
    seeds_from_0 0;
    seeds_from_250 1;
    seeds_from_500 2;
    seeds_from_750 3;
    seeds_from_1000 4;
    seeds_from_1250 5;
    seeds_from_1500 6;
    seeds_from_1750 7;
}

/// Seeds that once broke a promise, and why. They stay, whatever else is run.
const ONCE_BROKEN: [(u64, &str); 10] = [
    (41, "a fail-over lost a claim and showed the name of one before it, which its owner did not know"),
    (77, "the same"),
    (
        155,
        "an owner that was shut out and did not know wrote an emptied Redis again with what it had; left out since",
    ),
    (
        299,
        "a hold got another grace each time that it was written again on another boot's clock; allowed since",
    ),
    (1073, "the same, with a seat"),
    (
        1553,
        "a fail-over to a replica that lacked even the cover of what the owner had forgotten; left out since",
    ),
    (
        2639,
        "Redis was emptied, written again, and failed over before the word that there is a ledger; left out since",
    ),
    (3479, "the same"),
    (3914, "the same, with its host gone"),
    (6449, "a server ended because another one had claimed a partition and not raised its epoch yet"),
];

/// Of these the worlds leave out faults that meet. Whoever mends the server sees this test fail, and lets them meet.
#[test]
fn faults_that_meet_are_too_much() {
    for (seed, found) in
        [(2117, "was told NOT_FOUND after"), (1553, "must end: partition"), (2639, "do not come to rest")]
    {
        let broken = run(seed, Bug::DoubleFault, false).expect_err("the faults do not harm it any more");
        assert!(broken.found.contains(found), "{broken}");
    }
}

#[test]
fn seeds_that_were_broken_once_are_whole() {
    for (seed, reason) in ONCE_BROKEN {
        run(seed, Bug::None, false).unwrap_or_else(|broken| panic!("{broken}\nonce: {reason}"));
    }
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..8 {
        let [first, second] = [(); 2].map(|()| run(seed, Bug::None, false).expect("no promise is broken"));
        assert_eq!(first, second, "seed {seed} ran differently the second time");
    }
    let digests = [3, 4].map(|seed| run(seed, Bug::None, false).expect("no promise is broken").digest);
    assert_ne!(digests[0], digests[1], "a digest that is the same for all seeds tells nothing");
}

/// The canaries: each of these mistakes must be caught, or the simulation proves nothing.
#[test]
fn a_server_with_a_bug_is_caught() {
    for bug in [Bug::AcknowledgeBeforeSync, Bug::ForgetGeneration, Bug::TrustWallClock, Bug::IgnoreTails] {
        let caught = (0..40).filter(|seed| run(*seed, bug, false).is_err()).count();
        assert!(caught > 0, "40 seeds did not notice {bug:?}");
    }
}
