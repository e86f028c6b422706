//! Ids and letters as they are typed.

use seathold_client::{DepartureId, ReservationId};

/// A reservation's id: up to 32 hexadecimal digits.
pub(super) fn parse_reservation(text: &str) -> Result<ReservationId, String> {
    let digits = only_hexadecimal(text, 32)?;
    u128::from_str_radix(digits, 16).map(ReservationId).map_err(|error| error.to_string())
}

/// A departure's id: up to 16 hexadecimal digits.
pub(super) fn parse_departure(text: &str) -> Result<DepartureId, String> {
    let digits = only_hexadecimal(text, 16)?;
    u64::from_str_radix(digits, 16).map(DepartureId).map_err(|error| error.to_string())
}

fn only_hexadecimal(text: &str, most: usize) -> Result<&str, String> {
    let fits = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then_some(text).ok_or_else(|| format!("an id is 1 to {most} hexadecimal digits"))
}

/// A seat's letter, or `-` for a passenger who has no wish.
pub(super) fn parse_letter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [b'-'] => Ok(0),
        [letter] if letter.is_ascii_alphabetic() => Ok(letter.to_ascii_uppercase()),
        _ => {
            Err("a wish is a letter from A to Z for each passenger, or - for none, for instance A,-,C"
                .to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_hexadecimal() {
        assert_eq!(parse_reservation("00000000000000000000000000000aFF"), Ok(ReservationId(0xaff)));
        assert_eq!(parse_departure("50f7"), Ok(DepartureId(0x50f7)));
        for wrong in ["", "+1", "0x1", "g", "000000000000000000000000000000001"] {
            assert!(parse_reservation(wrong).is_err(), "{wrong}");
        }
        assert!(parse_departure("00000000000000001").is_err());
    }

    #[test]
    fn letters_are_a_to_z_or_none() {
        assert_eq!([parse_letter("A"), parse_letter("f"), parse_letter("-")], [Ok(b'A'), Ok(b'F'), Ok(0)]);
        for wrong in ["", "AB", "1", "é"] {
            assert!(parse_letter(wrong).is_err(), "{wrong}");
        }
    }
}
