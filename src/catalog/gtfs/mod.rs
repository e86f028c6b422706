//! Reads a GTFS feed (<https://gtfs.org/documentation/schedule/reference/>): what runs where, when and on which days.
//!
//! Files are read in the order in which they refer to each other, and reading stops at the first that is broken,
//! because every reference to it would then be a fault too.

mod calendar;
mod files;
mod stop_times;
mod table;

use std::collections::HashMap;
use std::path::Path;

use jiff::tz::TimeZone;
use seathold_protocol::limits::NAME_BYTES_MAX;

pub(super) use calendar::Services;
use files::Files;
use table::{Row, Table};

use super::problem::Findings;
use super::{ImportError, Problem, StopRef, StopTime};

const AGENCY: &str = "agency.txt";
const STOPS: &str = "stops.txt";
const ROUTES: &str = "routes.txt";
pub(super) const TRIPS: &str = "trips.txt";
const FREQUENCIES: &str = "frequencies.txt";

/// Bytes of a stop's name for people: its length is one byte on the wire.
const STOP_NAME_BYTES_MAX: usize = 255;

/// Bytes of a trip's id, which stands in messages: feeds that merge others have ids of a hundred.
const TRIP_ID_BYTES_MAX: usize = 255;

/// A feed, read and checked.
pub(super) struct Feed {
    /// The time zone of its agencies.
    pub(super) zone: TimeZone,
    /// Trips refer to these.
    pub(super) stops: Vec<StopRef>,
    /// Trips refer to these.
    pub(super) services: Services,
    /// Every trip; those not `usable` have been reported.
    pub(super) trips: Vec<Trip>,
}

/// One row of trips.txt with its rows of stop_times.txt.
pub(super) struct Trip {
    pub(super) id: String,
    /// What travellers call it; several trips may share it.
    pub(super) name: String,
    pub(super) service: u32,
    /// Where trips.txt names it.
    pub(super) line: u64,
    pub(super) usable: bool,
    /// 2 to 128 if usable.
    pub(super) stops: Vec<u32>,
    /// One a stop.
    pub(super) times: Vec<StopTime>,
}

impl Feed {
    /// Reads the feed at `path`. Faults of single trips go to `findings`; whether they matter is the caller's.
    pub(super) fn read(path: &Path, findings: &mut Findings) -> Result<Self, ImportError> {
        let mut files = Files::open(path)?;
        let zone = read_zone(&mut files)?;
        refuse_frequencies(&mut files)?;
        let (stops, stop_numbers) = read_stops(&mut files, findings)?;
        let route_names = read_routes(&mut files, findings)?;
        let services = Services::read(&mut files, findings)?;
        findings.check_feed()?;
        let (mut trips, trip_numbers) = read_trips(&mut files, &route_names, &services, findings)?;
        findings.check_feed()?;
        stop_times::read(&mut files, &trip_numbers, &stop_numbers, &mut trips, findings)?;
        findings.check_feed()?;
        Ok(Self { zone, stops, services, trips })
    }
}

/// The one time zone that all agencies of a feed have, as GTFS demands.
fn read_zone(files: &mut Files) -> Result<TimeZone, Problem> {
    let text = files.read_required(AGENCY)?;
    let mut table = Table::new(AGENCY, &text)?;
    let column = table.column("agency_timezone")?;
    let mut zone: Option<(String, TimeZone)> = None;
    while let Some(row) = table.next() {
        let row = row?;
        let name = row.text(column);
        match &zone {
            Some((first, _)) if first == name => {}
            Some((first, _)) => {
                let text =
                    format!("agency_timezone is {name:?}, and {first:?} before: a feed has one time zone");
                return Err(row.problem(text));
            }
            None => {
                let found = TimeZone::get(name)
                    .map_err(|_| row.problem(format!("agency_timezone {name:?} is not a known time zone")))?;
                zone = Some((name.to_owned(), found));
            }
        }
    }
    zone.map(|(_, zone)| zone)
        .ok_or_else(|| Problem::in_file(AGENCY, "has no agency, so there is no time zone"))
}

/// Trips that repeat every few minutes have no seats to reserve; to read them as single trips would be wrong.
fn refuse_frequencies(files: &mut Files) -> Result<(), Problem> {
    let Some(text) = files.read(FREQUENCIES)? else { return Ok(()) };
    match Table::new(FREQUENCIES, &text)?.next() {
        None => Ok(()),
        Some(row) => {
            Err(row?.problem("trips by frequency cannot be sold by seat: remove them from the feed"))
        }
    }
}

