//! Replies as fields and back.

use crate::fields::{Fields, hex, joined, named, number, opcode_name, sale_name, together_name};
use seathold_protocol::frame::Opcode;
use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::plan::Seat;
use seathold_protocol::reply::{
    AvailabilityReply, ClassFree, ClassInfo, Refusal, Reply, Resolved, SaleReply, Stop, Welcome,
};
use seathold_protocol::reservation::Reservation;
use seathold_protocol::status::Status;
use serde_json::{Value, json};

/// What SPEC.md calls the fields of `reply`.
pub(crate) fn to_fields(reply: &Reply<'_>) -> Value {
    let opcode = match Opcode::from_code(reply.opcode()) {
        Some(opcode) => json!(opcode_name(opcode)),
        None => json!(reply.opcode()),
    };
    let mut status = Status::Ok;
    let fields = match reply {
        Reply::Welcome(welcome) => json!({
            "version": welcome.version, "core": welcome.core, "operator": welcome.operator,
            "credit": welcome.credit, "request_bytes_max": welcome.request_bytes_max,
            "reply_bytes_max": welcome.reply_bytes_max, "core_ports": welcome.core_ports,
            "partition_cores": welcome.partition_cores, "server": welcome.server,
        }),
        Reply::Pong(echo) => json!({ "echo": hex(echo) }),
        Reply::Resolved(resolved) => resolved_to_fields(resolved),
        Reply::Availability(reply) => json!({
            "departure": reply.departure.to_string(), "version": reply.version.to_string(),
            "age_ms": reply.age_ms.to_string(), "stops": reply.stops,
            "classes": reply.classes.iter()
                .map(|class| json!({ "class": class.class.0, "free": class.free }))
                .collect::<Value>(),
        }),
        Reply::Reservation(_, reservation) => reservation_to_fields(reservation),
        Reply::Sale(_, sale) => json!({
            "departure": sale.departure.to_string(), "sale": sale_name(sale.sale),
            "released_percent": sale.released_percent,
        }),
        Reply::Stats(stats) => json!({
            "stats": stats.iter()
                .map(|(name, value)| json!({ "name": name, "value": value.to_string() }))
                .collect::<Value>(),
        }),
        Reply::Refused(_, refusal) => {
            status = refusal.status;
            json!({ "detail": refusal.detail.to_string() })
        }
    };
    joined(json!({ "opcode": opcode, "status": status.name() }), fields)
}

/// The frame that these fields make.
pub(crate) fn encode(fields: &Fields<'_>) -> Vec<u8> {
    let status = named(fields.text("status"), Status::ALL.iter().copied(), |status| status.name().to_owned());
    let opcode = fields.get("opcode").as_str().map(|name| named(name, Opcode::ALL, opcode_name));
    let echo;
    let reply = match opcode {
        None => refused(fields.number("opcode"), status, fields),
        Some(opcode) if status != Status::Ok => refused(opcode as u8, status, fields),
        Some(Opcode::Hello) => Reply::Welcome(welcome(fields)),
        Some(Opcode::Ping) => {
            echo = fields.hex("echo");
            Reply::Pong(&echo)
        }
        Some(Opcode::Resolve) => Reply::Resolved(resolved(fields)),
        Some(Opcode::Availability) => Reply::Availability(availability(fields)),
        Some(opcode @ (Opcode::Open | Opcode::Close)) => {
            let released_percent = fields.number("released_percent");
            let reply = SaleReply { departure: fields.departure(), sale: fields.sale(), released_percent };
            Reply::Sale(opcode, reply)
        }
        Some(Opcode::Stats) => {
            let stat = |fields: Fields<'_>| (fields.text("name").to_owned(), fields.wide("value"));
            Reply::Stats(fields.list("stats").iter().map(|value| stat(Fields::of(value))).collect())
        }
        Some(opcode) => Reply::Reservation(opcode, reservation(fields)),
    };
    let mut bytes = Vec::new();
    reply.encode(fields.wide("correlation"), &mut bytes);
    bytes
}

