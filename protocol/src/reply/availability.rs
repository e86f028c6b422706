//! The answer to AVAILABILITY. One pair of stops or all of them: the longest reply there is.

use crate::codec::{DecodeError, Put, Reader};
use crate::frame::{self, Header, Opcode, REPLY_BIT};
use crate::ids::{Class, DepartureId};
use crate::limits::{CLASSES_MAX, STOPS_MAX};
use crate::status::Status;

/// Free places in one class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassFree {
    /// Which.
    pub class: Class,
    /// One number for the pair asked, or all pairs in the order (0,1) (0,2) … (0,S-1) (1,2) … (S-2,S-1).
    pub free: Vec<u32>,
}

/// The answer to AVAILABILITY, from the published counters of any core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvailabilityReply {
    /// The departure.
    pub departure: DepartureId,
    /// How many changes this departure has seen; higher is newer.
    pub version: u64,
    /// Milliseconds since the last of them; all ones before the first.
    pub age_ms: u64,
    /// Stops of the route: 2 to `STOPS_MAX`.
    pub stops: u8,
    /// One entry a class, 1 to `CLASSES_MAX`, none twice; all as long as each other.
    pub classes: Vec<ClassFree>,
}

/// What the answer says before its numbers. A server writes it and then the numbers as it reads them, without an
/// `AvailabilityReply`, whose lists would be allocated for each answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvailabilityHead {
    /// The departure.
    pub departure: DepartureId,
    /// As in `AvailabilityReply`.
    pub version: u64,
    /// As in `AvailabilityReply`.
    pub age_ms: u64,
    /// As in `AvailabilityReply`.
    pub stops: u8,
    /// How many classes follow, 1 to `CLASSES_MAX`.
    pub classes: u8,
    /// How many numbers each of them has: 1, or as many as there are pairs of stops.
    pub pairs: u16,
}

impl AvailabilityHead {
    /// Appends the whole frame. `free` yields the numbers of each class, as many as were announced.
    pub fn write<N: IntoIterator<Item = u32>>(
        &self,
        correlation: u64,
        free: impl IntoIterator<Item = (Class, N)>,
        out: &mut Vec<u8>,
    ) {
        let opcode = Opcode::Availability as u8 | REPLY_BIT;
        let header = Header { opcode, status: Status::Ok as u8, flags: 0, correlation };
        frame::write(out, header, |body| self.encode(free, body));
    }

    fn encode<N: IntoIterator<Item = u32>>(
        &self,
        free: impl IntoIterator<Item = (Class, N)>,
        body: &mut Vec<u8>,
    ) {
        body.put_u64(self.departure.0);
        body.put_u64(self.version);
        body.put_u64(self.age_ms);
        body.put_u8(self.stops);
        body.put_u8(self.classes);
        body.put_u16(self.pairs);
        for (class, free) in free {
            body.put_u8(class.0);
            free.into_iter().for_each(|free| body.put_u32(free));
        }
    }
}

impl AvailabilityReply {
    pub(super) fn encode(&self, body: &mut Vec<u8>) {
        let pairs = self.classes.first().map_or(0, |class| class.free.len());
        let head = AvailabilityHead {
            departure: self.departure,
            version: self.version,
            age_ms: self.age_ms,
            stops: self.stops,
            classes: self.classes.len() as u8,
            pairs: pairs as u16,
        };
        let free = self.classes.iter().map(|class| (class.class, class.free.iter().copied()));
        head.encode(free, body);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let departure = DepartureId(body.u64()?);
        let (version, age_ms) = (body.u64()?, body.u64()?);
        let stops = body.u8()?;
        let classes = usize::from(body.u8()?);
        if !(2..=STOPS_MAX).contains(&usize::from(stops)) {
            return Err(DecodeError::BadField("stops"));
        }
        if !(1..=CLASSES_MAX).contains(&classes) {
            return Err(DecodeError::BadField("classes"));
        }
        let pairs = usize::from(body.u16()?);
        let all_pairs = usize::from(stops) * (usize::from(stops) - 1) / 2;
        if pairs != 1 && pairs != all_pairs {
            return Err(DecodeError::BadField("pairs"));
        }
        let mut entries: Vec<ClassFree> = Vec::with_capacity(classes);
        for _ in 0..classes {
            let class = Class::read(body)?;
            if entries.iter().any(|entry| entry.class == class) {
                return Err(DecodeError::BadField("class"));
            }
            let mut numbers = Reader::new(body.bytes(pairs * 4)?);
            let free = (0..pairs).map(|_| numbers.u32()).collect::<Result<_, _>>()?;
            entries.push(ClassFree { class, free });
        }
        Ok(Self { departure, version, age_ms, stops, classes: entries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(stops: u8, pairs: usize, classes: &[u8]) -> Result<AvailabilityReply, DecodeError> {
        let entry = |code: &u8| ClassFree { class: Class(*code), free: vec![7; pairs] };
        let classes = classes.iter().map(entry).collect();
        let reply = AvailabilityReply { departure: DepartureId(1), version: 2, age_ms: 3, stops, classes };
        let mut body = Vec::new();
        reply.encode(&mut body);
        AvailabilityReply::decode(&mut Reader::new(&body)).inspect(|decoded| assert_eq!(*decoded, reply))
    }

    #[test]
    fn one_pair_or_all() {
        assert!(decode(5, 1, &[1, 2]).is_ok());
        assert!(decode(5, 10, &[1, 2]).is_ok());
        assert_eq!(decode(5, 9, &[1, 2]), Err(DecodeError::BadField("pairs")));
    }

    #[test]
    fn a_route_has_two_stops_or_more() {
        assert!(decode(2, 1, &[1]).is_ok());
        assert_eq!(decode(1, 0, &[1]), Err(DecodeError::BadField("stops")));
        assert_eq!(decode(129, 1, &[1]), Err(DecodeError::BadField("stops")));
    }

    /// An answer without classes had two spellings: one pair, or all of them, of nothing.
    #[test]
    fn no_classes_is_no_answer() {
        let mut body = Vec::new();
        let classes = vec![];
        let reply = AvailabilityReply { departure: DepartureId(1), version: 2, age_ms: 3, stops: 3, classes };
        reply.encode(&mut body);
        for pairs in [0, 1, 3] {
            body[26] = pairs;
            let decoded = AvailabilityReply::decode(&mut Reader::new(&body));
            assert_eq!(decoded, Err(DecodeError::BadField("classes")), "{pairs} pairs");
        }
    }

    #[test]
    fn classes_are_real_and_stand_once() {
        assert_eq!(decode(5, 1, &[0]), Err(DecodeError::BadField("class")));
        assert_eq!(decode(5, 1, &[3, 3]), Err(DecodeError::BadField("class")));
    }
}
