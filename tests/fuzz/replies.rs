//! Any header and body as a reply: an error, or a meaning that is written with the very same bytes.

use seathold_protocol::frame::{self, Header};
use seathold_protocol::limits::REPLY_BYTES_MAX;
use seathold_protocol::reply::Reply;

/// The input is opcode, status, flags (two bytes), then the body.
pub(crate) fn check(bytes: &[u8]) {
    let [opcode, status, flags_0, flags_1, body @ ..] = bytes else { return };
    let flags = u16::from_le_bytes([*flags_0, *flags_1]);
    let header = Header { opcode: *opcode, status: *status, flags, correlation: 7 };
    let mut sent = Vec::new();
    frame::write(&mut sent, header, |out| out.extend_from_slice(body));
    let Ok(Some(frame)) = frame::split(&sent, REPLY_BYTES_MAX) else { return };
    let Ok(reply) = Reply::decode(&frame) else { return };
    let mut again = Vec::new();
    reply.encode(header.correlation, &mut again);
    assert_eq!(again, sent, "{reply:?} has a second spelling");
}
