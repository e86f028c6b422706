//! The clients of a simulation: what they ask, what they were told, and whether that can be true.

use crate::branch::{Branch, Counts};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seathold::audit::Audit;
use seathold::shard::{Answer, Command};
use seathold_protocol::batch::Stamp;
use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::record::ReservationRecord;
use seathold_protocol::request::{Reserve, Target};
use seathold_protocol::reservation::{Reservation, State};
use seathold_protocol::status::Status;
use seathold_protocol::wishes::Wishes;
use seathold_protocol::{AccountId, Class, DepartureId, PassengerId, ReservationId};
use std::collections::{BTreeMap, HashMap};

/// How long a simulated hold lasts.
pub(crate) const HOLD_MS: u64 = 500;

/// What a client may ask for: a departure, its classes and segments.
#[derive(Clone)]
pub(crate) struct OnSale {
    pub(crate) departure: DepartureId,
    pub(crate) classes: Vec<Class>,
    pub(crate) segments: u8,
}

/// What is known of one reservation from outside.
struct Known {
    request: Reserve,
    /// The last answer.
    told: Option<Reservation>,
    /// The earliest moment at which the hold may end, while no reboot came between.
    not_before_ms: u64,
    /// CONFIRM, CANCEL or REFUND was asked at some time.
    confirm_asked: bool,
    cancel_asked: bool,
    refund_asked: bool,
}

pub(crate) struct Clients {
    random: Xoshiro256PlusPlus,
    on_sale: Vec<OnSale>,
    known: Vec<Known>,
    by_id: HashMap<ReservationId, usize>,
    /// Requests without an answer, by correlation.
    open: BTreeMap<u64, Command>,
    next_correlation: u64,
    pub(crate) counts: Counts,
}

impl Clients {
    pub(crate) fn new(seed: u64, on_sale: Vec<OnSale>) -> Self {
        Self {
            random: Xoshiro256PlusPlus::seed_from_u64(seed ^ 0xc11e),
            on_sale,
            known: Vec::new(),
            by_id: HashMap::new(),
            open: BTreeMap::new(),
            next_correlation: 0,
            counts: Counts::default(),
        }
    }

    /// The next request: a new reservation, one of an earlier one, or the same again.
    pub(crate) fn next_request(&mut self) -> (u64, Command) {
        let fresh = self.known.is_empty() || self.random.random_range(0..100) < 45;
        let command = if fresh { self.fresh() } else { self.about_an_earlier_one() };
        self.next_correlation += 1;
        self.open.insert(self.next_correlation, command);
        (self.next_correlation, command)
    }

    fn fresh(&mut self) -> Command {
        let number = self.known.len() as u64 + 1;
        let on_sale = &self.on_sale[self.random.random_range(0..self.on_sale.len())];
        let from = self.random.random_range(0..on_sale.segments);
        let request = Reserve {
            id: ReservationId(u128::from(number)),
            departure: on_sale.departure,
            account: AccountId(number),
            class: on_sale.classes[self.random.random_range(0..on_sale.classes.len())],
            from,
            to: self.random.random_range(from + 1..=on_sale.segments),
            party: self.random.random_range(1..=4),
            hold_ms: 0,
            wishes: Wishes::default(),
            passengers: std::array::from_fn(|at| PassengerId(number * PASSENGERS_MAX as u64 + at as u64)),
            first: true,
        };
        // Those beyond the party do not travel, and the log does not keep them.
        let mut passengers = [PassengerId(0); PASSENGERS_MAX];
        passengers[..usize::from(request.party)].copy_from_slice(request.passengers());
        let request = Reserve { passengers, ..request };
        self.by_id.insert(request.id, self.known.len());
        self.known.push(Known {
            request,
            told: None,
            not_before_ms: 0,
            confirm_asked: false,
            cancel_asked: false,
            refund_asked: false,
        });
        Command::Reserve(request)
    }

    fn about_an_earlier_one(&mut self) -> Command {
        let recent = self.known.len().saturating_sub(40);
        let at = self.random.random_range(recent..self.known.len());
        let known = &mut self.known[at];
        let target = Target {
            id: known.request.id,
            departure: known.request.departure,
            account: known.request.account,
        };
        match self.random.random_range(0..10) {
            0..4 => {
                known.confirm_asked = true;
                Command::Confirm(target)
            }
            4..6 => {
                known.cancel_asked = true;
                Command::Cancel(target)
            }
            6 => {
                known.refund_asked = true;
                Command::Refund(target)
            }
            7 => Command::Lookup(target),
            _ => Command::Reserve(Reserve { first: false, ..known.request }),
        }
    }

    /// Every open request's connection broke: its outcome is unknown, for ever or until somebody asks again.
    pub(crate) fn disconnect(&mut self, rebooted: bool) {
        self.open.clear();
        if rebooted {
            self.known.iter_mut().for_each(|known| known.not_before_ms = 0);
        }
    }

