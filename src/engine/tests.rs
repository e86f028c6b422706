//! The one rule and what leans on it: the test plays the ledger, so it sees what leaves before a batch is
//! durable and what a restart makes of the log.

mod fence;
mod remaining;

use super::*;
use crate::catalog::SaleRules;
use seathold_protocol::batch::{BatchView, PAYLOAD_BYTES_MAX};
use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::plan::{Block, ClassPlan, SeatPlan, Stock};
use seathold_protocol::request::{Reserve, Target};
use seathold_protocol::reservation::State;
use seathold_protocol::wishes::Wishes;
use seathold_protocol::{AccountId, Class, Day, PassengerId, ReservationId};

const SECOND: Class = Class(3);
const STANDING: Class = Class(8);
const TRAIN: &str = "T 1";
const HOLD_MS: u32 = 60_000;

fn rules() -> SaleRules {
    SaleRules { hold_ms_default: HOLD_MS, ..SaleRules::OPEN }
}

/// One train over two segments, with `rows` rows of two seats and `standing` places.
fn catalog(train: &str, rows: u16, standing: u32, rules: SaleRules) -> Arc<Catalog> {
    let seats = Stock::Seats(vec![Block { coach: 1, first_row: 1, rows, letters: b"AB".to_vec() }]);
    let plan = SeatPlan {
        classes: vec![
            ClassPlan { class: SECOND, stock: seats },
            ClassPlan { class: STANDING, stock: Stock::Places(standing) },
        ],
    };
    Arc::new(Catalog::builder().train(train, &["A", "B", "C"], plan, rules).days([Day(7)]).build())
}

fn departure() -> DepartureId {
    DepartureId::new(TRAIN, Day(7))
}

fn at(boot_ms: u64) -> Stamp {
    Stamp { wall_ms: 1_000_000 + boot_ms as i64, boot_ms, boot_id: 1 }
}

fn request(id: u128, party: u8) -> Reserve {
    let passengers = std::array::from_fn::<_, PASSENGERS_MAX, _>(|index| {
        let traveller = id as u64 * 16 + index as u64;
        PassengerId(if index < usize::from(party) { traveller } else { 0 })
    });
    Reserve {
        id: ReservationId(id),
        departure: departure(),
        account: AccountId(id as u64),
        class: SECOND,
        from: 0,
        to: 2,
        party,
        hold_ms: 0,
        wishes: Wishes::default(),
        passengers,
        first: false,
    }
}

fn reserve(id: u128) -> Command {
    Command::Reserve(request(id, 1))
}

fn target(id: u128) -> Target {
    Target { id: ReservationId(id), departure: departure(), account: AccountId(id as u64) }
}

type Commit = (Vec<Batch>, Vec<(u16, u64)>);

/// An engine that owns every partition, as a rule one, and the log that the test has made durable for it.
struct Fixture {
    engine: Engine,
    board: Arc<Board>,
    now: Stamp,
    log: Vec<Batch>,
    asked: u64,
}

impl Fixture {
    fn new(catalog: Arc<Catalog>) -> Self {
        Self::of_partitions(catalog, 1)
    }

    fn of_partitions(catalog: Arc<Catalog>, partitions: u16) -> Self {
        let board = Arc::new(Board::new(Arc::clone(&catalog), partitions));
        let engine = Engine::new(catalog, Arc::clone(&board), Arc::default(), |_| true);
        Self { engine, board, now: at(0), log: Vec::new(), asked: 0 }
    }

    /// An engine whose first, empty batch is durable.
    fn opened(catalog: Arc<Catalog>) -> Self {
        let mut it = Self::new(catalog);
        it.settle();
        it
    }

    /// A new process over the log of this one, without the batches up to `trimmed`.
    fn restarted(&self, catalog: Arc<Catalog>, trimmed: u64) -> Result<Self, RecoveryError> {
        let mut it = Self::new(catalog);
        it.now = self.now;
        for batch in self.log.iter().filter(|batch| batch.position.sequence > trimmed) {
            let view = BatchView {
                partition: batch.partition,
                position: batch.position,
                previous_epoch: batch.previous_epoch,
                stamp: batch.stamp,
                records: batch.records,
                payload: &batch.payload,
            };
            it.engine.replay(&view, it.now)?;
            it.log.push(batch.clone());
        }
        it.engine.end_replay()?;
        Ok(it)
    }

