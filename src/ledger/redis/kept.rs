//! The batches of one partition since its last snapshot, in memory: what a fail-over lost is appended again from here.
//! Pure: it is told where the log in Redis ends, and says what is missing there.

use super::tail::{Owner, Tail};
use seathold_protocol::batch::Position;
use std::collections::VecDeque;

/// One batch as it stands in the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) tail: Tail,
    pub(super) bytes: Vec<u8>,
}

/// Where Redis stands, compared with what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stands {
    /// At a batch of ours, or just before the first that is kept. So many that were known to be in are not any more.
    Here {
        /// Batches lost.
        lost: usize,
    },
    /// At a batch of another owner with this epoch, or one that another owner has claimed.
    Fenced(u64),
    /// At a place that this log has never had, or has forgotten long ago.
    Elsewhere,
}

#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The tail before the first entry.
    before: Tail,
    entries: VecDeque<Entry>,
    /// How many of the entries are known to be in Redis; the others are to be appended.
    confirmed: usize,
    /// The last batch may be in, although it is not confirmed.
    doubted: bool,
    bytes: usize,
}

impl Kept {
    /// An empty list behind `before`.
    pub(super) fn behind(before: Tail) -> Self {
        Self { before, ..Self::default() }
    }

    /// The end of the log as this owner sees it, whether or not Redis has all of it.
    pub(super) fn tail(&self) -> Tail {
        self.tail_behind(self.entries.len())
    }

    /// Bytes of all entries.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a batch that is to be appended.
    pub(super) fn push(&mut self, position: Position, owner: Owner, bytes: Vec<u8>) {
        self.bytes += bytes.len();
        self.entries.push_back(Entry { tail: Tail { position, owner, claimed_by: None }, bytes });
    }

    /// Adds a batch that was read from Redis, behind `previous`.
    pub(super) fn push_read(&mut self, previous: Position, position: Position, owner: Owner, bytes: Vec<u8>) {
        debug_assert_eq!(self.confirmed, self.entries.len(), "reading comes before appending");
        if self.entries.is_empty() {
            // Nobody knows any more whose that was, unless a claim tells.
            self.before = Tail { position: previous, ..Tail::default() };
        }
        self.push(position, owner, bytes);
        self.confirmed += 1;
    }

    /// Forgets what was added behind `end`; the rest was read from Redis.
    pub(super) fn go_back_to(&mut self, end: Position) {
        while let Some(entry) = self.entries.pop_back_if(|entry| entry.tail.position.sequence > end.sequence)
        {
            self.bytes -= entry.bytes.len();
        }
        self.confirmed = self.entries.len();
    }

    /// Notes that the log in Redis ends at `tail`, as `owner` has claimed it, and that what is kept behind it is this owner's
    /// to append. Whether that is a place that is kept.
    pub(super) fn claimed(&mut self, tail: Tail, owner: Owner) -> bool {
        let known = if tail.position == self.before.position { Some(0) } else { self.known(tail) };
        if let Some(known) = known {
            self.ends_at(known, tail, owner);
        }
        known.is_some()
    }

    /// What is to be appended: each batch with the tail that it is appended behind.
    pub(super) fn pending(&self) -> impl ExactSizeIterator<Item = (Tail, &Entry)> {
        (self.confirmed..self.entries.len()).map(|at| (self.tail_behind(at), &self.entries[at]))
    }

    /// Whether Redis has everything.
    pub(super) fn is_confirmed(&self) -> bool {
        self.confirmed == self.entries.len()
    }

    /// Notes that Redis has everything up to the entry with this tail. One that is not kept any more needs no note: the
    /// partition was lost to another owner since it was sent.
    pub(super) fn confirm(&mut self, tail: Tail) {
        if let Some(known) = self.known(tail) {
            self.confirmed = self.confirmed.max(known);
            self.doubted &= !self.is_confirmed();
        }
    }

    /// The last batch is to be sent once more, although it is in: whether it is as durable as was asked is not known.
    pub(super) fn doubt_last(&mut self) {
        self.confirmed = self.confirmed.min(self.entries.len().saturating_sub(1));
        self.doubted = true;
    }