fn refused(opcode: u8, status: Status, fields: &Fields<'_>) -> Reply<'static> {
    Reply::Refused(opcode, Refusal { status, detail: fields.wide("detail") })
}

fn welcome(fields: &Fields<'_>) -> Welcome {
    Welcome {
        version: fields.number("version"),
        core: fields.number("core"),
        operator: fields.truth("operator"),
        credit: fields.number("credit"),
        request_bytes_max: fields.number("request_bytes_max"),
        reply_bytes_max: fields.number("reply_bytes_max"),
        core_ports: fields.list("core_ports").iter().map(number).collect(),
        partition_cores: fields.list("partition_cores").iter().map(number).collect(),
        server: fields.text("server").to_owned(),
    }
}

fn resolved_to_fields(resolved: &Resolved) -> Value {
    let stop = |stop: &Stop| {
        json!({
            "code": stop.code, "name": stop.name,
            "arrival_s": stop.arrival_s, "departure_s": stop.departure_s,
        })
    };
    let class = |info: &ClassInfo| json!({ "class": info.class.0, "numbered": info.numbered, "capacity": info.capacity });
    json!({
        "departure": resolved.departure.to_string(), "sale": sale_name(resolved.sale),
        "opens_in_ms": resolved.opens_in_ms.to_string(), "closes_in_ms": resolved.closes_in_ms.to_string(),
        "hold_ms_default": resolved.hold_ms_default, "hold_ms_max": resolved.hold_ms_max,
        "places_per_account": resolved.places_per_account,
        "passengers_per_reservation": resolved.passengers_per_reservation,
        "stops": resolved.stops.iter().map(stop).collect::<Value>(),
        "classes": resolved.classes.iter().map(class).collect::<Value>(),
    })
}

fn resolved(fields: &Fields<'_>) -> Resolved {
    let stop = |fields: Fields<'_>| Stop {
        code: fields.text("code").to_owned(),
        name: fields.text("name").to_owned(),
        arrival_s: fields.number("arrival_s"),
        departure_s: fields.number("departure_s"),
    };
    let class = |fields: Fields<'_>| ClassInfo {
        class: fields.class(),
        numbered: fields.truth("numbered"),
        capacity: fields.number("capacity"),
    };
    Resolved {
        departure: fields.departure(),
        sale: fields.sale(),
        opens_in_ms: fields.wide("opens_in_ms"),
        closes_in_ms: fields.wide("closes_in_ms"),
        hold_ms_default: fields.number("hold_ms_default"),
        hold_ms_max: fields.number("hold_ms_max"),
        places_per_account: fields.number("places_per_account"),
        passengers_per_reservation: fields.number("passengers_per_reservation"),
        stops: fields.list("stops").iter().map(|value| stop(Fields::of(value))).collect(),
        classes: fields.list("classes").iter().map(|value| class(Fields::of(value))).collect(),
    }
}

fn availability(fields: &Fields<'_>) -> AvailabilityReply {
    let class = |fields: Fields<'_>| ClassFree {
        class: fields.class(),
        free: fields.list("free").iter().map(number).collect(),
    };
    AvailabilityReply {
        departure: fields.departure(),
        version: fields.wide("version"),
        age_ms: fields.wide("age_ms"),
        stops: fields.number("stops"),
        classes: fields.list("classes").iter().map(|value| class(Fields::of(value))).collect(),
    }
}

fn reservation_to_fields(reservation: &Reservation) -> Value {
    let seat = |seat: &Option<Seat>| {
        seat.map(|seat| {
            json!({ "coach": seat.coach, "row": seat.row, "letter": char::from(seat.letter).to_string() })
        })
    };
    json!({
        "id": reservation.id.to_string(), "departure": reservation.departure.to_string(),
        "remaining_ms": reservation.remaining_ms, "state": reservation.state.name(),
        "class": reservation.class.0, "from": reservation.from, "to": reservation.to,
        "letters_met": reservation.met.letters, "together": together_name(reservation.met.together),
        "party": reservation.party, "seats": reservation.seats().iter().map(seat).collect::<Vec<_>>(),
    })
}

fn reservation(fields: &Fields<'_>) -> Reservation {
    let mut seats = [None; PASSENGERS_MAX];
    for (seat, value) in seats.iter_mut().zip(fields.list("seats")) {
        *seat = (!value.is_null()).then(|| {
            let fields = Fields::of(value);
            let letter = fields.text("letter").as_bytes()[0];
            Seat { coach: fields.number("coach"), row: fields.number("row"), letter }
        });
    }
    Reservation {
        id: fields.id(),
        departure: fields.departure(),
        state: fields.state(),
        class: fields.class(),
        from: fields.number("from"),
        to: fields.number("to"),
        party: fields.number("party"),
        remaining_ms: fields.number("remaining_ms"),
        met: fields.met(),
        seats,
    }
}
