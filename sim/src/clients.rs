//! The clients: what they ask, what they were told, and whether that can be true.

use crate::branch::{Branch, Counts};
use crate::catalog::{GRACE_MS, HOLD_MS, OnSale};
use crate::journal::Journal;
use crate::known::{Known, Wish};
use crate::network::Network;
use crate::session::{Asked, Session};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seathold::audit::Audit;
use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::reply::{Refusal, Reply};
use seathold_protocol::request::{Availability, Request, Reserve, Target};
use seathold_protocol::status::Status;
use seathold_protocol::wishes::Wishes;
use seathold_protocol::{AccountId, PassengerId, ReservationId};
use std::collections::HashMap;

/// Clients who buy.
const SESSIONS: usize = 6;

/// Requests of a client that may be open.
const OPEN_MAX: usize = 24;

/// Clients who fill a queue, and what each of them asks: more than one connection's credit, and together more than one core
/// may have out at another.
const FLOODERS: usize = 3;
const FLOOD: u128 = 1_100;

pub(crate) struct Clients {
    random: Xoshiro256PlusPlus,
    on_sale: Vec<OnSale>,
    sessions: Vec<Session>,
    known: Vec<Known>,
    by_id: HashMap<ReservationId, usize>,
    patience_ms: u64,
    /// Nodes that another one has shut out, and that may not know it yet.
    pub(crate) superseded: Vec<usize>,
    /// The longest rest of a hold.
    pub(crate) rest_max_ms: u64,
    pub(crate) counts: Counts,
}

