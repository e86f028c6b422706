//! Any replies that a server, or what pretends to be one, might give, through everything that reads one. Fuzzing calls it
//! (`--cfg fuzzing`), and the tests with the inputs that fuzzing found; no server has it.

use super::checks::read_any;
use super::create::Head;
use super::error::RedisError;
use super::keys::Keys;
use super::link::{Lost, Reply};
use super::outcome::{classify, taken};
use super::packed::Packed;
use super::page::Page;
use super::primaries::Ask;
use super::reading::Reading;
use super::tail::Tail;
use super::topology::read_map;
use super::url::RedisUrl;
use redis::{Parser, Value};
use std::collections::VecDeque;

/// Replies of one input, so that a small one cannot stand for very many.
const REPLIES_MAX: usize = 64;

/// Reads `bytes` as RESP, and every reply in it as whatever may be asked.
pub fn check(bytes: &[u8]) {
    let mut parser = Parser::new();
    let mut rest = bytes;
    let mut values = Vec::new();
    while values.len() < REPLIES_MAX
        && let Ok(value) = parser.parse_value(&mut rest)
    {
        values.push(value);
    }
    for value in &values {
        if let Some(taken) = taken(value) {
            assert!(matches!(value, Value::Array(words) if words.len() == 2), "{taken:?}");
        }
        if let Value::ServerError(refusal) = value {
            assert!(!classify(refusal).sentence.is_empty());
        }
        if let Value::BulkString(text) = value
            && let Ok(text) = std::str::from_utf8(text)
            && let Ok(tail) = text.parse::<Tail>()
        {
            assert_eq!(tail.to_string(), text, "a tail is compared as text");
        }
        read_map(value);
        if let Ok(page) = Page::new(0, "{seathold:0}:log", value.clone()) {
            let mut handed = 0;
            let whole = page.for_each(|_| {
                handed += 1;
                Ok(())
            });
            assert!(whole.is_err() || handed == page.len());
        }
    }
    let replies = values.iter().cloned().map(|value| match value {
        Value::ServerError(refusal) => Err(refusal),
        value => Ok(value),
    });
    let _ = read_any(replies.clone().collect());
    read_the_log(replies.collect());
}

/// Reads them as the pages of a partition's stream: what is handed out continues what was handed out before it.
fn read_the_log(replies: VecDeque<Reply>) {
    let keys = Keys::new("seathold");
    let url: RedisUrl = "redis://127.0.0.1:6379".parse().expect("it is a URL");
    let _ = Head::read(&mut Script(replies.clone()), &keys, &url);
    let mut script = Script(replies);
    let mut reading = Reading::new(&keys, 0);
    let _ = reading.begins_behind(&mut script);
    let mut last = None;
    let _ = reading.go_on(&mut script, |batch, _| {
        assert!(last.is_none_or(|last| last == batch.previous()), "{last:?} and then {:?}", batch.previous());
        last = Some(batch.position);
        Ok(())
    });
    assert_eq!(last.unwrap_or_default(), reading.last());
}

/// A server that says these things, one after the other, whatever is asked.
struct Script(VecDeque<Reply>);

impl Ask for Script {
    fn ask_one(&mut self, _slot: u16, _asked: &Packed) -> Result<Value, RedisError> {
        match self.0.pop_front() {
            Some(Ok(value)) => Ok(value),
            Some(Err(refusal)) => Err(RedisError::Away(refusal.to_string())),
            None => Err(Lost("the server is gone".to_owned()).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    /// `fuzz/corpus/redis_replies`, as `tests/fuzz` replays the others.
    #[test]
    fn corpus() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/redis_replies");
        let mut inputs = 0;
        for input in std::fs::read_dir(folder).unwrap() {
            let input = input.unwrap().path();
            let bytes = std::fs::read(&input).unwrap();
            let replayed = std::panic::catch_unwind(|| super::check(&bytes));
            assert!(replayed.is_ok(), "{} fails", input.display());
            inputs += 1;
        }
        assert!(inputs > 10, "{folder} has {inputs} inputs");
    }
}