    /// The next question; its number is its answer's correlation.
    fn next_ask(&mut self, command: Command) -> Ask {
        self.asked += 1;
        let opcode = match command {
            Command::Reserve(_) => Opcode::Reserve,
            Command::Confirm(_) => Opcode::Confirm,
            _ => Opcode::Lookup,
        };
        Ask { origin: Origin { core: 0, opcode, connection: 1, correlation: self.asked }, command }
    }

    /// Asks, and says under which number.
    fn ask(&mut self, command: Command) -> u64 {
        let ask = self.next_ask(command);
        self.engine.submit(ask.origin, &ask.command, self.now);
        self.asked
    }

    /// What has left the engine since the last look.
    fn told(&mut self) -> Vec<(u64, Answer)> {
        let answers = std::iter::from_fn(|| self.engine.next_answer());
        answers.map(|answered| (answered.origin.correlation, answered.answer)).collect()
    }

    fn told_ids(&mut self) -> Vec<u64> {
        self.told().into_iter().map(|(asked, _)| asked).collect()
    }

    /// The answer to a command that is told at once.
    fn at_once(&mut self, command: Command) -> Answer {
        let asked = self.ask(command);
        match self.told()[..] {
            [(correlation, answer)] if correlation == asked => answer,
            ref other => panic!("{command:?} was answered {other:?}"),
        }
    }

    fn refusal(&mut self, command: Command) -> Status {
        match self.at_once(command) {
            Answer::Refused(Refusal { status, .. }) => status,
            other => panic!("{command:?} was answered {other:?}"),
        }
    }

    /// Does it and makes it durable.
    fn done(&mut self, command: Command) -> Answer {
        self.ask(command);
        self.settle();
        self.told().pop().expect("what is durable is told").1
    }

    fn state(&mut self, command: Command) -> State {
        match self.done(command) {
            Answer::Reservation(reservation) => reservation.state,
            other => panic!("{command:?} was answered {other:?}"),
        }
    }

    fn send(&mut self) -> Option<Commit> {
        self.send_with(&mut Vec::new())
    }

    /// Sends with what the last commit brought home.
    fn send_with(&mut self, remaining: &mut Vec<Remaining>) -> Option<Commit> {
        let (mut batches, mut covered) = (Vec::new(), Vec::new());
        let sent = self.engine.commit(self.now, &mut batches, &mut covered, remaining, &mut Vec::new());
        sent.then_some((batches, covered))
    }

    fn durable(&mut self, commit: Commit) {
        self.engine.committed(&commit.0);
        self.log.extend(commit.0);
    }

    fn settle(&mut self) {
        while let Some(commit) = self.send() {
            self.durable(commit);
        }
    }

    fn tail(&self) -> u64 {
        self.log.last().map_or(0, |batch| batch.position.sequence)
    }

    fn free(&self, class: usize) -> u32 {
        let trip = crate::inventory::Trip::new(0, 2, 2).unwrap();
        self.board.free(DepartureIndex(0), class, trip)
    }

    /// Everything that a restart must bring back.
    fn everything(&self) -> (Vec<seathold_protocol::record::ReservationRecord>, [u32; 2], Option<u64>) {
        let mut records: Vec<_> = self.engine.shards().flat_map(Shard::reservations).copied().collect();
        records.sort_by_key(|record| record.id);
        (records, [self.free(0), self.free(1)], self.engine.next_deadline())
    }
}

