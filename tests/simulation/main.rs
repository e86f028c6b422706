//! Deterministic simulation: the production engines and the production file log over a simulated disk, with crashes,
//! lost unsynced writes, torn tails, full disks, failed syncs, reboots and clients who never learn what became of their
//! request. A seed replays exactly.
//!
//! `SEATHOLD_SIM_SEED=17` runs one seed; `SEATHOLD_SIM_SEEDS=5000` runs so many.

#![cfg(test)]

#[path = "../sim/mod.rs"]
mod sim;

mod clients;
mod world;

use world::{Events, Faults, World};

/// Seeds in the check.
const SEEDS: u64 = 300;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs one seed and says which it was when it fails.
fn run(seed: u64, faults: Faults) -> Result<World, String> {
    let run = move || {
        let mut world = World::new(seed, faults);
        world.run()?;
        world.heal()?;
        Ok(world)
    };
    let ran = std::panic::catch_unwind(run).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
    });
    ran.map_err(|found| format!("seed {seed}: {found} (again with SEATHOLD_SIM_SEED={seed})"))
}

#[test]
fn no_seed_breaks_a_promise() {
    let seeds = match variable("SEATHOLD_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..variable("SEATHOLD_SIM_SEEDS").unwrap_or(SEEDS),
    };
    let whole = seeds.end - seeds.start >= SEEDS;
    let halves: Vec<_> = (0..2).map(|half| seeds.clone().filter(move |seed| seed % 2 == half)).collect();
    let all: Vec<Events> = std::thread::scope(|scope| {
        let threads: Vec<_> = halves
            .into_iter()
            .map(|half| {
                let one = |seed| run(seed, Faults::All).unwrap_or_else(|found| panic!("{found}")).events();
                scope.spawn(move || half.map(one).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a seed failed, see above")).collect()
    });
    let total = all.into_iter().fold(Events::default(), Events::plus);
    eprintln!("{total:?}");
    if whole {
        total.assert_every_branch_ran();
    }
}

#[test]
fn a_seed_replays_exactly() {
    for seed in [3, 4] {
        let traces = [(); 2].map(|()| run(seed, Faults::All).unwrap().trace());
        assert_eq!(traces[0], traces[1], "seed {seed} ran differently the second time");
    }
}

/// The canary: a server that acknowledges before the sync must be caught, or the simulation proves nothing.
#[test]
fn acknowledging_before_the_sync_is_caught() {
    let caught = (0..20).filter(|seed| run(*seed, Faults::AcknowledgeBeforeSync).is_err()).count();
    assert!(caught > 0, "20 seeds did not notice that acknowledged answers were lost");
}
