//! The state machine against a naive ledger, and the table of idempotent answers (SPEC.md) row by row.

mod engine;
mod replay;

use super::replay::deadline_on;
use super::*;
use proptest::prelude::*;
use seathold_protocol::codec::Reader;
use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::plan::{Block, ClassPlan, SeatPlan, Stock};
use seathold_protocol::record::Record;
use seathold_protocol::wishes::Wishes;
use seathold_protocol::{Class, Day, ReservationId};
use std::collections::BTreeMap;

const DEPARTURE: DepartureId = DepartureId(7);
const SECOND: Class = Class(3);
const STANDING: Class = Class(8);
const HOLD_MS: u32 = 1_000;

fn rules() -> SaleRules {
    SaleRules {
        hold_ms_default: HOLD_MS,
        hold_ms_max: 10 * HOLD_MS,
        places_per_account: 0,
        passengers_per_reservation: 9,
        one_seat_per_passenger: true,
        released_percent: 100,
        opens_at_ms: None,
        closes_at_ms: None,
    }
}

fn at(boot_ms: u64) -> Stamp {
    Stamp { wall_ms: 1_000_000 + boot_ms as i64, boot_ms, boot_id: 1 }
}

/// A shard with `rows` rows of A and B, three standing places, and the draft that it writes into.
struct Fixture {
    shard: Shard,
    draft: Draft,
    now: Stamp,
}

impl Fixture {
    fn new(rows: u16, segments: u8, rules: SaleRules) -> Self {
        let seats = Stock::Seats(vec![Block { coach: 1, first_row: 1, rows, letters: b"AB".to_vec() }]);
        let plan = SeatPlan {
            classes: vec![
                ClassPlan { class: SECOND, stock: seats },
                ClassPlan { class: STANDING, stock: Stock::Places(3) },
            ],
        };
        let layout = Arc::new(Layout::new(&plan));
        let published = Arc::new(Published::new(&layout, segments, rules.released_percent));
        let departure = seathold_protocol::plan::DeparturePlan {
            train: "T 1".to_owned(),
            day: Day(7),
            stops: (0..=segments).map(|stop| format!("S{stop}")).collect(),
            seats: plan,
        };
        let mut plan_record = Vec::new();
        seathold_protocol::record::encode_plan(DEPARTURE, &departure, &mut plan_record);
        let shard = Shard::new(DEPARTURE, rules, layout, segments, published, plan_record.into());
        Self { shard, draft: Draft { sequence: 1, ..Draft::default() }, now: at(0) }
    }

    /// Reads ahead as an engine does, which nothing else here notices unless it panics.
    fn ask(&mut self, command: Command) -> Answer {
        self.shard.touch();
        self.shard.touch_for(&command);
        self.shard.apply(&command, self.now, &mut self.draft).answer
    }

    fn reserve(&mut self, id: u128, from: u8, to: u8, party: u8) -> Answer {
        self.ask(Command::Reserve(request(id, from, to, party)))
    }

    fn state(&mut self, command: Command) -> State {
        match self.ask(command) {
            Answer::Reservation(reservation) => reservation.state,
            other => panic!("{command:?} was answered {other:?}"),
        }
    }

    fn refusal(&mut self, command: Command) -> Status {
        match self.ask(command) {
            Answer::Refused(refusal) => refusal.status,
            other => panic!("{command:?} was answered {other:?}"),
        }
    }

    fn free(&self, from: u8, to: u8) -> u32 {
        let trip = Trip::new(from, to, self.shard.inventory.segments()).unwrap();
        self.shard.inventory.free(0, trip)
    }

    fn records(&self) -> Vec<Record> {
        let mut reader = Reader::new(&self.draft.payload);
        (0..self.draft.records).map(|_| Record::decode(&mut reader).unwrap()).collect()
    }
}

