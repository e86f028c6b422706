//! The catalogue itself: what is stored of trains and departures, and every question that is asked of it.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use seathold_protocol::plan::{DeparturePlan, SeatPlan};
use seathold_protocol::{Day, DepartureId};
use std::hash::BuildHasher;

use super::Report;
use super::builder::CatalogBuilder;
use super::sale::{SaleRules, Terms};

/// A departure's number in this catalogue: 0 to `Catalog::len() - 1`, by day and then by name. It does not outlive
/// the process; `DepartureId` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DepartureIndex(pub u32);

/// A stop of a route.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StopRef {
    /// The stop's id in the timetable: 1 to 64 bytes.
    pub code: Arc<str>,
    /// Its name for people: 1 to 255 bytes.
    pub name: Arc<str>,
}

/// When a train is at a stop, in seconds from the start of the service day (noon less 12 hours); beyond 86,400 after
/// midnight. Never decreasing along the route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StopTime {
    /// When it comes.
    pub arrival_s: u32,
    /// When it leaves.
    pub departure_s: u32,
}

/// A train's call at a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// The stop's id in the timetable.
    pub code: &'a str,
    /// Its name for people.
    pub name: &'a str,
    /// As in `StopTime`.
    pub arrival_s: u32,
    /// As in `StopTime`.
    pub departure_s: u32,
}

/// What a train's name and a day stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// This departure.
    Found(DepartureIndex),
    /// No train of this name runs on any day of the catalogue.
    UnknownTrain,
    /// The train exists and does not run on this day, or that day is not shown.
    NotRunning,
}

/// Every departure of a range of days. Immutable; shared by `Arc`.
#[derive(Debug)]
pub struct Catalog {
    pub(super) plans: Vec<Arc<SeatPlan>>,
    pub(super) terms: Vec<Terms>,
    pub(super) routes: Vec<Arc<[StopRef]>>,
    /// Sorted by name. One name may stand several times, with other stops or times on other days.
    pub(super) trains: Vec<Train>,
    /// Sorted by day.
    pub(super) service_days: Vec<ServiceDay>,
    /// Sorted by day, then train.
    pub(super) departures: Vec<Departure>,
    /// Departures by id.
    pub(super) by_id: HashTable<u32>,
    pub(super) report: Report,
}

/// What all runs of one trip share.
#[derive(Debug)]
pub(super) struct Train {
    pub(super) name: Box<str>,
    /// The id on day 0: the hash of the name.
    pub(super) id_day_0: u64,
    pub(super) route: u32,
    pub(super) plan: u32,
    pub(super) terms: u32,
    pub(super) times: Box<[StopTime]>,
}

/// What all departures of one day share: moments are computed once, because a time zone is dear to ask.
#[derive(Debug)]
pub(super) struct ServiceDay {
    pub(super) day: Day,
    /// Noon less 12 hours, in unix milliseconds.
    pub(super) start_ms: i64,
    /// By terms: when sale for this day opens.
    pub(super) opens_at_ms: Box<[Option<i64>]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Departure {
    /// Which of `service_days`.
    pub(super) service_day: u16,
    /// Which of `trains`.
    pub(super) train: u32,
}

impl Catalog {
    /// Makes a catalogue without files, for tests of whatever needs one.
    pub fn builder() -> CatalogBuilder {
        CatalogBuilder::default()
    }

    /// How many departures there are.
    pub fn len(&self) -> usize {
        self.departures.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.departures.is_empty()
    }

    /// Every departure, by day and then by name.
    pub fn indices(&self) -> impl Iterator<Item = DepartureIndex> + use<> {
        (0..self.departures.len() as u32).map(DepartureIndex)
    }

    /// The departure with this id.
    pub fn find(&self, id: DepartureId) -> Option<DepartureIndex> {
        let same = |at: &u32| self.id(DepartureIndex(*at)) == id;
        self.by_id.find(id_hash(id), same).map(|at| DepartureIndex(*at))
    }

    /// The id of a departure.
    pub fn id(&self, index: DepartureIndex) -> DepartureId {
        DepartureId(self.train(index).id_day_0 | u64::from(self.day(index).0))
    }

