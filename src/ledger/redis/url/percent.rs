//! Percent-encoding (RFC 3986, section 2.1) of what a person may have put into a URL.

use std::fmt;

/// Shows a text so that it stays one part of a URL: what could end the part is encoded.
pub(super) struct Encoded<'a>(pub(super) &'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in self.0.as_bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
                write!(f, "{}", char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

/// The text that is encoded, if it is one.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut pieces = text.split('%');
    bytes.extend_from_slice(pieces.next()?.as_bytes());
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        // A sign would be taken for a part of the number.
        let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| hexadecimal)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_comes_back(text in any::<String>()) {
            let encoded = Encoded(&text).to_string();
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic() && !b"@:?#&=,".contains(&byte)));
            prop_assert_eq!(decode(&encoded), Some(text));
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(decode("a%2fb%3A"), Some("a/b:".to_owned()));
        for broken in ["%", "a%2", "%zz", "%+1", "%ff", "%é0"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }
}
