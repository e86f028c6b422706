//! What the requests are about, and making it ready before the clock runs: sales opened, trips sold out, reservations
//! to look up.

use super::departures::Departure;
use super::exit::Failure;
use super::names::{Names, passengers};
use super::session::Session;
use super::workload::{Kind, Workload};
use rand::{Rng, RngExt};
use rand_distr::Distribution;
use rand_distr::weighted::WeightedAliasIndex;
use seathold_protocol::DepartureId;
use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::reply::{Refusal, Reply, Welcome};
use seathold_protocol::request::{Request, Reserve, Target};
use seathold_protocol::status::{Limit, Status, Verdict};
use seathold_protocol::wishes::Wishes;

/// Departures with a trip sold out, or with a reservation to look up: enough that no single departure is hot, few
/// enough to be ready in a second and to leave a later sale its stock.
const STAGED_MAX: usize = 16;

/// Rounds in a row in which the server may answer BUSY to everything before the set-up gives up.
const BUSY_ROUNDS_MAX: u32 = 1_000;

/// What the requests of a connection are about. `sold_out` and `reservations` are empty unless the workload asks.
#[derive(Clone, Debug, Default)]
pub(super) struct Stage {
    pub(super) departures: Vec<Departure>,
    /// How often each of them is asked for; empty if they are all alike.
    pub(super) weights: Vec<f64>,
    pub(super) by_weight: Option<WeightedAliasIndex<f64>>,
    /// From the first to the last stop nothing is free.
    pub(super) sold_out: Vec<Departure>,
    pub(super) reservations: Vec<Target>,
}

impl Stage {
    /// Opens the sale of every departure, as an operator.
    pub(super) fn open_sales(session: &mut Session, departures: &[Departure]) -> Result<(), Failure> {
        let requests: Vec<_> = departures.iter().map(|departure| Request::Open(departure.id, 0)).collect();
        order(session, &requests)
    }

    /// Closes the sale of every departure, as an operator.
    pub(super) fn close_sales(session: &mut Session, departures: &[Departure]) -> Result<(), Failure> {
        let requests: Vec<_> = departures.iter().map(|departure| Request::Close(departure.id)).collect();
        order(session, &requests)
    }

    /// Makes ready what `workload` needs of `departures`; `tell` hears how many trips are sold out, of how many.
    pub(super) fn prepare(
        workload: &Workload,
        departures: Vec<Departure>,
        weights: Vec<f64>,
        session: &mut Session,
        mut tell: impl FnMut(usize, usize),
    ) -> Result<Self, Failure> {
        let some = spread(&departures);
        let mut names = Names::new();
        let mut stage = Self { departures, weights, ..Self::default() };
        stage.weigh();
        if workload.has(Kind::Lookup) {
            stage.reservations = book_each(session, &some, &mut names)?;
        }
        if workload.has(Kind::Refused) {
            sell_out(session, &some, &mut names, &mut tell)?;
            stage.sold_out = some;
        }
        Ok(stage)
    }

    fn weigh(&mut self) {
        // All weights are 0 where a core owns nothing of what is asked for.
        self.by_weight = WeightedAliasIndex::new(self.weights.clone()).ok();
    }

    /// A departure, as often as its weight says.
    pub(super) fn choose(&self, rng: &mut impl Rng) -> Departure {
        match &self.by_weight {
            Some(by_weight) => self.departures[by_weight.sample(rng)],
            None => self.departures[rng.random_range(0..self.departures.len())],
        }
    }

    /// The part that one core owns.
    pub(super) fn of_core(&self, core: u8, welcome: &Welcome) -> Self {
        let partitions = welcome.partition_cores.len() as u16;
        let owned = |id: DepartureId| welcome.partition_cores[usize::from(id.partition(partitions))] == core;
        let some = |all: &[Departure]| all.iter().filter(|departure| owned(departure.id)).copied().collect();
        let weighed = self.departures.iter().zip(&self.weights);
        let mut part = Self {
            departures: some(&self.departures),
            weights: weighed
                .filter(|(departure, _)| owned(departure.id))
                .map(|(_, weight)| *weight)
                .collect(),
            by_weight: None,
            sold_out: some(&self.sold_out),
            reservations: self
                .reservations
                .iter()
                .filter(|target| owned(target.departure))
                .copied()
                .collect(),
        };
        part.weigh();
        part
    }

