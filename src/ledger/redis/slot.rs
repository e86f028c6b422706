//! Which of a cluster's hash slots a key is in.
//!
//! As of "Key distribution model" and "Hash tags" in the Redis cluster specification,
//! <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>.

/// A cluster divides its keys into this many slots.
pub const SLOTS: u16 = 16_384;

/// The slot of `key`. Keys with one hash tag, the first `{…}` that is not empty, are in one slot.
pub fn slot(key: &[u8]) -> u16 {
    crc16(tag(key)) % SLOTS
}

fn tag(key: &[u8]) -> &[u8] {
    let Some(open) = key.iter().position(|&byte| byte == b'{') else { return key };
    let inside = &key[open + 1..];
    match inside.iter().position(|&byte| byte == b'}') {
        None | Some(0) => key,
        Some(end) => &inside[..end],
    }
}

/// CRC-16/XMODEM: polynomial 0x1021, nothing reflected, starts at zero.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| {
            let carried = crc & 0x8000 != 0;
            crc << 1 ^ if carried { 0x1021 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_check_value_comes_out() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(slot(b"123456789"), 12_739);
        assert_eq!(slot(b""), 0);
        // CLUSTER KEYSLOT's own examples.
        assert_eq!(
            (slot(b"somekey"), slot(b"foo{hash_tag}"), slot(b"bar{hash_tag}")),
            (11_058, 2_515, 2_515)
        );
    }

    #[test]
    fn a_tag_alone_decides() {
        assert_eq!(tag(b"{seathold:7}:log"), b"seathold:7");
        assert_eq!(tag(b"foo{}{bar}"), b"foo{}{bar}");
        assert_eq!(tag(b"foo{{bar}}zap"), b"{bar");
        assert_eq!(tag(b"foo{bar}{zap}"), b"bar");
        assert_eq!(tag(b"}{"), b"}{");
        assert_eq!(tag(b"{open"), b"{open");
    }
}
