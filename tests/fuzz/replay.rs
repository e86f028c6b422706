//! Records that can be read, in an order that no server would write: the engine refuses them or takes them, and what the
//! audit finds no fault with it takes and counts as the audit does.

use std::collections::BTreeMap;
use std::sync::Arc;

use seathold::audit::{Audit, Told};
use seathold::catalog::Catalog;
use seathold::counters::Counters;
use seathold::engine::{Board, Engine};
use seathold::shard::Shard;
use seathold_protocol::batch::{BatchView, Position, Stamp};
use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::plan::{Block, ClassPlan, DeparturePlan, SeatPlan, Stock};
use seathold_protocol::record::{NO_SEAT, Record, ReservationRecord, SaleRecord, encode_plan};
use seathold_protocol::reply::Sale;
use seathold_protocol::reservation::State;
use seathold_protocol::wishes::{Met, Together};
use seathold_protocol::{AccountId, Class, Day, DepartureId, PassengerId, ReservationId};

const DEPARTURE: DepartureId = DepartureId(7);
const IDS: usize = 6;
/// Behind this a departure takes nothing new, so that it never comes to the end of its count.
const VERSION_MAX: u32 = u32::MAX - 1_000_000;

pub(crate) fn check(bytes: &[u8]) {
    let batches = batches(bytes);
    let Some(last) = batches.last() else { return };
    let now = last.stamp;
    let mut engine = empty_engine();
    let mut audit = Audit::new(1, false);
    let mut refused = None;
    for batch in &batches {
        audit.follow(&batch.view());
        if refused.is_none() {
            refused = engine.replay(&batch.view(), now).err();
        }
    }
    let refused = refused.or_else(|| engine.end_replay().err());
    let report = audit.finish();
    if report.passes() {
        assert!(refused.is_none(), "the audit passes what a start refuses: {}", refused.expect("it is some"));
        engine.shards().for_each(|shard| agrees(shard, &mut audit));
        assert!(audit.finish().passes(), "{:?}", audit.finish().listed);
    }
    if refused.is_none() {
        // No hold is left behind but one without end.
        let end = Stamp { boot_ms: u64::MAX, ..now };
        while engine.expire(end, 100) {}
        let held = |record: &&ReservationRecord| record.state == State::Held && record.deadline_ms < u64::MAX;
        engine.shards().for_each(|shard| assert_eq!(shard.reservations().find(held), None));
    }
}

/// One reservation is remembered by both in the same state, and as many places are free.
fn agrees(shard: &Shard, audit: &mut Audit) {
    let inventory = shard.inventory();
    let mut free = BTreeMap::new();
    for (index, class) in inventory.layout().classes().enumerate() {
        let usage = (0..inventory.segments()).map(|segment| inventory.segment_usage(index, segment).free);
        free.insert(class.to_string(), usage.collect::<Vec<_>>());
    }
    for record in shard.reservations() {
        let followed = audit.reservation(record.departure, record.id).expect("the audit knows it too");
        assert_eq!((followed.state, followed.version), (record.state, record.version));
    }
    assert!(audit.compare(DEPARTURE, &Told { version: shard.published().version(), free }));
}

fn empty_engine() -> Engine {
    let catalog = Arc::new(Catalog::builder().build());
    let board = Arc::new(Board::new(catalog.clone(), 1));
    Engine::new(catalog, board, Arc::new(Counters::default()), |_| true)
}

/// Two stops more than a record's trip may have, five rows of A and B, and three standing places.
fn plan(train: &str) -> DeparturePlan {
    let seats = vec![Block { coach: 1, first_row: 1, rows: 5, letters: b"AB".to_vec() }];
    let classes = vec![
        ClassPlan { class: Class(3), stock: Stock::Seats(seats) },
        ClassPlan { class: Class(8), stock: Stock::Places(3) },
    ];
    let stops = (0..5).map(|stop| format!("S{stop}")).collect();
    DeparturePlan { train: train.to_owned(), day: Day(7), stops, seats: SeatPlan { classes } }
}

struct Filled {
    sequence: u64,
    stamp: Stamp,
    records: u32,
    payload: Vec<u8>,
}

impl Filled {
    fn view(&self) -> BatchView<'_> {
        BatchView {
            partition: 0,
            position: Position { epoch: 1, sequence: self.sequence },
            previous_epoch: u64::from(self.sequence > 1),
            stamp: self.stamp,
            records: self.records,
            payload: &self.payload,
        }
    }
}

/// Reads the input as steps: most continue what the steps before them wrote, as a server would, with a fault here and there.
fn batches(bytes: &[u8]) -> Vec<Filled> {
    let mut writer = Writer::default();
    for step in bytes.chunks_exact(8) {
        writer.step(step.try_into().expect("chunks are exact"));
    }
    writer.batches
}