fn read_stops(
    files: &mut Files,
    findings: &mut Findings,
) -> Result<(Vec<StopRef>, HashMap<String, u32>), Problem> {
    let text = files.read_required(STOPS)?;
    let mut table = Table::new(STOPS, &text)?;
    let (stop_id, stop_name) = (table.column("stop_id")?, table.optional("stop_name"));
    let (mut stops, mut numbers) = (Vec::new(), HashMap::new());
    while let Some(row) = table.next() {
        let result = row.and_then(|row| {
            let code = row.text(stop_id);
            check_text(row, "stop_id", code, NAME_BYTES_MAX)?;
            // Boarding areas and the like may have no name of their own.
            let name = Some(row.text(stop_name)).filter(|name| !name.is_empty()).unwrap_or(code);
            check_text(row, "stop_name", name, STOP_NAME_BYTES_MAX)?;
            if numbers.insert(code.to_owned(), stops.len() as u32).is_some() {
                return Err(row.problem(format!("the stop {code} stands twice")));
            }
            stops.push(StopRef { code: code.into(), name: name.into() });
            Ok(())
        });
        result.unwrap_or_else(|problem| findings.of_feed(problem));
    }
    Ok((stops, numbers))
}

/// By route: its name, empty if it has none.
fn read_routes(files: &mut Files, findings: &mut Findings) -> Result<HashMap<String, String>, Problem> {
    let text = files.read_required(ROUTES)?;
    let mut table = Table::new(ROUTES, &text)?;
    let route_id = table.column("route_id")?;
    let (short, long) = (table.optional("route_short_name"), table.optional("route_long_name"));
    let mut names = HashMap::new();
    while let Some(row) = table.next() {
        let result = row.and_then(|row| {
            let id = row.text(route_id);
            if id.is_empty() {
                return Err(row.problem("route_id is empty"));
            }
            let name = if row.text(short).is_empty() { row.text(long) } else { row.text(short) };
            match names.insert(id.to_owned(), name.to_owned()) {
                Some(_) => Err(row.problem(format!("the route {id} stands twice"))),
                None => Ok(()),
            }
        });
        result.unwrap_or_else(|problem| findings.of_feed(problem));
    }
    Ok(names)
}

fn read_trips(
    files: &mut Files,
    route_names: &HashMap<String, String>,
    services: &Services,
    findings: &mut Findings,
) -> Result<(Vec<Trip>, HashMap<String, u32>), Problem> {
    let text = files.read_required(TRIPS)?;
    let mut table = Table::new(TRIPS, &text)?;
    let (trip_id, route_id) = (table.column("trip_id")?, table.column("route_id")?);
    let (service_id, short_name) = (table.column("service_id")?, table.optional("trip_short_name"));
    let mut trips: Vec<Trip> = Vec::new();
    let mut numbers = HashMap::new();
    while let Some(row) = table.next() {
        let row = match row {
            Ok(row) => row,
            Err(problem) => {
                findings.of_feed(problem);
                continue;
            }
        };
        let (id, route, service) = (row.text(trip_id), row.text(route_id), row.text(service_id));
        if let Some(first) = numbers.get(id) {
            // Rows of stop_times.txt could belong to either, so neither can be used.
            let first = &mut trips[*first as usize];
            let text = format!("the trip {id} stands twice (line {} before)", first.line);
            if std::mem::replace(&mut first.usable, false) {
                findings.of_trip(row.problem(text));
            }
            continue;
        }
        let route_name = route_names.get(route).map_or("", String::as_str);
        let names = [row.text(short_name), route_name, id];
        let name = names.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        let check = || {
            check_text(row, "trip_id", id, TRIP_ID_BYTES_MAX)?;
            check_text(row, "the train's name", name, NAME_BYTES_MAX)?;
            if !route_names.contains_key(route) {
                return Err(row.problem(format!("trip {id}: there is no route {route:?} in {ROUTES}")));
            }
            services.find(service).ok_or_else(|| {
                row.problem(format!("trip {id}: there is no service {service:?} in the calendars"))
            })
        };
        let service = check().map_err(|problem| findings.of_trip(problem)).ok();
        // A trip with a fault stays known, so that its rows in stop_times.txt are not faults too.
        numbers.insert(id.to_owned(), trips.len() as u32);
        trips.push(Trip {
            id: id.to_owned(),
            name: name.to_owned(),
            service: service.unwrap_or_default(),
            line: row.line(),
            usable: service.is_some(),
            stops: Vec::new(),
            times: Vec::new(),
        });
    }
    Ok((trips, numbers))
}

/// A text that goes on the wire.
fn check_text(row: Row<'_>, column: &str, text: &str, bytes_max: usize) -> Result<(), Problem> {
    if text.is_empty() || text.len() > bytes_max || text.chars().any(char::is_control) {
        let bytes = text.len();
        return Err(row.problem(format!(
            "{column} has {bytes} bytes; allowed are 1 to {bytes_max}, no control characters"
        )));
    }
    Ok(())
}
