//! The state machine of one departure against the naive ledger, through restarts: answers, counts, deadlines, and what its
//! records replay to.

use std::sync::Arc;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use seathold::catalog::SaleRules;
use seathold::inventory::{Layout, Published, Trip};
use seathold::shard::{Answer, Command, Draft, Shard};
use seathold_protocol::batch::Stamp;
use seathold_protocol::codec::Reader;
use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::plan::{Block, ClassPlan, DeparturePlan, SeatPlan, Stock};
use seathold_protocol::record::{Record, ReservationRecord, encode_plan};
use seathold_protocol::reply::Sale;
use seathold_protocol::request::{Reserve, Target};
use seathold_protocol::reservation::State;
use seathold_protocol::status::Status;
use seathold_protocol::wishes::{Together, WishMode, Wishes};
use seathold_protocol::{AccountId, Class, Day, DepartureId, PassengerId, ReservationId};

use crate::ledger::{Expected, Ledger, PLACES, SEATS, SECOND, SEGMENTS, STANDING};

pub(crate) const DEPARTURE: DepartureId = DepartureId(7);
/// When the host booted, by its wall clock.
const BOOTED_MS: i64 = 1_000_000;
const HOLD_MS: u32 = 1_000;

#[derive(Clone, Debug)]
enum Step {
    Reserve(Reserve),
    Settle(Target, State),
    LookUp(Target),
    Open(u8),
    Close,
    Wait(u16),
    Expire,
    /// The process ends and its records are replayed: all of them, or what was written again of them.
    Restart {
        compacted: bool,
    },
}

/// What was asked before, so that most of what is drawn means something: the same again, or about what is there.
#[derive(Clone, Debug)]
struct Asked {
    rules: SaleRules,
    reserves: Vec<Reserve>,
}

fn rules() -> impl Strategy<Value = SaleRules> {
    let moment = || prop::option::weighted(0.3, 0..6_000_i64);
    let limits = (prop_oneof![Just(0), 2..8_u32], 2..=9_u8, any::<bool>(), 1..=100_u8);
    (limits, moment(), moment()).prop_map(|((places, party, one_seat, percent), opens, closes)| SaleRules {
        hold_ms_default: HOLD_MS,
        hold_ms_max: 3 * HOLD_MS,
        places_per_account: places,
        passengers_per_reservation: party,
        one_seat_per_passenger: one_seat,
        released_percent: percent,
        opens_at_ms: opens.map(|after| BOOTED_MS + after / 2),
        closes_at_ms: closes.map(|after| BOOTED_MS + after * 4),
    })
}

prop_compose! {
    fn reserve()(
        id in 0..20_u128, account in 0..4_u64, class in prop::sample::select(vec![3, 3, 3, 8, 8, 77]),
        (from, to) in prop_oneof![8 => (0..SEGMENTS).prop_flat_map(|from| (Just(from), from + 1..=SEGMENTS)), 1 => (0..6_u8, 0..6_u8)],
        party in prop_oneof![3 => Just(1_u8), 2 => 2..=4_u8], hold_ms in prop_oneof![4 => Just(0), 2 => 1..=3 * HOLD_MS, 1 => Just(3 * HOLD_MS + 1)],
        first in prop_oneof![3 => 100..10_000_u64, 1 => 0..12_u64], strict in prop::bool::weighted(0.15), together in 0..=2_u8,
        letter in prop_oneof![4 => Just(0), 1 => Just(b'A'), 1 => Just(b'Z')],
    ) -> Reserve {
        let mut passengers = [PassengerId(0); PASSENGERS_MAX];
        for (at, passenger) in passengers.iter_mut().enumerate().take(usize::from(party)) {
            *passenger = PassengerId(first + at as u64);
        }
        let mut letters = [0; PASSENGERS_MAX];
        letters[0] = letter;
        let mode = if strict { WishMode::Strict } else { WishMode::Prefer };
        let together = Together::from_code(together).expect("three are known");
        Reserve {
            id: ReservationId(id), departure: DEPARTURE, account: AccountId(account), class: Class(class), from, to, party,
            hold_ms, wishes: Wishes { mode, together, letters }, passengers, first: false,
        }
    }
}

