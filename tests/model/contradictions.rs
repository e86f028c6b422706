//! Records that no server wrote one after the other, though each can be read: a replay refuses them, and is none the worse
//! for those that it takes. Fuzzing found that some stopped the process instead.

use seathold::catalog::SaleRules;
use seathold::shard::Draft;
use seathold_protocol::batch::Stamp;
use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::record::{NO_SEAT, ReservationRecord};
use seathold_protocol::reservation::State;
use seathold_protocol::wishes::Met;
use seathold_protocol::{AccountId, PassengerId, ReservationId};

use crate::ledger::SECOND;
use crate::shard::{DEPARTURE, shard};

const WRITTEN: Stamp = Stamp { wall_ms: 1_000, boot_ms: 1_000, boot_id: 1 };

/// Held from the first stop to the third on the first seat.
fn held() -> ReservationRecord {
    let mut seats = [NO_SEAT; PASSENGERS_MAX];
    seats[0] = 0;
    let mut passengers = [PassengerId(0); PASSENGERS_MAX];
    passengers[0] = PassengerId(1);
    ReservationRecord {
        version: 1,
        fingerprint: 1,
        departure: DEPARTURE,
        id: ReservationId(1),
        account: AccountId(1),
        deadline_ms: 5_000,
        state: State::Held,
        class: SECOND,
        from: 0,
        to: 2,
        party: 1,
        met: Met::default(),
        seats,
        passengers,
    }
}

/// What a replay of `records` comes to; whatever it is, holds can end behind it.
fn replay(records: &[ReservationRecord], now: Stamp) -> Result<Option<u64>, &'static str> {
    let mut shard = shard(SaleRules::OPEN);
    let mut replay = || records.iter().try_for_each(|record| shard.replay(record, 1, WRITTEN, now));
    let replayed = replay().map_err(|refused| refused.reason);
    let deadline = shard.next_deadline();
    let end = Stamp { boot_ms: u64::MAX, ..now };
    while shard.expire_next(end, &mut Draft::default()) {}
    replayed.map(|()| deadline)
}

#[test]
fn a_reservation_keeps_its_contents() {
    let cancelled = ReservationRecord { version: 2, state: State::Cancelled, ..held() };
    assert_eq!(replay(&[held(), cancelled], WRITTEN), Ok(None));
    let mut passengers = held().passengers;
    passengers[0] = PassengerId(2);
    for changed in [
        ReservationRecord { from: 1, to: 3, ..cancelled },
        ReservationRecord { account: AccountId(2), ..cancelled },
        ReservationRecord { passengers, ..cancelled },
        ReservationRecord { fingerprint: 2, ..cancelled },
    ] {
        assert_eq!(replay(&[held(), changed], WRITTEN), Err("it changed its contents"), "{changed:?}");
    }
}

#[test]
fn a_version_has_one_state() {
    let confirmed = ReservationRecord { state: State::Confirmed, ..held() };
    assert_eq!(replay(&[confirmed, confirmed], WRITTEN), Ok(None));
    assert_eq!(replay(&[held(), held()], WRITTEN), Ok(Some(5_000)));
    assert_eq!(replay(&[confirmed, held()], WRITTEN), Err("its version is that of another state"));
    assert_eq!(replay(&[held(), confirmed], WRITTEN), Err("its version is that of another state"));
}

#[test]
fn a_hold_without_end_does_not_end_at_a_reboot() {
    let endless = ReservationRecord { deadline_ms: u64::MAX, ..held() };
    let rebooted = Stamp { wall_ms: 1_000, boot_ms: 5_000, boot_id: 2 };
    assert_eq!(replay(&[endless], rebooted), Ok(Some(u64::MAX)));
}
