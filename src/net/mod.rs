//! Connections: listening, reading frames with bounded memory, writing what was answered.
//!
//! Nothing here knows what a request means; the reactor does.

mod connection;
mod listener;
mod table;

pub use connection::{Connection, Fill, Frames, Overdue};
pub use listener::{Listener, bind, probe};
pub use table::{ConnectionKey, Table};

/// Connections of one core. Each costs a descriptor, some 300 bytes, and its buffers while they are in use.
pub const CONNECTIONS_PER_CORE: usize = 65_536;

/// Requests in flight that a connection may have; told in WELCOME. Above it the server stops reading.
pub const CREDIT: u32 = 1024;

/// Bytes read from one connection in one turn: a few hundred requests.
pub const READ_BYTES: usize = 65_536;

/// Unsent bytes above which a connection's requests are not taken up: a client that does not read its answers.
pub const OUTBOUND_BYTES_PAUSE: usize = 262_144;

/// A connection says HELLO within this time, or is closed.
pub const HELLO_TIMEOUT_MS: u64 = 5_000;

/// A frame is whole within this time of its first byte, or the connection is closed: a client that sends a byte a second.
pub const FRAME_TIMEOUT_MS: u64 = 10_000;

/// A client reads some of its answers within this time, or is closed.
pub const WRITE_TIMEOUT_MS: u64 = 10_000;
