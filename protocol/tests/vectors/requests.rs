//! Requests as fields and back.

use crate::fields::{Fields, hex, joined, named, opcode_name, passengers, together_name};
use seathold_protocol::frame::Opcode;
use seathold_protocol::ids::{Class, Day, PassengerId};
use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::request::{Availability, Hello, Request, Reserve, Target};
use seathold_protocol::wishes::{WishMode, Wishes};
use serde_json::{Value, json};

/// What SPEC.md calls the fields of `request`.
pub(crate) fn to_fields(request: &Request<'_>) -> Value {
    let fields = match request {
        Request::Hello(hello) => json!({
            "version_min": hello.version_min, "version_max": hello.version_max,
            "client": hello.client, "token": hello.token,
        }),
        Request::Ping(echo) => json!({ "echo": hex(echo) }),
        Request::Resolve(train, day) => json!({ "train": train, "day": day.0 }),
        Request::Availability(availability) => json!({
            "departure": availability.departure.to_string(),
            "class": availability.class.map(|class| class.0),
            "pair": availability.pair.map(|(from, to)| [from, to]),
        }),
        Request::Reserve(reserve) => reserve_to_fields(reserve),
        Request::Confirm(target)
        | Request::Cancel(target)
        | Request::Refund(target)
        | Request::Lookup(target) => {
            json!({
                "id": target.id.to_string(), "departure": target.departure.to_string(),
                "account": target.account.0.to_string(),
            })
        }
        Request::Open(departure, percent) => {
            json!({ "departure": departure.to_string(), "percent": percent })
        }
        Request::Close(departure) => json!({ "departure": departure.to_string() }),
        Request::Stats => json!({}),
    };
    joined(json!({ "opcode": opcode_name(request.opcode()) }), fields)
}

/// The frame that these fields make.
pub(crate) fn encode(fields: &Fields<'_>) -> Vec<u8> {
    let echo;
    let request = match named(fields.text("opcode"), Opcode::ALL, opcode_name) {
        Opcode::Hello => Request::Hello(Hello {
            version_min: fields.number("version_min"),
            version_max: fields.number("version_max"),
            client: fields.text("client"),
            token: fields.text("token"),
        }),
        Opcode::Ping => {
            echo = fields.hex("echo");
            Request::Ping(&echo)
        }
        Opcode::Resolve => Request::Resolve(fields.text("train"), Day(fields.number("day"))),
        Opcode::Availability => Request::Availability(Availability {
            departure: fields.departure(),
            class: fields.get("class").as_u64().map(|code| Class(code as u8)),
            pair: fields.get("pair").as_array().map(|pair| {
                let stop = |at: usize| crate::fields::number(&pair[at]);
                (stop(0), stop(1))
            }),
        }),
        Opcode::Reserve => Request::Reserve(reserve(fields)),
        Opcode::Confirm => Request::Confirm(target(fields)),
        Opcode::Cancel => Request::Cancel(target(fields)),
        Opcode::Refund => Request::Refund(target(fields)),
        Opcode::Lookup => Request::Lookup(target(fields)),
        Opcode::Open => Request::Open(fields.departure(), fields.number("percent")),
        Opcode::Close => Request::Close(fields.departure()),
        Opcode::Stats => Request::Stats,
    };
    let mut bytes = Vec::new();
    request.encode(fields.wide("correlation"), &mut bytes);
    bytes
}

fn target(fields: &Fields<'_>) -> Target {
    Target { id: fields.id(), departure: fields.departure(), account: fields.account() }
}

fn reserve_to_fields(reserve: &Reserve) -> Value {
    let letter = |letter: &u8| if *letter == 0 { '-' } else { char::from(*letter) };
    let letters: String = reserve.wishes.letters[..usize::from(reserve.party)].iter().map(letter).collect();
    json!({
        "id": reserve.id.to_string(), "departure": reserve.departure.to_string(),
        "account": reserve.account.0.to_string(), "hold_ms": reserve.hold_ms, "class": reserve.class.0,
        "from": reserve.from, "to": reserve.to, "party": reserve.party, "mode": mode_name(reserve.wishes.mode),
        "together": together_name(reserve.wishes.together), "letters": letters,
        "passengers": passengers(reserve.passengers()), "first": reserve.first,
        "fingerprint": reserve.fingerprint(),
    })
}

fn reserve(fields: &Fields<'_>) -> Reserve {
    let travelling = fields.passengers();
    let mut passengers = [PassengerId(0); PASSENGERS_MAX];
    passengers[..travelling.len()].copy_from_slice(&travelling);
    let mut letters = [0; PASSENGERS_MAX];
    for (letter, wished) in letters.iter_mut().zip(fields.text("letters").bytes()) {
        *letter = if wished == b'-' { 0 } else { wished };
    }
    let mode = named(fields.text("mode"), [WishMode::Prefer, WishMode::Strict], mode_name);
    Reserve {
        id: fields.id(),
        departure: fields.departure(),
        account: fields.account(),
        class: fields.class(),
        from: fields.number("from"),
        to: fields.number("to"),
        party: fields.number("party"),
        hold_ms: fields.number("hold_ms"),
        wishes: Wishes { mode, together: fields.together(), letters },
        passengers,
        first: fields.truth("first"),
    }
}

fn mode_name(mode: WishMode) -> String {
    format!("{mode:?}").to_uppercase()
}
