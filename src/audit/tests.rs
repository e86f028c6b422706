//! What an audit must find in logs that no server of ours writes, and must not find in those that it does.

use super::*;
use seathold_protocol::batch::Batch;
use seathold_protocol::codec::Reader;
use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::plan::{Block, ClassPlan, DeparturePlan, SeatPlan, Stock};
use seathold_protocol::record::{NO_SEAT, SaleRecord, encode_plan};
use seathold_protocol::reply::Sale;
use seathold_protocol::reservation::State;
use seathold_protocol::wishes::{Met, Together};
use seathold_protocol::{AccountId, Class, Day, PassengerId};

const PARTITIONS: u16 = 4;
const DEPARTURE: DepartureId = DepartureId(9 << 16);
const SEATS: Class = Class(3);
const PLACES: Class = Class(8);
const DEADLINE: u64 = 10_000;

/// A log of one partition as it is written by hand.
struct Log {
    audit: Audit,
    partition: u16,
    stamp: Stamp,
    sequence: u64,
}

impl Log {
    fn new() -> Self {
        let mut log = Self::of(Audit::new(PARTITIONS, false));
        log.plan();
        log
    }

    /// One without its beginning, that goes on with the plan written again.
    fn trimmed() -> Self {
        let mut log = Self::of(Audit::new(PARTITIONS, true));
        log.sequence = 40;
        log.plan();
        log
    }

    fn of(audit: Audit) -> Self {
        let stamp = Stamp { wall_ms: 1_800_000_000_000, boot_ms: 1_000, boot_id: 1 };
        Self { audit, partition: DEPARTURE.partition(PARTITIONS), stamp, sequence: 0 }
    }

    fn plan(&mut self) {
        let plan = plan();
        self.batch(1, |payload| encode_plan(DEPARTURE, &plan, payload));
    }

    /// A batch that leaves at this time since the boot.
    fn at(&mut self, boot_ms: u64, records: &[ReservationRecord]) -> &mut Self {
        self.stamp.boot_ms = boot_ms;
        self.batch(records.len(), |payload| records.iter().for_each(|record| record.encode(payload)));
        self
    }

    fn write(&mut self, records: &[ReservationRecord]) -> &mut Self {
        self.at(self.stamp.boot_ms, records)
    }

    fn sale(&mut self, version: u32, released_percent: u8) -> &mut Self {
        let sale = SaleRecord { version, departure: DEPARTURE, sale: Sale::Opened, released_percent };
        self.batch(1, |payload| sale.encode(payload));
        self
    }

    fn batch(&mut self, records: usize, fill: impl FnOnce(&mut Vec<u8>)) {
        self.sequence += 1;
        let mut batch = Batch {
            partition: self.partition,
            position: Position { epoch: 1, sequence: self.sequence },
            previous_epoch: u64::from(self.sequence > 1),
            stamp: self.stamp,
            records: records as u32,
            payload: Vec::new(),
        };
        fill(&mut batch.payload);
        let mut bytes = Vec::new();
        batch.encode(&mut bytes);
        self.audit.follow(&BatchView::decode(&mut Reader::new(&bytes)).unwrap());
    }

    /// Ends the audit, which must find exactly what these words stand in, in order.
    #[track_caller]
    fn finds(&mut self, words: &[&str]) -> Report {
        let report = self.audit.finish();
        let listed = &report.listed;
        let as_told = listed.len() == words.len()
            && listed.iter().zip(words).all(|(violation, word)| violation.text.contains(word));
        assert!(as_told, "{words:?} in {listed:#?}");
        assert_eq!(report.violations, words.len() as u64);
        report
    }
}

/// Five stops; a class of four seats, and one of five places.
fn plan() -> DeparturePlan {
    let block = Block { coach: 1, first_row: 1, rows: 2, letters: b"AF".to_vec() };
    let class = |class, stock| ClassPlan { class, stock };
    DeparturePlan {
        train: "T 1".to_owned(),
        day: Day(0),
        stops: ["A", "B", "C", "D", "E"].map(str::to_owned).to_vec(),
        seats: SeatPlan {
            classes: vec![class(SEATS, Stock::Seats(vec![block])), class(PLACES, Stock::Places(5))],
        },
    }
}