#[test]
fn nothing_leaves_before_the_batch_that_it_rests_on() {
    let mut it = Fixture::opened(catalog(TRAIN, 4, 3, rules()));
    let waiting = [it.ask(reserve(1)), it.ask(reserve(1)), it.ask(Command::Lookup(target(1)))];
    let conflict = it.ask(Command::Reserve(request(1, 2)));
    let foreign = it.ask(Command::Lookup(Target { account: AccountId(9), ..target(1) }));
    let sold_out = it.ask(Command::Reserve(request(3, 9)));
    assert_eq!(it.told(), [], "a refusal that tells of a reservation waits for it, too");
    assert_eq!(it.refusal(Command::Lookup(target(2))), Status::NotFound);
    let unknown = Target { departure: DepartureId(5), ..target(1) };
    assert_eq!(it.refusal(Command::Confirm(unknown)), Status::UnknownDeparture);
    let commit = it.send().unwrap();
    assert_eq!(it.told(), [], "sent is not durable");
    assert_eq!(it.engine.withheld, 6);
    it.durable(commit);
    let all = [&waiting[..], &[conflict, foreign, sold_out]].concat();
    assert_eq!(it.told_ids(), all, "in the order of the asking");
    assert_eq!(it.engine.withheld, 0);
    assert!(it.engine.is_idle());
    assert!(matches!(it.at_once(Command::Lookup(target(1))), Answer::Reservation(_)));
}

#[test]
fn one_commit_is_in_flight_and_the_next_answers_wait_for_their_own() {
    let mut it = Fixture::opened(catalog(TRAIN, 4, 3, rules()));
    let first = it.ask(reserve(1));
    let commit = it.send().unwrap();
    let later = [it.ask(reserve(2)), it.ask(Command::Confirm(target(1)))];
    assert_eq!(it.send(), None);
    it.durable(commit);
    assert_eq!(it.told_ids(), [first]);
    assert!(!it.engine.is_idle());
    let commit = it.send().unwrap();
    assert_eq!((commit.0.len(), commit.0[0].records), (1, 2));
    it.durable(commit);
    assert_eq!(it.told_ids(), later);
    let positions: Vec<_> = it.log.iter().map(|batch| batch.position.sequence).collect();
    assert_eq!(positions, [1, 2, 3]);
}

#[test]
fn a_late_confirm_is_told_only_when_the_expiry_is_durable() {
    let mut it = Fixture::opened(catalog(TRAIN, 4, 3, rules()));
    it.done(reserve(1));
    it.now = at(u64::from(HOLD_MS));
    it.ask(Command::Confirm(target(1)));
    assert_eq!(it.told(), []);
    it.settle();
    assert!(matches!(it.told()[..], [(_, Answer::Refused(Refusal { status: Status::Expired, .. }))]));
    assert!(!it.engine.expire(it.now, 8));
    assert_eq!(it.engine.next_deadline(), None, "and nothing is left to end");
    assert_eq!(it.engine.counters.get(Counter::Expired), 1, "whoever noticed it, the hold's time was up");
}

#[test]
fn a_stalled_ledger_refuses_writes_and_answers_queries() {
    let mut it = Fixture::opened(catalog(TRAIN, 4, 3, rules()));
    it.done(reserve(1));
    it.ask(reserve(2));
    let commit = it.send().unwrap();
    it.engine.set_stalled(true);
    for command in
        [reserve(3), Command::Confirm(target(1)), Command::Cancel(target(1)), Command::Close(departure())]
    {
        assert_eq!(it.refusal(command), Status::Unavailable);
    }
    assert!(matches!(it.at_once(Command::Lookup(target(1))), Answer::Reservation(_)));
    it.ask(Command::Lookup(target(2)));
    assert_eq!(it.told(), [], "this one is still on its way");
    it.engine.set_stalled(false);
    it.durable(commit);
    assert_eq!(it.told().len(), 2);
    assert_eq!(it.state(Command::Confirm(target(1))), State::Confirmed);
}

#[test]
fn a_full_ledger_begins_no_sale_and_finishes_those_begun() {
    let mut it = Fixture::opened(catalog(TRAIN, 4, 3, rules()));
    for id in 1..=3 {
        it.done(reserve(id));
    }
    it.done(Command::Confirm(target(3)));
    it.engine.set_full(true);
    assert_eq!(it.refusal(reserve(4)), Status::Busy);
    assert_eq!(it.state(Command::Lookup(target(1))), State::Held);
    assert_eq!(it.state(Command::Confirm(target(1))), State::Confirmed);
    assert_eq!(it.state(Command::Refund(target(3))), State::Refunded);
    let free = it.free(0);
    it.now = at(u64::from(HOLD_MS));
    assert!(!it.engine.expire(it.now, 8));
    it.settle();
    assert_eq!(it.free(0), free + 1, "what runs out is given back");
    assert_eq!(it.refusal(reserve(4)), Status::Busy, "a durable commit alone does not make room");
    it.engine.set_full(false);
    assert_eq!(it.state(reserve(4)), State::Held);
}