    /// Whether the last batch may be in, although it is pending.
    pub(super) fn is_doubted(&self) -> bool {
        self.doubted
    }

    /// Takes note of where the log in Redis ends; `None` if there is none at all.
    pub(super) fn stands_at(&mut self, tail: Option<Tail>) -> Stands {
        let owner = self.tail().owner;
        let known = match tail {
            None => Some(0),
            Some(tail) if self.is_shut_out_by(tail) => return Stands::Fenced(tail.position.epoch),
            Some(tail) => self.known(tail),
        };
        let Some(known) = known else { return Stands::Elsewhere };
        let lost = self.confirmed.saturating_sub(known);
        self.ends_at(known, tail.unwrap_or(self.before), owner);
        Stands::Here { lost }
    }

    /// Forgets the batches up to `sequence`, but the last one of all and those that Redis may not have. Returns the
    /// position of the first that is left.
    pub(super) fn forget(&mut self, sequence: u64) -> Option<Position> {
        while self.confirmed > 1
            && self.entries.len() > 1
            && self.entries[0].tail.position.sequence <= sequence
        {
            let entry = self.entries.pop_front().expect("there are two");
            self.bytes -= entry.bytes.len();
            self.before = entry.tail;
            self.confirmed -= 1;
        }
        self.entries.front().map(|entry| entry.tail.position)
    }

    /// Whether another owner has the log now, or is about to: it has claimed a batch of ours, or appended one. Its epoch is not
    /// always higher than ours: two that took over at the same moment chose the same, and one that took over behind a
    /// fail-over before we had looked knows nothing of ours. But it has a place that is kept, or one behind: what others
    /// appended there before us is known.
    ///
    /// A claim behind a batch of an owner before shuts nobody out. A fail-over that lost ours shows it, and if another start is
    /// about to take over, it meets what is appended again there, and reads that first.
    fn is_shut_out_by(&self, tail: Tail) -> bool {
        let Tail { position, owner, .. } = self.tail();
        if tail.owner == owner {
            tail.claimed_by.is_some_and(|by| by != owner)
        } else {
            let is_behind = tail.position.sequence > self.before.position.sequence;
            self.known(tail).is_none() && (is_behind || tail.position.epoch >= position.epoch)
        }
    }

    /// Notes that Redis has so many entries and ends at `tail`. What it lacks of an owner before goes there again as claimed:
    /// its tail must not let that owner in again.
    fn ends_at(&mut self, known: usize, tail: Tail, owner: Owner) {
        match known.checked_sub(1) {
            None => self.before = tail,
            Some(last) => self.entries[last].tail = tail,
        }
        let lacking = self.entries.range_mut(known..).map(|entry| &mut entry.tail);
        lacking.filter(|tail| tail.owner != owner).for_each(|tail| tail.claimed_by = Some(owner));
        self.confirmed = known;
    }

    /// The tail behind so many entries.
    fn tail_behind(&self, entries: usize) -> Tail {
        entries.checked_sub(1).map_or(self.before, |last| self.entries[last].tail)
    }

