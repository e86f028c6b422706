//! What other systems may read of a departure's remaining places, beside the log.

use crate::ids::DepartureId;

/// The remaining places of one departure, as of one batch of its partition. The values are absolute: writing them twice
/// is harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// The departure's partition.
    pub partition: u16,
    /// The departure.
    pub departure: DepartureId,
    /// Its name among its partition's departures: `<train> <YYYY-MM-DD>`.
    pub field: String,
    /// JSON: the departure's version, and per class the places that are for sale and free on each segment, for instance
    /// `{"version":17,"free":{"second":[12,12,11],"standing":[40,40,40]}}`. For a trip over several segments no more are
    /// free than the least of theirs; of seats it may be fewer, because one seat must be free on all of them.
    pub text: String,
}