/// A ledger error shown as sold out: whoever could not write the sale called the place gone.
#[test]
fn regression_a_ledger_error_shown_as_sold_out() {
    let mut it = Fixture::opened(catalog(TRAIN, 1, 3, rules()));
    let free = it.free(0);
    it.engine.set_stalled(true);
    for id in 1..=20 {
        let asked = Reserve { first: id % 2 == 0, ..request(id, 1) };
        assert_eq!(it.refusal(Command::Reserve(asked)), Status::Unavailable);
    }
    assert_eq!(it.free(0), free, "an error takes no place");
    it.engine.set_stalled(false);
    assert_eq!(it.state(reserve(1)), State::Held, "and the same id gets it when the ledger is back");
}

#[test]
fn above_the_limit_of_withheld_answers_sales_are_finished_and_none_begun() {
    let mut it = Fixture::opened(catalog(TRAIN, 4, 3, rules()));
    (0..WITHHELD_FOR_RESERVE).for_each(|_| _ = it.ask(reserve(1)));
    assert_eq!(it.told(), []);
    assert_eq!(it.refusal(reserve(1)), Status::Busy);
    assert_eq!(it.refusal(Command::Lookup(target(1))), Status::Busy);
    (WITHHELD_FOR_RESERVE..WITHHELD_MAX).for_each(|_| _ = it.ask(Command::Confirm(target(1))));
    assert_eq!(it.told(), []);
    assert_eq!(it.refusal(Command::Confirm(target(1))), Status::Busy);
    it.settle();
    assert_eq!(it.told().len(), WITHHELD_MAX);
    assert_eq!(it.state(Command::Confirm(target(1))), State::Confirmed);
}

#[test]
fn a_full_draft_refuses_commands_and_still_takes_expiries_within_the_batch() {
    let mut it = Fixture::opened(catalog(TRAIN, 4, 100_000, rules()));
    let standing = |id| Command::Reserve(Reserve { class: STANDING, ..request(id, 1) });
    let mut ids = 0_u128..;
    for round in 0..3 {
        for id in ids.by_ref() {
            it.ask(standing(id));
            if let [(_, Answer::Refused(refusal))] = it.told()[..] {
                assert_eq!(refusal.status, Status::Busy);
                break;
            }
        }
        assert!(it.engine.withheld > 10_000, "round {round}");
        it.settle();
        it.told();
    }
    it.now = at(u64::from(HOLD_MS));
    let mut batches = 0;
    while it.engine.next_deadline().is_some() {
        while it.engine.expire(it.now, 4_096) {}
        let commit = it.send().unwrap();
        assert!(commit.0[0].payload.len() <= PAYLOAD_BYTES_MAX);
        it.durable(commit);
        batches += 1;
    }
    assert!(batches > 1, "the expiries of all do not fit one batch");
    assert_eq!(it.free(1), 100_000);
}

#[test]
fn a_restart_brings_back_the_same_state_in_a_higher_term() {
    let catalog = catalog(TRAIN, 8, 30, rules());
    let mut it = Fixture::opened(Arc::clone(&catalog));
    for id in 1..=9 {
        it.now = at(id as u64);
        it.ask(Command::Reserve(Reserve {
            class: if id % 2 == 0 { STANDING } else { SECOND },
            ..request(id, 2)
        }));
    }
    it.settle();
    it.ask(Command::Confirm(target(1)));
    it.ask(Command::Cancel(target(2)));
    it.ask(Command::Confirm(target(3)));
    it.settle();
    it.ask(Command::Refund(target(3)));
    it.ask(Command::Close(departure()));
    it.settle();
    let mut restarted = it.restarted(catalog, 0).unwrap();
    assert_eq!(restarted.everything(), it.everything());
    assert_eq!(restarted.refusal(reserve(20)), Status::Closed, "an operator's word is kept");
    assert!(
        matches!(restarted.at_once(Command::Lookup(target(1))), Answer::Reservation(_)),
        "durable already"
    );
    let (batches, _) = restarted.send().unwrap();
    let last = it.log.last().unwrap().position;
    assert_eq!(batches[0].previous(), last);
    assert!(batches[0].position.epoch > last.epoch && batches[0].records == 0);
}

