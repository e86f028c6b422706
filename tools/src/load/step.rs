//! One request of the generator and the answer that it should get.

use seathold_protocol::frame::{Header, Opcode, REPLY_BIT};
use seathold_protocol::status::{Status, Verdict};

/// What a request is for. A sale is two of them, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Ping,
    /// A RESERVE on a trip that is sold out.
    Refused,
    /// The RESERVE of a trip that is for sale, and something follows.
    Reserve,
    /// What makes a sale of it.
    Confirm,
    /// A RESERVE that nothing follows.
    Hold,
    /// A hold given back.
    Cancel,
    /// A sale given back.
    Refund,
    /// The same RESERVE again, under the same id.
    Duplicate,
    Lookup,
    Availability,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// The domain said no: a result like any other.
    Refused(Status),
    /// The server found fault with the request, or does not know what became of it.
    Unexpected(Status),
    /// The reply is not one to this request.
    Unreadable,
}

impl Step {
    /// All, in the order of `index`.
    pub(super) const ALL: [Self; 10] = [
        Self::Ping,
        Self::Refused,
        Self::Reserve,
        Self::Confirm,
        Self::Hold,
        Self::Cancel,
        Self::Refund,
        Self::Duplicate,
        Self::Lookup,
        Self::Availability,
    ];

    pub(super) fn index(self) -> usize {
        self as usize
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Refused => "refused",
            Self::Reserve => "reserve",
            Self::Confirm => "confirm",
            Self::Hold => "hold",
            Self::Cancel => "cancel",
            Self::Refund => "refund",
            Self::Duplicate => "duplicate",
            Self::Lookup => "lookup",
            Self::Availability => "availability",
        }
    }

    fn opcode(self) -> Opcode {
        match self {
            Self::Ping => Opcode::Ping,
            Self::Refused | Self::Reserve | Self::Hold | Self::Duplicate => Opcode::Reserve,
            Self::Confirm => Opcode::Confirm,
            Self::Cancel => Opcode::Cancel,
            Self::Refund => Opcode::Refund,
            Self::Lookup => Opcode::Lookup,
            Self::Availability => Opcode::Availability,
        }
    }

    /// Reads an answer by its header alone: at full speed the bodies are the server's word.
    #[inline]
    pub(super) fn judge(self, header: Header) -> Outcome {
        if header.opcode != self.opcode() as u8 | REPLY_BIT {
            return Outcome::Unreadable;
        }
        let Some(status) = Status::from_code(header.status) else { return Outcome::Unreadable };
        match status.verdict() {
            Verdict::Done => Outcome::Done,
            Verdict::Refused | Verdict::AskAgain => Outcome::Refused(status),
            Verdict::Unknown | Verdict::Mistake => Outcome::Unexpected(status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(step: Step, opcode: u8, status: u8) -> Outcome {
        step.judge(Header { opcode, status, flags: 0, correlation: 0 })
    }

    #[test]
    fn refusals_are_apart_from_faults() {
        let reserve = Opcode::Reserve as u8 | REPLY_BIT;
        assert_eq!(judge(Step::Reserve, reserve, 0), Outcome::Done);
        assert_eq!(judge(Step::Refused, reserve, 1), Outcome::Refused(Status::SoldOut));
        assert_eq!(judge(Step::Reserve, reserve, 20), Outcome::Refused(Status::Busy));
        assert_eq!(judge(Step::Reserve, reserve, 38), Outcome::Unexpected(Status::UnknownDeparture));
        assert_eq!(judge(Step::Reserve, reserve, 255), Outcome::Unreadable);
        assert_eq!(judge(Step::Confirm, reserve, 0), Outcome::Unreadable);
        assert_eq!(judge(Step::Ping, Opcode::Ping as u8, 0), Outcome::Unreadable);
    }

    #[test]
    fn steps_stand_at_their_index() {
        assert!(Step::ALL.into_iter().enumerate().all(|(at, step)| step.index() == at));
    }
}
