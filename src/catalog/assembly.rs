//! Puts a catalogue together from trains and days: the only place that makes one, whether from files or in a test.

use std::collections::HashMap;
use std::sync::Arc;

use hashbrown::HashTable;
use jiff::tz::TimeZone;
use seathold_protocol::limits::{NAME_BYTES_MAX, STOPS_MAX};
use seathold_protocol::plan::SeatPlan;
use seathold_protocol::{Day, DepartureId};

use super::dates::{date_of, service_time_ms};
use super::departures::{Catalog, Departure, ServiceDay, StopRef, StopTime, Train, id_hash};
use super::sale::Terms;
use super::{DepartureIndex, Report};

/// A catalogue in the making. An error is a sentence.
pub(super) struct Assembly {
    zone: TimeZone,
    plans: Vec<Arc<SeatPlan>>,
    terms: Vec<Terms>,
    routes: HashMap<Arc<[StopRef]>, u32>,
    trains: Vec<Train>,
    /// Day and train.
    runs: Vec<(Day, u32)>,
    names_by_hash: HashMap<u64, Box<str>>,
}

impl Assembly {
    /// Trains will refer to `plans` and `terms` by their place. Every plan has been validated.
    pub(super) fn new(zone: TimeZone, plans: Vec<Arc<SeatPlan>>, terms: Vec<Terms>) -> Self {
        Self {
            zone,
            plans,
            terms,
            routes: HashMap::new(),
            trains: Vec::new(),
            runs: Vec::new(),
            names_by_hash: HashMap::new(),
        }
    }

    /// Adds a train and returns its number here.
    pub(super) fn train(
        &mut self,
        name: String,
        stops: &[StopRef],
        times: &[StopTime],
        plan: usize,
        terms: usize,
    ) -> Result<u32, String> {
        assert!((2..=STOPS_MAX).contains(&stops.len()), "{name} has {} stops", stops.len());
        assert_eq!(stops.len(), times.len(), "{name} has a time for every stop");
        assert!(plan < self.plans.len() && terms < self.terms.len(), "{name} has a plan and terms");
        if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
            return Err(format!(
                "the train's name {name:?} has {} bytes; allowed are 1 to {NAME_BYTES_MAX}, no control characters",
                name.len()
            ));
        }
        let id_day_0 = DepartureId::new(&name, Day(0)).0;
        let known = self.names_by_hash.entry(id_day_0).or_insert_with(|| name.as_str().into());
        if **known != *name {
            return Err(format!(
                "the trains {known} and {name} would get one id (their names have the same hash): rename one of them"
            ));
        }
        let next_route = self.routes.len() as u32;
        let route = match self.routes.get(stops) {
            Some(route) => *route,
            None => *self.routes.entry(stops.into()).or_insert(next_route),
        };
        let (name, times) = (name.into_boxed_str(), times.into());
        let (plan, terms) = (plan as u32, terms as u32);
        self.trains.push(Train { name, id_day_0, route, plan, terms, times });
        Ok(self.trains.len() as u32 - 1)
    }

    /// Lets a train run on a day.
    pub(super) fn run(&mut self, train: u32, day: Day) {
        self.runs.push((day, train));
    }

    /// Sorts everything and builds the table that finds departures.
    pub(super) fn finish(self, mut report: Report) -> Result<Catalog, String> {
        let mut order: Vec<u32> = (0..self.trains.len() as u32).collect();
        order.sort_by_key(|at| &self.trains[*at as usize].name);
        let mut place = vec![0; order.len()];
        for (sorted, at) in order.iter().enumerate() {
            place[*at as usize] = sorted as u32;
        }
        let mut trains = self.trains;
        let mut at = 0;
        trains.sort_by_cached_key(|_| {
            at += 1;
            place[at - 1]
        });

        let mut days: Vec<Day> = self.runs.iter().map(|(day, _)| *day).collect();
        days.sort_unstable();
        days.dedup();
        let service_day = |day: &Day| ServiceDay {
            day: *day,
            start_ms: service_time_ms(&self.zone, *day, 0),
            opens_at_ms: self.terms.iter().map(|terms| terms.opens.at_ms(&self.zone, *day)).collect(),
        };
        let service_days: Vec<_> = days.iter().map(service_day).collect();

        let departure = |(day, train): &(Day, u32)| Departure {
            service_day: days.binary_search(day).expect("the days are those of the runs") as u16,
            train: place[*train as usize],
        };
        let mut departures: Vec<_> = self.runs.iter().map(departure).collect();
        departures.sort_unstable();

        let mut routes: Vec<_> = self.routes.into_iter().collect();
        routes.sort_unstable_by_key(|(_, number)| *number);
        let routes = routes.into_iter().map(|(stops, _)| stops).collect();
        report.departures = departures.len();
        let mut catalog = Catalog {
            plans: self.plans,
            terms: self.terms,
            routes,
            trains,
            service_days,
            departures,
            by_id: HashTable::new(),
            report,
        };
        catalog.by_id = table(&catalog)?;
        Ok(catalog)
    }
}

/// The table of departures by id.
fn table(catalog: &Catalog) -> Result<HashTable<u32>, String> {
    let id = |at: &u32| catalog.id(DepartureIndex(*at));
    let mut table = HashTable::with_capacity(catalog.len());
    for index in catalog.indices() {
        let hash = id_hash(catalog.id(index));
        if table.find(hash, |other| id(other) == catalog.id(index)).is_some() {
            let (name, day) = (catalog.train_name(index), date_of(catalog.day(index)));
            return Err(format!("two trains are called {name} on {day}: rename one of them"));
        }
        table.insert_unique(hash, index.0, |other| id_hash(id(other)));
    }
    Ok(table)
}