#[test]
fn a_departure_that_left_the_catalogue_serves_those_who_hold_tickets() {
    let mut it = Fixture::opened(catalog(TRAIN, 4, 3, rules()));
    it.done(reserve(1));
    it.done(Command::Confirm(target(1)));
    let mut retired = it.restarted(catalog("T 2", 4, 3, rules()), 0).unwrap();
    retired.settle();
    assert_eq!(retired.state(Command::Lookup(target(1))), State::Confirmed);
    assert_eq!(retired.refusal(reserve(2)), Status::Closed);
    assert_eq!(retired.refusal(Command::Open(departure(), 0)), Status::Closed);
    assert_eq!(retired.state(Command::Refund(target(1))), State::Refunded);
    let again = retired.restarted(catalog("T 2", 4, 3, rules()), 0);
    assert!(again.is_ok(), "{:?}", again.err());
}

/// CLOSED means that nothing was done; the reservation of this id was made before the departure left.
#[test]
fn a_repeated_reserve_of_a_retired_departure_is_answered_as_before() {
    let mut it = Fixture::opened(catalog(TRAIN, 4, 3, rules()));
    it.done(reserve(1));
    let mut retired = it.restarted(catalog("T 2", 4, 3, rules()), 0).unwrap();
    assert!(matches!(retired.at_once(reserve(1)), Answer::Reservation(held) if held.state == State::Held));
}

#[test]
fn another_plan_for_a_departure_that_was_sold_is_refused() {
    let mut it = Fixture::opened(catalog(TRAIN, 4, 3, rules()));
    it.done(reserve(1));
    let refused = it.restarted(catalog(TRAIN, 5, 3, rules()), 0).err().unwrap();
    assert!(matches!(refused, RecoveryError::PlanChanged { .. }), "{refused}");
}

/// Runs a compaction up to `until` with `between` before each piece; the log is trimmed by what it covers.
fn compacted(it: &mut Fixture, until: u64, mut between: impl FnMut(&mut Fixture, u64)) {
    it.engine.compact(&[(0, until)]);
    it.engine.compact(&[(0, until)]);
    for piece in 0.. {
        between(it, piece);
        let left = it.engine.compact_piece();
        let (batches, covered) = it.send().unwrap_or_default();
        assert_eq!(
            covered,
            if left { vec![] } else { vec![(0, until)] },
            "covered when all is written, not before"
        );
        if !left {
            it.durable((batches, covered));
            return;
        }
        if !batches.is_empty() {
            it.durable((batches, covered));
        }
    }
}

#[test]
fn the_log_is_covered_only_when_everything_stands_again_behind_it() {
    let catalog = catalog(TRAIN, 400, 3, rules());
    let mut it = Fixture::opened(Arc::clone(&catalog));
    for id in 0..700 {
        it.ask(reserve(id));
        if id % 50 == 0 {
            it.settle();
        }
    }
    (0..700).step_by(3).for_each(|id| _ = it.ask(Command::Cancel(target(id))));
    it.settle();
    let until = it.tail();
    compacted(&mut it, until, |it, piece| {
        // The state moves on while it is written again: what is ahead of the pieces, behind them, and new.
        let piece = u128::from(piece);
        it.ask(Command::Confirm(target(1 + 3 * piece)));
        it.ask(Command::Confirm(target(698 - 3 * piece)));
        it.ask(Command::Cancel(target(340 + 3 * piece)));
        it.ask(reserve(1_000 + piece));
    });
    it.settle();
    let restarted = it.restarted(Arc::clone(&catalog), until).unwrap();
    assert_eq!(restarted.everything(), it.everything());
    let whole = it.restarted(catalog, 0).unwrap();
    assert_eq!(whole.everything(), it.everything());
}

