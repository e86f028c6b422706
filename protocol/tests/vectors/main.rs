//! Every golden vector, read and written by this crate: bytes to fields and fields to bytes.

mod fields;
#[path = "../golden/mod.rs"]
mod golden;
mod records;
mod replies;
mod requests;

use fields::{Fields, hex, joined, opcode_name};
use golden::{Vector, vectors};
use seathold_protocol::batch::BatchView;
use seathold_protocol::codec::{DecodeError, Reader};
use seathold_protocol::frame::{self, FrameError, Opcode};
use seathold_protocol::ids::{Day, DepartureId};
use seathold_protocol::limits::{REPLY_BYTES_MAX, REQUEST_BYTES_MAX};
use seathold_protocol::record::Record;
use seathold_protocol::reply::Reply;
use seathold_protocol::request::{Mistake, Request};
use seathold_protocol::reservation::State;
use seathold_protocol::status::Status;
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// What a vector says or should say: its fields, with the error's name or without.
type Told = (Value, Option<String>);

#[test]
fn bytes_mean_what_the_fields_say() {
    for vector in vectors() {
        let told = decode(&vector);
        let expected = (Value::Object(vector.fields), vector.error);
        assert_eq!(told, expected, "{}", vector.name);
    }
}

#[test]
fn fields_make_the_same_bytes() {
    for vector in vectors().iter().filter(|vector| vector.error.is_none()) {
        let fields = Fields(&vector.fields);
        let bytes = match vector.direction.as_str() {
            "request" => requests::encode(&fields),
            "reply" => replies::encode(&fields),
            "stream" => encode_stream(&fields),
            "record" => {
                let mut bytes = Vec::new();
                records::encode(&fields, &mut bytes);
                bytes
            }
            "batch" => records::encode_batch(&fields),
            "id" => {
                let departure = DepartureId::new(fields.text("train"), Day(fields.number("day")));
                departure.0.to_le_bytes().to_vec()
            }
            other => panic!("{}: what is {other}?", vector.name),
        };
        assert_eq!(hex(&bytes), hex(&vector.bytes), "{}", vector.name);
    }
}

#[test]
fn nothing_goes_without_a_vector() {
    let vectors = vectors();
    let seen = |direction: &str, field: &str| -> HashSet<String> {
        let good = vectors.iter().filter(|vector| vector.direction == direction && vector.error.is_none());
        good.filter_map(|vector| vector.fields.get(field)?.as_str().map(str::to_owned)).collect()
    };
    let errors: HashSet<_> = vectors.iter().filter_map(|vector| vector.error.as_deref()).collect();
    let (asked, told) = (seen("request", "opcode"), seen("reply", "opcode"));
    for opcode in Opcode::ALL.map(opcode_name) {
        assert!(asked.contains(&opcode) && told.contains(&opcode), "{opcode}");
    }
    let statuses = seen("reply", "status");
    assert!(Status::ALL.iter().all(|status| statuses.contains(status.name())));
    for states in [seen("reply", "state"), seen("record", "state")] {
        assert!(State::ALL.iter().all(|state| states.contains(state.name())));
    }
    assert_eq!(seen("record", "kind").len(), 3);
    let all = ["Truncated", "TrailingBytes", "BadField", "TooShort", "TooLong", "MALFORMED_BODY"];
    assert!(all.iter().all(|error| errors.contains(error)));
    let names: HashSet<_> = vectors.iter().map(|vector| &vector.name).collect();
    assert_eq!(names.len(), vectors.len(), "two vectors have one name");
}

