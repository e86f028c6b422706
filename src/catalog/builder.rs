//! A catalogue without files: a few trains in a few lines, for the tests of everything that needs departures.

use std::sync::Arc;

use jiff::tz::TimeZone;
use seathold_protocol::Day;
use seathold_protocol::plan::SeatPlan;

use super::Report;
use super::assembly::Assembly;
use super::departures::{Catalog, StopRef, StopTime};
use super::sale::{Opens, SaleRules, Terms};

/// The first stop is left at eight, and each next one is this many seconds on.
const FIRST_DEPARTURE_S: u32 = 8 * 3_600;
const SEGMENT_S: u32 = 600;

/// Trains that all run on the same days, in UTC.
#[derive(Debug, Default)]
pub struct CatalogBuilder {
    trains: Vec<(String, Vec<String>, SeatPlan, SaleRules)>,
    days: Vec<Day>,
}

impl CatalogBuilder {
    /// Adds a train. The stops' codes are their names too; it leaves at 08:00 and takes 10 minutes a segment.
    #[must_use]
    pub fn train(mut self, name: &str, stops: &[&str], plan: SeatPlan, rules: SaleRules) -> Self {
        let stops = stops.iter().map(|stop| (*stop).to_owned()).collect();
        self.trains.push((name.to_owned(), stops, plan, rules));
        self
    }

    /// Adds days on which every train runs.
    #[must_use]
    pub fn days(mut self, days: impl IntoIterator<Item = Day>) -> Self {
        self.days.extend(days);
        self
    }

    /// The catalogue.
    ///
    /// # Panics
    ///
    /// When a train could not have been imported: two of one name, fewer than 2 or more than 128 stops, a seat plan
    /// that cannot be sold from, a day given twice.
    pub fn build(self) -> Catalog {
        let mut plans: Vec<Arc<SeatPlan>> = Vec::new();
        let mut plan_numbers = Vec::new();
        for (name, _, plan, _) in &self.trains {
            plan.validate().unwrap_or_else(|error| panic!("the seat plan of {name}: {error}"));
            let number = plans.iter().position(|known| **known == *plan).unwrap_or(plans.len());
            if number == plans.len() {
                plans.push(Arc::new(plan.clone()));
            }
            plan_numbers.push(number);
        }
        let terms = self.trains.iter().map(|(_, _, _, rules)| Terms {
            rules: *rules,
            opens: Opens::AtOnce,
            closes_before_ms: None,
            visible: true,
        });
        let mut assembly = Assembly::new(TimeZone::UTC, plans, terms.collect());
        let count = self.trains.len();
        for (at, (name, stops, _, _)) in self.trains.into_iter().enumerate() {
            let stops: Vec<_> =
                stops.iter().map(|code| StopRef { code: (**code).into(), name: (**code).into() }).collect();
            let times: Vec<_> = (0..stops.len() as u32)
                .map(|stop| FIRST_DEPARTURE_S + stop * SEGMENT_S)
                .map(|time_s| StopTime { arrival_s: time_s, departure_s: time_s })
                .collect();
            let train = assembly
                .train(name, &stops, &times, plan_numbers[at], at)
                .unwrap_or_else(|error| panic!("{error}"));
            for day in &self.days {
                assembly.run(train, *day);
            }
        }
        let report = Report { trips: count, trips_running: count, ..Report::default() };
        assembly.finish(report).unwrap_or_else(|error| panic!("{error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{DepartureIndex, Resolution};
    use seathold_protocol::plan::{ClassPlan, Stock};
    use seathold_protocol::{Class, DepartureId};

    fn places(count: u32) -> SeatPlan {
        SeatPlan { classes: vec![ClassPlan { class: Class(9), stock: Stock::Places(count) }] }
    }

    #[test]
    fn departures_are_found_by_id_and_by_name() {
        let rules = SaleRules { places_per_account: 3, closes_at_ms: Some(77), ..SaleRules::OPEN };
        let catalog = Catalog::builder()
            .train("X 2", &["A", "B", "C"], places(5), rules)
            .train("X 1", &["A", "B"], places(5), SaleRules::OPEN)
            .train("X 3", &["A", "B"], places(6), SaleRules::OPEN)
            .days([Day(20_001), Day(20_000)])
            .build();
        assert_eq!(catalog.len(), 6);
        for index in catalog.indices() {
            let id = DepartureId::new(catalog.train_name(index), catalog.day(index));
            assert_eq!((catalog.id(index), catalog.find(id)), (id, Some(index)));
        }
        let Resolution::Found(index) = catalog.resolve("X 2", Day(20_001)) else { panic!("not found") };
        assert_eq!(index, DepartureIndex(4));
        assert_eq!((catalog.segments(index), catalog.rules(index)), (2, rules));
        assert_eq!(
            catalog.calls(index).map(|call| call.code.to_owned()).collect::<Vec<_>>(),
            ["A", "B", "C"]
        );
        assert_eq!(catalog.plan(index).stops, ["A", "B", "C"]);
        assert_eq!(catalog.resolve("X 2", Day(19_999)), Resolution::NotRunning);
        assert_eq!(catalog.resolve("X 9", Day(20_001)), Resolution::UnknownTrain);
        assert_eq!(catalog.seat_plans().len(), 2);
        assert_eq!(catalog.seat_plan_number(DepartureIndex(0)), catalog.seat_plan_number(index));
    }

    #[test]
    #[should_panic(expected = "two trains are called X 1 on 2024-10-04")]
    fn a_name_is_unique_on_its_day() {
        let _ = Catalog::builder()
            .train("X 1", &["A", "B"], places(5), SaleRules::OPEN)
            .train("X 1", &["B", "A"], places(5), SaleRules::OPEN)
            .days([Day(20_000)])
            .build();
    }

    #[test]
    #[should_panic(expected = "the trains X 11204920 and X 53427250 would get one id")]
    fn two_names_with_one_hash_are_refused() {
        let _ = Catalog::builder()
            .train("X 11204920", &["A", "B"], places(5), SaleRules::OPEN)
            .train("X 53427250", &["A", "B"], places(5), SaleRules::OPEN)
            .days([Day(20_000)])
            .build();
    }
}