#[test]
fn compaction_waits_for_the_next_batch_and_does_not_keep_the_core_awake() {
    let mut it = Fixture::opened(catalog(TRAIN, 4, 100_000, rules()));
    it.done(reserve(1));
    let until = it.tail();
    let mut ids = 2..;
    while it.told().is_empty() {
        it.ask(Command::Reserve(Reserve { class: STANDING, ..request(ids.next().unwrap(), 1) }));
    }
    it.engine.compact(&[(0, until)]);
    assert!(!it.engine.compact_piece());
    let commit = it.send().unwrap();
    assert!(commit.1.is_empty());
    it.durable(commit);
    compacted(&mut it, until, |_, _| ());
}

#[test]
fn a_partition_without_state_covers_its_past_with_an_empty_batch() {
    let mut it = Fixture::opened(catalog(TRAIN, 4, 3, rules()));
    it.engine.compact(&[(0, 1), (7, 3)]);
    assert!(!it.engine.compact_piece());
    let (batches, covered) = it.send().unwrap();
    assert_eq!((batches[0].position.sequence, batches[0].records, covered), (2, 0, vec![(0, 1)]));
}

/// The operator's word is written again behind the reservations that it made possible.
#[test]
fn a_trimmed_log_restores_places_that_an_operator_released() {
    for class in [SECOND, STANDING] {
        let catalog = catalog(TRAIN, 5, 10, SaleRules { released_percent: 50, ..rules() });
        let mut it = Fixture::opened(Arc::clone(&catalog));
        it.done(Command::Open(departure(), 80));
        let until = it.tail();
        for id in 1..=8 {
            it.done(Command::Reserve(Reserve { class, ..request(id, 1) }));
        }
        compacted(&mut it, until, |_, _| ());
        it.settle();
        let restarted = it.restarted(catalog, until).unwrap_or_else(|error| panic!("{class:?}: {error}"));
        assert_eq!(restarted.everything(), it.everything());
    }
}

/// A rules file that releases less than before does not undo what was sold.
#[test]
fn a_log_replays_after_the_released_share_was_lowered() {
    let mut it = Fixture::opened(catalog(TRAIN, 5, 10, rules()));
    for id in 1..=10 {
        it.done(reserve(id));
    }
    let lowered = catalog(TRAIN, 5, 10, SaleRules { released_percent: 50, ..rules() });
    let restarted = it.restarted(lowered, 0).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(restarted.everything().0, it.everything().0);
}

fn sold_out(rules: SaleRules) -> Fixture {
    let mut it = Fixture::opened(catalog(TRAIN, 1, 3, rules));
    it.done(Command::Reserve(request(1, 2)));
    assert_eq!(it.free(0), 0);
    it
}

#[test]
fn only_a_first_request_is_refused_at_the_door_and_only_for_want_of_places() {
    let mut it = sold_out(rules());
    let door = |it: &Fixture, asked: Reserve| it.board.sold_out(&asked, it.now).map(|refusal| refusal.status);
    let first = |id, party| Reserve { first: true, ..request(id, party) };
    assert_eq!(door(&it, first(2, 1)), Some(Status::SoldOut));
    assert_eq!(door(&it, request(2, 1)), None);
    assert_eq!(door(&it, Reserve { class: STANDING, ..first(2, 3) }), None);
    assert_eq!(door(&it, Reserve { class: Class(77), ..first(2, 1) }), None);
    assert_eq!(door(&it, Reserve { to: 3, ..first(2, 1) }), None);
    it.done(Command::Close(departure()));
    assert_eq!(door(&it, first(2, 1)), None);
}

/// A crash may give the places of such a hold back.
#[test]
fn sold_out_for_a_hold_is_told_only_when_that_is_durable() {
    let mut it = Fixture::opened(catalog(TRAIN, 1, 3, rules()));
    let first = |id| Command::Reserve(Reserve { first: true, ..request(id, 1) });
    let Command::Reserve(asked) = first(2) else { unreachable!() };
    let hold = it.ask(Command::Reserve(request(1, 2)));
    let refused = [it.ask(first(2)), it.ask(Command::Reserve(request(3, 1)))];
    assert_eq!(it.free(0), 0);
    assert_eq!(it.board.sold_out(&asked, it.now), None, "the door leaves it to the owner");
    assert_eq!(it.told(), []);
    let commit = it.send().unwrap();
    it.durable(commit);
    assert_eq!(it.told_ids(), [&[hold], &refused[..]].concat());
    assert!(it.board.sold_out(&asked, it.now).is_some());
    assert_eq!(it.refusal(first(4)), Status::SoldOut, "at once again");
    it.ask(Command::Confirm(target(1)));
    assert_eq!(it.refusal(first(4)), Status::SoldOut, "what takes no place is not waited for");
}

