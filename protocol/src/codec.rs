//! Reading and writing little-endian fields.
//!
//! `Reader` borrows the bytes of one body and hands out fields front to back. It never panics and never
//! indexes: a field that is not there is a `DecodeError`, and so are bytes left over at the end.

/// Why a body could not be read. The peer's fault, never ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The body ends inside a field.
    Truncated,
    /// The body goes on after its last field.
    TrailingBytes,
    /// A field has a value that its type does not have; the field is named.
    BadField(&'static str),
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Truncated => f.write_str("the body ends inside a field"),
            Self::TrailingBytes => f.write_str("the body goes on after its last field"),
            Self::BadField(name) => write!(f, "the field {name} has a value that it cannot have"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// The unread rest of one body.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first byte of `body`.
    pub fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    /// The next `len` bytes.
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Two bytes, little-endian.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes, little-endian.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes, little-endian.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Eight bytes, little-endian, two's complement.
    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        self.array().map(i64::from_le_bytes)
    }

    /// Sixteen bytes, little-endian.
    pub fn u128(&mut self) -> Result<u128, DecodeError> {
        self.array().map(u128::from_le_bytes)
    }

    /// A text of one length byte and that many bytes: at most `max` of them, UTF-8, without control
    /// characters (they would reach terminals and logs).
    pub fn text(&mut self, name: &'static str, max: usize) -> Result<&'a str, DecodeError> {
        let len = usize::from(self.u8()?);
        if len > max {
            return Err(DecodeError::BadField(name));
        }
        let text = std::str::from_utf8(self.bytes(len)?).map_err(|_| DecodeError::BadField(name))?;
        if text.chars().any(char::is_control) {
            return Err(DecodeError::BadField(name));
        }
        Ok(text)
    }

    /// How many bytes are unread.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Ends the body: bytes left over are an error.
    pub fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::TrailingBytes) }
    }
}

/// Appends fields to a buffer that the caller owns.
pub trait Put {
    /// One byte.
    fn put_u8(&mut self, value: u8);
    /// Two bytes, little-endian.
    fn put_u16(&mut self, value: u16);
    /// Four bytes, little-endian.
    fn put_u32(&mut self, value: u32);
    /// Eight bytes, little-endian.
    fn put_u64(&mut self, value: u64);
    /// Eight bytes, little-endian, two's complement.
    fn put_i64(&mut self, value: i64);
    /// Sixteen bytes, little-endian.
    fn put_u128(&mut self, value: u128);
    /// One length byte, then the text. The caller keeps texts below 256 bytes; a longer one is cut at a
    /// character's edge.
    fn put_text(&mut self, text: &str);
}

impl Put for Vec<u8> {
    fn put_u8(&mut self, value: u8) {
        self.push(value);
    }
    fn put_u16(&mut self, value: u16) {
        self.extend_from_slice(&value.to_le_bytes());
    }
    fn put_u32(&mut self, value: u32) {
        self.extend_from_slice(&value.to_le_bytes());
    }
    fn put_u64(&mut self, value: u64) {
        self.extend_from_slice(&value.to_le_bytes());
    }
    fn put_i64(&mut self, value: i64) {
        self.extend_from_slice(&value.to_le_bytes());
    }
    fn put_u128(&mut self, value: u128) {
        self.extend_from_slice(&value.to_le_bytes());
    }
    fn put_text(&mut self, text: &str) {
        let text = &text[..text.floor_char_boundary(usize::from(u8::MAX))];
        self.push(text.len() as u8);
        self.extend_from_slice(text.as_bytes());
    }
}
