//! The log's records. A reservation's record is its whole new state: replay keeps the highest version, so that
//! replaying twice is harmless.
//!
//! ```text
//!  kind 1, reservation: 58 bytes + 10 a passenger
//!   0 kind u8 │ state u8 │ class u8 │ from u8 │ to u8 │ party u8 │ together u8 │ 0 u8
//!   8 version u32 │ fingerprint u32 │ departure u64 │ id u128 │ account u64 │ deadline_ms u64
//!  56 letters met u16 │ seat u16 × party │ passenger u64 × party
//!
//!  kind 2, plan: kind u8 │ length u16 │ departure u64 │ plan
//!  kind 3, sale: kind u8 │ sale u8 │ released_percent u8 │ 0 u8 │ version u32 │ departure u64
//! ```

use crate::codec::{DecodeError, Put, Reader};
use crate::ids::{AccountId, Class, DepartureId, PassengerId, ReservationId, StopIndex, read_trip};
use crate::limits::{PASSENGERS_MAX, SEATS_PER_CLASS_MAX};
use crate::plan::DeparturePlan;
use crate::reply::Sale;
use crate::reservation::State;
use crate::wishes::Met;

/// The number of a seat within its class, in the order of the plan.
pub type SeatNumber = u16;

/// The seat number of a place without one.
pub const NO_SEAT: SeatNumber = SeatNumber::MAX;

const KIND_RESERVATION: u8 = 1;
const KIND_PLAN: u8 = 2;
const KIND_SALE: u8 = 3;

/// The whole state of one reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReservationRecord {
    /// The departure's count of changes after this one: every reservation record and sale record of a departure has a
    /// version of its own, without gaps.
    pub version: u32,
    /// CRC32C of what was asked, see `Reserve::fingerprint`.
    pub fingerprint: u32,
    /// On which departure.
    pub departure: DepartureId,
    /// Under which id.
    pub id: ReservationId,
    /// For whose account.
    pub account: AccountId,
    /// When the hold ends, in milliseconds on the clock of the batch's `boot_ms`. Kept after the hold.
    pub deadline_ms: u64,
    /// Where it is in its life.
    pub state: State,
    /// In which class.
    pub class: Class,
    /// Boarding here.
    pub from: StopIndex,
    /// Leaving here.
    pub to: StopIndex,
    /// How many travel: 1 to `PASSENGERS_MAX`.
    pub party: u8,
    /// Which wishes the seats meet.
    pub met: Met,
    /// The first `party` are the seats that it has, or had: all numbers, or all `NO_SEAT`.
    pub seats: [SeatNumber; PASSENGERS_MAX],
    /// The first `party` are those who travel.
    pub passengers: [PassengerId; PASSENGERS_MAX],
}

impl ReservationRecord {
    /// The seats that it has, or had.
    pub fn seats(&self) -> &[SeatNumber] {
        &self.seats[..usize::from(self.party)]
    }

    /// Whether both are of one reservation: all is the same but what changes in its life.
    pub fn has_contents_of(&self, other: &Self) -> bool {
        let contents = |record: &Self| Self { version: 0, deadline_ms: 0, state: State::Held, ..*record };
        contents(self) == contents(other)
    }

    /// Those who travel.
    pub fn passengers(&self) -> &[PassengerId] {
        &self.passengers[..usize::from(self.party)]
    }