    /// The departure of the train called `train_name` on `day`.
    pub fn resolve(&self, train_name: &str, day: Day) -> Resolution {
        let found = self.find(DepartureId::new(train_name, day));
        match found.filter(|index| self.train_name(*index) == train_name) {
            Some(index) if self.is_visible(index) => Resolution::Found(index),
            Some(_) => Resolution::NotRunning,
            None => match self.trains.binary_search_by(|train| (*train.name).cmp(train_name)) {
                Ok(_) => Resolution::NotRunning,
                Err(_) => Resolution::UnknownTrain,
            },
        }
    }

    /// The train's name, unique on its day: 1 to 64 bytes.
    pub fn train_name(&self, index: DepartureIndex) -> &str {
        &self.train(index).name
    }

    /// The service date.
    pub fn day(&self, index: DepartureIndex) -> Day {
        self.service_day(index).day
    }

    /// The stops in order: 2 to 128. A loop visits a stop twice.
    pub fn stops(&self, index: DepartureIndex) -> &[StopRef] {
        &self.routes[self.train(index).route as usize]
    }

    /// When the train is where: one entry a stop.
    pub fn stop_times(&self, index: DepartureIndex) -> &[StopTime] {
        &self.train(index).times
    }

    /// Stops and times together.
    pub fn calls(&self, index: DepartureIndex) -> impl Iterator<Item = Call<'_>> {
        self.stops(index).iter().zip(self.stop_times(index)).map(|(stop, time)| Call {
            code: &stop.code,
            name: &stop.name,
            arrival_s: time.arrival_s,
            departure_s: time.departure_s,
        })
    }

    /// Pieces between consecutive stops: 1 to 127.
    pub fn segments(&self, index: DepartureIndex) -> u8 {
        (self.stops(index).len() - 1) as u8
    }

    /// Every seat plan in the order of its number, each once.
    pub fn seat_plans(&self) -> impl ExactSizeIterator<Item = &Arc<SeatPlan>> {
        self.plans.iter()
    }

    /// What is sold.
    pub fn seat_plan(&self, index: DepartureIndex) -> &Arc<SeatPlan> {
        &self.plans[self.seat_plan_number(index)]
    }

    /// The number of its seat plan, from 0, so that all departures with one plan can share one layout.
    pub fn seat_plan_number(&self, index: DepartureIndex) -> usize {
        self.train(index).plan as usize
    }

    /// On what terms it is sold. Two table look-ups; cheap enough for every request.
    pub fn rules(&self, index: DepartureIndex) -> SaleRules {
        let (train, service_day) = (self.train(index), self.service_day(index));
        let terms = &self.terms[train.terms as usize];
        let first_departure_ms = service_day.start_ms + i64::from(train.times[0].departure_s) * 1_000;
        let closes_at = |before_ms: u64| first_departure_ms.saturating_sub_unsigned(before_ms);
        SaleRules {
            opens_at_ms: service_day.opens_at_ms[train.terms as usize].or(terms.rules.opens_at_ms),
            closes_at_ms: terms.closes_before_ms.map(closes_at).or(terms.rules.closes_at_ms),
            ..terms.rules
        }
    }

    /// The terms of a departure that is in a ledger and no longer here: closed; what is held can be confirmed.
    pub fn retired_rules(&self) -> SaleRules {
        SaleRules { closes_at_ms: Some(i64::MIN), ..SaleRules::OPEN }
    }

    /// Whether `resolve` finds it. Being seen and being for sale are separate.
    pub fn is_visible(&self, index: DepartureIndex) -> bool {
        self.terms[self.train(index).terms as usize].visible
    }

    /// Everything fixed about a departure, for the ledger. Allocates.
    pub fn plan(&self, index: DepartureIndex) -> DeparturePlan {
        DeparturePlan {
            train: self.train_name(index).to_owned(),
            day: self.day(index),
            stops: self.stops(index).iter().map(|stop| stop.code.to_string()).collect(),
            seats: SeatPlan::clone(self.seat_plan(index)),
        }
    }

    /// What was imported and what was left out.
    pub fn report(&self) -> &Report {
        &self.report
    }

    fn train(&self, index: DepartureIndex) -> &Train {
        &self.trains[self.departures[index.0 as usize].train as usize]
    }

    fn service_day(&self, index: DepartureIndex) -> &ServiceDay {
        &self.service_days[usize::from(self.departures[index.0 as usize].service_day)]
    }
}

/// Ids come from clients too, but nobody can add one to the table: a fixed seed is safe.
pub(super) fn id_hash(id: DepartureId) -> u64 {
    FixedState::default().hash_one(id.0)
}
