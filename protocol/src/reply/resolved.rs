//! The answer to RESOLVE: everything that a client needs to know of a departure before it asks for seats.

use super::Sale;
use crate::codec::{DecodeError, Put, Reader};
use crate::ids::{Class, DepartureId};
use crate::limits::{CLASSES_MAX, NAME_BYTES_MAX, STOPS_MAX};

/// A stop of a departure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The stop's code in the timetable.
    pub code: String,
    /// Its name for people.
    pub name: String,
    /// Seconds from the start of the service day (noon less 12 hours); beyond 86,400 after midnight.
    pub arrival_s: u32,
    /// Likewise.
    pub departure_s: u32,
}

/// A class of a departure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassInfo {
    /// Which.
    pub class: Class,
    /// Whether places have coach, row and letter.
    pub numbered: bool,
    /// Places per segment.
    pub capacity: u32,
}

impl ClassInfo {
    fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let class = Class::read(body)?;
        let numbered = match body.u8()? {
            0 => false,
            1 => true,
            _ => return Err(DecodeError::BadField("numbered")),
        };
        Ok(Self { class, numbered, capacity: body.u32()? })
    }
}

/// The answer to RESOLVE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The departure's id.
    pub departure: DepartureId,
    /// Whether an operator has a hand on the sale.
    pub sale: Sale,
    /// Milliseconds until the rules open the sale: 0 when they have, all ones when they never do.
    pub opens_in_ms: u64,
    /// Milliseconds until the rules close it: 0 when they have, all ones when they never do.
    pub closes_in_ms: u64,
    /// The hold time when a request names none.
    pub hold_ms_default: u32,
    /// The longest that a request may name.
    pub hold_ms_max: u32,
    /// Places one account may have; 0 for no limit.
    pub places_per_account: u32,
    /// Passengers that one reservation may have.
    pub passengers_per_reservation: u8,
    /// The stops in order: 2 to `STOPS_MAX`.
    pub stops: Vec<Stop>,
    /// The classes: 1 to `CLASSES_MAX`, none twice.
    pub classes: Vec<ClassInfo>,
}

impl Resolved {
    pub(super) fn encode(&self, body: &mut Vec<u8>) {
        body.put_u64(self.departure.0);
        body.put_u64(self.opens_in_ms);
        body.put_u64(self.closes_in_ms);
        body.put_u32(self.hold_ms_default);
        body.put_u32(self.hold_ms_max);
        body.put_u32(self.places_per_account);
        body.put_u8(self.passengers_per_reservation);
        body.put_u8(self.sale as u8);
        body.put_u8(self.classes.len() as u8);
        body.put_u8(self.stops.len() as u8);
        for class in &self.classes {
            body.put_u8(class.class.0);
            body.put_u8(u8::from(class.numbered));
            body.put_u32(class.capacity);
        }
        for stop in &self.stops {
            body.put_u32(stop.arrival_s);
            body.put_u32(stop.departure_s);
            body.put_text(&stop.code);
            body.put_text(&stop.name);
        }
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let departure = DepartureId(body.u64()?);
        let (opens_in_ms, closes_in_ms) = (body.u64()?, body.u64()?);
        let (hold_ms_default, hold_ms_max, places_per_account) = (body.u32()?, body.u32()?, body.u32()?);
        let passengers_per_reservation = body.u8()?;
        let sale = Sale::from_code(body.u8()?).ok_or(DecodeError::BadField("sale"))?;
        let (classes, stops) = (usize::from(body.u8()?), usize::from(body.u8()?));
        if !(1..=CLASSES_MAX).contains(&classes) {
            return Err(DecodeError::BadField("classes"));
        }
        if !(2..=STOPS_MAX).contains(&stops) {
            return Err(DecodeError::BadField("stops"));
        }
        let classes = (0..classes).map(|_| ClassInfo::decode(body)).collect::<Result<Vec<_>, _>>()?;
        if classes
            .iter()
            .enumerate()
            .any(|(at, info)| classes[..at].iter().any(|one| one.class == info.class))
        {
            return Err(DecodeError::BadField("class"));
        }
        let stop = |body: &mut Reader<'_>| -> Result<_, DecodeError> {
            let (arrival_s, departure_s) = (body.u32()?, body.u32()?);
            let code = body.text("stop code", NAME_BYTES_MAX)?.to_owned();
            let name = body.text("stop name", usize::from(u8::MAX))?.to_owned();
            Ok(Stop { code, name, arrival_s, departure_s })
        };
        let stops = (0..stops).map(|_| stop(body)).collect::<Result<_, _>>()?;
        Ok(Self {
            departure,
            sale,
            opens_in_ms,
            closes_in_ms,
            hold_ms_default,
            hold_ms_max,
            places_per_account,
            passengers_per_reservation,
            stops,
            classes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved() -> Resolved {
        let stop = |code: &str| Stop { code: code.into(), name: code.into(), arrival_s: 0, departure_s: 60 };
        Resolved {
            departure: DepartureId(1),
            sale: Sale::ByRules,
            opens_in_ms: 0,
            closes_in_ms: u64::MAX,
            hold_ms_default: 600_000,
            hold_ms_max: 900_000,
            places_per_account: 10,
            passengers_per_reservation: 9,
            stops: vec![stop("A"), stop("B")],
            classes: vec![ClassInfo { class: Class(3), numbered: true, capacity: 1000 }],
        }
    }

    fn decode_edited(at: usize, value: u8) -> Result<Resolved, DecodeError> {
        let mut body = Vec::new();
        resolved().encode(&mut body);
        body[at] = value;
        Resolved::decode(&mut Reader::new(&body))
    }

    #[test]
    fn reads_what_it_writes() {
        assert_eq!(decode_edited(0, 1), Ok(resolved()));
    }

    #[test]
    fn one_spelling_of_numbered() {
        assert_eq!(decode_edited(41, 2), Err(DecodeError::BadField("numbered")));
    }

    #[test]
    fn no_class_has_the_code_0() {
        assert_eq!(decode_edited(40, 0), Err(DecodeError::BadField("class")));
    }

    #[test]
    fn no_class_stands_twice() {
        let mut twice = resolved();
        twice.classes.push(twice.classes[0]);
        let mut body = Vec::new();
        twice.encode(&mut body);
        assert_eq!(Resolved::decode(&mut Reader::new(&body)), Err(DecodeError::BadField("class")));
    }
}