fn request(id: u128, from: u8, to: u8, party: u8) -> Reserve {
    let mut passengers = [PassengerId(0); PASSENGERS_MAX];
    for (index, passenger) in passengers.iter_mut().enumerate().take(usize::from(party)) {
        *passenger = PassengerId(id as u64 * 16 + index as u64);
    }
    Reserve {
        id: ReservationId(id),
        departure: DEPARTURE,
        account: AccountId(id as u64),
        class: SECOND,
        from,
        to,
        party,
        hold_ms: 0,
        wishes: Wishes::default(),
        passengers,
        first: false,
    }
}

fn target(id: u128) -> Target {
    Target { id: ReservationId(id), departure: DEPARTURE, account: AccountId(id as u64) }
}

#[test]
fn every_row_of_the_table_is_answered_the_same_twice() {
    let mut it = Fixture::new(2, 2, rules());
    assert_eq!(it.state(Command::Reserve(request(1, 0, 2, 2))), State::Held);
    assert_eq!(it.state(Command::Reserve(request(1, 0, 2, 2))), State::Held);
    assert_eq!(it.refusal(Command::Refund(target(1))), Status::NotConfirmed);
    for _ in 0..2 {
        assert_eq!(it.state(Command::Confirm(target(1))), State::Confirmed);
    }
    assert_eq!(it.state(Command::Reserve(request(1, 0, 2, 2))), State::Confirmed);
    assert_eq!(it.refusal(Command::Cancel(target(1))), Status::AlreadyConfirmed);
    for _ in 0..2 {
        assert_eq!(it.state(Command::Refund(target(1))), State::Refunded);
    }
    assert_eq!(it.refusal(Command::Confirm(target(1))), Status::Refunded);
    assert_eq!(it.state(Command::Reserve(request(2, 0, 1, 1))), State::Held);
    for _ in 0..2 {
        assert_eq!(it.state(Command::Cancel(target(2))), State::Cancelled);
    }
    assert_eq!(it.refusal(Command::Confirm(target(2))), Status::Cancelled);
    assert_eq!(it.refusal(Command::Lookup(target(3))), Status::NotFound);
    assert_eq!(it.free(0, 2), 4);
    // Plan, held, confirmed, refunded, held, cancelled: a repeat writes nothing.
    assert_eq!(it.draft.records, 6);
}

#[test]
fn a_confirm_after_the_deadline_is_refused_although_the_expiry_has_not_run() {
    let mut it = Fixture::new(1, 1, rules());
    it.reserve(1, 0, 1, 1);
    it.now = at(u64::from(HOLD_MS) - 1);
    assert_eq!(it.state(Command::Lookup(target(1))), State::Held);
    it.now = at(u64::from(HOLD_MS));
    assert_eq!(it.refusal(Command::Confirm(target(1))), Status::Expired);
    assert_eq!(it.free(0, 1), 2, "the refusal and the free seat are one event");
    assert!(
        matches!(it.records().last(), Some(Record::Reservation(record)) if record.state == State::Expired)
    );
    assert!(!it.shard.expire_next(it.now, &mut it.draft), "a hold ends once");
}

#[test]
fn an_expired_hold_answers_expired_to_a_cancel_and_its_state_to_a_repeat() {
    let mut it = Fixture::new(1, 1, rules());
    it.reserve(1, 0, 1, 2);
    it.now = at(5_000);
    assert!(it.shard.expire_next(it.now, &mut it.draft));
    assert_eq!(it.refusal(Command::Cancel(target(1))), Status::Expired);
    assert_eq!(it.state(Command::Reserve(request(1, 0, 1, 2))), State::Expired);
    assert_eq!(it.free(0, 1), 2);
}

#[test]
fn an_id_with_other_contents_or_of_another_account_changes_nothing() {
    let mut it = Fixture::new(2, 2, rules());
    it.reserve(1, 0, 1, 1);
    let records = it.draft.records;
    assert_eq!(it.refusal(Command::Reserve(request(1, 0, 2, 1))), Status::IdConflict);
    assert_eq!(it.refusal(Command::Reserve(request(1, 0, 1, 2))), Status::IdConflict);
    let foreign = Target { account: AccountId(99), ..target(1) };
    for command in [Command::Confirm(foreign), Command::Cancel(foreign), Command::Refund(foreign)] {
        assert_eq!(it.refusal(command), Status::IdConflict);
    }
    assert_eq!((it.draft.records, it.state(Command::Lookup(target(1)))), (records, State::Held));
}

