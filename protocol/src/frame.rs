//! The 16-byte header, and a byte stream cut into frames.
//!
//! ```text
//!  0        4        5        6        8                16
//!  ├ length ┼ opcode ┼ status ┼ flags  ┼ correlation    ┼ body …
//! ```

use crate::codec::Put;
use crate::status::Status;

/// Bytes of a header.
pub const HEADER_BYTES: usize = 16;

/// Set in the opcode of every reply.
pub const REPLY_BIT: u8 = 0x80;

/// RESERVE: the client never sent this id before, so any core may refuse it.
pub const FLAG_FIRST: u16 = 1;

const LENGTH: std::ops::Range<usize> = 0..4;

/// What a frame is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// Opens a connection.
    Hello = 0x01,
    /// Is anybody there.
    Ping = 0x02,
    /// A train's name and date to a departure.
    Resolve = 0x03,
    /// Free places.
    Availability = 0x04,
    /// Hold seats.
    Reserve = 0x10,
    /// Make a hold sold.
    Confirm = 0x11,
    /// Give a hold back.
    Cancel = 0x12,
    /// Give sold seats back.
    Refund = 0x13,
    /// The present state of a reservation.
    Lookup = 0x14,
    /// Operator: open the sale of a departure.
    Open = 0x20,
    /// Operator: close the sale of a departure.
    Close = 0x21,
    /// Operator: the server's counters.
    Stats = 0x22,
}

impl Opcode {
    /// All, in the order of their codes.
    pub const ALL: [Self; 12] = [
        Self::Hello,
        Self::Ping,
        Self::Resolve,
        Self::Availability,
        Self::Reserve,
        Self::Confirm,
        Self::Cancel,
        Self::Refund,
        Self::Lookup,
        Self::Open,
        Self::Close,
        Self::Stats,
    ];

    /// The opcode of a request with this code.
    pub fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0x01 => Self::Hello,
            0x02 => Self::Ping,
            0x03 => Self::Resolve,
            0x04 => Self::Availability,
            0x10 => Self::Reserve,
            0x11 => Self::Confirm,
            0x12 => Self::Cancel,
            0x13 => Self::Refund,
            0x14 => Self::Lookup,
            0x20 => Self::Open,
            0x21 => Self::Close,
            0x22 => Self::Stats,
            _ => return None,
        })
    }
}

/// The first 16 bytes of a frame, as they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The opcode's code; replies have `REPLY_BIT` set.
    pub opcode: u8,
    /// The status' code; 0 in requests.
    pub status: u8,
    /// `FLAG_FIRST` in RESERVE; every other bit is reserved and 0.
    pub flags: u16,
    /// Chosen by the client, repeated in the reply.
    pub correlation: u64,
}

/// One frame of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its header.
    pub header: Header,
    /// What follows the header.
    pub body: &'a [u8],
}

impl Frame<'_> {
    /// Bytes of the whole frame.
    pub fn bytes(&self) -> usize {
        HEADER_BYTES + self.body.len()
    }
}

/// The stream cannot be cut any further: close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The length is below the header's.
    TooShort(u32),
    /// The length is above the limit.
    TooLong(u32),
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooShort(length) => write!(f, "a frame of {length} bytes is shorter than its header"),
            Self::TooLong(length) => write!(f, "a frame of {length} bytes is longer than the limit"),
        }
    }
}

impl std::error::Error for FrameError {}

/// The first frame of `stream`, or `None` while it is not whole. `bytes_max` bounds the whole frame and is checked
/// as soon as the length is there.
pub fn split(stream: &[u8], bytes_max: usize) -> Result<Option<Frame<'_>>, FrameError> {
    let Some(length) = stream.get(LENGTH).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes)
    else {
        return Ok(None);
    };
    let bytes = length as usize;
    if bytes < HEADER_BYTES {
        return Err(FrameError::TooShort(length));
    }
    if bytes > bytes_max {
        return Err(FrameError::TooLong(length));
    }
    let Some((header, body)) =
        stream.get(..bytes).and_then(|frame| frame.split_first_chunk::<HEADER_BYTES>())
    else {
        return Ok(None);
    };
    let [_, _, _, _, opcode, status, flags_0, flags_1, correlation @ ..] = *header;
    let flags = u16::from_le_bytes([flags_0, flags_1]);
    let correlation = u64::from_le_bytes(correlation);
    Ok(Some(Frame { header: Header { opcode, status, flags, correlation }, body }))
}

/// Appends a frame to `out`: the header, then what `body` appends.
pub fn write(out: &mut Vec<u8>, header: Header, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    let mut bytes = [0; HEADER_BYTES];
    (bytes[4], bytes[5]) = (header.opcode, header.status);
    bytes[6..8].copy_from_slice(&header.flags.to_le_bytes());
    bytes[8..].copy_from_slice(&header.correlation.to_le_bytes());
    // Appended at once: a field at a time, each would look whether there is room.
    out.extend_from_slice(&bytes);
    body(out);
    let bytes = (out.len() - start) as u32;
    out[start..start + LENGTH.end].copy_from_slice(&bytes.to_le_bytes());
}

/// Appends a reply that says no: `detail` means what the status says.
pub fn write_refusal(out: &mut Vec<u8>, opcode: u8, correlation: u64, status: Status, detail: u64) {
    let header = Header { opcode: opcode | REPLY_BIT, status: status as u8, flags: 0, correlation };
    write(out, header, |body| body.put_u64(detail));
}
