//! Every named point, and the times at which it ends a life: those of a ledger in files, which this program sees to, and those of
//! one in Redis, which `tests/redis/points.rs` does.

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

/// In Redis: of `create-ledger`, in the order in which it comes to them.
pub(crate) const AT_A_CREATION: &[Ends] = &[("creation::made", &[1, 4]), ("creation::named", &[1])];

/// Of a start, before it has a partition, between two, and when it has all.
pub(crate) const AT_A_TAKEOVER: &[Ends] = &[
    ("servers::loaded", &[1]),
    ("takeover::looked", &[1]),
    ("takeover::read", &[1]),
    ("takeover::claimed", &[1, 4]),
    ("takeover::caught_up", &[2]),
    ("takeover::opening", &[1]),
    ("takeover::opened", &[1]),
    ("recovery::replayed", &[1]),
];

/// Of every commit. Each start has sent, and heard of, the batches with which it began.
pub(crate) const AT_A_TRANSACTION: &[Ends] = &[
    ("append::kept", &[1, 3]),
    ("round::packed", &[1, 3]),
    ("round::sent", &[1, 2, 5]),
    ("round::answered", &[1, 2, 5]),
    ("transaction::taken", &[2, 5, 7]),
    ("writer::appended", &[2]),
    ("reactor::durable", &[3]),
    ("reactor::answers", &[9]),
];

/// Likewise, where batches go through the script.
pub(crate) const AT_A_STEP: &[Ends] = &[("round::sent", &[2]), ("steps::taken", &[2, 5, 7])];

/// Likewise, where replicas are waited for.
pub(crate) const AT_A_REPLICA: &[Ends] = &[("round::sent", &[3]), ("round::proven", &[1, 3])];

/// While the replica does not follow.
pub(crate) const WITHOUT_ITS_REPLICA: Ends = ("round::unproven", &[1]);

/// Of what lets the oldest batches go.
pub(crate) const AT_A_COMPACTION: &[Ends] = &[
    ("writer::compacts", &[1]),
    ("reactor::compacts", &[2]),
    ("writer::covered", &[1]),
    ("trim::forgotten", &[1]),
    ("trim::trimmed", &[1]),
];

/// Before an emptied Redis is a ledger again, and when it is one.
pub(crate) const RESTORING: Ends = ("creation::restoring", &[1]);
pub(crate) const RESTORED: Ends = ("creation::restored", &[1]);

/// All of them.
pub(crate) const ALL: &[&[Ends]] = &[
    &[CREATED],
    AT_A_FIRST_START,
    AT_A_ROTATION,
    UNDER_LOAD,
    AT_A_CREATION,
    AT_A_TAKEOVER,
    AT_A_TRANSACTION,
    AT_A_STEP,
    AT_A_REPLICA,
    &[WITHOUT_ITS_REPLICA],
    AT_A_COMPACTION,
    &[RESTORING, RESTORED],
];