#[test]
fn limits_name_themselves_and_count_live_places_only() {
    let mut it =
        Fixture::new(4, 1, SaleRules { places_per_account: 2, passengers_per_reservation: 3, ..rules() });
    let same_account =
        |id: u128, party: u8| Command::Reserve(Reserve { account: AccountId(1), ..request(id, 0, 1, party) });
    assert_eq!(it.refusal(same_account(1, 4)), Status::Limit);
    assert_eq!(it.state(same_account(2, 2)), State::Held);
    let Answer::Refused(refusal) = it.ask(same_account(3, 1)) else { panic!("the limit is two") };
    assert_eq!(refusal.detail, seathold_protocol::status::Limit::PlacesPerAccount.detail(2));
    it.now = at(10_000);
    assert!(it.shard.expire_next(it.now, &mut it.draft));
    assert_eq!(it.state(same_account(3, 1)), State::Held);
}

#[test]
fn a_passenger_has_one_place_per_departure() {
    let mut it = Fixture::new(4, 2, rules());
    it.reserve(1, 0, 1, 1);
    let again = Reserve { passengers: request(1, 0, 1, 1).passengers, ..request(2, 1, 2, 1) };
    assert_eq!(it.refusal(Command::Reserve(again)), Status::PassengerAlreadyBooked);
    assert_eq!(it.state(Command::Cancel(target(1))), State::Cancelled);
    assert_eq!(it.state(Command::Reserve(again)), State::Held);
}

#[test]
fn the_sale_opens_closes_and_obeys_the_operator() {
    let opens = 1_000_500;
    let rules = SaleRules { opens_at_ms: Some(opens), closes_at_ms: Some(opens + 1_000), ..rules() };
    let mut it = Fixture::new(4, 1, rules);
    let Answer::Refused(refusal) = it.reserve(1, 0, 1, 1) else { panic!("the sale is not open") };
    assert_eq!((refusal.status, refusal.detail), (Status::NotOpen, 500));
    assert!(matches!(it.ask(Command::Open(DEPARTURE, 0)), Answer::Sale(sale) if sale.sale == Sale::Opened));
    assert_eq!(it.state(Command::Reserve(request(1, 0, 1, 1))), State::Held);
    it.ask(Command::Close(DEPARTURE));
    assert_eq!(it.refusal(Command::Reserve(request(2, 0, 1, 1))), Status::Closed);
    assert_eq!(
        it.state(Command::Confirm(target(1))),
        State::Confirmed,
        "a hold can be confirmed after the sale"
    );
    it.ask(Command::Open(DEPARTURE, 0));
    it.now = at(1_500);
    assert_eq!(it.refusal(Command::Reserve(request(2, 0, 1, 1))), Status::Closed, "open or not, it ends");
}

#[test]
fn withheld_places_are_sold_when_they_are_released_and_never_taken_back() {
    let mut it = Fixture::new(5, 1, SaleRules { released_percent: 50, ..rules() });
    assert_eq!(it.free(0, 1), 5);
    assert_eq!(it.state(Command::Reserve(request(1, 0, 1, 5))), State::Held);
    assert_eq!(it.refusal(Command::Reserve(request(2, 0, 1, 1))), Status::SoldOut);
    it.ask(Command::Open(DEPARTURE, 80));
    assert_eq!(it.free(0, 1), 3);
    assert_eq!(it.refusal(Command::Open(DEPARTURE, 70)), Status::BadRelease);
    assert_eq!(it.refusal(Command::Open(DEPARTURE, 101)), Status::BadRelease);
}

