//! Records and batches as fields and back.

use crate::fields::{Fields, joined, passengers, sale_name, together_name};
use seathold_protocol::batch::{Batch, BatchView, Position, Stamp};
use seathold_protocol::codec::DecodeError;
use seathold_protocol::ids::{Day, PassengerId};
use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::plan::{Block, ClassPlan, DeparturePlan, SeatPlan, Stock};
use seathold_protocol::record::{NO_SEAT, Record, ReservationRecord, SaleRecord, encode_plan};
use serde_json::{Value, json};

/// What LOG.md calls the fields of `record`.
pub(crate) fn to_fields(record: &Record) -> Value {
    let fields = match record {
        Record::Reservation(record) => reservation_to_fields(record),
        Record::Plan(_, plan) => json!({
            "kind": "plan", "train": plan.train, "day": plan.day.0, "stops": plan.stops,
            "classes": plan.seats.classes.iter().map(class_to_fields).collect::<Value>(),
        }),
        Record::Sale(record) => json!({
            "kind": "sale", "version": record.version, "sale": sale_name(record.sale),
            "released_percent": record.released_percent,
        }),
    };
    joined(json!({ "departure": record.departure().to_string() }), fields)
}

/// Appends the record that these fields make.
pub(crate) fn encode(fields: &Fields<'_>, out: &mut Vec<u8>) {
    match fields.text("kind") {
        "reservation" => reservation(fields).encode(out),
        "plan" => encode_plan(fields.departure(), &plan(fields), out),
        "sale" => SaleRecord {
            version: fields.number("version"),
            departure: fields.departure(),
            sale: fields.sale(),
            released_percent: fields.number("released_percent"),
        }
        .encode(out),
        kind => panic!("what is {kind}?"),
    }
}

/// What LOG.md calls the fields of a batch, its records with it.
pub(crate) fn batch_to_fields(batch: &BatchView<'_>) -> Result<Value, DecodeError> {
    let mut records = Vec::new();
    batch.for_each_record(|record| records.push(to_fields(&record)))?;
    assert_eq!(batch.previous().sequence + 1, batch.position.sequence);
    Ok(json!({
        "partition": batch.partition, "epoch": batch.position.epoch.to_string(),
        "sequence": batch.position.sequence.to_string(), "previous_epoch": batch.previous_epoch.to_string(),
        "wall_ms": batch.stamp.wall_ms.to_string(), "boot_ms": batch.stamp.boot_ms.to_string(),
        "boot_id": format!("{:032x}", batch.stamp.boot_id), "records": records,
    }))
}

/// The batch that these fields make.
pub(crate) fn encode_batch(fields: &Fields<'_>) -> Vec<u8> {
    let records = fields.list("records");
    let mut payload = Vec::new();
    records.iter().for_each(|record| encode(&Fields::of(record), &mut payload));
    let batch = Batch {
        partition: fields.number("partition"),
        position: Position { epoch: fields.wide("epoch"), sequence: fields.wide("sequence") },
        previous_epoch: fields.wide("previous_epoch"),
        stamp: Stamp {
            wall_ms: fields.wide("wall_ms"),
            boot_ms: fields.wide("boot_ms"),
            boot_id: u128::from_str_radix(fields.text("boot_id"), 16).expect("ids are hex"),
        },
        records: records.len() as u32,
        payload,
    };
    let mut bytes = Vec::new();
    batch.encode(&mut bytes);
    bytes
}

fn reservation_to_fields(record: &ReservationRecord) -> Value {
    let seat = |seat: &u16| (*seat != NO_SEAT).then_some(*seat);
    json!({
        "kind": "reservation", "state": record.state.name(), "class": record.class.0, "from": record.from,
        "to": record.to, "party": record.party, "together": together_name(record.met.together),
        "version": record.version, "fingerprint": record.fingerprint, "id": record.id.to_string(),
        "account": record.account.0.to_string(), "deadline_ms": record.deadline_ms.to_string(),
        "letters_met": record.met.letters, "seats": record.seats().iter().map(seat).collect::<Vec<_>>(),
        "passengers": passengers(record.passengers()),
    })
}

fn reservation(fields: &Fields<'_>) -> ReservationRecord {
    let mut seats = [NO_SEAT; PASSENGERS_MAX];
    for (seat, value) in seats.iter_mut().zip(fields.list("seats")) {
        *seat = value.as_u64().map_or(NO_SEAT, |number| number as u16);
    }
    let travelling = fields.passengers();
    let mut passengers = [PassengerId(0); PASSENGERS_MAX];
    passengers[..travelling.len()].copy_from_slice(&travelling);
    ReservationRecord {
        version: fields.number("version"),
        fingerprint: fields.number("fingerprint"),
        departure: fields.departure(),
        id: fields.id(),
        account: fields.account(),
        deadline_ms: fields.wide("deadline_ms"),
        state: fields.state(),
        class: fields.class(),
        from: fields.number("from"),
        to: fields.number("to"),
        party: fields.number("party"),
        met: fields.met(),
        seats,
        passengers,
    }
}

fn class_to_fields(plan: &ClassPlan) -> Value {
    let block = |block: &Block| {
        json!({
            "coach": block.coach, "first_row": block.first_row, "rows": block.rows,
            "letters": String::from_utf8_lossy(&block.letters),
        })
    };
    match &plan.stock {
        Stock::Places(places) => json!({ "class": plan.class.0, "places": places }),
        Stock::Seats(blocks) => {
            json!({ "class": plan.class.0, "blocks": blocks.iter().map(block).collect::<Value>() })
        }
    }
}

fn plan(fields: &Fields<'_>) -> DeparturePlan {
    let text = |value: &Value| value.as_str().expect("stops are texts").to_owned();
    let block = |fields: Fields<'_>| Block {
        coach: fields.number("coach"),
        first_row: fields.number("first_row"),
        rows: fields.number("rows"),
        letters: fields.text("letters").as_bytes().to_vec(),
    };
    let class = |fields: Fields<'_>| {
        let stock = if fields.0.contains_key("places") {
            Stock::Places(fields.number("places"))
        } else {
            Stock::Seats(fields.list("blocks").iter().map(|value| block(Fields::of(value))).collect())
        };
        ClassPlan { class: fields.class(), stock }
    };
    DeparturePlan {
        train: fields.text("train").to_owned(),
        day: Day(fields.number("day")),
        stops: fields.list("stops").iter().map(text).collect(),
        seats: SeatPlan {
            classes: fields.list("classes").iter().map(|value| class(Fields::of(value))).collect(),
        },
    }
}
