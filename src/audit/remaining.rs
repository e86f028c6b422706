//! What other systems are told of a departure's remaining places, against what its records leave.

use super::Audit;
use super::departure::Departure;
use seathold_protocol::DepartureId;
use std::collections::BTreeMap;

/// What other systems are told that a departure has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// As of which of its versions.
    pub version: u64,
    /// By class and segment: places that are for sale and free.
    pub free: BTreeMap<String, Vec<u32>>,
}

impl Audit {
    /// Compares what is told of a departure with what its records leave; a difference is a violation. False where the two
    /// are not of the same version, or the ledger knows no such departure: then there is nothing to compare.
    pub fn compare(&mut self, id: DepartureId, told: &Told) -> bool {
        let Some(departure) = self.departures.get(&id).filter(|known| known.version() == told.version) else {
            return false;
        };
        if let Some(difference) = difference(departure, told) {
            self.violated(None, Some(id), difference);
        }
        true
    }
}

/// How what is told differs from what is left. The share that is for sale is in the records only where an operator set it,
/// and may be more by the rules of a later start; but it is one share for the whole departure.
fn difference(departure: &Departure, told: &Told) -> Option<String> {
    let shares = (departure.released_percent()..=100).rev();
    if shares.into_iter().any(|percent| departure.free(percent) == told.free) {
        return None;
    }
    let left = departure.free(100);
    let classes: Vec<_> = left.keys().collect();
    if !told.free.keys().eq(left.keys()) {
        return Some(format!("remaining places are told of classes {:?}, not {classes:?}", told.free.keys()));
    }
    let differs = left.iter().find(|(class, left)| told.free[*class] != **left);
    let (class, left) = differs.expect("they are not all the same");
    Some(format!(
        "remaining places of version {}: {:?} of class {class} are told, and the records leave {left:?} by segment",
        told.version, told.free[class]
    ))
}