/// 149 of 150 sold: a system that rounded its counters down never sold the last place.
#[test]
fn regression_149_of_150_sold() {
    let mut it = Fixture::new(75, 3, rules());
    for id in 1..=150 {
        assert_eq!(it.state(Command::Reserve(request(id, 0, 3, 1))), State::Held, "buyer {id}");
    }
    assert_eq!(it.refusal(Command::Reserve(request(151, 0, 3, 1))), Status::SoldOut);
}

/// 10,001 of 10,000 sold: check and decrement were two steps.
#[test]
fn regression_10001_of_10000_sold() {
    let mut it = Fixture::new(5_000, 1, rules());
    let sold = (1..=10_100).filter(|id| matches!(it.reserve(*id, 0, 1, 1), Answer::Reservation(_))).count();
    assert_eq!((sold, it.free(0, 1)), (10_000, 0));
}

/// A-B and B-C are on one seat; B-C is cancelled, and A-C must not become free.
#[test]
fn regression_cancelling_one_piece_frees_the_whole_seat() {
    let mut it = Fixture::new(1, 2, rules());
    it.reserve(9, 0, 2, 1);
    let Answer::Reservation(first) = it.reserve(1, 0, 1, 1) else { panic!("a seat is free from A to B") };
    let Answer::Reservation(second) = it.reserve(2, 1, 2, 1) else { panic!("a seat is free from B to C") };
    assert_eq!(first.seats(), second.seats(), "best fit puts both on the seat that is left");
    it.ask(Command::Cancel(target(2)));
    assert_eq!((it.free(0, 1), it.free(1, 2), it.free(0, 2)), (0, 1, 0));
    assert_eq!(it.refusal(Command::Reserve(request(3, 0, 2, 1))), Status::SoldOut);
}

/// Counts are not given back when a later step fails: the party fits by number but not by wish.
#[test]
fn regression_counts_not_given_back_after_a_failed_second_step() {
    let mut it = Fixture::new(2, 1, SaleRules { places_per_account: 4, ..rules() });
    let mut strict = request(1, 0, 1, 3);
    strict.wishes.mode = seathold_protocol::wishes::WishMode::Strict;
    strict.wishes.together = seathold_protocol::wishes::Together::Row;
    for _ in 0..10 {
        assert_eq!(it.refusal(Command::Reserve(strict)), Status::WishUnmet);
    }
    let account = strict.account;
    let plain = Reserve { account, passengers: strict.passengers, ..request(2, 0, 1, 3) };
    assert_eq!(it.state(Command::Reserve(plain)), State::Held, "no count was left behind");
    assert_eq!(it.free(0, 1), 1);
}

/// The last unit is never sold: `free > party` where `free >= party` was meant.
#[test]
fn regression_the_last_unit_is_never_sold() {
    let mut it = Fixture::new(1, 1, rules());
    assert_eq!(it.state(Command::Reserve(request(1, 0, 1, 2))), State::Held);
    let standing = |id| Command::Reserve(Reserve { class: STANDING, ..request(id, 0, 1, 3) });
    assert_eq!(it.state(standing(2)), State::Held);
    assert_eq!(it.refusal(standing(3)), Status::SoldOut);
}

#[test]
fn mistakes_are_named_and_change_nothing() {
    let mut it = Fixture::new(1, 2, rules());
    for (from, to) in [(1, 1), (2, 1), (0, 3), (3, 4)] {
        assert_eq!(it.refusal(Command::Reserve(request(1, from, to, 1))), Status::BadTrip);
    }
    let no_class = Reserve { class: Class(77), ..request(1, 0, 1, 1) };
    assert_eq!(it.refusal(Command::Reserve(no_class)), Status::UnknownClass);
    let long = Reserve { hold_ms: u32::MAX, ..request(1, 0, 1, 1) };
    assert_eq!(it.refusal(Command::Reserve(long)), Status::BadHoldTime);
    assert_eq!((it.draft.records, it.free(0, 2)), (0, 2));
    let longest = Reserve { hold_ms: rules().hold_ms_max, ..long };
    assert_eq!(it.state(Command::Reserve(longest)), State::Held, "the longest hold is none too long");
}

