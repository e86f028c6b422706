//! One connection's bytes as the network may slice them: what is left of a read is put before the next one, as
//! `net::Connection` does, and the same requests come out as from the bytes in one piece.

use seathold_protocol::frame::{self, FrameError};
use seathold_protocol::limits::REQUEST_BYTES_MAX;
use seathold_protocol::request::Request;

/// Bytes of the input that say how long the slices are, over and over.
const CUTS: usize = 6;

pub(crate) fn check(bytes: &[u8]) {
    let Some((cuts, stream)) = bytes.split_first_chunk::<CUTS>() else { return };
    let mut whole = Received::default();
    whole.take(stream);
    let mut sliced = Received::default();
    let (mut rest, mut cuts) = (stream, cuts.iter().cycle());
    while !rest.is_empty() {
        let len = usize::from(*cuts.next().expect("they go round")).clamp(1, rest.len());
        sliced.take(&rest[..len]);
        rest = &rest[len..];
    }
    assert_eq!(sliced.requests, whole.requests);
    assert_eq!(sliced.broken, whole.broken);
    if whole.broken.is_none() {
        assert_eq!(sliced.rest, whole.rest);
        assert!(whole.rest.len() < REQUEST_BYTES_MAX, "{} bytes are kept", whole.rest.len());
    }
}

/// What came in on a connection.
#[derive(Default)]
struct Received {
    /// As text: a request borrows what it was read from.
    requests: Vec<(u64, String)>,
    rest: Vec<u8>,
    broken: Option<FrameError>,
}

impl Received {
    fn take(&mut self, read: &[u8]) {
        // What comes behind a broken frame is not read any more.
        if self.broken.is_some() {
            return;
        }
        let buffer = [&self.rest[..], read].concat();
        let mut unserved = &buffer[..];
        loop {
            match frame::split(unserved, REQUEST_BYTES_MAX) {
                Ok(Some(frame)) => {
                    let told = format!("{:?}", Request::decode(&frame));
                    self.requests.push((frame.header.correlation, told));
                    unserved = &unserved[frame.bytes()..];
                }
                Ok(None) => break,
                Err(error) => {
                    self.broken = Some(error);
                    break;
                }
            }
        }
        self.rest = unserved.to_vec();
    }
}
