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
    /// At a batch of another owner with this epoch.
    Fenced(u64),
    /// At a place that this log has never had, or has forgotten long ago.
    Elsewhere,
}

#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The tail before the first entry.
    before: Tail,
    /// The tail that was claimed, by the name that it had: a fail-over that lost the claim shows it again.
    unclaimed: Option<Tail>,
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
        self.entries.back().map_or(self.before, |entry| entry.tail)
    }

    /// Bytes of all entries.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a batch that is to be appended.
    pub(super) fn push(&mut self, position: Position, owner: Owner, bytes: Vec<u8>) {
        self.bytes += bytes.len();
        self.entries.push_back(Entry { tail: Tail { position, owner }, bytes });
    }

    /// Adds a batch that was read from Redis, behind `previous`.
    pub(super) fn push_read(&mut self, previous: Position, position: Position, owner: Owner, bytes: Vec<u8>) {
        debug_assert_eq!(self.confirmed, self.entries.len(), "reading comes before appending");
        if self.entries.is_empty() {
            // Nobody knows any more whose that was, and a claim gives it a name.
            self.before = Tail { position: previous, owner: Owner::default() };
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

    /// Notes that the log in Redis ends at `tail`, to which a new owner has given its name, and that what is kept behind
    /// it is the new owner's to append. Whether that is a place that is kept.
    pub(super) fn claimed(&mut self, tail: Tail) -> bool {
        let sequence = tail.position.sequence;
        let Some(known) = sequence.checked_sub(self.before.position.sequence) else { return false };
        let known = known as usize;
        let end = match known.checked_sub(1) {
            None => Some(&mut self.before),
            Some(at) => self.entries.get_mut(at).map(|entry| &mut entry.tail),
        };
        let Some(end) = end.filter(|end| end.position == tail.position) else { return false };
        if end.owner != tail.owner {
            self.unclaimed = Some(*end);
        }
        *end = tail;
        self.entries.range_mut(known..).for_each(|entry| entry.tail.owner = tail.owner);
        self.confirmed = known;
        true
    }

    /// What is to be appended: each batch with the tail that it is appended behind.
    pub(super) fn pending(&self) -> impl ExactSizeIterator<Item = (Tail, &Entry)> {
        (self.confirmed..self.entries.len()).map(|at| (self.tail_before(at), &self.entries[at]))
    }

    /// Whether Redis has everything.
    pub(super) fn is_confirmed(&self) -> bool {
        self.confirmed == self.entries.len()
    }

    /// Notes that Redis has everything up to the entry with this tail. One that is not kept any more needs no note: the
    /// partition was lost to another owner since it was sent.
    pub(super) fn confirm(&mut self, tail: Tail) {
        if let Some(at) = self.index_of(tail) {
            self.confirmed = self.confirmed.max(at + 1);
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
        let known = match tail {
            None => Some(0),
            Some(tail) if tail == self.before || self.is_unclaimed(self.before, tail) => Some(0),
            Some(tail) => self.index_of(tail).map(|at| at + 1),
        };
        if let (Some(tail), Some(known)) = (tail, known) {
            // The owner's name is this one's where a claim has outlived the batches behind it, and the other's where the claim
            // was lost with them.
            match known.checked_sub(1) {
                None => self.before = tail,
                Some(at) => self.entries[at].tail = tail,
            }
        }
        match (known, tail) {
            (Some(known), _) => {
                let lost = self.confirmed.saturating_sub(known);
                self.confirmed = known;
                Stands::Here { lost }
            }
            (None, Some(tail)) if self.is_shut_out_by(tail) => Stands::Fenced(tail.position.epoch),
            (None, _) => Stands::Elsewhere,
        }
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

    /// Of two that took over at the same moment and chose the same epoch, the one whose batch is not there has lost.
    fn is_shut_out_by(&self, tail: Tail) -> bool {
        let Tail { position, owner } = self.tail();
        tail.position.epoch > position.epoch
            || tail.position.epoch == position.epoch && tail.owner != owner
            || self.is_claimed(tail)
    }

    /// Whether another owner has given its name to a batch of ours. Not to the one that we claimed ourselves: there a
    /// fail-over that lost our claim shows the owner before.
    fn is_claimed(&self, tail: Tail) -> bool {
        let ours = self.tail().owner;
        let at = self.entries.iter().position(|entry| entry.tail.position == tail.position);
        let wrote =
            |at: usize| [self.tail_before(at), self.entries[at].tail].iter().all(|tail| tail.owner == ours);
        tail.owner != ours && at.is_some_and(wrote)
    }

    fn tail_before(&self, at: usize) -> Tail {
        at.checked_sub(1).map_or(self.before, |before| self.entries[before].tail)
    }

    /// Whether `tail` is `kept` by the name that it had before it was claimed.
    fn is_unclaimed(&self, kept: Tail, tail: Tail) -> bool {
        kept.position == tail.position && self.unclaimed == Some(tail)
    }

    /// Sequences count without gaps, so the place follows from the sequence. A claim gives a batch of the owner before the
    /// name of this one, and has its own again where the claim was lost.
    fn index_of(&self, tail: Tail) -> Option<usize> {
        let first = self.entries.front()?.tail.position.sequence;
        let at = usize::try_from(tail.position.sequence.checked_sub(first)?).ok()?;
        let kept = self.entries.get(at)?.tail;
        let ours = Tail { owner: self.tail().owner, ..kept };
        (kept == tail || ours == tail || self.is_unclaimed(kept, tail)).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: Owner = Owner(1);

    fn at(epoch: u64, sequence: u64) -> Tail {
        Tail { position: Position { epoch, sequence }, owner: US }
    }

    /// Batches 5-8 to 5-11 behind 4-7; the first three are in.
    fn kept() -> Kept {
        let mut kept = Kept::behind(at(4, 7));
        (8..12).for_each(|sequence| kept.push(Position { epoch: 5, sequence }, US, vec![0; 10]));
        kept.confirm(at(5, 10));
        kept
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
        let theirs = |tail: Tail| Tail { owner: Owner(2), ..tail };
        assert_eq!(kept().stands_at(Some(theirs(at(6, 9)))), Stands::Fenced(6));
        assert_eq!(kept().stands_at(Some(theirs(at(5, 11)))), Stands::Fenced(5));
        assert_eq!(kept().stands_at(Some(at(3, 2))), Stands::Elsewhere);
        assert_eq!(kept().stands_at(Some(theirs(at(4, 7)))), Stands::Elsewhere);
    }

    /// A new owner has claimed the partition and not raised its epoch yet, while a batch with a higher epoch is on its way.
    #[test]
    fn a_claim_behind_a_batch_of_ours_shuts_out_before_it_raises_the_epoch() {
        let theirs = |tail: Tail| Tail { owner: Owner(2), ..tail };
        let mut kept = Kept::behind(at(0, 0));
        kept.push(Position { epoch: 1, sequence: 1 }, US, Vec::new());
        kept.confirm(at(1, 1));
        kept.push(Position { epoch: 2, sequence: 2 }, US, Vec::new());
        assert_eq!(kept.stands_at(Some(theirs(at(1, 1)))), Stands::Fenced(1));
    }

    /// A fail-over that kept the claim and lost the batch behind it.
    #[test]
    fn a_batch_of_the_owner_before_that_is_claimed_is_ours() {
        let theirs = Tail { owner: Owner(2), ..at(4, 8) };
        let mut kept = Kept::default();
        kept.push_read(at(4, 7).position, theirs.position, theirs.owner, Vec::new());
        kept.push(Position { epoch: 5, sequence: 9 }, US, Vec::new());
        kept.confirm(at(5, 9));
        assert_eq!(kept.stands_at(Some(at(4, 8))), Stands::Here { lost: 1 });
        assert_eq!(kept.pending().map(|(before, _)| before).collect::<Vec<_>>(), [at(4, 8)]);
    }

    /// Read while its owner still served; then the log ended at 4-9, or a fail-over had lost that.
    #[test]
    fn a_claim_makes_what_was_read_ours() {
        let theirs = |sequence| Tail { owner: Owner(2), ..at(4, sequence) };
        let read = || {
            let mut kept = Kept::default();
            for sequence in 8..10 {
                let Tail { position, owner } = theirs(sequence);
                kept.push_read(at(4, sequence - 1).position, position, owner, vec![0; 10]);
            }
            kept
        };
        let mut kept = read();
        assert!(kept.claimed(at(4, 9)) && kept.is_confirmed());
        assert_eq!(kept.tail(), at(4, 9));
        kept.push(Position { epoch: 5, sequence: 10 }, US, vec![0; 10]);
        assert_eq!(kept.pending().map(|(before, _)| before).collect::<Vec<_>>(), [at(4, 9)]);
        kept.go_back_to(at(4, 9).position);
        assert_eq!((kept.tail(), kept.bytes(), kept.is_confirmed()), (at(4, 9), 20, true));

        for (end, lost) in [(8, vec![(8, 9)]), (7, vec![(7, 8), (8, 9)])] {
            let mut kept = read();
            assert!(kept.claimed(at(4, end)));
            assert_eq!((pending(&kept), kept.tail()), (lost, at(4, 9)), "appended again as ours");
        }
        for elsewhere in [at(4, 10), at(3, 9), at(4, 6)] {
            assert!(!read().claimed(elsewhere), "{elsewhere}");
        }
        assert!(Kept::default().claimed(at(0, 0)), "a new ledger");
    }

    /// A fail-over that lost the claim, and so all behind it: the tail has the name that it had before.
    #[test]
    fn what_was_appended_behind_a_lost_claim_is_pending_again() {
        let theirs = |sequence| Tail { owner: Owner(2), ..at(4, sequence) };
        let stands_at = |kept: &mut Kept, end: Tail| {
            assert!(kept.claimed(Tail { owner: US, ..end }));
            kept.push(Position { epoch: 5, sequence: end.position.sequence + 1 }, US, Vec::new());
            kept.confirm(at(5, end.position.sequence + 1));
            kept.stands_at(Some(end))
        };
        let before = |kept: &Kept| kept.pending().map(|(before, _)| before).collect::<Vec<_>>();
        let mut kept = Kept::default();
        kept.push_read(at(4, 7).position, at(4, 8).position, Owner(2), Vec::new());
        assert_eq!(stands_at(&mut kept, theirs(8)), Stands::Here { lost: 1 });
        assert_eq!(before(&kept), [theirs(8)]);
        let third = Tail { owner: Owner(3), ..theirs(8) };
        assert_eq!(kept.stands_at(Some(third)), Stands::Elsewhere, "another one may be taking it over");

        let mut kept = Kept::default();
        assert_eq!(stands_at(&mut kept, Tail::default()), Stands::Here { lost: 1 }, "a new ledger");
        assert_eq!(before(&kept), [Tail::default()]);
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