    /// How much of the work belongs here, beside other parts of the same stage.
    pub(super) fn weight(&self) -> f64 {
        match self.weights[..] {
            [] => self.departures.len().max(1) as f64,
            _ => self.weights.iter().sum(),
        }
    }

    /// Whether there is something to ask for every kind of the workload.
    pub(super) fn serves(&self, workload: &Workload) -> bool {
        let lacks = |kind, empty: bool| workload.has(kind) && empty;
        let no_trips = self.departures.is_empty() || self.weight() == 0.0;
        !(lacks(Kind::Refused, self.sold_out.is_empty())
            || lacks(Kind::Lookup, self.reservations.is_empty())
            || lacks(Kind::Availability, no_trips)
            || workload.buys() && no_trips)
    }
}

/// Asks as an operator, and expects no refusal.
fn order(session: &mut Session, requests: &[Request<'_>]) -> Result<(), Failure> {
    let mut refused = None;
    session.exchange(requests, |at, reply| {
        if let Reply::Refused(_, refusal) = reply {
            refused = Some((requests[at].opcode(), refusal.status));
        }
    })?;
    match refused {
        None => Ok(()),
        Some((opcode, status)) => Err(Failure::NotReady(format!(
            "the server answers {status} to {}; give the operator's token with --operator-token, and the \
             departures that it has loaded",
            format!("{opcode:?}").to_uppercase()
        ))),
    }
}

/// At most `STAGED_MAX` of them, evenly.
fn spread(departures: &[Departure]) -> Vec<Departure> {
    let count = departures.len().min(STAGED_MAX);
    (0..count).map(|at| departures[at * departures.len() / count]).collect()
}

/// One confirmed reservation on each departure that still has room.
fn book_each(
    session: &mut Session,
    departures: &[Departure],
    names: &mut Names,
) -> Result<Vec<Target>, Failure> {
    let requests: Vec<_> = departures.iter().map(|departure| whole_route(departure, 1, names)).collect();
    let booked = book(session, &requests)?;
    let targets: Vec<_> = booked.into_iter().flatten().collect();
    if targets.is_empty() {
        return Err(Failure::NotReady(
            "none of the departures has room for a reservation to look up; open their sale (--open) or name others"
                .to_owned(),
        ));
    }
    Ok(targets)
}

/// Buys whole routes in rounds, one reservation per departure and round, until nothing is free.
fn sell_out(
    session: &mut Session,
    departures: &[Departure],
    names: &mut Names,
    tell: &mut impl FnMut(usize, usize),
) -> Result<(), Failure> {
    let mut open: Vec<_> = departures.iter().map(|departure| (*departure, PASSENGERS_MAX as u8)).collect();
    let mut busy_rounds = 0;
    while !open.is_empty() {
        tell(departures.len() - open.len(), departures.len());
        let requests: Vec<_> =
            open.iter().map(|(departure, party)| whole_route(departure, *party, names)).collect();
        let answers = book(session, &requests)?;
        let before = open.len();
        let mut progress = false;
        let mut kept = Vec::with_capacity(before);
        for ((departure, party), answer) in open.into_iter().zip(answers) {
            let party = match answer {
                Ok(_) => Some(party),
                Err(refusal) => smaller_party(refusal, party)?,
            };
            progress |= answer.is_ok() || party.is_none();
            kept.extend(party.map(|party| (departure, party)));
        }
        open = kept;
        busy_rounds = if progress { 0 } else { busy_rounds + 1 };
        if busy_rounds > BUSY_ROUNDS_MAX {
            return Err(Failure::NotReady(
                "the server stays BUSY while trips are being sold out; measure it when nobody else loads it"
                    .to_owned(),
            ));
        }
    }
    tell(departures.len(), departures.len());
    Ok(())
}

/// The party to try next after a refusal, or `None` when nothing is free.
fn smaller_party(refusal: Refusal, party: u8) -> Result<Option<u8>, Failure> {
    let Refusal { status, detail } = refusal;
    match status {
        Status::SoldOut if detail == 0 => Ok(None),
        // Places may be free without being for sale; one by one finds out.
        Status::SoldOut if party > 1 => Ok(Some(detail.clamp(1, u64::from(party) - 1) as u8)),
        Status::SoldOut => Ok(None),
        Status::Limit | Status::BadParty if party > 1 => {
            let value = Limit::from_detail(detail).map_or(1, |(_, value)| value);
            Ok(Some(value.clamp(1, u32::from(party) - 1) as u8))
        }
        _ if status.verdict() == Verdict::AskAgain && status != Status::NotOpen => Ok(Some(party)),
        _ => Err(Failure::NotReady(format!(
            "a trip cannot be sold out: the server answers {status}; {}",
            advice(status)
        ))),
    }
}

/// What to do about a status that keeps a sale from happening.
pub(super) fn advice(status: Status) -> &'static str {
    match status {
        Status::NotOpen | Status::Closed => "open the sale with --open or in the rules",
        Status::UnknownDeparture => "give --gtfs, --rules and --dates as the server has them",
        Status::UnknownClass | Status::BadTrip => "give --rules and --gtfs as the server has them",
        Status::Limit | Status::BadParty => "ask for a smaller --party, or raise the limit in the rules",
        Status::Busy | Status::Unavailable => "ask with fewer requests in flight, and see the server's log",
        Status::SoldOut => "load more dates, or measure for fewer seconds",
        _ => "see the server's log",
    }
}

