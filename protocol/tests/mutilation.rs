//! Every golden vector cut short at every byte and with every bit flipped, and streams of other protocols. Whatever
//! comes is a typed error, or means something that is written with the very same bytes: two spellings of one meaning
//! would be two fingerprints of one request.

mod golden;

use golden::{Vector, vectors};
use seathold_protocol::batch::BatchView;
use seathold_protocol::codec::Reader;
use seathold_protocol::frame::{self, Frame, FrameError, HEADER_BYTES, Header, Opcode};
use seathold_protocol::limits::{REPLY_BYTES_MAX, REQUEST_BYTES_MAX};
use seathold_protocol::record::{Record, encode_plan};
use seathold_protocol::reply::Reply;
use seathold_protocol::request::Request;

/// Long vectors repeat themselves: their ends are mutilated at every byte, their middle at every 1021st.
const ENDS_BYTES: usize = 192;

#[test]
fn every_truncation() {
    for vector in vectors() {
        for len in places(&vector.bytes) {
            let cut = &vector.bytes[..len];
            match vector.direction.as_str() {
                "request" | "reply" => {
                    check_frame(&vector.name, cut, &vector);
                    if len >= HEADER_BYTES {
                        let mut whole = cut.to_vec();
                        whole[..4].copy_from_slice(&(len as u32).to_le_bytes());
                        check_frame(&vector.name, &whole, &vector);
                    }
                }
                "stream" => check_stream(&vector.name, cut, vector.fields["bytes_max"].as_u64()),
                "record" if vector.error.is_none() => {
                    assert!(check_record(cut).is_err(), "{}: {len} bytes are a record", vector.name);
                }
                "record" => drop(check_record(cut)),
                "batch" if vector.error.is_none() => {
                    assert!(
                        BatchView::decode(&mut Reader::new(cut)).is_err(),
                        "{}: {len} bytes",
                        vector.name
                    );
                }
                _ => {}
            }
        }
    }
}

#[test]
fn every_flipped_bit() {
    for vector in vectors() {
        let mut bytes = vector.bytes.clone();
        for at in places(&vector.bytes) {
            for bit in 0..8 {
                bytes[at] ^= 1 << bit;
                let told = format!("{}: bit {bit} of byte {at}", vector.name);
                match vector.direction.as_str() {
                    "request" | "reply" => check_frame(&told, &bytes, &vector),
                    "stream" => check_stream(&told, &bytes, vector.fields["bytes_max"].as_u64()),
                    "record" => drop(check_record(&bytes)),
                    "batch" if vector.error.is_none() => {
                        assert!(BatchView::decode(&mut Reader::new(&bytes)).is_err(), "{told}");
                    }
                    _ => {}
                }
                bytes[at] ^= 1 << bit;
            }
        }
    }
}

#[test]
fn foreign_protocols_break_the_stream() {
    let tls = [&[0x16, 3, 1, 0, 0xc8, 1, 0, 0, 0xc4, 3, 3][..], &[0x5a; 200]].concat();
    let foreign: [&[u8]; 9] = [
        &tls,
        b"GET / HTTP/1.1\r\nHost: tickets.example\r\n\r\n",
        b"POST /reserve HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        b"*1\r\n$4\r\nPING\r\n",
        b"PING\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\0\0\0\x12\x04\0\0\0\0\0",
        &[0; 64],
        &[0xff; 64],
    ];
    for bytes in foreign {
        for len in 4..bytes.len() {
            assert!(frame::split(&bytes[..len], REQUEST_BYTES_MAX).is_err(), "{bytes:?}");
        }
    }
}

#[test]
fn lengths_at_their_edges() {
    let split = |length: u32, bytes_max: usize| {
        let mut stream = length.to_le_bytes().to_vec();
        stream.resize(bytes_max + 2, 0);
        frame::split(&stream, bytes_max).map(|frame| frame.map(|frame| frame.bytes()))
    };
    for bytes_max in [REQUEST_BYTES_MAX, REPLY_BYTES_MAX] {
        let most = bytes_max as u32;
        assert_eq!(split(0, bytes_max), Err(FrameError::TooShort(0)));
        assert_eq!(split(15, bytes_max), Err(FrameError::TooShort(15)));
        assert_eq!(split(16, bytes_max), Ok(Some(16)));
        assert_eq!(split(most, bytes_max), Ok(Some(bytes_max)));
        for long in [most + 1, 1 << 31, u32::MAX] {
            assert_eq!(split(long, bytes_max), Err(FrameError::TooLong(long)));
            assert_eq!(frame::split(&long.to_le_bytes(), bytes_max), Err(FrameError::TooLong(long)));
        }
    }
}

