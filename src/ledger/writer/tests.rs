//! The ledger thread over a log that does what a test tells it.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use seathold_protocol::DepartureId;
use seathold_protocol::batch::Position;

use super::super::log::Remaining;
use super::*;

const FINE: Notice = Notice::Health(Health::Fine);
const FULL: Notice = Notice::Health(Health::Full);
const STALLED: Notice = Notice::Health(Health::Stalled);

/// What the log answers next; `Ok` when nothing is left.
type Script = Arc<Mutex<Vec<AppendError>>>;

/// What was called, in this order: an append that was taken with its number of batches, a note of remaining places with
/// the partitions of these.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Call {
    Append(usize),
    Refused,
    Remaining(Vec<u16>),
}

/// Remembers its calls.
struct Scripted {
    script: Script,
    calls: Arc<Mutex<Vec<Call>>>,
    covered: Vec<(u16, u64)>,
    full: Arc<AtomicBool>,
}

impl Log for Scripted {
    fn append(&mut self, batches: &[&Batch]) -> Result<(), AppendError> {
        if let Some(error) = self.script.lock().unwrap().pop() {
            self.calls.lock().unwrap().push(Call::Refused);
            return Err(error);
        }
        self.calls.lock().unwrap().push(Call::Append(batches.len()));
        Ok(())
    }

    fn note_remaining(&mut self, remaining: &[Remaining]) {
        let partitions = remaining.iter().map(|remaining| remaining.partition).collect();
        self.calls.lock().unwrap().push(Call::Remaining(partitions));
    }

    fn covered(&mut self, partition: u16, sequence: u64) {
        self.covered.push((partition, sequence));
    }

    fn is_full(&mut self) -> bool {
        self.full.load(Relaxed)
    }

    fn wants_compaction(&self) -> Option<Vec<(u16, u64)>> {
        self.covered.is_empty().then(|| vec![(3, 9)])
    }
}

struct Rig {
    writer: LedgerWriter,
    notices: Receiver<(usize, Notice)>,
    broken: Receiver<AppendError>,
    calls: Arc<Mutex<Vec<Call>>>,
    full: Arc<AtomicBool>,
}

fn rig(cores: usize, script: Vec<AppendError>) -> Rig {
    let (notice, notices) = bounded(1000);
    let (on_broken, broken) = bounded(1);
    let calls = Arc::new(Mutex::new(Vec::new()));
    let full = Arc::new(AtomicBool::new(false));
    let log = Scripted {
        script: Arc::new(Mutex::new(script)),
        calls: calls.clone(),
        covered: Vec::new(),
        full: full.clone(),
    };
    let on_notice = move |core, news| notice.send((core, news)).unwrap();
    let writer =
        LedgerWriter::spawn(Box::new(log), cores, on_notice, move |error| on_broken.send(error).unwrap());
    Rig { writer: writer.unwrap(), notices, broken, calls, full }
}

fn commit(core: usize) -> Commit {
    let position = Position { epoch: 1, sequence: 1 };
    let batch = Batch {
        partition: 0,
        position,
        previous_epoch: 0,
        stamp: Default::default(),
        records: 3,
        payload: vec![7; 80],
    };
    Commit { core, batches: vec![batch], covered: Vec::new(), remaining: Vec::new() }
}

/// A commit of one batch for each of `partitions`.
fn commit_of(core: usize, partitions: &[u16]) -> Commit {
    let batch = |partition: &u16| Batch { partition: *partition, ..commit(core).batches.remove(0) };
    let covered = partitions.iter().map(|partition| (*partition, 1)).collect();
    let remaining = partitions.iter().map(|partition| remaining(*partition)).collect();
    Commit { core, batches: partitions.iter().map(batch).collect(), covered, remaining }
}

fn remaining(partition: u16) -> Remaining {
    let departure = DepartureId(partition.into());
    Remaining { partition, departure, field: format!("T {partition}"), text: "{}".to_owned() }
}

fn fenced(partition: u16) -> AppendError {
    AppendError::Fenced { partition, tail: Position { epoch: 7, sequence: 9 }, offered: 1 }
}