fn decode(vector: &Vector) -> Told {
    let bytes = &vector.bytes;
    match vector.direction.as_str() {
        "request" => {
            let frame = whole(bytes, REQUEST_BYTES_MAX);
            let correlation = json!({ "correlation": frame.header.correlation.to_string() });
            match Request::decode(&frame) {
                Ok(request) => (joined(correlation, requests::to_fields(&request)), None),
                Err(Mistake { status, detail }) => {
                    let fields = joined(correlation, json!({ "detail": detail.to_string() }));
                    (fields, Some(status.name().to_owned()))
                }
            }
        }
        "reply" => {
            let frame = whole(bytes, REPLY_BYTES_MAX);
            let correlation = json!({ "correlation": frame.header.correlation.to_string() });
            let fields = Reply::decode(&frame).map(|reply| replies::to_fields(&reply));
            told(fields.map(|fields| joined(correlation, fields)))
        }
        "stream" => decode_stream(bytes, Fields(&vector.fields).number("bytes_max")),
        "record" => told(whole_record(bytes).map(|record| records::to_fields(&record))),
        "batch" => {
            let mut reader = Reader::new(bytes);
            let batch = BatchView::decode(&mut reader).and_then(|batch| reader.finish().map(|()| batch));
            told(batch.and_then(|batch| records::batch_to_fields(&batch)))
        }
        "id" => {
            let departure = DepartureId(Reader::new(bytes).u64().expect("8 bytes"));
            let fields = Fields(&vector.fields);
            let partition = |partitions: &String| {
                let partition = departure.partition(partitions.parse().expect("a number of partitions"));
                (partitions.clone(), json!(partition))
            };
            let counts = Fields::of(fields.get("partitions")).0.keys().map(partition).collect::<Map<_, _>>();
            let fields = json!({
                "train": fields.text("train"), "day": departure.day().0, "departure": departure.to_string(),
                "partitions": counts,
            });
            (fields, None)
        }
        other => panic!("{}: what is {other}?", vector.name),
    }
}

fn told(fields: Result<Value, DecodeError>) -> Told {
    match fields {
        Ok(fields) => (fields, None),
        Err(DecodeError::BadField(field)) => (json!({ "field": field }), Some("BadField".to_owned())),
        Err(error) => (json!({}), Some(format!("{error:?}"))),
    }
}

fn whole(bytes: &[u8], bytes_max: usize) -> frame::Frame<'_> {
    let frame = frame::split(bytes, bytes_max).expect("the frame is not broken").expect("the frame is whole");
    assert_eq!(frame.bytes(), bytes.len(), "nothing follows the frame");
    frame
}

fn whole_record(bytes: &[u8]) -> Result<Record, DecodeError> {
    let mut reader = Reader::new(bytes);
    let record = Record::decode(&mut reader)?;
    reader.finish()?;
    Ok(record)
}

fn decode_stream(bytes: &[u8], bytes_max: usize) -> Told {
    let mut frames = Vec::new();
    let mut rest = bytes;
    let error = loop {
        match frame::split(rest, bytes_max) {
            Ok(Some(frame)) => {
                rest = &rest[frame.bytes()..];
                let header = frame.header;
                frames.push(json!({
                    "opcode": header.opcode, "status": header.status, "flags": header.flags,
                    "correlation": header.correlation.to_string(), "body": hex(frame.body),
                }));
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    let fields = json!({ "bytes_max": bytes_max, "frames": frames, "rest": hex(rest) });
    match error {
        None => (fields, None),
        Some(FrameError::TooShort(length)) => {
            (joined(fields, json!({ "length": length })), Some("TooShort".to_owned()))
        }
        Some(FrameError::TooLong(length)) => {
            (joined(fields, json!({ "length": length })), Some("TooLong".to_owned()))
        }
    }
}

fn encode_stream(fields: &Fields<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for value in fields.list("frames") {
        let fields = Fields::of(value);
        let header = frame::Header {
            opcode: fields.number("opcode"),
            status: fields.number("status"),
            flags: fields.number("flags"),
            correlation: fields.wide("correlation"),
        };
        frame::write(&mut bytes, header, |body| body.extend(fields.hex("body")));
    }
    bytes.extend(fields.hex("rest"));
    bytes
}
