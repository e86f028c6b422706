//! What a buyer would like about the seats, and what was met.

use crate::codec::{DecodeError, Put, Reader};
use crate::limits::PASSENGERS_MAX;

/// What happens when a wish cannot be met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WishMode {
    /// Take other seats and say what was met.
    #[default]
    Prefer = 0,
    /// Refuse with `WISH_UNMET`.
    Strict = 1,
}

/// How close a party sits. Ordered: a row is closer than a coach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Together {
    /// Wherever there is room.
    #[default]
    Anywhere = 0,
    /// In one coach.
    Coach = 1,
    /// In one row of one coach.
    Row = 2,
}

impl Together {
    /// The variant with this code.
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Anywhere, Self::Coach, Self::Row].into_iter().find(|together| *together as u8 == code)
    }
}

/// The wishes of one party.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Whether the wishes bind.
    pub mode: WishMode,
    /// The closeness that satisfies a STRICT party. A PREFER party always gets the closest seats there are.
    pub together: Together,
    /// One letter a passenger, A to Z, or 0 for none; zeros after the last passenger.
    pub letters: [u8; PASSENGERS_MAX],
}

impl Wishes {
    /// Appends mode, closeness and the letters of `party` passengers.
    pub fn encode(&self, party: usize, out: &mut Vec<u8>) {
        out.put_u8(self.mode as u8);
        out.put_u8(self.together as u8);
        out.extend_from_slice(&self.letters[..party.min(PASSENGERS_MAX)]);
    }

    /// Reads the wishes of a party of 1 to 9.
    pub fn decode(party: usize, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mode = match reader.u8()? {
            0 => WishMode::Prefer,
            1 => WishMode::Strict,
            _ => return Err(DecodeError::BadField("wish mode")),
        };
        let together = Together::from_code(reader.u8()?).ok_or(DecodeError::BadField("together"))?;
        let mut letters = [0; PASSENGERS_MAX];
        for letter in letters.iter_mut().take(party) {
            *letter = reader.u8()?;
            if *letter != 0 && !letter.is_ascii_uppercase() {
                return Err(DecodeError::BadField("letter"));
            }
        }
        Ok(Self { mode, together, letters })
    }
}

/// Which wishes the seats meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// How close the party sits. A party of one always sits in one row. Places without numbers are `Anywhere`.
    pub together: Together,
    /// Bit i: passenger i wished a letter and has it.
    pub letters: u16,
}

impl Met {
    /// What these fields say of a party: nobody beyond it has a letter.
    pub(crate) fn from_fields(together: u8, letters: u16, party: u8) -> Result<Self, DecodeError> {
        let together = Together::from_code(together).ok_or(DecodeError::BadField("together"))?;
        if u32::from(letters) >> party.min(16) != 0 {
            return Err(DecodeError::BadField("letters"));
        }
        Ok(Self { together, letters })
    }
}