impl ReferenceStateMachine for Asked {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        rules().prop_map(|rules| Self { rules, reserves: Vec::new() }).boxed()
    }

    fn transitions(asked: &Self) -> BoxedStrategy<Step> {
        let known: Vec<Target> = asked.reserves.iter().map(target).collect();
        let unknown = Target { id: ReservationId(99), departure: DEPARTURE, account: AccountId(0) };
        let somebody = || {
            let mut targets = known.clone();
            targets.push(unknown);
            let foreign = |target: Target| Target { account: AccountId(target.account.0 ^ 1), ..target };
            let chosen = prop::sample::select(targets);
            (chosen, prop::bool::weighted(0.1))
                .prop_map(move |(target, other)| if other { foreign(target) } else { target })
        };
        let settle = |wanted| somebody().prop_map(move |target| Step::Settle(target, wanted));
        let mut again = asked.reserves.clone();
        again.extend(asked.reserves.iter().map(|reserve| Reserve { to: reserve.to ^ 1, ..*reserve }));
        let again = if again.is_empty() { reserve().boxed() } else { prop::sample::select(again).boxed() };
        prop_oneof![
            10 => reserve().prop_map(Step::Reserve),
            2 => again.prop_map(Step::Reserve),
            4 => settle(State::Confirmed),
            4 => settle(State::Cancelled),
            2 => settle(State::Refunded),
            1 => somebody().prop_map(Step::LookUp),
            1 => prop_oneof![Just(0), 1..=101_u8].prop_map(Step::Open),
            1 => Just(Step::Close),
            3 => (0..900_u16).prop_map(Step::Wait),
            2 => Just(Step::Expire),
            1 => any::<bool>().prop_map(|compacted| Step::Restart { compacted }),
        ]
        .boxed()
    }

    fn apply(mut asked: Self, step: &Step) -> Self {
        if let Step::Reserve(reserve) = step {
            asked.reserves.push(*reserve);
        }
        asked
    }
}

fn target(reserve: &Reserve) -> Target {
    Target { id: reserve.id, departure: DEPARTURE, account: reserve.account }
}

struct Departure {
    shard: Shard,
    /// All batches so far, each with the draft's sequence.
    written: Vec<Draft>,
    now: Stamp,
    ledger: Ledger,
}

pub(crate) fn shard(rules: SaleRules) -> Shard {
    let rows = (SEATS / 2) as u16;
    let seats = Stock::Seats(vec![Block { coach: 1, first_row: 1, rows, letters: b"AB".to_vec() }]);
    let seats = SeatPlan {
        classes: vec![
            ClassPlan { class: SECOND, stock: seats },
            ClassPlan { class: STANDING, stock: Stock::Places(PLACES) },
        ],
    };
    let layout = Arc::new(Layout::new(&seats));
    let published = Arc::new(Published::new(&layout, SEGMENTS, rules.released_percent));
    let stops = (0..=SEGMENTS).map(|stop| format!("S{stop}")).collect();
    let plan = DeparturePlan { train: "T 1".to_owned(), day: Day(7), stops, seats };
    let mut record = Vec::new();
    encode_plan(DEPARTURE, &plan, &mut record);
    Shard::new(DEPARTURE, rules, layout, SEGMENTS, published, record.into())
}

fn draft(sequence: u64) -> Draft {
    Draft { sequence, ..Draft::default() }
}

impl Departure {
    fn ask(&mut self, command: &Command) -> Answer {
        let draft = self.written.last_mut().expect("there is one from the start");
        self.shard.apply(command, self.now, draft).answer
    }

    fn reserve(&mut self, reserve: &Reserve) {
        let id = reserve.id.0;
        self.ledger.end_if_due(id, self.now);
        let answer = self.ask(&Command::Reserve(*reserve));
        if let Some(known) = self.ledger.known.get(&id) {
            match answer {
                Answer::Reservation(told) => {
                    assert_eq!(known.reserve, *reserve, "other contents under one id");
                    assert_eq!((told.state, told.seats()), (known.state, &known.seats[..]));
                }
                Answer::Refused(refusal) => {
                    assert_ne!(known.reserve, *reserve);
                    assert_eq!(refusal.status, Status::IdConflict);
                }
                Answer::Sale(_) => panic!("nobody asked for a sale"),
            }
            return;
        }
        match (self.ledger.expected(reserve, self.now), answer) {
            (Expected::Refused(status, detail), Answer::Refused(told)) => {
                assert_eq!((told.status, told.detail), (status, detail));
            }
            (Expected::Places, Answer::Reservation(told)) => {
                assert_eq!((told.state, told.party), (State::Held, reserve.party));
                self.ledger.hold(reserve, &told, self.now);
            }
            (Expected::Places, Answer::Refused(told)) => {
                assert_eq!((told.status, reserve.wishes.mode), (Status::WishUnmet, WishMode::Strict));
            }
            (Expected::Refused(status, _), answer) => panic!("{answer:?} instead of {status:?}"),
            (Expected::Places, answer) => panic!("{answer:?} to a RESERVE"),
        }
    }

    fn settle(&mut self, command: &Command, expected: Result<State, Status>) {
        let told = match self.ask(command) {
            Answer::Reservation(told) => Ok(told.state),
            Answer::Refused(refusal) => Err(refusal.status),
            Answer::Sale(_) => panic!("nobody asked for a sale"),
        };
        assert_eq!(told, expected, "{command:?}");
    }

    fn open(&mut self, percent: u8) {
        let now = self.ledger.released_percent;
        match self.ask(&Command::Open(DEPARTURE, percent)) {
            Answer::Refused(refusal) => {
                assert!(percent > 100 || (percent > 0 && percent < now), "{percent} of {now} is refused");
                assert_eq!((refusal.status, refusal.detail), (Status::BadRelease, u64::from(now)));
            }
            Answer::Sale(told) => {
                let percent = if percent == 0 { now } else { percent };
                assert_eq!((told.sale, told.released_percent), (Sale::Opened, percent));
                assert!(percent >= now && percent <= 100, "{percent} of {now} is taken");
                (self.ledger.sale, self.ledger.released_percent) = (Sale::Opened, percent);
            }
            Answer::Reservation(told) => panic!("{told:?} to an OPEN"),
        }
    }

