//! Pieces of the server's work, each prepared in one step and done in another: `benches/` times the second step and counts
//! its instructions, so that both speak of the same.

pub mod codec;
pub mod engine;
pub mod inventory;
pub mod shard;

use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::plan::{Block, ClassPlan, SeatPlan, Stock};
use seathold_protocol::request::{Reserve, Target};
use seathold_protocol::wishes::Wishes;
use seathold_protocol::{AccountId, Class, DepartureId, PassengerId, ReservationId};

const SECOND: Class = Class(3);

/// A class of `coaches` x 64 seats: 16 rows of A B D F.
fn plan(coaches: u8) -> SeatPlan {
    let block = |coach| Block { coach, first_row: 1, rows: 16, letters: b"ABDF".to_vec() };
    let stock = Stock::Seats((1..=coaches).map(block).collect());
    SeatPlan { classes: vec![ClassPlan { class: SECOND, stock }] }
}

/// SplitMix64 (Steele, Lea, Flood 2014) of a number: cheap, and spread as widely as ids that are drawn at random.
fn spread(number: u64) -> u64 {
    let mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// What the buyer of this number asks for: an id, an account and passengers of their own.
fn reserve(number: u64, departure: DepartureId, (from, to): (u8, u8), party: u8) -> Reserve {
    let traveller = |at| if at < usize::from(party) { spread(number) ^ at as u64 } else { 0 };
    Reserve {
        id: target(number, departure).id,
        departure,
        account: AccountId(number),
        class: SECOND,
        from,
        to,
        party,
        hold_ms: 0,
        wishes: Wishes::default(),
        passengers: std::array::from_fn::<_, PASSENGERS_MAX, _>(|at| PassengerId(traveller(at))),
        first: false,
    }
}

/// What names the reservation afterwards.
fn target(number: u64, departure: DepartureId) -> Target {
    let id = u128::from(spread(number)) << 64 | u128::from(spread(!number));
    Target { id: ReservationId(id), departure, account: AccountId(number) }
}