#[test]
fn finished_reservations_are_forgotten_in_the_end_and_memory_stays_bounded() {
    let mut it = Fixture::new(1, 1, rules());
    let rounds = 1_500;
    for id in 1..=rounds {
        assert_eq!(it.state(Command::Reserve(request(id, 0, 1, 1))), State::Held);
        it.ask(Command::Cancel(target(id)));
    }
    assert_eq!(it.shard.reservations().count(), 1_024);
    assert_eq!(it.refusal(Command::Lookup(target(1))), Status::NotFound);
    assert_eq!(it.state(Command::Lookup(target(rounds))), State::Cancelled);
}

#[test]
fn a_larger_departure_remembers_eight_finished_reservations_per_place() {
    let mut it = Fixture::new(70, 1, rules());
    for id in 1..=1_200 {
        it.reserve(id, 0, 1, 1);
        it.ask(Command::Cancel(target(id)));
    }
    assert_eq!(it.shard.reservations().count(), 8 * (2 * 70 + 3));
}

#[test]
fn a_hold_tells_how_long_it_lasts_and_nothing_else_does() {
    let mut it = Fixture::new(1, 1, rules());
    let mut remaining_ms = |command, boot_ms| {
        it.now = at(boot_ms);
        match it.ask(command) {
            Answer::Reservation(told) => told.remaining_ms,
            other => panic!("{command:?} was answered {other:?}"),
        }
    };
    assert_eq!(remaining_ms(Command::Reserve(request(1, 0, 1, 1)), 50), HOLD_MS);
    assert_eq!(remaining_ms(Command::Lookup(target(1)), 250), HOLD_MS - 200);
    assert_eq!(remaining_ms(Command::Confirm(target(1)), 350), 0);
}

#[test]
fn what_is_published_tells_how_many_changes_it_has_and_when_the_last_was() {
    let mut it = Fixture::new(1, 1, rules());
    let mut told_after = |command, boot_ms| {
        it.now = at(boot_ms);
        it.ask(command);
        (it.shard.published.version(), it.shard.published.changed_ms())
    };
    assert_eq!(told_after(Command::Lookup(target(1)), 30), (0, 0));
    assert_eq!(told_after(Command::Reserve(request(1, 0, 1, 1)), 40), (1, 40));
    assert_eq!(told_after(Command::Confirm(target(1)), 50), (2, 50));
    assert_eq!(told_after(Command::Confirm(target(1)), 60), (2, 50), "a repeat changes nothing");
    assert_eq!(told_after(Command::Refund(target(1)), 70), (3, 70));
}

/// A crash may undo the hold or the word that a refusal rests on: it is not told before they are durable.
#[test]
fn a_refusal_rests_on_the_batch_without_which_it_might_not_be_true() {
    let mut it = Fixture::new(1, 1, SaleRules { places_per_account: 2, ..rules() });
    let mut rests_on = |command, sequence| {
        it.draft.sequence = sequence;
        it.shard.apply(&command, it.now, &mut it.draft).rests_on
    };
    let held = request(1, 0, 1, 1);
    let reserve = |id, party| Command::Reserve(request(id, 0, 1, party));
    let mut z_only = request(2, 0, 1, 1);
    (z_only.wishes.mode, z_only.wishes.letters[0]) = (seathold_protocol::wishes::WishMode::Strict, b'Z');
    assert_eq!(rests_on(Command::Lookup(target(1)), 2), 0, "it was never there");
    assert_eq!(rests_on(Command::Reserve(held), 3), 3);
    assert_eq!(rests_on(Command::Reserve(held), 4), 3, "told again");
    assert_eq!(rests_on(reserve(1, 2), 4), 3, "other contents under its id");
    assert_eq!(rests_on(Command::Reserve(z_only), 4), 3, "others' holds may be in the way");
    assert_eq!(rests_on(reserve(2, 2), 4), 3, "sold out");
    assert_eq!(rests_on(Command::Reserve(Reserve { id: ReservationId(2), ..held }), 4), 3, "booked already");
    let third = Reserve { account: held.account, ..request(2, 0, 1, 2) };
    assert_eq!(rests_on(Command::Reserve(third), 4), 3, "the account has its places");
    assert_eq!(rests_on(Command::Close(DEPARTURE), 5), 5);
    assert_eq!(rests_on(reserve(2, 1), 6), 5, "closed");
    let no_class = Reserve { class: Class(77), ..request(2, 0, 1, 1) };
    assert_eq!(rests_on(Command::Reserve(no_class), 6), 0, "there never was one");
    assert_eq!(rests_on(Command::Open(DEPARTURE, 0), 7), 7);
    assert_eq!(rests_on(reserve(2, 2), 8), 7, "sold out, and the operator has released no more since");
    assert_eq!(rests_on(reserve(2, 1), 8), 8);
    assert_eq!(rests_on(reserve(3, 1), 9), 8, "sold out by the newest hold");
}

