//! Where a partition's log in Redis ends, who put the last batch there, and who has claimed the partition since.

use seathold_protocol::batch::Position;
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::str::FromStr;

/// The process that appends. Drawn anew by each, because two that take over at the same moment would choose the same
/// epoch; 0 is nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner(pub u64);

impl Owner {
    /// A number that no other process has: the keys of `RandomState` come from the system's source of randomness.
    pub(super) fn draw() -> Self {
        Self(RandomState::new().build_hasher().finish())
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Owner {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let hex = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if hex { u64::from_str_radix(text, 16).map(Self).map_err(|_| ()) } else { Err(()) }
    }
}

/// The value of a partition's tail key: `<epoch>-<sequence> <owner>`, and behind that ` <owner>` of whoever has claimed it.
///
/// A claim stands beside the name of the batch's owner and not in its place: however many claims came and were lost, the
/// position and its owner tell which batch it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// The last batch; the default is that of an empty log.
    pub position: Position,
    /// Who appended it.
    pub owner: Owner,
    /// Who has taken the partition over behind it, and appended nothing yet.
    pub claimed_by: Option<Owner>,
}

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { epoch, sequence } = self.position;
        write!(f, "{epoch}-{sequence} {}", self.owner)?;
        self.claimed_by.map_or(Ok(()), |owner| write!(f, " {owner}"))
    }
}

impl FromStr for Tail {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (id, owners) = text.split_once(' ').ok_or(())?;
        let (owner, claimed_by) = match owners.split_once(' ') {
            Some((owner, claimed_by)) => (owner, Some(claimed_by.parse()?)),
            None => (owners, None),
        };
        Ok(Self { position: position(id).ok_or(())?, owner: owner.parse()?, claimed_by })
    }
}

/// The id of a batch's stream entry.
pub(super) fn entry_id(position: Position) -> String {
    format!("{}-{}", position.epoch, position.sequence)
}

/// The position that an entry's id tells. One spelling only: a tail is compared as text.
pub(super) fn position(id: &str) -> Option<Position> {
    let (epoch, sequence) = id.split_once('-')?;
    let position = Position { epoch: epoch.parse().ok()?, sequence: sequence.parse().ok()? };
    (entry_id(position) == id).then_some(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let position = Position { epoch: 7, sequence: u64::MAX };
        let tail = Tail { position, owner: Owner(0xab), claimed_by: None };
        assert_eq!(tail.to_string(), "7-18446744073709551615 00000000000000ab");
        assert_eq!(tail.to_string().parse(), Ok(tail));
        let tail = Tail { claimed_by: Some(Owner(0xcd)), ..tail };
        assert_eq!(tail.to_string(), "7-18446744073709551615 00000000000000ab 00000000000000cd");
        assert_eq!(tail.to_string().parse(), Ok(tail));
        assert_eq!(Tail::default().to_string(), "0-0 0000000000000000");
    }

    #[test]
    fn one_spelling_only() {
        for text in [
            "",
            "7-1",
            "07-1 00000000000000ab",
            "7-+1 00000000000000ab",
            "7-1 AB000000000000ab",
            "7-1 ab",
            "7-1  0",
            "7-1 00000000000000ab ",
            "7-1 00000000000000ab cd",
            "7-1 00000000000000ab 00000000000000cd 00000000000000ef",
        ] {
            assert_eq!(text.parse::<Tail>(), Err(()), "{text}");
        }
    }
}