fn held(version: u32, id: u128, seats: &[u16], from: u8, to: u8) -> ReservationRecord {
    let mut record = ReservationRecord {
        version,
        fingerprint: 1,
        departure: DEPARTURE,
        id: ReservationId(id),
        account: AccountId(1),
        deadline_ms: DEADLINE,
        state: State::Held,
        class: SEATS,
        from,
        to,
        party: seats.len() as u8,
        met: Met { together: Together::Anywhere, letters: 0 },
        seats: [NO_SEAT; PASSENGERS_MAX],
        passengers: [PassengerId(0); PASSENGERS_MAX],
    };
    record.seats[..seats.len()].copy_from_slice(seats);
    record
}

fn standing(version: u32, id: u128, party: u8, from: u8, to: u8) -> ReservationRecord {
    ReservationRecord { class: PLACES, party, ..held(version, id, &[NO_SEAT], from, to) }
}

fn then(version: u32, state: State, record: ReservationRecord) -> ReservationRecord {
    ReservationRecord { version, state, ..record }
}

#[test]
fn a_whole_life_passes() {
    let first = held(1, 1, &[0, 1], 0, 4);
    let second = held(3, 2, &[2], 0, 2);
    let mut log = Log::new();
    log.write(&[first, then(2, State::Confirmed, first), second]);
    log.at(DEADLINE, &[then(4, State::Expired, second), then(5, State::Refunded, first)]);
    log.sale(6, 100).write(&[held(7, 3, &[0], 0, 4)]);
    let report = log.finds(&[]);
    assert!(report.passes() && !report.trimmed);
    assert_eq!((report.records, report.held, report.expired, report.refunded), (8, 1, 1, 1));
    assert_eq!(report.seat_segments, Places { free: 32, held: 4, sold: 0 });
}

#[test]
fn a_hold_keeps_its_deadline_and_expires_no_earlier() {
    let first = held(1, 1, &[0], 0, 4);
    let own = ReservationRecord { deadline_ms: 2_000, ..then(2, State::Expired, first) };
    Log::new().write(&[first]).at(2_000, &[own]).finds(&["expires 8000 ms before its deadline"]);
    let early = then(2, State::Expired, first);
    Log::new().write(&[first]).at(DEADLINE - 1, &[early]).finds(&["expires 1 ms before its deadline"]);
    let later = ReservationRecord { deadline_ms: 20_000, ..then(2, State::Confirmed, first) };
    Log::new().write(&[first, later]).finds(&["moves its deadline from 10000 to 20000"]);
    let again = ReservationRecord { deadline_ms: 20_000, ..first };
    Log::new().write(&[first, again]).finds(&["moves its deadline from 10000 to 20000"]);
}

#[test]
fn a_reboot_tells_the_deadline_anew() {
    let first = held(1, 1, &[0], 0, 4);
    let rebooted = || {
        let mut log = Log::new();
        log.write(&[first]);
        log.stamp.boot_id = 2;
        log
    };
    let own = ReservationRecord { deadline_ms: 2_000, ..then(2, State::Expired, first) };
    rebooted().at(2_000, &[own]).finds(&[]);
    rebooted().at(1_999, &[own]).finds(&["expires 1 ms before its deadline"]);
    // Written again after the reboot, the new deadline binds.
    let again = ReservationRecord { deadline_ms: 5_000, ..first };
    rebooted().at(1_000, &[again]).at(2_000, &[own]).finds(&["expires 3000 ms before its deadline"]);
}

#[test]
fn a_late_confirmation_shows_by_the_batch_before_it() {
    let first = held(1, 1, &[0], 0, 4);
    let confirmed = then(2, State::Confirmed, first);
    let late = &["is confirmed at least 0 ms after its deadline"];
    Log::new().write(&[first]).at(DEADLINE, &[]).at(DEADLINE + 1, &[confirmed]).finds(late);
    // It was asked in time and waited for the log.
    Log::new().write(&[first]).at(DEADLINE - 1, &[]).at(DEADLINE + 60_000, &[confirmed]).finds(&[]);
    let idle = &["is confirmed in a batch that left 3600000 ms after its deadline"];
    Log::new().write(&[first]).at(DEADLINE + 3_600_000, &[confirmed]).finds(idle);
}