    /// How many entries there are up to the batch of this tail, if it is kept or the one before them. Sequences count without
    /// gaps, so the place follows from the sequence. Whoever has claimed it, it is the same batch.
    fn known(&self, tail: Tail) -> Option<usize> {
        let entries = tail.position.sequence.checked_sub(self.before.position.sequence)?;
        let entries = usize::try_from(entries).ok().filter(|entries| *entries <= self.entries.len())?;
        let Tail { position, owner, .. } = self.tail_behind(entries);
        (position == tail.position && owner == tail.owner).then_some(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: Owner = Owner(1);
    const THEM: Owner = Owner(2);

    fn at(epoch: u64, sequence: u64) -> Tail {
        Tail { position: Position { epoch, sequence }, owner: US, claimed_by: None }
    }

    fn theirs(epoch: u64, sequence: u64) -> Tail {
        Tail { owner: THEM, ..at(epoch, sequence) }
    }

    fn claimed(tail: Tail, by: Owner) -> Tail {
        Tail { claimed_by: Some(by), ..tail }
    }

    /// Batches 5-8 to 5-11 behind 4-7; the first three are in.
    fn kept() -> Kept {
        let mut kept = Kept::behind(at(4, 7));
        (8..12).for_each(|sequence| kept.push(Position { epoch: 5, sequence }, US, vec![0; 10]));
        kept.confirm(at(5, 10));
        kept
    }

    /// Batches 4-8 and 4-9 of another owner.
    fn read() -> Kept {
        let mut kept = Kept::default();
        for Tail { position, owner, .. } in [theirs(4, 8), theirs(4, 9)] {
            let previous = Position { sequence: position.sequence - 1, ..position };
            kept.push_read(previous, position, owner, vec![0; 10]);
        }
        kept
    }

    fn tails(kept: &Kept) -> Vec<(Tail, Tail)> {
        kept.pending().map(|(before, entry)| (before, entry.tail)).collect()
    }

    fn pending(kept: &Kept) -> Vec<(u64, u64)> {
        kept.pending()
            .map(|(before, entry)| (before.position.sequence, entry.tail.position.sequence))
            .collect()
    }

    #[test]
    fn what_is_not_confirmed_is_pending() {
        let mut kept = kept();
        assert_eq!(pending(&kept), [(10, 11)]);
        kept.confirm(at(5, 11));
        assert!(kept.is_confirmed() && pending(&kept).is_empty());
        kept.doubt_last();
        assert_eq!(pending(&kept), [(10, 11)]);
    }

    #[test]
    fn a_lost_tail_is_pending_again() {
        let mut kept = kept();
        assert_eq!(kept.stands_at(Some(at(5, 8))), Stands::Here { lost: 2 });
        assert_eq!(pending(&kept), [(8, 9), (9, 10), (10, 11)]);
        assert_eq!(kept.stands_at(Some(at(4, 7))), Stands::Here { lost: 1 });
        assert_eq!(kept.pending().len(), 4);
        assert_eq!(kept.stands_at(None), Stands::Here { lost: 0 });
        assert_eq!(kept.stands_at(Some(at(5, 11))), Stands::Here { lost: 0 });
        assert!(kept.is_confirmed(), "an unknown outcome turned out well");
    }

    #[test]
    fn another_owner_is_noticed_even_at_the_same_position() {
        assert_eq!(kept().stands_at(Some(theirs(6, 9))), Stands::Fenced(6));
        assert_eq!(kept().stands_at(Some(theirs(5, 11))), Stands::Fenced(5));
        assert_eq!(
            kept().stands_at(Some(theirs(4, 8))),
            Stands::Fenced(4),
            "a fail-over had lost all of ours"
        );
        assert_eq!(kept().stands_at(Some(theirs(4, 99))), Stands::Fenced(4), "the same, some time ago");
        assert_eq!(kept().stands_at(Some(at(3, 2))), Stands::Elsewhere);
        assert_eq!(kept().stands_at(Some(theirs(4, 7))), Stands::Elsewhere);
    }

    /// A new owner has claimed the partition and not raised its epoch yet, while a batch with a higher epoch is on its way.
    #[test]
    fn a_claim_behind_a_batch_of_ours_shuts_out_before_it_raises_the_epoch() {
        let mut kept = Kept::behind(at(0, 0));
        kept.push(Position { epoch: 1, sequence: 1 }, US, Vec::new());
        kept.confirm(at(1, 1));
        kept.push(Position { epoch: 2, sequence: 2 }, US, Vec::new());
        assert_eq!(kept.stands_at(Some(claimed(at(1, 1), THEM))), Stands::Fenced(1));
    }

    /// It was asked for on a connection that was given up.
    #[test]
    fn a_claim_of_ours_that_ran_late_shuts_nobody_out() {
        let (mut kept, late) = (kept(), claimed(at(5, 10), US));
        assert_eq!(kept.stands_at(Some(late)), Stands::Here { lost: 0 });
        assert_eq!(tails(&kept), [(late, at(5, 11))]);
    }

    /// A fail-over that kept the claim and lost the batch behind it.
    #[test]
    fn a_batch_of_the_owner_before_that_is_claimed_is_ours() {
        let (mut kept, end) = (read(), claimed(theirs(4, 9), US));
        kept.push(Position { epoch: 5, sequence: 10 }, US, Vec::new());
        kept.confirm(at(5, 10));
        assert_eq!(kept.stands_at(Some(end)), Stands::Here { lost: 1 });
        assert_eq!(tails(&kept), [(end, at(5, 10))]);
    }

    /// Read while its owner still served; then the log ended at 4-9, or a fail-over had lost that.
    #[test]
    fn a_claim_makes_what_was_read_ours() {
        let (mut kept, end) = (read(), claimed(theirs(4, 9), US));
        assert!(kept.claimed(end, US) && kept.is_confirmed());
        kept.push(Position { epoch: 5, sequence: 10 }, US, vec![0; 10]);
        assert_eq!(tails(&kept), [(end, at(5, 10))]);
        kept.go_back_to(end.position);
        assert_eq!((kept.tail(), kept.bytes(), kept.is_confirmed()), (end, 20, true));

        for (sequence, lost) in [(8, vec![(8, 9)]), (7, vec![(7, 8), (8, 9)])] {
            let mut kept = read();
            assert!(kept.claimed(claimed(theirs(4, sequence), US), US));
            assert_eq!((pending(&kept), kept.tail()), (lost, end), "appended again as claimed");
        }
        for elsewhere in [theirs(4, 10), theirs(3, 9), theirs(4, 6), Tail { owner: Owner(3), ..theirs(4, 9) }]
        {
            assert!(!read().claimed(claimed(elsewhere, US), US), "{elsewhere}");
        }
        assert!(Kept::default().claimed(claimed(Tail::default(), US), US), "a new ledger");
    }

    /// A fail-over that lost the claim, and so all behind it: the tail has the name of whoever claimed it before, or none.
    #[test]
    fn what_was_appended_behind_a_lost_claim_is_pending_again() {
        for (kept, end) in [(read as fn() -> Kept, theirs(4, 9)), (Kept::default, Tail::default())] {
            for before in [end, claimed(end, Owner(3)), claimed(end, THEM)] {
                let mut kept = kept();
                assert!(kept.claimed(claimed(end, US), US));
                let ours = at(5, end.position.sequence + 1);
                kept.push(ours.position, US, Vec::new());
                kept.confirm(ours);
                assert_eq!(kept.stands_at(Some(before)), Stands::Here { lost: 1 }, "{before}");
                assert_eq!(tails(&kept), [(before, ours)]);
            }
        }
    }

    /// A fail-over that lost the batch that was claimed, too: while that is the tail again, its owner must not come back.
    #[test]
    fn what_an_owner_before_appended_is_pending_again_as_claimed() {
        let mut kept = read();
        assert!(kept.claimed(claimed(theirs(4, 9), US), US));
        kept.push(Position { epoch: 5, sequence: 10 }, US, Vec::new());
        kept.confirm(at(5, 10));
        assert_eq!(kept.stands_at(Some(theirs(4, 8))), Stands::Here { lost: 2 });
        let again = claimed(theirs(4, 9), US);
        assert_eq!(tails(&kept), [(theirs(4, 8), again), (again, at(5, 10))]);
    }

    #[test]
    fn what_a_snapshot_covers_is_forgotten_but_never_the_tail() {
        let mut kept = kept();
        assert_eq!(kept.forget(8).map(|first| first.sequence), Some(9));
        assert_eq!((kept.bytes(), kept.stands_at(Some(at(5, 8)))), (30, Stands::Here { lost: 2 }));
        kept.confirm(at(5, 11));
        assert_eq!(kept.forget(99).map(|first| first.sequence), Some(11));
        assert_eq!(kept.tail(), at(5, 11));
        assert_eq!(kept.stands_at(Some(at(5, 8))), Stands::Elsewhere);
    }
}
