//! On which departures: named and resolved by the server, or all of a timetable.

use super::exit::Failure;
use super::options::Options;
use super::session::Session;
use seathold::catalog::{Catalog, DepartureIndex, ImportOptions};
use seathold_protocol::plan::Stock;
use seathold_protocol::reply::{Reply, Resolved};
use seathold_protocol::request::Request;
use seathold_protocol::status::Status;
use seathold_protocol::{Class, DepartureId};

/// What there is to buy on one departure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Departure {
    pub(super) id: DepartureId,
    /// At least 2.
    pub(super) stops: u8,
    pub(super) class: Class,
}

/// The departures that the options name, without those that lack the class asked for.
pub(super) fn find(options: &Options, session: &mut Session) -> Result<Vec<Departure>, Failure> {
    let departures = match (&options.gtfs, &options.rules, options.dates) {
        (Some(gtfs), Some(rules), Some(dates)) => {
            let lenient = options.lenient;
            let import = ImportOptions { gtfs: gtfs.clone(), rules: rules.clone(), dates, lenient };
            of_catalogue(&import, options.class)?
        }
        _ => of_trains(options, session)?,
    };
    if departures.is_empty() && options.workload.needs_departures() {
        return Err(Failure::Usage(match options.class {
            Some(class) => format!("no departure named has the class {class}; choose another --class"),
            None => "no train of the timetable runs on --dates; choose other dates".to_owned(),
        }));
    }
    Ok(departures)
}

fn of_catalogue(import: &ImportOptions, class: Option<Class>) -> Result<Vec<Departure>, Failure> {
    let catalog = Catalog::import(import)
        .map_err(|error| Failure::Usage(format!("the timetable cannot be loaded:\n{error}")))?;
    let departure = |index: DepartureIndex| {
        let offers = catalog.seat_plan(index).classes.iter().map(|class| {
            let numbered = matches!(class.stock, Stock::Seats(_));
            (class.class, numbered, class.capacity())
        });
        let class = choose_class(class, offers)?;
        Some(Departure { id: catalog.id(index), stops: catalog.segments(index) + 1, class })
    };
    Ok(catalog.indices().filter_map(departure).collect())
}

fn of_trains(options: &Options, session: &mut Session) -> Result<Vec<Departure>, Failure> {
    let Some(day) = options.date else { return Ok(Vec::new()) };
    let requests: Vec<_> = options.trains.iter().map(|train| Request::Resolve(train, day)).collect();
    let mut departures = Vec::with_capacity(requests.len());
    let mut failed = None;
    session.exchange(&requests, |at, reply| match reply {
        Reply::Resolved(resolved) => departures.extend(departure_of(&resolved, options.class)),
        Reply::Refused(_, refusal) => failed = Some((at, refusal.status)),
        _ => failed = Some((at, Status::MalformedBody)),
    })?;
    match failed {
        None => Ok(departures),
        Some((at, status)) => Err(Failure::Usage(format!(
            "the server answers {status} for the train `{}`; name trains that it has loaded and that run on --date",
            options.trains[at]
        ))),
    }
}

fn departure_of(resolved: &Resolved, class: Option<Class>) -> Option<Departure> {
    let offers = resolved.classes.iter().map(|info| (info.class, info.numbered, info.capacity));
    let class = choose_class(class, offers)?;
    Some(Departure { id: resolved.departure, stops: resolved.stops.len() as u8, class })
}

/// The class asked for, or the largest with numbered seats, or the largest.
fn choose_class(wanted: Option<Class>, offers: impl Iterator<Item = (Class, bool, u32)>) -> Option<Class> {
    offers
        .filter(|(class, ..)| wanted.is_none_or(|wanted| wanted == *class))
        .max_by_key(|(_, numbered, capacity)| (*numbered, *capacity))
        .map(|(class, ..)| class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_chosen_before_standing_and_many_before_few() {
        let offers = [(Class(1), true, 20), (Class(3), true, 500), (Class(8), false, 900)];
        assert_eq!(choose_class(None, offers.into_iter()), Some(Class(3)));
        assert_eq!(choose_class(Some(Class(8)), offers.into_iter()), Some(Class(8)));
        assert_eq!(choose_class(Some(Class(2)), offers.into_iter()), None);
        assert_eq!(choose_class(None, offers[2..].iter().copied()), Some(Class(8)));
    }
}