#[test]
fn every_clashing_piece_counts_once_and_is_told_once() {
    let first = held(1, 1, &[0, 1], 1, 4);
    let second = held(2, 2, &[0, 1, 2], 0, 3);
    let mut log = Log::new();
    log.write(&[first, second]);
    let twice = &["seat 0 of reservation 00000000000000000000000000000002 belongs to \
                   00000000000000000000000000000001 on segment 1: sold twice, 4 seat-segments in all"];
    assert_eq!(log.finds(twice).oversold, 4);

    // The loser gives back what it had alone, and nothing of the first.
    let mut log = Log::new();
    log.write(&[first, second, then(3, State::Cancelled, second), held(4, 3, &[2], 0, 4)]);
    log.write(&[held(5, 4, &[0], 0, 1), held(6, 5, &[1], 3, 4)]);
    let report = log.finds(&["sold twice, 4", "sold twice, 1"]);
    assert_eq!(report.oversold, 5);

    // The first gives back what it had, and the loser keeps the rest.
    let mut log = Log::new();
    log.write(&[first, second, then(3, State::Cancelled, first), held(4, 3, &[0], 3, 4)]);
    log.write(&[then(5, State::Confirmed, second), then(6, State::Refunded, second), held(7, 4, &[1], 0, 4)]);
    assert_eq!(log.finds(&["sold twice, 4"]).oversold, 4);
}

#[test]
fn a_reservation_has_no_seat_twice_or_beside_the_plan() {
    let twice = held(1, 1, &[3, 3], 0, 1);
    let report = Log::new().write(&[twice, then(2, State::Cancelled, twice)]).finds(&["sold twice"]);
    assert_eq!(report.oversold, 1);
    let beside = held(1, 1, &[0, 4], 0, 1);
    Log::new().write(&[beside, then(2, State::Cancelled, beside)]).finds(&["has seat 4, not in the plan"]);
    let without = held(1, 1, &[NO_SEAT], 0, 1);
    Log::new().write(&[without]).finds(&["has seat 65535, not in the plan"]);
    let numbered = ReservationRecord { class: PLACES, ..held(1, 1, &[4], 0, 1) };
    Log::new().write(&[numbered]).finds(&["has seat 4, in a class without numbers"]);
    Log::new().write(&[held(1, 1, &[0], 0, 5)]).finds(&["from stop 0 to 5 of 5"]);
    let class = ReservationRecord { class: Class(1), ..held(1, 1, &[0], 0, 1) };
    Log::new().write(&[class, then(2, State::Cancelled, class)]).finds(&["class business, not in the plan"]);
}

#[test]
fn places_above_the_capacity_count_on_every_segment() {
    let first = standing(1, 1, 4, 0, 2);
    let second = standing(2, 2, 3, 0, 4);
    let mut log = Log::new();
    log.write(&[first, second]);
    let report = log.finds(&["7 places taken of 5: oversold, 4 seat-segments in all"]);
    assert_eq!((report.oversold, report.seat_segments.held), (4, 20));

    // Both are given back whole, so that the next ones fit.
    let mut log = Log::new();
    log.write(&[first, second, then(3, State::Cancelled, second), standing(4, 3, 1, 0, 2)]);
    log.write(&[then(5, State::Cancelled, first), standing(6, 4, 4, 0, 4), standing(7, 5, 1, 2, 4)]);
    log.write(&[standing(8, 6, 1, 3, 4)]);
    assert_eq!(log.finds(&["oversold, 4", "6 places taken of 5: oversold, 1"]).oversold, 5);
}

#[test]
fn a_departure_stays_in_its_partition() {
    let mut log = Log::of(Audit::new(PARTITIONS, false));
    log.partition = (log.partition + 1) % PARTITIONS;
    log.plan();
    log.write(&[held(1, 1, &[0], 0, 4)]).finds(&["belongs to partition"]);
    let mut log = Log::of(Audit::new(1, false));
    log.partition = 1;
    log.write(&[]).finds(&["the ledger has 1 partitions"]);
}

#[test]
fn a_version_is_used_once_and_none_is_missing() {
    let first = held(1, 1, &[0], 0, 4);
    Log::new().write(&[first, held(3, 2, &[1], 0, 4)]).finds(&["version 3 follows version 1"]);
    Log::new().write(&[first, held(1, 2, &[1], 0, 4)]).finds(&["version 1 is used twice"]);
    Log::new().write(&[first]).sale(1, 100).finds(&["the sale: version 1 is used twice"]);
    Log::new().sale(1, 50).sale(2, 60).sale(1, 50).finds(&["an old word on the sale is written again"]);
    // The share of the rules may have grown before the sale was written again.
    Log::new().sale(1, 50).sale(1, 60).write(&[held(2, 1, &[0], 0, 4)]).finds(&[]);
    Log::new().sale(1, 60).sale(1, 50).finds(&["the sale: version 1 is used twice"]);
}

