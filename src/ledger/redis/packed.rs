//! Requests as they travel (RESP arrays of bulk strings, <https://redis.io/docs/latest/develop/reference/protocol-spec/>),
//! written one behind the other into one buffer: the payload is copied once.

use std::io::Write;

/// Requests of one pipeline.
#[derive(Debug, Default)]
pub(super) struct Packed {
    bytes: Vec<u8>,
    count: usize,
}

impl Packed {
    /// Begins a request of so many words; exactly as many `word`s follow.
    pub(super) fn request(&mut self, words: usize) -> &mut Self {
        self.head(b'*', words);
        self.count += 1;
        self
    }

    /// One word.
    pub(super) fn word(&mut self, word: impl AsRef<[u8]>) -> &mut Self {
        let word = word.as_ref();
        self.head(b'$', word.len());
        self.bytes.extend_from_slice(word);
        self.bytes.extend_from_slice(b"\r\n");
        self
    }

    /// A whole request of short words.
    pub(super) fn ask(&mut self, words: &[&str]) {
        self.request(words.len());
        for word in words {
            self.word(word);
        }
    }

    /// How many requests there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }

    fn head(&mut self, kind: u8, count: usize) {
        self.bytes.push(kind);
        write!(self.bytes, "{count}\r\n").expect("a vector takes every write");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_like_the_library() {
        let mut packed = Packed::default();
        packed.ask(&["GET", "a"]);
        packed.request(3).word("SET").word("b").word([0, 13, 10, 255]);
        let mut expected = redis::cmd("GET").arg("a").get_packed_command();
        expected.extend(redis::cmd("SET").arg("b").arg(&[0_u8, 13, 10, 255][..]).get_packed_command());
        assert_eq!((packed.bytes(), packed.count()), (&expected[..], 2));
    }
}