#[test]
fn a_thousand_frames_in_one_buffer() {
    let mut stream = Vec::new();
    for correlation in 0..1000_u64 {
        Request::Ping(&[7; 256][..correlation as usize % 257]).encode(correlation, &mut stream);
    }
    let mut rest = &stream[..];
    for correlation in 0..1000_u64 {
        let frame = frame::split(rest, REQUEST_BYTES_MAX).unwrap().unwrap();
        assert_eq!(frame.header.correlation, correlation);
        assert_eq!(Request::decode(&frame), Ok(Request::Ping(&[7; 256][..correlation as usize % 257])));
        rest = &rest[frame.bytes()..];
    }
    assert!(rest.is_empty());
}

#[test]
fn a_frame_comes_whole_or_not_yet() {
    for vector in vectors().iter().filter(|vector| vector.direction == "request") {
        let mut stream = Vec::new();
        for byte in &vector.bytes {
            assert_eq!(frame::split(&stream, REQUEST_BYTES_MAX), Ok(None), "{}", vector.name);
            stream.push(*byte);
        }
        let frame = frame::split(&stream, REQUEST_BYTES_MAX).unwrap().unwrap();
        assert_eq!(Request::decode(&frame).is_ok(), vector.error.is_none(), "{}", vector.name);
    }
}

#[test]
fn every_opcode_with_every_flag() {
    for opcode in 0..=u8::MAX {
        for bit in 0..16 {
            let header = Header { opcode, status: 0, flags: 1 << bit, correlation: 1 };
            let refused = Request::decode(&Frame { header, body: &[] }).unwrap_err();
            let expected = match Opcode::from_code(opcode) {
                None => ("UNKNOWN_OPCODE", u64::from(opcode)),
                Some(Opcode::Reserve) if bit == 0 => ("MALFORMED_BODY", 0),
                Some(_) => ("RESERVED_BITS", 0),
            };
            assert_eq!((refused.status.name(), refused.detail), expected);
        }
    }
}

fn places(bytes: &[u8]) -> Vec<usize> {
    let middle = ENDS_BYTES..bytes.len().saturating_sub(ENDS_BYTES);
    (0..bytes.len()).filter(|at| !middle.contains(at) || at.is_multiple_of(1021)).collect()
}

fn check_frame(told: &str, bytes: &[u8], vector: &Vector) {
    let request = vector.direction == "request";
    let bytes_max = if request { REQUEST_BYTES_MAX } else { REPLY_BYTES_MAX };
    let Ok(Some(frame)) = frame::split(bytes, bytes_max) else { return };
    let mut again = Vec::new();
    let correlation = frame.header.correlation;
    if request {
        let Ok(request) = Request::decode(&frame) else { return };
        request.encode(correlation, &mut again);
    } else {
        let Ok(reply) = Reply::decode(&frame) else { return };
        reply.encode(correlation, &mut again);
    }
    assert!(again == bytes[..frame.bytes()], "{told} has a second spelling");
}

fn check_stream(told: &str, mut stream: &[u8], bytes_max: Option<u64>) {
    let bytes_max = bytes_max.expect("streams say their limit") as usize;
    while let Ok(Some(frame)) = frame::split(stream, bytes_max) {
        assert!((HEADER_BYTES..=bytes_max).contains(&frame.bytes()), "{told}");
        let mut again = Vec::new();
        frame::write(&mut again, frame.header, |body| body.extend_from_slice(frame.body));
        assert!(again == stream[..frame.bytes()], "{told}");
        stream = &stream[frame.bytes()..];
    }
}

fn check_record(bytes: &[u8]) -> Result<(), ()> {
    let mut reader = Reader::new(bytes);
    let record = Record::decode(&mut reader).map_err(drop)?;
    let read = bytes.len() - reader.remaining();
    let mut again = Vec::new();
    match &record {
        Record::Reservation(record) => record.encode(&mut again),
        Record::Plan(departure, plan) => encode_plan(*departure, plan, &mut again),
        Record::Sale(record) => record.encode(&mut again),
    }
    assert!(again == bytes[..read], "{record:?} has a second spelling");
    Ok(())
}
