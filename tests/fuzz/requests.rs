//! Any header and body as a request: it is a mistake with an answer, or it means something that is written with the very
//! same bytes.

use seathold_protocol::frame::{self, HEADER_BYTES, Header};
use seathold_protocol::limits::REQUEST_BYTES_MAX;
use seathold_protocol::reply::{Refusal, Reply};
use seathold_protocol::request::Request;

/// The input is opcode, status, flags (two bytes), then the body.
pub(crate) fn check(bytes: &[u8]) {
    let [opcode, status, flags_0, flags_1, body @ ..] = bytes else { return };
    let flags = u16::from_le_bytes([*flags_0, *flags_1]);
    let header = Header { opcode: *opcode, status: *status, flags, correlation: 7 };
    let body = &body[..body.len().min(REQUEST_BYTES_MAX - HEADER_BYTES)];
    let mut sent = Vec::new();
    frame::write(&mut sent, header, |out| out.extend_from_slice(body));
    let frame = frame::split(&sent, REQUEST_BYTES_MAX).expect("it is not broken").expect("it is whole");
    match Request::decode(&frame) {
        Ok(request) => {
            let mut again = Vec::new();
            request.encode(header.correlation, &mut again);
            assert_eq!(again, sent, "{request:?} has a second spelling");
        }
        Err(mistake) => {
            let mut answer = Vec::new();
            frame::write_refusal(&mut answer, *opcode, header.correlation, mistake.status, mistake.detail);
            let frame = frame::split(&answer, REQUEST_BYTES_MAX).expect("not broken").expect("whole");
            let told = Refusal { status: mistake.status, detail: mistake.detail };
            assert_eq!(Reply::decode(&frame), Ok(Reply::Refused(*opcode & 0x7f, told)));
        }
    }
}
