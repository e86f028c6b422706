//! Every named point, and the times at which it ends a life.

/// A point, and the times at which it ends a life.
pub(crate) type Ends = (&'static str, &'static [u32]);

/// Each of its ends, one by one.
pub(crate) fn each(points: &[Ends]) -> impl Iterator<Item = (&'static str, u32)> {
    points.iter().flat_map(|(point, counts)| counts.iter().map(|nth| (*point, *nth)))
}

/// A point that a start on nothing passes once, behind those that end it before.
pub(crate) const CREATED: Ends = ("recovery::created", &[1]);

/// In the order in which a start on nothing comes to them, so that each life gets farther than the one before.
pub(crate) const AT_A_FIRST_START: &[Ends] = &[
    ("spare::headed", &[1]),
    ("spare::synced", &[1]),
    ("spare::named", &[1]),
    ("recovery::read", &[1]),
    ("recovery::mending", &[1]),
    ("recovery::mended", &[1]),
    ("recovery::replayed", &[1]),
];

/// Likewise of a rotation, and of what lets the old segments go: each is written, compacted and trimmed.
pub(crate) const AT_A_ROTATION: &[Ends] = &[
    ("spare::zeroed", &[9]),
    ("ledger::rotating", &[1]),
    ("spare::headed", &[1]),
    ("spare::synced", &[1]),
    ("ledger::rotated", &[1]),
    ("writer::compacts", &[1]),
    ("reactor::compacts", &[2]),
    ("writer::covered", &[1]),
    ("ledger::trimming", &[1]),
    ("spare::recycled", &[1]),
    ("spare::removing", &[1]),
];

/// Of every commit.
pub(crate) const UNDER_LOAD: &[Ends] = &[
    ("spare::named", &[1]),
    ("reactor::batched", &[4]),
    ("writer::taken", &[4]),
    ("ledger::framed", &[2]),
    ("ledger::written", &[1, 5]),
    ("ledger::synced", &[2, 5]),
    ("writer::appended", &[2]),
    ("reactor::durable", &[3]),
    ("reactor::answers", &[9]),
];

/// All of them.
pub(crate) const ALL: &[&[Ends]] = &[&[CREATED], AT_A_FIRST_START, AT_A_ROTATION, UNDER_LOAD];