fn away(reason: &str) -> AppendError {
    AppendError::Away(reason.to_owned())
}

fn no_space() -> AppendError {
    AppendError::NoSpace(io::ErrorKind::StorageFull.into())
}

#[test]
fn each_core_gets_its_own_commit_back() {
    let rig = rig(2, vec![]);
    let commits = rig.writer.commits();
    commits.send(commit(0));
    commits.send(commit(1));
    drop(commits);
    let figures = rig.writer.figures();
    rig.writer.join();
    let durable: Vec<_> =
        rig.notices.iter().filter(|(_, notice)| matches!(notice, Notice::Durable(_))).collect();
    assert_eq!(durable, [(0, Notice::Durable(commit(0))), (1, Notice::Durable(commit(1)))]);
    assert_eq!(figures.batches.load(Relaxed), 2);
    assert_eq!(figures.records.load(Relaxed), 6);
    assert_eq!(figures.groups.load(Relaxed) as usize, rig.calls.lock().unwrap().len());
}

#[test]
fn remaining_places_are_noted_before_their_batches_and_once_however_often_these_are_tried() {
    let rig = rig(1, vec![away("timed out"), away("timed out")]);
    let commits = rig.writer.commits();
    commits.send(commit_of(0, &[3, 4]));
    drop(commits);
    rig.notices.iter().find(|(_, notice)| matches!(notice, Notice::Durable(_))).unwrap();
    rig.writer.join();
    let calls = [Call::Remaining(vec![3, 4]), Call::Refused, Call::Refused, Call::Append(2)];
    assert_eq!(*rig.calls.lock().unwrap(), calls);
}

#[test]
fn a_full_disk_stalls_and_goes_on_by_itself() {
    let rig = rig(2, vec![no_space(), no_space()]);
    let commits = rig.writer.commits();
    commits.send(commit(0));
    let news: Vec<_> = rig.notices.iter().take(5).collect();
    let expected = [(0, STALLED), (1, STALLED), (0, FINE), (1, FINE), (0, Notice::Durable(commit(0)))];
    assert_eq!(news, expected);
    let figures = rig.writer.figures();
    assert_eq!((figures.no_space.load(Relaxed), figures.health()), (2, Health::Fine));
    drop(commits);
    rig.writer.join();
}

#[test]
fn a_ledger_that_is_away_is_asked_again_until_it_is_back() {
    let rig = rig(1, vec![away("refused"), away("refused"), away("timed out")]);
    let commits = rig.writer.commits();
    commits.send(commit(0));
    let news: Vec<_> = rig.notices.iter().take(3).collect();
    assert_eq!(news, [(0, STALLED), (0, FINE), (0, Notice::Durable(commit(0)))]);
    let figures = rig.writer.figures();
    assert_eq!((figures.away.load(Relaxed), figures.no_space.load(Relaxed)), (3, 0));
    assert_eq!((figures.stalls.load(Relaxed), figures.health()), (1, Health::Fine));
    drop(commits);
    rig.writer.join();
}

/// Cores that refuse new reservations may send nothing: that there is room again is noticed all the same.
#[test]
fn a_full_log_is_looked_at_until_it_has_room() {
    let rig = rig(1, vec![]);
    rig.full.store(true, Relaxed);
    let commits = rig.writer.commits();
    commits.send(commit(0));
    let news: Vec<_> = rig.notices.iter().take(3).map(|(_, notice)| notice).collect();
    let durable = Notice::Durable(commit(0));
    let compact = Notice::Compact(vec![(3, 9)]);
    assert_eq!(news, [FULL, durable.clone(), compact], "what is in flight is still appended");
    assert_eq!(rig.writer.figures().health(), Health::Full);
    rig.full.store(false, Relaxed);
    assert_eq!(rig.notices.recv().unwrap(), (0, FINE));
    assert_eq!(rig.writer.figures().health(), Health::Fine);
    commits.send(commit(0));
    assert_eq!(rig.notices.recv().unwrap(), (0, durable));
    drop(commits);
    rig.writer.join();
}

