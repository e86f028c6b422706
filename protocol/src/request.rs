//! What a client may ask.

use crate::codec::{DecodeError, Put, Reader};
use crate::frame::{self, FLAG_FIRST, Header, Opcode};
use crate::ids::{AccountId, Class, Day, DepartureId, PassengerId, ReservationId, StopIndex};
use crate::limits::{NAME_BYTES_MAX, PASSENGERS_MAX, PING_BYTES_MAX, TOKEN_BYTES_MAX};
use crate::status::Status;
use crate::wishes::Wishes;

/// The first four bytes of HELLO's body: `SEAT`.
pub const MAGIC: u32 = u32::from_le_bytes(*b"SEAT");

/// The protocol version of this crate.
pub const VERSION: u16 = 1;

/// Opens a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello<'a> {
    /// The lowest version that the client speaks.
    pub version_min: u16,
    /// The highest.
    pub version_max: u16,
    /// The client's name and version, for the server's log.
    pub client: &'a str,
    /// The operator's token, or empty.
    pub token: &'a str,
}

/// Hold seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// The client's own id for this reservation.
    pub id: ReservationId,
    /// On which departure.
    pub departure: DepartureId,
    /// For whose account.
    pub account: AccountId,
    /// In which class.
    pub class: Class,
    /// Boarding here.
    pub from: StopIndex,
    /// Leaving here.
    pub to: StopIndex,
    /// How many travel: 1 to `PASSENGERS_MAX`. Another number travels as it is and is answered BAD_PARTY.
    pub party: u8,
    /// How long to hold, in milliseconds; 0 for the sale's default.
    pub hold_ms: u32,
    /// What they would like.
    pub wishes: Wishes,
    /// Who travels: the first `party` of these.
    pub passengers: [PassengerId; PASSENGERS_MAX],
    /// This id was never sent before.
    pub first: bool,
}

/// Departure, hold, class, trip, party and wishes of the largest party.
const FINGERPRINTED_BYTES_MAX: usize = 8 + 4 + 4 + 2 + PASSENGERS_MAX + 8 * PASSENGERS_MAX;

impl Reserve {
    /// Those who travel.
    pub fn passengers(&self) -> &[PassengerId] {
        &self.passengers[..usize::from(self.party).min(PASSENGERS_MAX)]
    }

    /// CRC32C of the body without id and account: two requests under one id are the same if this and the account are.
    pub fn fingerprint(&self) -> u32 {
        let mut body = [0; FINGERPRINTED_BYTES_MAX];
        let mut rest = &mut body[..];
        let mut put = |bytes: &[u8]| {
            let (head, tail) = std::mem::take(&mut rest).split_at_mut(bytes.len());
            head.copy_from_slice(bytes);
            rest = tail;
        };
        put(&self.departure.0.to_le_bytes());
        put(&self.hold_ms.to_le_bytes());
        put(&[self.class.0, self.from, self.to, self.party]);
        put(&[self.wishes.mode as u8, self.wishes.together as u8]);
        put(&self.wishes.letters[..self.passengers().len()]);
        for passenger in self.passengers() {
            put(&passenger.0.to_le_bytes());
        }
        let unused = rest.len();
        crc32c::crc32c(&body[..body.len() - unused])
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u128(self.id.0);
        out.put_u64(self.departure.0);
        out.put_u64(self.account.0);
        out.put_u32(self.hold_ms);
        out.put_u8(self.class.0);
        out.put_u8(self.from);
        out.put_u8(self.to);
        out.put_u8(self.party);
        self.wishes.encode(usize::from(self.party), out);
        for passenger in self.passengers() {
            out.put_u64(passenger.0);
        }
    }