/// What is counted without a limit is never given back, and fills memory with every account that ever came.
#[test]
fn places_are_counted_per_account_only_where_they_are_limited() {
    let counted = |places_per_account| {
        let mut it = Fixture::new(1, 1, SaleRules { places_per_account, ..rules() });
        it.reserve(1, 0, 1, 2);
        it.shard.accounts.get(AccountId(1))
    };
    assert_eq!((counted(0), counted(2)), (0, 2));
}

#[test]
fn after_a_reboot_the_wall_clock_tells_how_much_of_a_hold_is_left() {
    let written = Stamp { wall_ms: 50_000, boot_ms: 10_000, boot_id: 1 };
    let rebooted = |wall_ms| Stamp { wall_ms, boot_ms: 500, boot_id: 2 };
    assert_eq!(deadline_on(15_000, written, Stamp { boot_ms: 12_000, ..written }), 15_000);
    assert_eq!(deadline_on(15_000, written, rebooted(52_000)), 500 + 3_000 + 2_000);
    assert_eq!(deadline_on(15_000, written, rebooted(90_000)), 500 + 2_000);
    assert_eq!(
        deadline_on(15_000, written, rebooted(0)),
        500 + 5_000 + 2_000,
        "a clock that ran back frees nothing early"
    );
}

#[derive(Clone, Debug)]
enum Step {
    Reserve { id: u8, from: u8, to: u8, party: u8, standing: bool },
    Confirm(u8),
    Cancel(u8),
    Refund(u8),
    Lookup(u8),
    Wait(u16),
    Expire,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let id = || 0_u8..24;
    let reserve = (id(), 0_u8..4, 1_u8..5, 1_u8..5, any::<bool>());
    let step = prop_oneof![
        5 => reserve.prop_map(|(id, from, to, party, standing)| Step::Reserve { id, from, to, party, standing }),
        2 => id().prop_map(Step::Confirm),
        2 => id().prop_map(Step::Cancel),
        1 => id().prop_map(Step::Refund),
        1 => id().prop_map(Step::Lookup),
        2 => (0_u16..600).prop_map(Step::Wait),
        2 => Just(Step::Expire),
    ];
    prop::collection::vec(step, 1..120)
}

/// What a plain ledger knows of one reservation.
#[derive(Clone, Debug)]
struct Known {
    reserve: Reserve,
    state: State,
    deadline: u64,
    seats: Vec<Option<seathold_protocol::plan::Seat>>,
}

/// Every reservation in a map, everything else recounted from it each time.
#[derive(Default)]
struct Naive {
    known: BTreeMap<u128, Known>,
}

impl Naive {
    fn expire(&mut self, now: u64) {
        for known in self.known.values_mut() {
            if known.state == State::Held && known.deadline <= now {
                known.state = State::Expired;
            }
        }
    }