#[test]
fn a_log_that_comes_back_full_is_not_fine() {
    let rig = rig(1, vec![away("out of memory")]);
    rig.full.store(true, Relaxed);
    let commits = rig.writer.commits();
    commits.send(commit(0));
    let news: Vec<_> = rig.notices.iter().take(2).collect();
    assert_eq!(news, [(0, STALLED), (0, FULL)]);
    drop(commits);
    rig.writer.join();
    assert!(rig.notices.iter().all(|(_, notice)| notice != FINE));
}

#[test]
fn a_partition_that_was_taken_over_is_given_up_and_the_rest_goes_on() {
    let rig = rig(2, vec![fenced(3), fenced(5)]);
    let commits = rig.writer.commits();
    commits.send(commit_of(0, &[3, 4, 5]));
    let news: Vec<_> = rig.notices.iter().take(5).collect();
    let told = |core, partition| (core, Notice::Fenced { partition, epoch: 7 });
    let durable = (0, Notice::Durable(commit_of(0, &[4])));
    assert_eq!(news, [told(0, 5), told(1, 5), told(0, 3), told(1, 3), durable]);
    commits.send(commit_of(0, &[3]));
    let only_its_own = (0, Notice::Durable(commit_of(0, &[])));
    assert_eq!(
        rig.notices.recv().unwrap(),
        only_its_own,
        "the core must hear of it, or it never sends again"
    );
    drop(commits);
    let figures = rig.writer.figures();
    rig.writer.join();
    let calls =
        [Call::Remaining(vec![3, 4, 5]), Call::Refused, Call::Refused, Call::Append(1), Call::Append(0)];
    assert_eq!(*rig.calls.lock().unwrap(), calls);
    assert_eq!((figures.fenced.load(Relaxed), figures.batches.load(Relaxed)), (2, 1));
    assert_eq!(figures.stalls.load(Relaxed), 0);
}

#[test]
fn a_partition_is_lost_while_the_ledger_was_away() {
    let rig = rig(1, vec![fenced(3), away("timed out")]);
    let commits = rig.writer.commits();
    commits.send(commit_of(0, &[3]));
    let news: Vec<_> = rig.notices.iter().take(4).collect();
    let lost = Notice::Fenced { partition: 3, epoch: 7 };
    let durable = Notice::Durable(commit_of(0, &[]));
    assert_eq!(news, [STALLED, lost, FINE, durable].map(|notice| (0, notice)));
    drop(commits);
    rig.writer.join();
}

#[test]
fn the_end_does_not_wait_for_space_that_never_comes() {
    let rig = rig(1, (0..1000).map(|_| no_space()).collect());
    let commits = rig.writer.commits();
    commits.send(commit(0));
    drop(commits);
    let figures = rig.writer.figures();
    rig.writer.join();
    assert_eq!(rig.notices.iter().collect::<Vec<_>>(), [(0, STALLED)]);
    assert_eq!(figures.health(), Health::Stalled, "it ended without room");
}

#[test]
fn nothing_is_acknowledged_after_a_failed_sync() {
    let rig = rig(1, vec![AppendError::Broken(io::Error::other("fsync"))]);
    let commits = rig.writer.commits();
    commits.send(commit(0));
    assert!(matches!(rig.broken.recv(), Ok(AppendError::Broken(_))));
    commits.send(commit(0));
    drop(commits);
    rig.writer.join();
    assert_eq!(rig.notices.iter().count(), 0);
    assert_eq!(*rig.calls.lock().unwrap_or_else(PoisonError::into_inner), [Call::Refused]);
}

#[test]
fn compaction_is_asked_for_once_until_it_is_done() {
    let rig = rig(1, vec![]);
    let commits = rig.writer.commits();
    let mut asked = 0;
    for _ in 0..2 {
        commits.send(commit(0));
        let until_durable =
            rig.notices.iter().take_while(|(_, notice)| !matches!(notice, Notice::Durable(_)));
        asked += until_durable.count();
    }
    drop(commits);
    rig.writer.join();
    asked += rig.notices.iter().count();
    assert_eq!(asked, 1);
}