    /// Appends the record.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let together = self.met.together as u8;
        out.extend_from_slice(&[
            KIND_RESERVATION,
            self.state as u8,
            self.class.0,
            self.from,
            self.to,
            self.party,
            together,
            0,
        ]);
        out.put_u32(self.version);
        out.put_u32(self.fingerprint);
        out.put_u64(self.departure.0);
        out.put_u128(self.id.0);
        out.put_u64(self.account.0);
        out.put_u64(self.deadline_ms);
        out.put_u16(self.met.letters);
        for seat in self.seats() {
            out.put_u16(*seat);
        }
        for passenger in self.passengers() {
            out.put_u64(passenger.0);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let state = State::from_code(reader.u8()?).ok_or(DecodeError::BadField("state"))?;
        let class = Class::read(reader)?;
        let (from, to) = read_trip(reader)?;
        let (party, together) = (reader.u8()?, reader.u8()?);
        if reader.u8()? != 0 {
            return Err(DecodeError::BadField("reserved byte"));
        }
        let count = usize::from(party);
        if count == 0 || count > PASSENGERS_MAX {
            return Err(DecodeError::BadField("party"));
        }
        let (version, fingerprint) = (reader.u32()?, reader.u32()?);
        let departure = DepartureId(reader.u64()?);
        let id = ReservationId(reader.u128()?);
        let account = AccountId(reader.u64()?);
        let deadline_ms = reader.u64()?;
        let met = Met::from_fields(together, reader.u16()?, party)?;
        let mut seats = [NO_SEAT; PASSENGERS_MAX];
        for at in 0..count {
            seats[at] = reader.u16()?;
            let numbered = usize::from(seats[at]) < SEATS_PER_CLASS_MAX;
            if !numbered && seats[at] != NO_SEAT || numbered != (seats[0] != NO_SEAT) {
                return Err(DecodeError::BadField("seat"));
            }
        }
        let mut passengers = [PassengerId(0); PASSENGERS_MAX];
        for passenger in passengers.iter_mut().take(count) {
            *passenger = PassengerId(reader.u64()?);
        }
        Ok(Self {
            version,
            fingerprint,
            departure,
            id,
            account,
            deadline_ms,
            state,
            class,
            from,
            to,
            party,
            met,
            seats,
            passengers,
        })
    }
}

/// What an operator last said about the sale of a departure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaleRecord {
    /// As in `ReservationRecord`.
    pub version: u32,
    /// Which departure.
    pub departure: DepartureId,
    /// Whether it is for sale.
    pub sale: Sale,
    /// The percent of its places that are for sale: 1 to 100.
    pub released_percent: u8,
}

impl SaleRecord {
    /// Appends the record.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[KIND_SALE, self.sale as u8, self.released_percent, 0]);
        out.put_u32(self.version);
        out.put_u64(self.departure.0);
    }
}

/// One record of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The new state of a reservation.
    Reservation(ReservationRecord),
    /// What a departure has to sell. Comes before every other record of the departure.
    Plan(DepartureId, Box<DeparturePlan>),
    /// What an operator said.
    Sale(SaleRecord),
}

impl Record {
    /// The departure that the record is about.
    pub fn departure(&self) -> DepartureId {
        match self {
            Self::Reservation(record) => record.departure,
            Self::Plan(departure, _) => *departure,
            Self::Sale(record) => record.departure,
        }
    }

    /// Reads one record.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.u8()? {
            KIND_RESERVATION => ReservationRecord::decode(reader).map(Self::Reservation),
            KIND_PLAN => {
                let length = usize::from(reader.u16()?);
                let departure = DepartureId(reader.u64()?);
                let mut body = Reader::new(reader.bytes(length)?);
                let plan = DeparturePlan::decode(&mut body)?;
                body.finish()?;
                Ok(Self::Plan(departure, Box::new(plan)))
            }
            KIND_SALE => {
                let sale = Sale::from_code(reader.u8()?).ok_or(DecodeError::BadField("sale"))?;
                let released_percent = reader.u8()?;
                if !(1..=100).contains(&released_percent) {
                    return Err(DecodeError::BadField("released percent"));
                }
                if reader.u8()? != 0 {
                    return Err(DecodeError::BadField("reserved byte"));
                }
                let version = reader.u32()?;
                let departure = DepartureId(reader.u64()?);
                Ok(Self::Sale(SaleRecord { version, departure, sale, released_percent }))
            }
            _ => Err(DecodeError::BadField("record kind")),
        }
    }
}

/// Appends the record of a departure's plan. The limits of `plan` keep it below 64 KiB.
pub fn encode_plan(departure: DepartureId, plan: &DeparturePlan, out: &mut Vec<u8>) {
    out.put_u8(KIND_PLAN);
    let length_at = out.len();
    out.put_u16(0);
    out.put_u64(departure.0);
    let start = out.len();
    plan.encode(out);
    let length =
        u16::try_from(out.len() - start).expect("128 stops and 8 classes of 64 blocks are below 64 KiB");
    out[length_at..length_at + 2].copy_from_slice(&length.to_le_bytes());
}

#[cfg(test)]
mod tests;