    fn end_if_due(&mut self, id: &u128, now: u64) {
        if let Some(known) = self.known.get_mut(id)
            && known.state == State::Held
            && known.deadline <= now
        {
            known.state = State::Expired;
        }
    }

    fn live(&self) -> impl Iterator<Item = &Known> {
        self.known.values().filter(|known| known.state.is_live())
    }

    fn settle(&mut self, id: u128, wanted: State) -> Result<State, Status> {
        let known = self.known.get_mut(&id).ok_or(Status::NotFound)?;
        if known.state != wanted && !known.state.may_become(wanted) {
            return Err(match known.state {
                State::Held => Status::NotConfirmed,
                State::Confirmed => Status::AlreadyConfirmed,
                State::Cancelled => Status::Cancelled,
                State::Expired => Status::Expired,
                State::Refunded => Status::Refunded,
            });
        }
        known.state = wanted;
        Ok(wanted)
    }

    /// Free seats of the class for the trip, by looking at every live reservation.
    fn free(&self, class: Class, from: u8, to: u8) -> usize {
        let overlaps = |known: &&Known| {
            known.reserve.class == class && known.reserve.from < to && from < known.reserve.to
        };
        if class == STANDING {
            let taken = |segment: u8| {
                let here = |known: &&Known| known.reserve.from <= segment && segment < known.reserve.to;
                let mine = self.live().filter(overlaps).filter(here);
                mine.map(|known| usize::from(known.reserve.party)).sum::<usize>()
            };
            return 3 - (from..to).map(taken).max().unwrap();
        }
        let taken: std::collections::BTreeSet<_> =
            self.live().filter(overlaps).flat_map(|known| known.seats.iter().flatten()).collect();
        6 - taken.len()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn agrees_with_a_naive_ledger_and_replays_to_the_same_state(steps in steps()) {
        let mut it = Fixture::new(3, 4, rules());
        let mut naive = Naive::default();
        for step in steps {
            match step {
                Step::Wait(ms) => it.now = at(it.now.boot_ms + u64::from(ms)),
                Step::Expire => while it.shard.expire_next(it.now, &mut it.draft) {},
                Step::Reserve { id, from, to, party, standing } => {
                    let class = if standing { STANDING } else { SECOND };
                    let asked = Reserve { class, ..request(id.into(), from, to, party) };
                    let free = if from < to { naive.free(class, from, to) } else { 0 };
                    let answer = it.ask(Command::Reserve(asked));
                    // Only the one id is looked at: other holds that are due keep their seats until they expire.
                    naive.end_if_due(&u128::from(id), it.now.boot_ms);
                    match (naive.known.get(&u128::from(id)), answer) {
                        (Some(known), Answer::Reservation(told)) => {
                            prop_assert_eq!((known.reserve, known.state), (asked, told.state));
                            prop_assert_eq!(&known.seats[..], told.seats());
                        }
                        (Some(known), Answer::Refused(refusal)) => {
                            prop_assert_ne!(known.reserve, asked);
                            prop_assert_eq!(refusal.status, Status::IdConflict);
                        }
                        (None, Answer::Reservation(told)) => {
                            prop_assert!(free >= usize::from(party), "{} free for {}", free, party);
                            let known = Known {
                                reserve: asked,
                                state: State::Held,
                                deadline: it.now.boot_ms + u64::from(HOLD_MS),
                                seats: told.seats().to_vec(),
                            };
                            naive.known.insert(id.into(), known);
                        }
                        (None, Answer::Refused(refusal)) if from >= to => {
                            prop_assert_eq!(refusal.status, Status::BadTrip);
                        }
                        (None, Answer::Refused(refusal)) => {
                            prop_assert_eq!(refusal.status, Status::SoldOut);
                            prop_assert!(free < usize::from(party), "{} free for {}", free, party);
                        }
                        (_, other) => prop_assert!(false, "{:?}", other),
                    }
                }
                Step::Confirm(id) | Step::Cancel(id) | Step::Refund(id) | Step::Lookup(id) => {
                    let id = u128::from(id);
                    naive.end_if_due(&id, it.now.boot_ms);
                    let (command, expected) = match step {
                        Step::Confirm(_) => (Command::Confirm(target(id)), naive.settle(id, State::Confirmed)),
                        Step::Cancel(_) => (Command::Cancel(target(id)), naive.settle(id, State::Cancelled)),
                        Step::Refund(_) => (Command::Refund(target(id)), naive.settle(id, State::Refunded)),
                        _ => {
                            let state = naive.known.get(&id).map(|known| known.state).ok_or(Status::NotFound);
                            (Command::Lookup(target(id)), state)
                        }
                    };
                    let told = match it.ask(command) {
                        Answer::Reservation(told) => Ok(told.state),
                        Answer::Refused(refusal) => Err(refusal.status),
                        Answer::Sale(_) => unreachable!("nobody asked for a sale"),
                    };
                    prop_assert_eq!(told, expected);
                }
            }
            if matches!(step, Step::Expire) {
                naive.expire(it.now.boot_ms);
            }
            for (from, to) in (0..4_u8).flat_map(|from| (from + 1..=4).map(move |to| (from, to))) {
                prop_assert_eq!(it.free(from, to) as usize, naive.free(SECOND, from, to));
            }
        }
        replays_to_the_same_state(&it);
    }
}

/// Replays what `it` has written, in whole and with its state written again behind it.
fn replays_to_the_same_state(it: &Fixture) {
    let mut restored = Fixture::new(3, 4, rules());
    for _ in 0..2 {
        for record in it.records() {
            if let Record::Reservation(record) = record {
                restored.shard.replay(&record, 1, it.now, it.now).unwrap();
            }
        }
    }
    let mut again = Draft { sequence: 2, ..Draft::default() };
    let mut from = Some(0);
    while let Some(slot) = from {
        from = restored.shard.write_again(1, slot, 3, &mut again);
    }
    let mut twice = Fixture::new(3, 4, rules());
    let mut reader = Reader::new(&again.payload);
    for _ in 0..again.records {
        if let Record::Reservation(record) = Record::decode(&mut reader).unwrap() {
            twice.shard.replay(&record, 2, it.now, it.now).unwrap();
        }
    }
    for other in [&restored, &twice] {
        let sorted = |shard: &Shard| {
            let mut records: Vec<_> = shard.reservations().copied().collect();
            records.sort_by_key(|record| record.id);
            records
        };
        assert_eq!(sorted(&other.shard), sorted(&it.shard));
        assert_eq!(other.shard.next_deadline(), it.shard.next_deadline());
        for (from, to) in (0..4_u8).flat_map(|from| (from + 1..=4).map(move |to| (from, to))) {
            assert_eq!(other.free(from, to), it.free(from, to));
        }
    }
}

/// Whoever reserves and cancels for half a day must not stop the server when the count of changes ends.
#[test]
fn a_departure_near_the_end_of_its_count_of_changes_only_finishes_what_it_has() {
    let mut it = Fixture::new(3, 1, rules());
    it.shard.version = u32::MAX - 1_000_000;
    it.reserve(1, 0, 1, 1);
    assert_eq!(it.refusal(Command::Reserve(request(2, 0, 1, 1))), Status::Closed, "the last one is taken");
    it.shard.version = u32::MAX - 1_000;
    assert_eq!(it.refusal(Command::Reserve(request(2, 0, 1, 1))), Status::Closed);
    assert_eq!(it.state(Command::Confirm(target(1))), State::Confirmed);
}

/// What a shard has logged of its reservations.
fn logged(it: &Fixture) -> Vec<ReservationRecord> {
    let records = it.records().into_iter().filter_map(|record| match record {
        Record::Reservation(record) => Some(record),
        Record::Plan(..) | Record::Sale(_) => None,
    });
    records.collect()
}