impl Clients {
    pub(crate) fn new(seed: u64, on_sale: Vec<OnSale>) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ 0xc11e);
        let patience_ms = [200, 1_000][random.random_range(0..2)];
        Self {
            random,
            on_sale,
            sessions: (0..SESSIONS + FLOODERS).map(|_| Session::default()).collect(),
            known: Vec::new(),
            by_id: HashMap::new(),
            patience_ms,
            superseded: Vec::new(),
            rest_max_ms: HOLD_MS + GRACE_MS,
            counts: Counts::default(),
        }
    }

    /// One client reads what it was told, and asks on.
    pub(crate) fn act(
        &mut self,
        net: &mut Network,
        places: &[(usize, usize)],
        journal: &mut Journal,
    ) -> Result<(), String> {
        let at = self.random.random_range(0..SESSIONS);
        self.receive(at, net, journal)?;
        if self.sessions[at].link.is_none() {
            if places.is_empty() {
                return Ok(());
            }
            let (node, core) = places[self.random.random_range(0..places.len())];
            self.sessions[at].connect(net, node, core);
        }
        let mut bytes = Vec::new();
        for _ in 0..self.random.random_range(1..=2) {
            if self.sessions[at].open.len() < OPEN_MAX {
                self.ask(at, net.now_ms, &mut bytes);
            }
        }
        self.sessions[at].send(net, &bytes);
        Ok(())
    }

    /// Every client reads what it was told; whoever waits too long gives up.
    pub(crate) fn receive_all(&mut self, net: &mut Network, journal: &mut Journal) -> Result<(), String> {
        (0..self.sessions.len()).try_for_each(|at| self.receive(at, net, journal))
    }

    /// Whether somebody still waits for an answer.
    pub(crate) fn wait(&self) -> bool {
        self.sessions.iter().any(|session| !session.open.is_empty())
    }

    fn receive(&mut self, at: usize, net: &mut Network, journal: &mut Journal) -> Result<(), String> {
        let Self { sessions, known, counts, .. } = self;
        let now_ms = net.now_ms;
        let node = sessions[at].link.and_then(|link| net.node_of(link));
        let is_stale = node.is_some_and(|node| self.superseded.contains(&node));
        let ended = sessions[at].receive(net, |asked, reply| {
            journal.note(format_args!("{} ms, client {at}: {asked:?} is told {reply:?}", now_ms));
            counts.bump(Branch::Answer);
            let taken = take(known, counts, asked, reply, now_ms, self.rest_max_ms);
            if is_stale && let Err(found) = taken {
                // An owner that does not know yet that it is none any more tells what it knew. It cannot write.
                journal.note(format_args!("a stale answer: {found}"));
                counts.bump(Branch::StaleAnswer);
                return Ok(());
            }
            taken
        })?;
        let waited_ms = sessions[at].waits_since().map_or(0, |since| net.now_ms - since);
        if ended || waited_ms > self.patience_ms {
            self.give_up(at, net);
        }
        Ok(())
    }

    fn give_up(&mut self, at: usize, net: &mut Network) {
        for asked in self.sessions[at].give_up(net) {
            if let Asked::Of(known, wish) = asked {
                self.counts.bump(Branch::UnknownOutcome);
                self.known[known].unknown(wish);
            }
        }
    }

    /// A new reservation, something about an earlier one, or a question.
    fn ask(&mut self, at: usize, now_ms: u64, out: &mut Vec<u8>) {
        let percent = self.random.random_range(0..100);
        if percent < 3 {
            return self.ask_availability(at, now_ms, out);
        }
        let recent = self.known.len().saturating_sub(60);
        let mut own: Vec<usize> =
            (recent..self.known.len()).filter(|known| self.known[*known].session == at).collect();
        if own.is_empty() || percent < 42 {
            self.begin(at);
            own.push(self.known.len() - 1);
            return self.ask_of(at, own[own.len() - 1], Wish::Reserve, now_ms, out);
        }
        let known = own[self.random.random_range(0..own.len())];
        if percent < 44 {
            return self.ask_as_another(at, known, now_ms, out);
        }
        let wish = match self.random.random_range(0..10) {
            0..4 => Wish::Confirm,
            4..6 => Wish::Cancel,
            6 => Wish::Refund,
            7 => Wish::Lookup,
            _ => Wish::Reserve,
        };
        self.ask_of(at, known, wish, now_ms, out);
        if self.random.random_range(0..20) == 0 {
            self.counts.bump(Branch::Duplicate);
            self.ask_of(at, known, wish, now_ms, out);
        }
    }

    fn ask_of(&mut self, at: usize, number: usize, wish: Wish, now_ms: u64, out: &mut Vec<u8>) {
        let known = &mut self.known[number];
        known.asked(wish, now_ms);
        let target = known.target();
        let request = match wish {
            Wish::Reserve => Request::Reserve(known.request),
            Wish::Confirm => Request::Confirm(target),
            Wish::Cancel => Request::Cancel(target),
            Wish::Refund => Request::Refund(target),
            Wish::Lookup => Request::Lookup(target),
        };
        if wish == Wish::Reserve {
            known.request.first = false;
        }
        self.sessions[at].ask(Asked::Of(number, wish), &request, now_ms, out);
    }

    /// The same id with another account, or other contents: refused, without effect.
    fn ask_as_another(&mut self, at: usize, number: usize, now_ms: u64, out: &mut Vec<u8>) {
        let known = &self.known[number];
        if known.told.is_none() {
            return;
        }
        let mine = known.target();
        let theirs = Target { account: AccountId(mine.account.0 + (1 << 40)), ..mine };
        let request = match self.random.random_range(0..4) {
            0 => Request::Confirm(theirs),
            1 => Request::Cancel(theirs),
            2 => Request::Lookup(theirs),
            _ => Request::Reserve(Reserve { hold_ms: 77, ..known.request }),
        };
        self.sessions[at].ask(Asked::Theft, &request, now_ms, out);
    }

    fn ask_availability(&mut self, at: usize, now_ms: u64, out: &mut Vec<u8>) {
        let on_sale = &self.on_sale[self.random.random_range(0..self.on_sale.len())];
        let asked = Availability { departure: on_sale.departure, class: None, pair: None };
        self.sessions[at].ask(Asked::Availability(asked), &Request::Availability(asked), now_ms, out);
    }

    /// A reservation that nobody asked for yet.
    fn begin(&mut self, session: usize) {
        let number = self.known.len() as u64 + 1;
        let on_sale = &self.on_sale[self.random.random_range(0..self.on_sale.len())];
        let from = self.random.random_range(0..on_sale.segments);
        let party = self.random.random_range(1..=4);
        // Those beyond the party do not travel, and the log does not keep them.
        let mut passengers = [PassengerId(0); PASSENGERS_MAX];
        for (index, passenger) in passengers[..usize::from(party)].iter_mut().enumerate() {
            *passenger = PassengerId(number * PASSENGERS_MAX as u64 + index as u64);
        }
        if number > 20 && self.random.random_range(0..20) == 0 {
            let other = number - self.random.random_range(1..20);
            passengers[usize::from(party) - 1] = PassengerId(other * PASSENGERS_MAX as u64);
        }
        let request = Reserve {
            id: ReservationId(u128::from(number)),
            departure: on_sale.departure,
            account: AccountId(number % 40),
            class: on_sale.classes[self.random.random_range(0..on_sale.classes.len())],
            from,
            to: self.random.random_range(from + 1..=on_sale.segments),
            party,
            hold_ms: 0,
            wishes: Wishes::default(),
            passengers,
            first: true,
        };
        self.by_id.insert(request.id, self.known.len());
        self.known.push(Known::new(request, session));
    }

    /// Everybody asks what became of everything.
    pub(crate) fn look_up_all(&mut self, net: &mut Network, (node, core): (usize, usize)) {
        for at in 0..SESSIONS {
            self.give_up(at, net);
            self.sessions[at].connect(net, node, core);
            let mut bytes = Vec::new();
            for number in 0..self.known.len() {
                if self.known[number].session == at {
                    self.ask_of(at, number, Wish::Lookup, net.now_ms, &mut bytes);
                }
            }
            self.sessions[at].send(net, &bytes);
        }
    }

    /// Fills the inbox of the core that owns a departure, through connections to another one.
    pub(crate) fn flood(&mut self, net: &mut Network, node: usize, core: usize, on_sale: usize) {
        for flooder in SESSIONS..SESSIONS + FLOODERS {
            self.give_up(flooder, net);
            let session = &mut self.sessions[flooder];
            session.connect(net, node, core);
            let mut bytes = Vec::new();
            for id in 0..FLOOD {
                let (id, departure) = (ReservationId(u128::MAX - id), self.on_sale[on_sale].departure);
                let target = Target { id, departure, account: AccountId(0) };
                session.ask(Asked::Flood, &Request::Lookup(target), net.now_ms, &mut bytes);
            }
            session.send(net, &bytes);
        }
    }

    /// See `Known::excuse_early_end`.
    pub(crate) fn excuse_early_ends(&mut self) {
        self.known.iter_mut().for_each(Known::excuse_early_end);
    }

    /// Compares what was told with the ledger, and the ledger with what was asked.
    pub(crate) fn compare(&self, audit: &Audit) -> Result<(), String> {
        self.known.iter().try_for_each(|known| known.borne_out(audit))?;
        for record in audit.reservations() {
            let known = self.by_id.get(&record.id).map(|at| &self.known[*at]);
            known.ok_or_else(|| format!("I4: {record:?} was never asked for"))?.caused(record)?;
        }
        Ok(())
    }
}