    /// Replays into a new process what was written, and goes on there.
    fn restart(&mut self, compacted: bool) {
        if compacted {
            let until = self.written.last().expect("there is one from the start").sequence;
            let mut again = draft(until + 1);
            let mut from = Some(0);
            while let Some(slot) = from {
                from = self.shard.write_again(until, slot, 3, &mut again);
            }
            self.written = vec![again];
        }
        let mut restored = shard(self.ledger.rules);
        for batch in &self.written {
            let mut reader = Reader::new(&batch.payload);
            for _ in 0..batch.records {
                match Record::decode(&mut reader).expect("what was written can be read") {
                    Record::Plan(..) => restored.replay_plan(batch.sequence),
                    Record::Sale(sale) => restored.replay_sale(&sale, batch.sequence, self.now),
                    Record::Reservation(record) => restored
                        .replay(&record, batch.sequence, self.now, self.now)
                        .expect("what was written can be replayed"),
                }
            }
        }
        let sorted = |shard: &Shard| {
            let mut records: Vec<ReservationRecord> = shard.reservations().copied().collect();
            records.sort_by_key(|record| record.id);
            records
        };
        assert_eq!(sorted(&restored), sorted(&self.shard));
        assert_eq!(restored.sale(), self.shard.sale());
        assert_eq!(restored.published().version(), self.shard.published().version());
        self.shard = restored;
        let sequence = self.written.last().expect("there is one from the start").sequence;
        self.written.push(draft(sequence + 1));
    }

    fn step(mut self, step: Step) -> Self {
        match step {
            Step::Reserve(reserve) => self.reserve(&reserve),
            Step::Settle(target, wanted) => {
                let expected = self.ledger.settle(&target, wanted, self.now);
                let command = match wanted {
                    State::Confirmed => Command::Confirm(target),
                    State::Cancelled => Command::Cancel(target),
                    _ => Command::Refund(target),
                };
                self.settle(&command, expected);
            }
            Step::LookUp(target) => {
                let expected = self.ledger.look_up(&target, self.now);
                self.settle(&Command::Lookup(target), expected);
            }
            Step::Open(percent) => self.open(percent),
            Step::Close => {
                self.ask(&Command::Close(DEPARTURE));
                self.ledger.sale = Sale::Closed;
            }
            Step::Wait(ms) => {
                self.now.boot_ms += u64::from(ms);
                self.now.wall_ms += i64::from(ms);
            }
            Step::Expire => {
                let draft = self.written.last_mut().expect("there is one from the start");
                while self.shard.expire_next(self.now, draft) {}
                self.ledger.expire(self.now);
            }
            Step::Restart { compacted } => self.restart(compacted),
        }
        self
    }
}

impl StateMachineTest for Departure {
    type SystemUnderTest = Self;
    type Reference = Asked;

    fn init_test(asked: &Asked) -> Self {
        let now = Stamp { wall_ms: BOOTED_MS, boot_ms: 0, boot_id: 1 };
        let ledger = Ledger::new(asked.rules);
        Self { shard: shard(asked.rules), written: vec![draft(1)], now, ledger }
    }

    fn apply(departure: Self, _asked: &Asked, step: Step) -> Self {
        departure.step(step)
    }

    fn check_invariants(departure: &Self, _asked: &Asked) {
        let Self { shard, ledger, .. } = departure;
        assert_eq!(shard.next_deadline(), ledger.next_deadline());
        let sale = shard.sale();
        assert_eq!((sale.sale, sale.released_percent), (ledger.sale, ledger.released_percent));
        for (index, class) in shard.inventory().layout().classes().enumerate() {
            for (from, to) in (0..SEGMENTS).flat_map(|from| (from + 1..=SEGMENTS).map(move |to| (from, to))) {
                let trip = Trip::new(from, to, SEGMENTS).expect("it lies within the route");
                let free = ledger.free(class, from, to);
                assert_eq!(
                    shard.published().free(index, trip),
                    free,
                    "published of class {class}, {from} to {to}"
                );
                assert_eq!(
                    shard.inventory().free(index, trip),
                    free,
                    "counted of class {class}, {from} to {to}"
                );
            }
        }
        assert_eq!(shard.reservations().count(), ledger.known.len());
    }

    fn teardown(mut departure: Self, asked: Asked) {
        // Whatever was held is free in the end.
        departure.now.boot_ms += u64::from(asked.rules.hold_ms_max);
        departure = Self::apply(departure, &asked, Step::Expire);
        departure = Self::apply(departure, &asked, Step::Restart { compacted: true });
        Self::check_invariants(&departure, &asked);
    }
}

prop_state_machine! {
    #![proptest_config(super::config())]

    #[test]
    fn agrees_with_a_naive_ledger_through_restarts(sequential 1..120 => Departure);
}