#[test]
fn a_refusal_for_what_others_hold_is_told_only_when_that_is_durable() {
    let limits = SaleRules { places_per_account: 2, one_seat_per_passenger: true, ..rules() };
    let mut it = Fixture::opened(catalog(TRAIN, 4, 3, limits));
    let others = request(1, 2);
    it.ask(Command::Reserve(others));
    it.ask(Command::Reserve(Reserve { passengers: others.passengers, ..request(2, 2) }));
    it.ask(Command::Reserve(Reserve { account: others.account, ..request(3, 1) }));
    it.ask(Command::Close(departure()));
    it.ask(Command::Reserve(request(4, 1)));
    assert_eq!(it.told(), []);
    it.settle();
    let status = |(_, answer): &(u64, Answer)| match answer {
        Answer::Refused(refusal) => Some(refusal.status),
        _ => None,
    };
    let told: Vec<_> = it.told().iter().map(status).collect();
    let [booked, limit, closed] = [Status::PassengerAlreadyBooked, Status::Limit, Status::Closed].map(Some);
    assert_eq!(told, [None, booked, limit, None, closed]);
}

/// What the door says must be what the owner would have said.
#[test]
fn the_door_leaves_to_the_owner_what_the_rules_refuse() {
    let first = |party| Reserve { first: true, ..request(2, party) };
    let limit = SaleRules { passengers_per_reservation: 2, closes_at_ms: Some(1_000_500), ..rules() };
    let mut it = sold_out(limit);
    for (asked, owners) in [
        (first(3), Status::Limit),
        (Reserve { hold_ms: u32::MAX, ..first(1) }, Status::BadHoldTime),
        (first(1), Status::SoldOut),
    ] {
        let door = it.board.sold_out(&asked, it.now).map(|refusal| refusal.status);
        assert_eq!(it.refusal(Command::Reserve(asked)), owners);
        assert_eq!(door, (owners == Status::SoldOut).then_some(owners));
    }
    it.now = at(500);
    assert_eq!(it.refusal(Command::Reserve(first(1))), Status::Closed);
    assert_eq!(it.board.sold_out(&first(1), it.now), None, "the sale is over");

    let mut it = Fixture::opened(catalog(TRAIN, 1, 3, SaleRules { opens_at_ms: Some(1_000_500), ..rules() }));
    assert_eq!(it.refusal(Command::Reserve(first(3))), Status::NotOpen);
    assert_eq!(it.board.sold_out(&first(3), it.now), None, "the sale has not begun");
}

#[test]
fn a_group_is_answered_like_its_commands_one_by_one() {
    let commands: Vec<_> = (1..=60_u128)
        .map(|at| match at % 6 {
            0 => Command::Cancel(target(at - 1)),
            1 | 2 => Command::Reserve(request(at, 2)),
            3 => Command::Confirm(target(at - 1)),
            4 => Command::Lookup(Target { departure: DepartureId(1), ..target(at) }),
            _ => Command::Reserve(Reserve { class: STANDING, first: true, ..request(at, 9) }),
        })
        .collect();
    let catalog = || catalog(TRAIN, 10, 30, rules());
    let (mut alone, mut together) = (Fixture::opened(catalog()), Fixture::opened(catalog()));
    for command in &commands {
        alone.ask(*command);
    }
    let asks: Vec<_> = commands.iter().map(|command| together.next_ask(*command)).collect();
    together.engine.submit_group(&asks, together.now);
    alone.settle();
    together.settle();
    let told = alone.told();
    assert_eq!(together.told(), told);
    assert_eq!(together.log, alone.log);
    let refused = told.iter().filter(|(_, answer)| matches!(answer, Answer::Refused(_))).count();
    assert!(told.len() == 60 && (10..50).contains(&refused), "{refused} of {} are refused", told.len());
}