#[derive(Default)]
struct Writer {
    batches: Vec<Filled>,
    known: [Option<ReservationRecord>; IDS],
    version: u32,
}

impl Writer {
    fn step(&mut self, [kind, id, state, place, trip, seat, version, time]: [u8; 8]) {
        let stamp =
            self.batches.last().map_or(Stamp { wall_ms: 0, boot_ms: 0, boot_id: 1 }, |last| last.stamp);
        if self.batches.is_empty() || kind & 0x80 != 0 {
            let boot_id = if time == 254 { stamp.boot_id + 1 } else { stamp.boot_id };
            let boot_ms = stamp.boot_ms.saturating_add(u64::from(time) * 10);
            let wall_ms = stamp.wall_ms.saturating_add(i64::from(time) * 10);
            let sequence = self.batches.len() as u64 + 1;
            let stamp = Stamp { wall_ms, boot_ms, boot_id };
            self.batches.push(Filled { sequence, stamp, records: 0, payload: Vec::new() });
            if sequence == 1 && kind & 0x40 == 0 {
                self.write(&Record::Plan(DEPARTURE, Box::new(plan("T 1"))));
            }
        }
        // Mostly the next.
        let version = match version {
            255 => VERSION_MAX,
            250..=254 => self.version.saturating_sub(u32::from(version - 250)),
            240..=249 => self.version + u32::from(version - 238),
            _ => self.version.saturating_add(1),
        };
        let record = match kind & 0x0f {
            0 => Record::Plan(DEPARTURE, Box::new(plan(if state == 0 { "T 2" } else { "T 1" }))),
            1 => Record::Sale(SaleRecord {
                version,
                departure: DEPARTURE,
                sale: Sale::from_code(state % 3).expect("three are known"),
                released_percent: place % 100 + 1,
            }),
            2..=7 => {
                let Some(known) = self.known[usize::from(id) % IDS] else { return };
                // The same reservation goes on.
                Record::Reservation(ReservationRecord { version, state: any_state(state), ..known })
            }
            8 => {
                let Some(known) = self.known[usize::from(id) % IDS] else { return };
                // It is written again, perhaps with other contents.
                let fresh = fresh(id, state, place, trip, seat, known.version, known.deadline_ms);
                Record::Reservation(if time & 1 == 0 { known } else { fresh })
            }
            _ => {
                let last = self.batches.last().expect("there is one by now");
                let deadline_ms = match time {
                    255 => u64::MAX,
                    time => last.stamp.boot_ms + u64::from(time) * 100,
                };
                Record::Reservation(fresh(id, state & 0xf0, place, trip, seat, version, deadline_ms))
            }
        };
        self.write(&record);
    }

    fn write(&mut self, record: &Record) {
        let batch = self.batches.last_mut().expect("a batch comes first");
        match record {
            Record::Reservation(record) => {
                record.encode(&mut batch.payload);
                self.known[record.id.0 as usize] = Some(*record);
                self.version = self.version.max(record.version);
            }
            Record::Plan(departure, plan) => encode_plan(*departure, plan, &mut batch.payload),
            Record::Sale(record) => {
                record.encode(&mut batch.payload);
                self.version = self.version.max(record.version);
            }
        }
        batch.records += 1;
    }
}

fn any_state(state: u8) -> State {
    State::ALL[usize::from(state) % State::ALL.len()]
}

fn fresh(
    id: u8,
    state: u8,
    place: u8,
    trip: u8,
    seat: u8,
    version: u32,
    deadline_ms: u64,
) -> ReservationRecord {
    let id = usize::from(id) % IDS;
    let party = place % 3 + 1;
    let class = [3, 8, 3, 77][usize::from(place >> 6)];
    let mut seats = [NO_SEAT; PASSENGERS_MAX];
    if class == 3 {
        for (at, number) in seats.iter_mut().enumerate().take(usize::from(party)) {
            *number = u16::from(seat % 12) + if seat > 240 { 0 } else { at as u16 };
        }
    }
    let from = trip & 3;
    let to = from + 1 + (trip >> 2) % 4;
    let mut passengers = [PassengerId(0); PASSENGERS_MAX];
    for (at, passenger) in passengers.iter_mut().enumerate().take(usize::from(party)) {
        *passenger = PassengerId(id as u64 * 8 + at as u64);
    }
    ReservationRecord {
        version,
        fingerprint: 1,
        departure: DEPARTURE,
        id: ReservationId(id as u128),
        account: AccountId(u64::from(trip >> 7)),
        deadline_ms,
        state: any_state(state >> 4),
        class: Class(class),
        from,
        to,
        party,
        met: Met { together: Together::Anywhere, letters: 0 },
        seats,
        passengers,
    }
}
