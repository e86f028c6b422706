//! What is on sale in every simulated world: six small departures of two kinds, soon sold out.

use seathold::catalog::{Catalog, SaleRules};
use seathold_protocol::plan::{Block, ClassPlan, SeatPlan, Stock};
use seathold_protocol::{Class, Day, DepartureId};

/// How long a simulated hold lasts, on its host's clock.
pub(crate) const HOLD_MS: u64 = 500;

/// What a hold may last beyond its time after it has moved to another boot's clock.
pub(crate) const GRACE_MS: u64 = 2_000;

/// Places that one account may have of a departure of the hall.
pub(crate) const PLACES_PER_ACCOUNT: u32 = 6;

/// What a client may ask for: a departure, its classes and segments.
#[derive(Clone)]
pub(crate) struct OnSale {
    pub(crate) departure: DepartureId,
    pub(crate) classes: Vec<Class>,
    pub(crate) segments: u8,
}

/// Everything of a catalogue that clients may ask for.
pub(crate) fn on_sale(catalog: &Catalog) -> Vec<OnSale> {
    let departure = |index| OnSale {
        departure: catalog.id(index),
        classes: catalog.seat_plan(index).classes.iter().map(|class| class.class).collect(),
        segments: catalog.segments(index),
    };
    catalog.indices().map(departure).collect()
}

/// Six departures.
pub(crate) fn catalog() -> Catalog {
    let block = |coach, rows, letters: &[u8]| Block { coach, first_row: 1, rows, letters: letters.to_vec() };
    let seats = |class, blocks| ClassPlan { class: Class(class), stock: Stock::Seats(blocks) };
    let places = |class, count| ClassPlan { class: Class(class), stock: Stock::Places(count) };
    let train = SeatPlan {
        classes: vec![
            seats(2, vec![block(1, 2, b"AF")]),
            seats(3, vec![block(2, 3, b"ABCDF"), block(3, 2, b"ABCDF")]),
            places(8, 5),
        ],
    };
    let hall = SeatPlan { classes: vec![places(9, 20)] };
    let rules = SaleRules { hold_ms_default: HOLD_MS as u32, ..SaleRules::OPEN };
    let limited = SaleRules { places_per_account: PLACES_PER_ACCOUNT, ..rules };
    let mut builder = Catalog::builder().days([Day(20_000), Day(20_001)]);
    builder = builder.train("T 1", &["A", "B", "C", "D", "E"], train.clone(), rules);
    builder = builder.train("T 2", &["A", "B", "C"], train, rules);
    builder.train("HALL", &["IN", "OUT"], hall, limited).build()
}
