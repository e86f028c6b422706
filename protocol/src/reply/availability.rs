//! The answer to AVAILABILITY. One pair of stops or all of them: the longest reply there is.

use crate::codec::{DecodeError, Put, Reader};
use crate::ids::{Class, DepartureId};
use crate::limits::CLASSES_MAX;

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
    /// Stops of the route.
    pub stops: u8,
    /// One entry a class.
    pub classes: Vec<ClassFree>,
}

impl AvailabilityReply {
    pub(super) fn encode(&self, body: &mut Vec<u8>) {
        let pairs = self.classes.first().map_or(0, |class| class.free.len());
        body.put_u64(self.departure.0);
        body.put_u64(self.version);
        body.put_u64(self.age_ms);
        body.put_u8(self.stops);
        body.put_u8(self.classes.len() as u8);
        body.put_u16(pairs as u16);
        for class in &self.classes {
            body.put_u8(class.class.0);
            for free in &class.free {
                body.put_u32(*free);
            }
        }
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let departure = DepartureId(body.u64()?);
        let (version, age_ms) = (body.u64()?, body.u64()?);
        let stops = body.u8()?;
        let classes = usize::from(body.u8()?);
        if classes > CLASSES_MAX {
            return Err(DecodeError::BadField("classes"));
        }
        let pairs = usize::from(body.u16()?);
        let all_pairs = usize::from(stops) * usize::from(stops).saturating_sub(1) / 2;
        if pairs != 1 && pairs != all_pairs {
            return Err(DecodeError::BadField("pairs"));
        }
        let mut entries = Vec::with_capacity(classes);
        for _ in 0..classes {
            let class = Class(body.u8()?);
            let mut numbers = Reader::new(body.bytes(pairs * 4)?);
            let free = (0..pairs).map(|_| numbers.u32()).collect::<Result<_, _>>()?;
            entries.push(ClassFree { class, free });
        }
        Ok(Self { departure, version, age_ms, stops, classes: entries })
    }
}