    fn decode(body: &mut Reader<'_>, first: bool) -> Result<Self, Mistake> {
        let id = ReservationId(body.u128()?);
        let departure = DepartureId(body.u64()?);
        let account = AccountId(body.u64()?);
        let hold_ms = body.u32()?;
        let (class, from, to, party) = (Class(body.u8()?), body.u8()?, body.u8()?, body.u8()?);
        let count = usize::from(party);
        if count == 0 || count > PASSENGERS_MAX {
            return Err(Mistake { status: Status::BadParty, detail: PASSENGERS_MAX as u64 });
        }
        if class == Class(0) {
            return Err(Mistake { status: Status::UnknownClass, detail: 0 });
        }
        let wishes = Wishes::decode(count, body)?;
        let mut passengers = [PassengerId(0); PASSENGERS_MAX];
        for at in 0..count {
            passengers[at] = PassengerId(body.u64()?);
            if passengers[..at].contains(&passengers[at]) {
                return Err(Mistake { status: Status::PassengerTwice, detail: at as u64 });
            }
        }
        Ok(Self { id, departure, account, class, from, to, party, hold_ms, wishes, passengers, first })
    }
}

/// Names one reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The id under which it was reserved.
    pub id: ReservationId,
    /// On which departure.
    pub departure: DepartureId,
    /// For whose account.
    pub account: AccountId,
}

impl Target {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u128(self.id.0);
        out.put_u64(self.departure.0);
        out.put_u64(self.account.0);
    }

    fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let id = ReservationId(body.u128()?);
        Ok(Self { id, departure: DepartureId(body.u64()?), account: AccountId(body.u64()?) })
    }
}

/// In the place of a pair of stops: all pairs. No route has a stop 255, so that a trip from a stop to itself stays the
/// mistake that it is.
const ALL_PAIRS: (StopIndex, StopIndex) = (StopIndex::MAX, StopIndex::MAX);

