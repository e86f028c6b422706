//! Where and when trips stop: the largest file of a feed, and the one with the faults of single trips.

use std::collections::{HashMap, HashSet};

use seathold_protocol::limits::STOPS_MAX;

use super::files::Files;
use super::table::{Row, Table};
use super::{TRIPS, Trip};
use crate::catalog::problem::Findings;
use crate::catalog::{Problem, StopTime};

const STOP_TIMES: &str = "stop_times.txt";

/// Hours of one trip: ten days. The longest train journey of the world takes eight.
const HOURS_MAX: u32 = 240;

/// One row, read. Times are `None` where the feed leaves them out.
struct Visit {
    trip: u32,
    sequence: u32,
    stop: u32,
    time: Option<StopTime>,
    line: u64,
}

/// Gives every trip its stops and times, and marks the trips that cannot be used.
pub(super) fn read(
    files: &mut Files,
    trip_numbers: &HashMap<String, u32>,
    stop_numbers: &HashMap<String, u32>,
    trips: &mut [Trip],
    findings: &mut Findings,
) -> Result<(), Problem> {
    let text = files.read_required(STOP_TIMES)?;
    let mut table = Table::new(STOP_TIMES, &text)?;
    let (trip_id, stop_id) = (table.column("trip_id")?, table.column("stop_id")?);
    let (arrival, departure) = (table.column("arrival_time")?, table.column("departure_time")?);
    let sequence = table.column("stop_sequence")?;
    let mut visits = Vec::new();
    let mut unknown_trips = HashSet::new();
    while let Some(row) = table.next() {
        let row = match row {
            Ok(row) => row,
            Err(problem) => {
                findings.of_feed(problem);
                continue;
            }
        };
        let id = row.text(trip_id);
        let Some(trip) = trip_numbers.get(id).copied() else {
            if unknown_trips.insert(id.to_owned()) {
                findings.of_trip(row.problem(format!("there is no trip {id:?} in {TRIPS}")));
            }
            continue;
        };
        let visit = || {
            let stop = row.text(stop_id);
            let stop =
                stop_numbers.get(stop).ok_or_else(|| format!("there is no stop {stop:?} in stops.txt"))?;
            let sequence = row.text(sequence);
            let sequence = sequence
                .parse()
                .map_err(|_| format!("stop_sequence is {sequence:?}, not a whole number from 0"))?;
            let time = stop_time(row.text(arrival), row.text(departure))?;
            Ok(Visit { trip, sequence, stop: *stop, time, line: row.line() })
        };
        match visit() {
            Ok(visit) => visits.push(visit),
            Err(text) => fault(&mut trips[trip as usize], row, text, findings),
        }
    }
    drop(text);
    visits.sort_unstable_by_key(|visit| (visit.trip, visit.sequence, visit.line));
    let mut rest = visits.as_slice();
    for (number, trip) in trips.iter_mut().enumerate() {
        let count = rest.iter().take_while(|visit| visit.trip as usize == number).count();
        let (of_trip, after) = rest.split_at(count);
        rest = after;
        if trip.usable
            && let Err(problem) = trip.take(of_trip)
        {
            trip.usable = false;
            findings.of_trip(problem);
        }
    }
    Ok(())
}

/// Reports the first fault of a trip.
fn fault(trip: &mut Trip, row: Row<'_>, text: String, findings: &mut Findings) {
    if trip.usable {
        trip.usable = false;
        findings.of_trip(row.problem(format!("trip {}: {text}", trip.id)));
    }
}

impl Trip {
    /// Takes its rows, which are sorted, if they make a route.
    fn take(&mut self, visits: &[Visit]) -> Result<(), Problem> {
        let id = &self.id;
        let at =
            |visit: &Visit, text: String| Problem::at(STOP_TIMES, visit.line, format!("trip {id}: {text}"));
        if !(2..=STOPS_MAX).contains(&visits.len()) {
            let text = format!("trip {id} has {} stops; allowed are 2 to {STOPS_MAX}", visits.len());
            return Err(Problem::at(TRIPS, self.line, text));
        }
        if let Some(pair) = visits.windows(2).find(|pair| pair[0].sequence == pair[1].sequence) {
            let (sequence, first) = (pair[1].sequence, pair[0].line);
            return Err(at(&pair[1], format!("stop_sequence {sequence} stands twice (line {first} before)")));
        }
        for end in [&visits[0], &visits[visits.len() - 1]] {
            if end.time.is_none() {
                return Err(at(end, "the first and the last stop need a time".into()));
            }
        }
        let mut earliest_s = 0;
        for visit in visits {
            let Some(time) = visit.time else { continue };
            if time.arrival_s < earliest_s {
                let (arrival, earliest) = (clock(time.arrival_s), clock(earliest_s));
                return Err(at(
                    visit,
                    format!("it arrives at {arrival} and left the stop before at {earliest}"),
                ));
            }
            if time.departure_s < time.arrival_s {
                let (arrival, departure) = (clock(time.arrival_s), clock(time.departure_s));
                return Err(at(
                    visit,
                    format!("it arrives at {arrival} and leaves before that, at {departure}"),
                ));
            }
            earliest_s = time.departure_s;
        }
        self.stops = visits.iter().map(|visit| visit.stop).collect();
        self.times = filled(visits);
        Ok(())
    }
}

/// A time for every stop: those left out are spread evenly between those given. The first and the last are given.
fn filled(visits: &[Visit]) -> Vec<StopTime> {
    let mut times: Vec<StopTime> = Vec::with_capacity(visits.len());
    for (at, visit) in visits.iter().enumerate() {
        let Some(next) = visit.time else { continue };
        let left_out = (at - times.len()) as u32;
        let left_s = times.last().map_or(next.arrival_s, |last| last.departure_s);
        for place in 1..=left_out {
            let passed_s = (next.arrival_s - left_s) * place / (left_out + 1);
            times.push(StopTime { arrival_s: left_s + passed_s, departure_s: left_s + passed_s });
        }
        times.push(next);
    }
    times
}

/// Arrival and departure; one stands for both.
fn stop_time(arrival: &str, departure: &str) -> Result<Option<StopTime>, String> {
    let (arrival_s, departure_s) = (seconds(arrival)?, seconds(departure)?);
    Ok(arrival_s.or(departure_s).map(|either_s| StopTime {
        arrival_s: arrival_s.unwrap_or(either_s),
        departure_s: departure_s.unwrap_or(either_s),
    }))
}

/// H:MM:SS or HH:MM:SS, beyond 24:00:00 after midnight; `None` if empty.
fn seconds(text: &str) -> Result<Option<u32>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let number = |part: &str, digits: std::ops::RangeInclusive<usize>| {
        let plain = digits.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| part.parse::<u32>().ok()).flatten()
    };
    let read = || {
        let (hours, rest) = text.split_once(':')?;
        let (minutes, seconds) = rest.split_once(':')?;
        let (hours, minutes, seconds) =
            (number(hours, 1..=3)?, number(minutes, 2..=2)?, number(seconds, 2..=2)?);
        (hours <= HOURS_MAX && minutes < 60 && seconds < 60).then_some(hours * 3_600 + minutes * 60 + seconds)
    };
    read()
        .map(Some)
        .ok_or_else(|| format!("{text:?} is not a time: GTFS writes HH:MM:SS, up to {HOURS_MAX} hours"))
}

fn clock(time_s: u32) -> String {
    format!("{:02}:{:02}:{:02}", time_s / 3_600, time_s / 60 % 60, time_s % 60)
}
