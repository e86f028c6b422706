//! From a feed, a rules file and a range of dates to a catalogue: trains get their names, seats and days.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::PathBuf;

use seathold_protocol::Day;

use super::assembly::Assembly;
use super::dates::date_of;
use super::gtfs::{Feed, TRIPS, Trip};
use super::problem::Findings;
use super::rules::{Match, Rules};
use super::{Catalog, DateRange, ImportError, Problem, StopRef};

/// Departures of one catalogue: fifty times a fortnight of a national network, at some 20 bytes each.
const DEPARTURES_MAX: usize = 10_000_000;

/// What to import.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// A GTFS feed: a folder, or a zip file with the files at its root.
    pub gtfs: PathBuf,
    /// The rules file.
    pub rules: PathBuf,
    /// The service dates to load.
    pub dates: DateRange,
    /// Leave bad trips out and list them, instead of refusing the feed for them.
    pub lenient: bool,
}

/// What was imported and what was left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Valid trips of the feed that have a rule, whether or not they run on the dates asked for.
    pub trips: usize,
    /// Those of them that do run on these dates.
    pub trips_running: usize,
    /// Departures on these dates.
    pub departures: usize,
    /// Why a trip was left out, one entry a trip; empty unless the import was lenient.
    pub skipped: Vec<Problem>,
}

/// A trip that can be sold.
struct Sellable<'f> {
    trip: &'f Trip,
    matched: Match,
}

impl Catalog {
    /// Reads a feed and a rules file. Nothing is half loaded: the catalogue is whole, or there is none.
    ///
    /// # Errors
    ///
    /// Every fault of the feed or the rules with its file and line, the first 20 written out. With `lenient` faults
    /// of single trips are in `report()` instead, and a trip that no rule fits is such a fault.
    pub fn import(options: &ImportOptions) -> Result<Self, ImportError> {
        let rules = Rules::read(&options.rules)?;
        let mut findings = Findings::new(options.lenient);
        let feed = Feed::read(&options.gtfs, &mut findings)?;
        let mut sellable = with_rules(&feed, &rules, &mut findings);
        let skipped = findings.finish()?;

        // Of trips with one name on one day the first to leave keeps it.
        sellable.sort_by(|a, b| name_order(a.trip, b.trip));
        let of_feed = |text| ImportError::from(Problem::in_file(TRIPS, text));
        let mut runs: Vec<(Day, u32)> = Vec::new();
        let mut trips_running = 0;
        for (at, Sellable { trip, .. }) in sellable.iter().enumerate() {
            let before = runs.len();
            runs.extend(feed.services.days(trip.service, options.dates).map(|day| (day, at as u32)));
            trips_running += usize::from(runs.len() > before);
            if runs.len() > DEPARTURES_MAX {
                let text = format!("there are more than {DEPARTURES_MAX} departures: import fewer days");
                return Err(of_feed(text));
            }
        }
        if runs.is_empty() {
            return Err(nothing_runs(options, &feed).into());
        }
        runs.sort_unstable();
        let report = Report { trips: sellable.len(), trips_running, departures: runs.len(), skipped };
        let assembly = Assembly::new(feed.zone.clone(), rules.plans, rules.terms);
        assemble(&feed.stops, &sellable, &runs, assembly)
            .and_then(|assembly| assembly.finish(report))
            .map_err(of_feed)
    }
}

/// The trips that can be used and have a rule.
fn with_rules<'f>(feed: &'f Feed, rules: &Rules, findings: &mut Findings) -> Vec<Sellable<'f>> {
    let mut sellable = Vec::with_capacity(feed.trips.len());
    for trip in feed.trips.iter().filter(|trip| trip.usable) {
        if let Some(matched) = rules.find(&trip.name) {
            sellable.push(Sellable { trip, matched });
            continue;
        }
        let text =
            format!("trip {}: no rule fits the train {:?}: add a [[train]] entry for it", trip.id, trip.name);
        findings.of_trip(Problem::at(TRIPS, trip.line, text));
    }
    sellable
}

fn name_order(a: &Trip, b: &Trip) -> Ordering {
    let key = |trip: &Trip| trip.times[0].departure_s;
    a.name.cmp(&b.name).then_with(|| key(a).cmp(&key(b))).then_with(|| a.id.cmp(&b.id))
}

/// Gives each run its train. `runs` is sorted by day, and trips by name within a day.
fn assemble(
    stops: &[StopRef],
    sellable: &[Sellable<'_>],
    runs: &[(Day, u32)],
    mut assembly: Assembly,
) -> Result<Assembly, String> {
    // A trip may be the first of its name on one day and the second on another: two trains.
    let mut trains: HashMap<(u32, u32), u32> = HashMap::new();
    let mut ordinal = 1;
    for (at, (day, number)) in runs.iter().enumerate() {
        let Sellable { trip, matched } = &sellable[*number as usize];
        let same_name = |(before_day, before): &(Day, u32)| {
            before_day == day && sellable[*before as usize].trip.name == trip.name
        };
        let again = at.checked_sub(1).is_some_and(|before| same_name(&runs[before]));
        ordinal = if again { ordinal + 1 } else { 1 };
        let train = match trains.entry((*number, ordinal)) {
            Entry::Occupied(train) => *train.get(),
            Entry::Vacant(vacant) => {
                let name = match ordinal {
                    1 => trip.name.clone(),
                    _ => format!("{}#{ordinal}", trip.name),
                };
                let route: Vec<_> = trip.stops.iter().map(|stop| stops[*stop as usize].clone()).collect();
                *vacant.insert(assembly.train(name, &route, &trip.times, matched.plan, matched.terms)?)
            }
        };
        assembly.run(train, *day);
    }
    Ok(assembly)
}

fn nothing_runs(options: &ImportOptions, feed: &Feed) -> Problem {
    let runs = match feed.services.span() {
        Some((from, to)) => format!("it has trains from {} to {}", date_of(from), date_of(to)),
        None => "it has none on any day".to_owned(),
    };
    Problem::in_file(
        options.gtfs.display().to_string(),
        format!("no train runs on {}; {runs}", options.dates),
    )
}
