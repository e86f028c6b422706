//! Few buyers for few seats, through SIGKILLs: whatever they were told can have happened one by one.

use crate::rig::setup;
use seathold_chaos::compete;
use tempfile::TempDir;

#[test]
fn what_rivals_for_few_seats_are_told_has_an_order_through_kills() {
    let directory = TempDir::new().unwrap();
    let struck = compete(setup(directory.path()), 40, 2).unwrap_or_else(|error| panic!("{error}"));
    let checked = &struck.checked;
    assert!(checked.violations.is_empty(), "{:#?}", checked.violations);
    assert!(checked.linearized > 300, "there was next to no load: {struck:?}");
    assert!(checked.sold_out > 20, "nobody was in another's way: {struck:?}");
    assert_eq!(struck.kills, 2);
}