    /// Takes an answer and says what is wrong with it.
    pub(crate) fn take(&mut self, correlation: u64, answer: &Answer, now: Stamp) -> Result<(), String> {
        self.counts.bump(Branch::Answer);
        let command = self.open.remove(&correlation).ok_or("an answer to nothing that is open")?;
        let id = match &command {
            Command::Reserve(reserve) => reserve.id,
            Command::Confirm(target) | Command::Cancel(target) => target.id,
            Command::Refund(target) | Command::Lookup(target) => target.id,
            Command::Open(..) | Command::Close(_) => return Ok(()),
        };
        let known = &mut self.known[self.by_id[&id]];
        match answer {
            Answer::Reservation(told) => known.believe(told, now),
            Answer::Sale(_) => Err(format!("{command:?} was answered with a sale")),
            Answer::Refused(refusal) => {
                if refusal.status == Status::Expired && matches!(command, Command::Confirm(_)) {
                    self.counts.bump(Branch::LateConfirm);
                }
                known.believe_refusal(refusal.status, &command, now)
            }
        }
    }

    /// Compares what was told with the ledger.
    pub(crate) fn compare(&self, audit: &Audit) -> Result<(), String> {
        for known in &self.known {
            let record = audit.reservation(known.request.departure, known.request.id);
            match (&known.told, record) {
                (None, _) => {}
                (Some(told), None) => return Err(format!("{told:?} was told and is not in the ledger")),
                (Some(told), Some(record)) => known.borne_out(told, record)?,
            }
        }
        for record in audit.reservations() {
            let known = self.by_id.get(&record.id).map(|at| &self.known[*at]);
            let known = known.ok_or_else(|| format!("{record:?} was never asked for"))?;
            if record.fingerprint != known.request.fingerprint() || record.account != known.request.account {
                return Err(format!("{record:?} is not what was asked for"));
            }
            let asked = match record.state {
                State::Held | State::Expired => true,
                State::Confirmed => known.confirm_asked,
                State::Cancelled => known.cancel_asked,
                State::Refunded => known.refund_asked && known.confirm_asked,
            };
            if !asked {
                return Err(format!("nobody asked for {record:?}"));
            }
        }
        Ok(())
    }
}

fn may_follow(before: State, after: State) -> bool {
    before == after || before.may_become(after) || (before == State::Held && after == State::Refunded)
}

impl Known {
    fn believe(&mut self, told: &Reservation, now: Stamp) -> Result<(), String> {
        let asked = &self.request;
        let same = told.id == asked.id && told.departure == asked.departure && told.class == asked.class;
        if !same || (told.from, told.to, told.party) != (asked.from, asked.to, asked.party) {
            return Err(format!("{told:?} answers {asked:?}"));
        }
        if let Some(before) = &self.told
            && (before.seats != told.seats || !may_follow(before.state, told.state))
        {
            return Err(format!("{before:?} was told, then {told:?}"));
        }
        if told.state == State::Confirmed && !self.confirm_asked {
            return Err(format!("{told:?}, and nobody confirmed it"));
        }
        if told.state == State::Expired && now.boot_ms < self.not_before_ms {
            return Err(format!("{told:?} at {}, before {}", now.boot_ms, self.not_before_ms));
        }
        if told.state == State::Held && u64::from(told.remaining_ms) > HOLD_MS + 2_000 {
            return Err(format!("{told:?} is longer than a hold"));
        }
        if told.state == State::Held && self.told.is_none() {
            self.not_before_ms = now.boot_ms;
        }
        self.told = Some(*told);
        Ok(())
    }

    fn believe_refusal(&mut self, status: Status, command: &Command, now: Stamp) -> Result<(), String> {
        let told = self.told.map(|told| told.state);
        let possible = match status {
            // Certain that nothing happened, or that nothing is known: no claim on the state.
            Status::Busy | Status::Unavailable => true,
            Status::SoldOut | Status::PassengerAlreadyBooked => {
                matches!(command, Command::Reserve(_)) && told.is_none()
            }
            Status::NotFound => told.is_none(),
            Status::Expired => told.is_none_or(|state| may_follow(state, State::Expired)),
            Status::Cancelled => {
                self.cancel_asked && told.is_none_or(|state| may_follow(state, State::Cancelled))
            }
            Status::Refunded => {
                self.refund_asked && told.is_none_or(|state| may_follow(state, State::Refunded))
            }
            Status::AlreadyConfirmed => {
                self.confirm_asked && told.is_none_or(|state| may_follow(state, State::Confirmed))
            }
            Status::NotConfirmed => told.is_none_or(|state| state == State::Held),
            _ => false,
        };
        if status == Status::Expired && now.boot_ms < self.not_before_ms {
            return Err(format!(
                "{command:?} at {} was told EXPIRED before {}",
                now.boot_ms, self.not_before_ms
            ));
        }
        if possible { Ok(()) } else { Err(format!("{command:?} was told {status} after {:?}", self.told)) }
    }

    fn borne_out(&self, told: &Reservation, record: &ReservationRecord) -> Result<(), String> {
        let lawful = may_follow(told.state, record.state) && record.seats().len() == told.seats().len();
        if lawful { Ok(()) } else { Err(format!("{told:?} was told, and the ledger has {record:?}")) }
    }
}
