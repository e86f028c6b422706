//! Replies and requests as the library and the wire have them.

use super::store::Words;
use redis::Value;

/// A refusal, as a server words it.
pub(crate) fn error(words: &str) -> Value {
    redis::parse_redis_value(format!("-{words}\r\n").as_bytes()).expect("an error is one line")
}

pub(crate) fn bulk(bytes: &[u8]) -> Value {
    Value::BulkString(bytes.to_vec())
}

pub(crate) fn text(text: &str) -> Value {
    bulk(text.as_bytes())
}

pub(crate) fn integer(number: i64) -> Value {
    Value::Int(number)
}

pub(crate) fn okay() -> Value {
    Value::Okay
}

/// Cuts a pipeline into its requests: arrays of bulk strings.
pub(crate) fn requests(mut bytes: &[u8]) -> Vec<Words> {
    let mut requests = Vec::new();
    while !bytes.is_empty() {
        let count = number(&mut bytes, b'*');
        let mut words = Vec::with_capacity(count);
        for _ in 0..count {
            let length = number(&mut bytes, b'$');
            words.push(bytes[..length].to_vec());
            bytes = &bytes[length + 2..];
        }
        requests.push(words);
    }
    requests
}

fn number(bytes: &mut &[u8], kind: u8) -> usize {
    let end = bytes.iter().position(|byte| *byte == b'\r').expect("a pipeline is whole");
    assert_eq!(bytes[0], kind, "a pipeline is made of arrays of bulk strings");
    let number = std::str::from_utf8(&bytes[1..end]).ok().and_then(|digits| digits.parse().ok());
    *bytes = &bytes[end + 2..];
    number.expect("a length is a number")
}
