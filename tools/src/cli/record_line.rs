//! One record of a ledger as a JSON object. The keys are stable: other programs read them.

use super::dates::ServiceDate;
use super::resolve::sale_name;
use jiff::Timestamp;
use seathold_client::{Class, StopIndex};
use seathold_protocol::batch::{BatchView, Position, Stamp};
use seathold_protocol::plan::{ClassPlan, DeparturePlan, Stock};
use seathold_protocol::record::{NO_SEAT, Record, ReservationRecord, SaleRecord, SeatNumber};
use serde::Serialize;

/// A record with its place in the log.
#[derive(Debug, Serialize)]
pub(super) struct RecordLine {
    partition: u16,
    epoch: u64,
    sequence: u64,
    /// When the batch was filled, by the wall clock of its host.
    time: String,
    departure: String,
    date: ServiceDate,
    #[serde(flatten)]
    fields: Fields,
}

/// The place of an entry that was removed from the log before a consumer group had read it.
#[derive(Debug, Serialize)]
pub(super) struct LostLine {
    partition: u16,
    epoch: u64,
    sequence: u64,
    kind: &'static str,
}

impl LostLine {
    pub(super) fn new(partition: u16, position: Position) -> Self {
        Self { partition, epoch: position.epoch, sequence: position.sequence, kind: "lost" }
    }
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Fields {
    Reservation {
        version: u32,
        id: String,
        account: u64,
        state: &'static str,
        class: String,
        from: StopIndex,
        to: StopIndex,
        party: u8,
        /// Numbers within the class in the order of the plan; null for a place without a number.
        seats: Vec<Option<SeatNumber>>,
        passengers: Vec<u64>,
        /// The hold's end, by the wall clock of the batch.
        deadline: String,
    },
    Plan {
        train: String,
        stops: Vec<String>,
        classes: Vec<PlanClass>,
    },
    Sale {
        version: u32,
        sale: &'static str,
        released_percent: u8,
    },
}

#[derive(Debug, Serialize)]
struct PlanClass {
    class: String,
    capacity: u32,
    numbered: bool,
}

impl RecordLine {
    /// The line of one record of `batch`.
    pub(super) fn new(batch: &BatchView<'_>, record: Record) -> Self {
        let departure = record.departure();
        Self {
            partition: batch.partition,
            epoch: batch.position.epoch,
            sequence: batch.position.sequence,
            time: rfc_3339(batch.stamp.wall_ms),
            departure: departure.to_string(),
            date: departure.day().into(),
            fields: match record {
                Record::Reservation(record) => reservation(&record, batch.stamp),
                Record::Plan(_, plan) => self::plan(*plan),
                Record::Sale(record) => sale(record),
            },
        }
    }
}

fn reservation(record: &ReservationRecord, stamp: Stamp) -> Fields {
    let seat = |seat: &SeatNumber| (*seat != NO_SEAT).then_some(*seat);
    let deadline = i128::from(stamp.wall_ms) + i128::from(record.deadline_ms) - i128::from(stamp.boot_ms);
    Fields::Reservation {
        version: record.version,
        id: record.id.to_string(),
        account: record.account.0,
        state: record.state.name(),
        class: record.class.to_string(),
        from: record.from,
        to: record.to,
        party: record.party,
        seats: record.seats().iter().map(seat).collect(),
        passengers: record.passengers().iter().map(|passenger| passenger.0).collect(),
        deadline: rfc_3339(i64::try_from(deadline).unwrap_or(i64::MAX)),
    }
}

fn plan(plan: DeparturePlan) -> Fields {
    let class = |plan: &ClassPlan| PlanClass {
        class: Class::to_string(&plan.class),
        capacity: plan.capacity(),
        numbered: matches!(plan.stock, Stock::Seats(_)),
    };
    Fields::Plan {
        train: plan.train,
        classes: plan.seats.classes.iter().map(class).collect(),
        stops: plan.stops,
    }
}

fn sale(record: SaleRecord) -> Fields {
    Fields::Sale {
        version: record.version,
        sale: sale_name(record.sale),
        released_percent: record.released_percent,
    }
}

/// Milliseconds since 1970 as RFC 3339 in UTC, always with milliseconds so that lines sort as text; a clock that is
/// wrong beyond the calendar stands at its end.
fn rfc_3339(ms: i64) -> String {
    let bound = if ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let time = Timestamp::from_millisecond(ms).unwrap_or(bound);
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use seathold_client::{AccountId, Day, DepartureId, Met, PassengerId, ReservationId, Sale, State};
    use seathold_protocol::batch::Position;

    fn line(record: Record) -> String {
        let batch = BatchView {
            partition: 3,
            position: Position { epoch: 1, sequence: 17 },
            previous_epoch: 1,
            stamp: Stamp { wall_ms: 1_790_000_000_120, boot_ms: 5_000, boot_id: 0 },
            records: 1,
            payload: &[],
        };
        serde_json::to_string(&RecordLine::new(&batch, record)).unwrap()
    }

    const PLACE: &str = r#""partition":3,"epoch":1,"sequence":17,"time":"2026-09-21T14:13:20.120Z""#;

    #[test]
    fn a_reservation_is_readable() {
        let mut record = ReservationRecord {
            version: 2,
            fingerprint: 0,
            departure: DepartureId(0x1_50f7),
            id: ReservationId(0xabc),
            account: AccountId(7),
            deadline_ms: 15_000,
            state: State::Held,
            class: Class(3),
            from: 0,
            to: 4,
            party: 2,
            met: Met::default(),
            seats: [NO_SEAT; 9],
            passengers: [PassengerId(0); 9],
        };
        record.seats[0] = 12;
        record.passengers[1] = PassengerId(9);
        let expected = format!(
            r#"{{{PLACE},"departure":"00000000000150f7","date":"2026-10-01","kind":"reservation","version":2,"id":"00000000000000000000000000000abc","account":7,"state":"held","class":"second","from":0,"to":4,"party":2,"seats":[12,null],"passengers":[0,9],"deadline":"2026-09-21T14:13:30.120Z"}}"#
        );
        assert_eq!(line(Record::Reservation(record)), expected);
    }

    #[test]
    fn a_sale_and_a_plan_are_readable() {
        let departure = DepartureId::new("G1", Day(20_727));
        let sale = SaleRecord { version: 1, departure, sale: Sale::Opened, released_percent: 80 };
        let text = line(Record::Sale(sale));
        assert!(
            text.ends_with(r#""kind":"sale","version":1,"sale":"opened","released_percent":80}"#),
            "{text}"
        );
        let classes = vec![ClassPlan { class: Class(9), stock: Stock::Places(50) }];
        let plan = DeparturePlan {
            train: "G1".to_owned(),
            day: Day(20_727),
            stops: vec!["A".to_owned(), "B".to_owned()],
            seats: seathold_protocol::plan::SeatPlan { classes },
        };
        let text = line(Record::Plan(departure, Box::new(plan)));
        assert!(text.ends_with(r#""kind":"plan","train":"G1","stops":["A","B"],"classes":[{"class":"admission","capacity":50,"numbered":false}]}"#), "{text}");
    }

    #[test]
    fn a_clock_out_of_bounds_is_shown_at_the_bound() {
        assert_eq!(rfc_3339(0), "1970-01-01T00:00:00.000Z");
        assert!(rfc_3339(i64::MAX).starts_with("9999-12-30"));
        assert!(rfc_3339(i64::MIN).starts_with("-009999"));
    }
}
