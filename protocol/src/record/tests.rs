//! What a record may say.

use super::*;
use crate::ids::Day;
use crate::limits::{
    BLOCKS_PER_CLASS_MAX, CLASSES_MAX, LETTERS_PER_ROW_MAX, NAME_BYTES_MAX, SEATS_PER_CLASS_MAX, STOPS_MAX,
};
use crate::plan::{Block, ClassPlan, SeatPlan, Stock};
use crate::wishes::Together;

fn record() -> ReservationRecord {
    let mut seats = [NO_SEAT; PASSENGERS_MAX];
    seats[..2].copy_from_slice(&[17, 18]);
    let mut passengers = [PassengerId(0); PASSENGERS_MAX];
    passengers[..2].copy_from_slice(&[PassengerId(1), PassengerId(2)]);
    ReservationRecord {
        version: 1,
        fingerprint: 0xdead_beef,
        departure: DepartureId(9),
        id: ReservationId(7),
        account: AccountId(3),
        deadline_ms: 1_000,
        state: State::Held,
        class: Class(3),
        from: 0,
        to: 1,
        party: 2,
        met: Met { together: Together::Row, letters: 0 },
        seats,
        passengers,
    }
}

fn decode(edit: impl FnOnce(&mut ReservationRecord)) -> Result<Record, DecodeError> {
    let mut record = record();
    edit(&mut record);
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    Record::decode(&mut Reader::new(&bytes))
}

#[test]
fn reads_what_it_writes() {
    assert_eq!(decode(|_| ()), Ok(Record::Reservation(record())));
}

#[test]
fn nobody_beyond_the_party_has_a_letter() {
    assert_eq!(decode(|record| record.met.letters = 0b100), Err(DecodeError::BadField("letters")));
}

#[test]
fn a_seat_is_within_its_class_or_no_seat() {
    let last = SEATS_PER_CLASS_MAX as SeatNumber - 1;
    assert!(decode(|record| record.seats[1] = last).is_ok());
    assert!(decode(|record| record.seats = [NO_SEAT; PASSENGERS_MAX]).is_ok());
    assert_eq!(decode(|record| record.seats[1] = NO_SEAT), Err(DecodeError::BadField("seat")));
    assert_eq!(decode(|record| record.seats[1] = last + 1), Err(DecodeError::BadField("seat")));
}

#[test]
fn a_trip_goes_forward_in_a_class() {
    assert_eq!(decode(|record| record.to = 0), Err(DecodeError::BadField("trip")));
    assert_eq!(decode(|record| record.to = 128), Err(DecodeError::BadField("trip")));
    assert_eq!(decode(|record| record.class = Class(0)), Err(DecodeError::BadField("class")));
}

/// The plan's length travels in 16 bits: the limits keep the longest plan far below.
#[test]
fn the_longest_plan_fits_its_length() {
    let letters: Vec<u8> = (b'A'..).take(LETTERS_PER_ROW_MAX).collect();
    let block = |coach: usize| Block { coach: coach as u8, first_row: 1, rows: 1, letters: letters.clone() };
    let class = |at: usize| {
        let coaches = at % 4 * BLOCKS_PER_CLASS_MAX..(at % 4 + 1) * BLOCKS_PER_CLASS_MAX;
        let first_row = 1 + (at / 4) as u16;
        let blocks = coaches.map(|coach| Block { first_row, ..block(coach) }).collect();
        ClassPlan { class: Class(1 + at as u8), stock: Stock::Seats(blocks) }
    };
    let plan = DeparturePlan {
        train: "T".repeat(NAME_BYTES_MAX),
        day: Day(u16::MAX),
        stops: vec!["S".repeat(NAME_BYTES_MAX); STOPS_MAX],
        seats: SeatPlan { classes: (0..CLASSES_MAX).map(class).collect() },
    };
    plan.seats.validate().expect("it keeps every limit");
    let mut bytes = Vec::new();
    encode_plan(DepartureId(9), &plan, &mut bytes);
    // kind, length, departure; train, day, count; stops; count; classes of code, count and blocks.
    let seats = CLASSES_MAX * (2 + BLOCKS_PER_CLASS_MAX * (6 + LETTERS_PER_ROW_MAX));
    let whole = 11 + (1 + NAME_BYTES_MAX + 2 + 1) + STOPS_MAX * (1 + NAME_BYTES_MAX) + 1 + seats;
    assert_eq!(bytes.len(), whole);
    assert!(whole - 11 <= usize::from(u16::MAX), "{whole} bytes");
    assert_eq!(Record::decode(&mut Reader::new(&bytes)), Ok(Record::Plan(DepartureId(9), Box::new(plan))));
}
