//! Any bytes as a stream: what is cut from it is what a writer of the same frame would have sent, and what is no frame is
//! known from its length alone.

use seathold_protocol::frame::{self, HEADER_BYTES};
use seathold_protocol::limits::{REPLY_BYTES_MAX, REQUEST_BYTES_MAX};

pub(crate) fn check(bytes: &[u8]) {
    cut(bytes, REQUEST_BYTES_MAX);
    cut(bytes, REPLY_BYTES_MAX);
}

fn cut(mut stream: &[u8], bytes_max: usize) {
    loop {
        match frame::split(stream, bytes_max) {
            Ok(Some(frame)) => {
                let bytes = frame.bytes();
                assert!((HEADER_BYTES..=bytes_max).contains(&bytes), "a frame of {bytes} bytes");
                let mut again = Vec::new();
                frame::write(&mut again, frame.header, |body| body.extend_from_slice(frame.body));
                assert_eq!(again, stream[..bytes], "written again");
                assert_eq!(frame::split(&stream[..bytes - 1], bytes_max), Ok(None), "a byte is missing");
                stream = &stream[bytes..];
            }
            Ok(None) => return assert!(stream.len() < bytes_max, "{} bytes are no frame", stream.len()),
            Err(error) => return assert_eq!(frame::split(&stream[..4], bytes_max), Err(error)),
        }
    }
}
