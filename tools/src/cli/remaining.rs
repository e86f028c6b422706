//! The remaining places that a ledger in Redis tells other systems, held against its records by an audit.

use seathold::audit::{Audit, Told};
use seathold_protocol::{Day, DepartureId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// As `protocol/LOG.md` has it.
#[derive(Deserialize)]
struct Value {
    version: u64,
    free: BTreeMap<String, Vec<u32>>,
}

/// Of how many departures something is told, and of how many it could be compared: the others changed meanwhile.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Remaining {
    pub(super) told: u64,
    pub(super) compared: u64,
}

/// Compares what was told the same `before` and `after` the log was read; what changed meanwhile may be of any moment in
/// between. `None` where nothing is told.
pub(super) fn compare(
    audit: &mut Audit,
    before: &HashMap<String, String>,
    after: &HashMap<String, String>,
) -> Option<Remaining> {
    let unchanged = after.iter().filter(|(field, text)| before.get(*field) == Some(text));
    let told = unchanged.filter_map(|(field, text)| Some((departure(field)?, told(text)?)));
    let compared = told.filter(|(id, told)| audit.compare(*id, told)).count() as u64;
    (!after.is_empty()).then_some(Remaining { told: after.len() as u64, compared })
}

/// Of `<train> <YYYY-MM-DD>`.
fn departure(field: &str) -> Option<DepartureId> {
    let (train, day) = field.rsplit_once(' ')?;
    Some(DepartureId::new(train, day.parse::<Day>().ok()?))
}

fn told(text: &str) -> Option<Told> {
    let Value { version, free } = serde_json::from_str(text).ok()?;
    Some(Told { version, free })
}