fn whole_route(departure: &Departure, party: u8, names: &mut Names) -> Reserve {
    let id = names.reservation();
    Reserve {
        id,
        departure: departure.id,
        account: names.account(),
        class: departure.class,
        from: 0,
        to: departure.stops - 1,
        party,
        hold_ms: 0,
        wishes: Wishes::default(),
        passengers: passengers(id, party),
        first: true,
    }
}

/// Reserves each and confirms what was held.
fn book(session: &mut Session, requests: &[Reserve]) -> Result<Vec<Result<Target, Refusal>>, Failure> {
    let target =
        |reserve: &Reserve| Target { id: reserve.id, departure: reserve.departure, account: reserve.account };
    let mut answers: Vec<_> = requests.iter().map(|reserve| Ok(target(reserve))).collect();
    let asked: Vec<_> = requests.iter().map(|reserve| Request::Reserve(*reserve)).collect();
    session.exchange(&asked, |at, reply| {
        if let Reply::Refused(_, refusal) = reply {
            answers[at] = Err(refusal);
        }
    })?;
    let held: Vec<_> = (0..answers.len()).filter(|at| answers[*at].is_ok()).collect();
    let confirms: Vec<_> = held.iter().map(|at| Request::Confirm(target(&requests[*at]))).collect();
    session.exchange(&confirms, |at, reply| {
        if let Reply::Refused(_, refusal) = reply {
            answers[held[at]] = Err(refusal);
        }
    })?;
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use seathold_protocol::Class;

    #[test]
    fn a_refused_party_shrinks_until_nothing_is_free() {
        let refused = |status, detail, party| smaller_party(Refusal { status, detail }, party).unwrap();
        assert_eq!(refused(Status::SoldOut, 4, 9), Some(4));
        assert_eq!(refused(Status::SoldOut, 0, 4), None);
        assert_eq!(refused(Status::SoldOut, 50, 9), Some(8));
        assert_eq!(refused(Status::SoldOut, 1, 1), None);
        let limit = Limit::PassengersPerReservation.detail(5);
        assert_eq!(refused(Status::Limit, limit, 9), Some(5));
        assert_eq!(refused(Status::Busy, 5, 7), Some(7));
        let told = smaller_party(Refusal { status: Status::NotOpen, detail: 9 }, 1).unwrap_err();
        assert!(told.to_string().contains("--open"), "{told}");
    }

    #[test]
    fn a_spread_covers_both_ends() {
        let departures: Vec<_> =
            (0..1_000).map(|at| Departure { id: DepartureId(at), stops: 2, class: Class(3) }).collect();
        let some = spread(&departures);
        assert_eq!(some.len(), STAGED_MAX);
        assert!(some[0].id.0 == 0 && some[STAGED_MAX - 1].id.0 > 900);
        assert_eq!(spread(&departures[..3]).len(), 3);
        assert!(spread(&[]).is_empty());
    }
}