/// Free places of which pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Availability {
    /// On which departure.
    pub departure: DepartureId,
    /// In which class; `None` for all.
    pub class: Option<Class>,
    /// From which stop to which; `None` for all pairs.
    pub pair: Option<(StopIndex, StopIndex)>,
}

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// HELLO.
    Hello(Hello<'a>),
    /// PING with bytes to echo, at most `PING_BYTES_MAX`.
    Ping(&'a [u8]),
    /// RESOLVE: the train's name and its service date.
    Resolve(&'a str, Day),
    /// AVAILABILITY.
    Availability(Availability),
    /// RESERVE.
    Reserve(Reserve),
    /// CONFIRM.
    Confirm(Target),
    /// CANCEL.
    Cancel(Target),
    /// REFUND.
    Refund(Target),
    /// LOOKUP.
    Lookup(Target),
    /// OPEN: the departure and the percent of its places for sale, 0 to leave that.
    Open(DepartureId, u8),
    /// CLOSE.
    Close(DepartureId),
    /// STATS.
    Stats,
}

/// A whole frame that is not a request: what to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The reply's status.
    pub status: Status,
    /// Its detail.
    pub detail: u64,
}

impl From<DecodeError> for Mistake {
    fn from(_: DecodeError) -> Self {
        Self { status: Status::MalformedBody, detail: 0 }
    }
}

impl<'a> Request<'a> {
    /// The request's opcode.
    pub fn opcode(&self) -> Opcode {
        match self {
            Self::Hello(_) => Opcode::Hello,
            Self::Ping(_) => Opcode::Ping,
            Self::Resolve(..) => Opcode::Resolve,
            Self::Availability(_) => Opcode::Availability,
            Self::Reserve(_) => Opcode::Reserve,
            Self::Confirm(_) => Opcode::Confirm,
            Self::Cancel(_) => Opcode::Cancel,
            Self::Refund(_) => Opcode::Refund,
            Self::Lookup(_) => Opcode::Lookup,
            Self::Open(..) => Opcode::Open,
            Self::Close(_) => Opcode::Close,
            Self::Stats => Opcode::Stats,
        }
    }

    /// Appends the whole frame.
    pub fn encode(&self, correlation: u64, out: &mut Vec<u8>) {
        let first = matches!(self, Self::Reserve(Reserve { first: true, .. }));
        let flags = if first { FLAG_FIRST } else { 0 };
        let header = Header { opcode: self.opcode() as u8, status: 0, flags, correlation };
        frame::write(out, header, |body| match self {
            Self::Hello(hello) => {
                body.put_u32(MAGIC);
                body.put_u16(hello.version_min);
                body.put_u16(hello.version_max);
                body.put_text(hello.client);
                body.put_text(hello.token);
            }
            Self::Ping(echo) => body.extend_from_slice(echo),
            Self::Resolve(train, day) => {
                body.put_u16(day.0);
                body.put_text(train);
            }
            Self::Availability(availability) => {
                let (from, to) = availability.pair.unwrap_or(ALL_PAIRS);
                body.put_u64(availability.departure.0);
                body.put_u8(availability.class.map_or(0, |class| class.0));
                body.put_u8(from);
                body.put_u8(to);
            }
            Self::Reserve(reserve) => reserve.encode(body),
            Self::Confirm(target) | Self::Cancel(target) | Self::Refund(target) | Self::Lookup(target) => {
                target.encode(body);
            }
            Self::Open(departure, percent) => {
                body.put_u64(departure.0);
                body.put_u8(*percent);
            }
            Self::Close(departure) => body.put_u64(departure.0),
            Self::Stats => {}
        });
    }

    /// Reads the request in a frame. The header's reserved bits must be 0 and the body must end with its last field.
    pub fn decode(frame: &frame::Frame<'a>) -> Result<Self, Mistake> {
        let header = frame.header;
        let opcode = Opcode::from_code(header.opcode)
            .ok_or(Mistake { status: Status::UnknownOpcode, detail: u64::from(header.opcode) })?;
        let allowed = if opcode == Opcode::Reserve { FLAG_FIRST } else { 0 };
        if header.status != 0 || header.flags & !allowed != 0 {
            return Err(Mistake { status: Status::ReservedBits, detail: 0 });
        }
        let mut body = Reader::new(frame.body);
        let request = match opcode {
            Opcode::Hello => Self::Hello(decode_hello(&mut body)?),
            Opcode::Ping => {
                let echo = body.bytes(body.remaining())?;
                if echo.len() > PING_BYTES_MAX {
                    return Err(DecodeError::BadField("echo").into());
                }
                Self::Ping(echo)
            }
            Opcode::Resolve => {
                let day = Day(body.u16()?);
                Self::Resolve(body.text("train", NAME_BYTES_MAX)?, day)
            }
            Opcode::Availability => Self::Availability(decode_availability(&mut body)?),
            Opcode::Reserve => Self::Reserve(Reserve::decode(&mut body, header.flags & FLAG_FIRST != 0)?),
            Opcode::Confirm => Self::Confirm(Target::decode(&mut body)?),
            Opcode::Cancel => Self::Cancel(Target::decode(&mut body)?),
            Opcode::Refund => Self::Refund(Target::decode(&mut body)?),
            Opcode::Lookup => Self::Lookup(Target::decode(&mut body)?),
            Opcode::Open => Self::Open(DepartureId(body.u64()?), body.u8()?),
            Opcode::Close => Self::Close(DepartureId(body.u64()?)),
            Opcode::Stats => Self::Stats,
        };
        body.finish()?;
        Ok(request)
    }
}

fn decode_hello<'a>(body: &mut Reader<'a>) -> Result<Hello<'a>, Mistake> {
    if body.u32()? != MAGIC {
        return Err(Mistake { status: Status::WrongMagic, detail: 0 });
    }
    let (version_min, version_max) = (body.u16()?, body.u16()?);
    if !(version_min..=version_max).contains(&VERSION) {
        let detail = u64::from(VERSION) << 32 | u64::from(VERSION);
        return Err(Mistake { status: Status::UnsupportedVersion, detail });
    }
    let client = body.text("client", NAME_BYTES_MAX)?;
    let token = body.text("token", TOKEN_BYTES_MAX)?;
    Ok(Hello { version_min, version_max, client, token })
}

fn decode_availability(body: &mut Reader<'_>) -> Result<Availability, DecodeError> {
    let departure = DepartureId(body.u64()?);
    let class = body.u8()?;
    let class = (class != 0).then_some(Class(class));
    let pair = match (body.u8()?, body.u8()?) {
        ALL_PAIRS => None,
        pair => Some(pair),
    };
    Ok(Availability { departure, class, pair })
}

#[cfg(test)]
mod tests;
