//! Frames: requests as a client encodes and a server decodes them, replies the other way.

use super::{SECOND, reserve, target};
use seathold_protocol::frame::{self, Frame, Opcode};
use seathold_protocol::limits::{PASSENGERS_MAX, REPLY_BYTES_MAX, REQUEST_BYTES_MAX};
use seathold_protocol::plan::Seat;
use seathold_protocol::reply::{Refusal, Reply};
use seathold_protocol::request::Request;
use seathold_protocol::reservation::{Reservation, State};
use seathold_protocol::status::Status;
use seathold_protocol::wishes::{Met, Together};
use seathold_protocol::{Day, DepartureId};
use std::hint::black_box;

/// Frames of one piece of work: about what one read of a busy connection brings.
pub const FRAMES: usize = 256;

/// A kind of request.
#[derive(Clone, Copy, Debug)]
pub enum RequestKind {
    /// PING with 8 bytes.
    Ping,
    /// RESERVE for so many.
    Reserve(u8),
    /// CONFIRM; CANCEL, REFUND and LOOKUP look alike.
    Confirm,
}

/// A kind of reply.
#[derive(Clone, Copy, Debug)]
pub enum ReplyKind {
    /// To PING.
    Pong,
    /// To RESERVE for so many.
    Held(u8),
    /// A refusal.
    SoldOut,
}

/// `FRAMES` different requests of a kind.
pub fn requests(kind: RequestKind) -> Vec<Request<'static>> {
    let departure = DepartureId::new("T 1", Day(7));
    let request = |number| match kind {
        RequestKind::Ping => Request::Ping(b"12345678"),
        RequestKind::Reserve(party) => Request::Reserve(reserve(number, departure, (0, 4), party)),
        RequestKind::Confirm => Request::Confirm(target(number, departure)),
    };
    (0..FRAMES as u64).map(request).collect()
}

/// `FRAMES` different replies of a kind.
pub fn replies(kind: ReplyKind) -> Vec<Reply<'static>> {
    let departure = DepartureId::new("T 1", Day(7));
    let held = |number: u64, party| Reservation {
        id: target(number, departure).id,
        departure,
        state: State::Held,
        class: SECOND,
        from: 0,
        to: 4,
        party,
        remaining_ms: 600_000 - number as u32,
        met: Met { together: Together::Anywhere, letters: 0 },
        seats: std::array::from_fn::<_, PASSENGERS_MAX, _>(|at| {
            (at < usize::from(party)).then_some(Seat { coach: 4, row: 1 + at as u16, letter: b'A' })
        }),
    };
    let reply = |number| match kind {
        ReplyKind::Pong => Reply::Pong(b"12345678"),
        ReplyKind::Held(party) => Reply::Reservation(Opcode::Reserve, held(number, party)),
        ReplyKind::SoldOut => {
            Reply::Refused(Opcode::Reserve as u8, Refusal { status: Status::SoldOut, detail: number })
        }
    };
    (0..FRAMES as u64).map(reply).collect()
}

/// Encodes them one behind the other.
pub fn encode_requests(requests: &[Request<'_>], out: &mut Vec<u8>) {
    out.clear();
    requests.iter().zip(0..).for_each(|(request, correlation)| request.encode(correlation, out));
}

/// Likewise.
pub fn encode_replies(replies: &[Reply<'_>], out: &mut Vec<u8>) {
    out.clear();
    replies.iter().zip(0..).for_each(|(reply, correlation)| reply.encode(correlation, out));
}

/// Cuts and decodes a stream of requests.
pub fn decode_requests(stream: &[u8]) {
    each_frame(stream, REQUEST_BYTES_MAX, |frame| {
        black_box(Request::decode(frame).expect("it was encoded as a request"));
    });
}

/// Cuts and decodes a stream of replies.
pub fn decode_replies(stream: &[u8]) {
    each_frame(stream, REPLY_BYTES_MAX, |frame| {
        black_box(Reply::decode(frame).expect("it was encoded as a reply"));
    });
}

fn each_frame<'a>(mut stream: &'a [u8], bytes_max: usize, mut decode: impl FnMut(&Frame<'a>)) {
    let mut frames = 0;
    while let Some(frame) = frame::split(stream, bytes_max).expect("frames follow each other") {
        decode(&frame);
        stream = &stream[frame.bytes()..];
        frames += 1;
    }
    assert_eq!(frames, FRAMES);
}