#[test]
fn a_trimmed_log_may_begin_with_gaps_and_have_none_after_its_first_change() {
    let old = held(30, 1, &[0], 0, 4);
    let confirmed = then(41, State::Confirmed, old);
    let mut log = Log::trimmed();
    log.write(&[old, held(40, 2, &[1], 0, 4), confirmed, held(42, 3, &[2], 0, 4)]);
    // Old state that is yet to be written again.
    log.write(&[then(20, State::Cancelled, held(20, 4, &[3], 0, 4))]).sale(12, 100);
    assert!(log.finds(&[]).trimmed);
    let mut log = Log::trimmed();
    log.write(&[old, confirmed, held(43, 3, &[2], 0, 4)]).finds(&["version 43 follows version 41"]);
    let mut log = Log::trimmed();
    log.write(&[old, held(40, 2, &[1], 0, 4)]).sale(30, 100).finds(&["version 30 is used twice"]);
}

#[test]
fn a_record_is_followed_although_its_version_is_wrong() {
    let clash = held(5, 2, &[0], 0, 4);
    let mut log = Log::new();
    log.write(&[held(1, 1, &[0], 0, 4), clash, then(6, State::Confirmed, clash)]);
    assert_eq!(log.finds(&["version 5 follows version 1", "sold twice"]).oversold, 4);
}

fn told(version: u64, seats: [u32; 4], places: [u32; 4]) -> Told {
    let free = [(SEATS.to_string(), seats.to_vec()), (PLACES.to_string(), places.to_vec())];
    Told { version, free: free.into() }
}

#[test]
fn remaining_places_agree_with_the_records_of_their_version() {
    let mut log = Log::new();
    log.write(&[held(1, 1, &[0, 3], 0, 2), standing(2, 2, 1, 1, 4)]);
    log.write(&[then(3, State::Cancelled, standing(2, 2, 1, 1, 4)), standing(4, 3, 1, 3, 4)]);
    assert!(log.audit.compare(DEPARTURE, &told(4, [2, 2, 4, 4], [5, 5, 5, 4])));
    // Of another moment, or of another ledger.
    assert!(!log.audit.compare(DEPARTURE, &told(3, [9; 4], [9; 4])));
    assert!(!log.audit.compare(DepartureId(1), &told(4, [9; 4], [9; 4])));
    log.finds(&[]);
}

#[test]
fn remaining_places_that_the_records_do_not_leave_are_found() {
    let mut log = Log::new();
    log.write(&[held(1, 1, &[0, 3], 0, 2)]);
    assert!(log.audit.compare(DEPARTURE, &told(1, [2, 3, 4, 4], [5; 4])));
    assert!(log.audit.compare(DEPARTURE, &told(1, [2, 2, 4, 4], [5, 5, 5, 6])));
    let classes = Told { free: [(SEATS.to_string(), vec![2, 2, 4, 4])].into(), version: 1 };
    assert!(log.audit.compare(DEPARTURE, &classes));
    log.finds(&["[2, 3, 4, 4] of class", "[5, 5, 5, 6] of class", "are told of classes"]);
}

/// Which share the rules release is not in the ledger, but it is the same of every class, and no less than an operator's.
#[test]
fn remaining_places_may_be_those_of_a_share() {
    let mut log = Log::new();
    log.write(&[held(1, 1, &[0], 0, 2)]);
    // 50 %: two seats of four, three places of five.
    assert!(log.audit.compare(DEPARTURE, &told(1, [1, 1, 2, 2], [3; 4])));
    log.finds(&[]);
    assert!(log.audit.compare(DEPARTURE, &told(1, [1, 1, 2, 2], [5; 4])));
    log.sale(2, 80);
    assert!(log.audit.compare(DEPARTURE, &told(2, [3, 3, 4, 4], [4; 4])));
    assert!(log.audit.compare(DEPARTURE, &told(2, [1, 1, 2, 2], [3; 4])));
    log.finds(&["remaining places of version 1", "remaining places of version 2"]);
}
