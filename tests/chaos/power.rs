//! The loss of power: whatever the server had not synced is gone, and of its last write there may be a part.

use crate::rig::setup;
use seathold_chaos::{ChaosError, Disk, Plan, strike};

#[test]
fn a_loss_of_power_under_load_loses_nothing_told() {
    let name = "a_loss_of_power_under_load_loses_nothing_told";
    let disk = match Disk::mount() {
        Ok(disk) => disk,
        Err(error @ ChaosError::NoDisk { .. }) => return eprintln!("left out: {name}: {error}"),
        Err(error) => panic!("{error}"),
    };
    let plan = Plan { seed: 49, kills: 2, until: None };
    let struck =
        strike(setup(&disk.path()), plan, Some(&disk), |_| ()).unwrap_or_else(|error| panic!("{error}"));
    let checked = &struck.checked;
    assert!(checked.violations.is_empty(), "seed {}: {:#?}", plan.seed, checked.violations);
    // Each of them showed that what is never synced is gone.
    assert_eq!(struck.power_losses, struck.kills + struck.kills_at_start, "{struck:?}");
    assert!(checked.told > 300, "there was next to no load: {struck:?}");
    assert!(checked.unknown > 0, "no loss of power left an unknown outcome behind: {struck:?}");
    assert!(struck.torn_writes > 0, "no write was torn: {struck:?}");
}
