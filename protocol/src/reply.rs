//! What the server may answer.

mod availability;
mod resolved;
mod sale;
mod welcome;

pub use self::availability::{AvailabilityHead, AvailabilityReply, ClassFree};
pub use self::resolved::{ClassInfo, Resolved, Stop};
pub use self::sale::{Sale, SaleReply};
pub use self::welcome::Welcome;

use crate::codec::{DecodeError, Put, Reader};
use crate::frame::{self, Frame, Header, Opcode, REPLY_BIT};
use crate::limits::{PING_BYTES_MAX, STATS_MAX};
use crate::reservation::Reservation;
use crate::status::Status;

/// A status other than OK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which.
    pub status: Status,
    /// Its meaning is the status' own.
    pub detail: u64,
}

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// To HELLO.
    Welcome(Welcome),
    /// To PING: the same bytes.
    Pong(&'a [u8]),
    /// To RESOLVE.
    Resolved(Resolved),
    /// To AVAILABILITY.
    Availability(AvailabilityReply),
    /// To RESERVE, CONFIRM, CANCEL, REFUND and LOOKUP; the opcode says which.
    Reservation(Opcode, Reservation),
    /// To OPEN and CLOSE; the opcode says which.
    Sale(Opcode, SaleReply),
    /// To STATS: at most `STATS_MAX` names and their values, sorted by name.
    Stats(Vec<(String, u64)>),
    /// Not OK. The code is the request's, which may be unknown.
    Refused(u8, Refusal),
}

impl<'a> Reply<'a> {
    /// The opcode's code in the reply's header, without `REPLY_BIT`.
    pub fn opcode(&self) -> u8 {
        match self {
            Self::Welcome(_) => Opcode::Hello as u8,
            Self::Pong(_) => Opcode::Ping as u8,
            Self::Resolved(_) => Opcode::Resolve as u8,
            Self::Availability(_) => Opcode::Availability as u8,
            Self::Reservation(opcode, _) | Self::Sale(opcode, _) => *opcode as u8,
            Self::Stats(_) => Opcode::Stats as u8,
            Self::Refused(opcode, _) => *opcode & !REPLY_BIT,
        }
    }

    /// Appends the whole frame.
    pub fn encode(&self, correlation: u64, out: &mut Vec<u8>) {
        if let Self::Refused(opcode, refusal) = self {
            return frame::write_refusal(out, *opcode, correlation, refusal.status, refusal.detail);
        }
        let header =
            Header { opcode: self.opcode() | REPLY_BIT, status: Status::Ok as u8, flags: 0, correlation };
        frame::write(out, header, |body| match self {
            Self::Welcome(welcome) => welcome.encode(body),
            Self::Pong(echo) => body.extend_from_slice(echo),
            Self::Resolved(resolved) => resolved.encode(body),
            Self::Availability(reply) => reply.encode(body),
            Self::Reservation(_, reservation) => reservation.encode(body),
            Self::Sale(_, sale) => sale.encode(body),
            Self::Stats(stats) => {
                assert!(stats.len() <= STATS_MAX, "{} names are more than STATS_MAX", stats.len());
                body.put_u16(stats.len() as u16);
                for (name, value) in stats {
                    body.put_text(name);
                    body.put_u64(*value);
                }
            }
            Self::Refused(..) => unreachable!("written above"),
        });
    }

    /// Reads the reply in a frame.
    pub fn decode(frame: &Frame<'a>) -> Result<Self, DecodeError> {
        let header = frame.header;
        if header.opcode & REPLY_BIT == 0 || header.flags != 0 {
            return Err(DecodeError::BadField("header"));
        }
        let code = header.opcode & !REPLY_BIT;
        let status = Status::from_code(header.status).ok_or(DecodeError::BadField("status"))?;
        let mut body = Reader::new(frame.body);
        if status != Status::Ok {
            let detail = body.u64()?;
            body.finish()?;
            return Ok(Self::Refused(code, Refusal { status, detail }));
        }
        let opcode = Opcode::from_code(code).ok_or(DecodeError::BadField("opcode"))?;
        let reply = match opcode {
            Opcode::Hello => Self::Welcome(Welcome::decode(&mut body)?),
            Opcode::Ping if body.remaining() > PING_BYTES_MAX => return Err(DecodeError::BadField("echo")),
            Opcode::Ping => Self::Pong(body.bytes(body.remaining())?),
            Opcode::Resolve => Self::Resolved(Resolved::decode(&mut body)?),
            Opcode::Availability => Self::Availability(AvailabilityReply::decode(&mut body)?),
            Opcode::Reserve | Opcode::Confirm | Opcode::Cancel | Opcode::Refund | Opcode::Lookup => {
                Self::Reservation(opcode, Reservation::decode(&mut body)?)
            }
            Opcode::Open | Opcode::Close => Self::Sale(opcode, SaleReply::decode(&mut body)?),
            Opcode::Stats => {
                let count = usize::from(body.u16()?);
                if count > STATS_MAX {
                    return Err(DecodeError::BadField("stats"));
                }
                let stat = |body: &mut Reader<'a>| -> Result<_, DecodeError> {
                    let name = body.text("name", usize::from(u8::MAX))?.to_owned();
                    Ok((name, body.u64()?))
                };
                Self::Stats((0..count).map(|_| stat(&mut body)).collect::<Result<_, _>>()?)
            }
        };
        body.finish()?;
        Ok(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::HEADER_BYTES;
    use crate::limits::REPLY_BYTES_MAX;

    fn decode(bytes: &[u8]) -> Result<Reply<'_>, DecodeError> {
        Reply::decode(&frame::split(bytes, usize::MAX).expect("cut").expect("whole"))
    }

    #[test]
    fn a_pong_is_no_longer_than_a_ping() {
        let echo = [0; PING_BYTES_MAX + 1];
        let mut bytes = Vec::new();
        Reply::Pong(&echo[1..]).encode(1, &mut bytes);
        assert_eq!(decode(&bytes), Ok(Reply::Pong(&echo[1..])));
        bytes.clear();
        Reply::Pong(&echo).encode(1, &mut bytes);
        assert_eq!(decode(&bytes), Err(DecodeError::BadField("echo")));
    }

    #[test]
    fn the_longest_stats_fit_a_reply() {
        let stats = |count| Reply::Stats(vec![("n".repeat(255), u64::MAX); count]);
        let mut bytes = Vec::new();
        stats(STATS_MAX).encode(1, &mut bytes);
        assert!(bytes.len() <= REPLY_BYTES_MAX, "{} bytes", bytes.len());
        assert_eq!(decode(&bytes), Ok(stats(STATS_MAX)));
        let count = (STATS_MAX as u16 + 1).to_le_bytes();
        bytes[HEADER_BYTES..HEADER_BYTES + 2].copy_from_slice(&count);
        assert_eq!(decode(&bytes), Err(DecodeError::BadField("stats")));
    }
}