/// Takes an answer and says what is wrong with it.
fn take(
    known: &mut [Known],
    counts: &mut Counts,
    asked: Asked,
    reply: &Reply<'_>,
    now_ms: u64,
    rest_max_ms: u64,
) -> Result<(), String> {
    match (asked, reply) {
        (Asked::Of(number, wish), Reply::Reservation(_, told)) => {
            known[number].believe(wish, told, now_ms, rest_max_ms)
        }
        (Asked::Of(number, wish), Reply::Refused(_, Refusal { status, .. })) => {
            match (wish, status) {
                (Wish::Confirm, Status::Expired) => counts.bump(Branch::LateConfirm),
                (_, Status::Unavailable) => counts.bump(Branch::Unavailable),
                (_, Status::Unknown) => counts.bump(Branch::ToldUnknown),
                (_, Status::SoldOut) => counts.bump(Branch::SoldOut),
                (_, Status::Limit) => counts.bump(Branch::Limit),
                (_, Status::PassengerAlreadyBooked) => counts.bump(Branch::PassengerTwice),
                _ => {}
            }
            known[number].believe_refusal(wish, *status, now_ms)
        }
        (Asked::Hello, Reply::Welcome(_)) => Ok(()),
        (Asked::Availability(asked), Reply::Availability(told)) if told.departure == asked.departure => {
            Ok(())
        }
        (Asked::Availability(_) | Asked::Flood | Asked::Theft, Reply::Refused(_, Refusal { status, .. })) => {
            let lawful = match asked {
                Asked::Theft => matches!(
                    status,
                    Status::IdConflict | Status::Unavailable | Status::Busy | Status::Unknown
                ),
                Asked::Flood => {
                    matches!(status, Status::NotFound | Status::Unavailable | Status::Busy | Status::Unknown)
                }
                _ => *status == Status::Unavailable,
            };
            if *status == Status::Busy && matches!(asked, Asked::Flood) {
                counts.bump(Branch::FullInbox);
            }
            if *status == Status::IdConflict {
                counts.bump(Branch::IdConflict);
            }
            if lawful { Ok(()) } else { Err(format!("{asked:?} was told {status}")) }
        }
        (asked, reply) => Err(format!("{asked:?} was told {reply:?}")),
    }
}
