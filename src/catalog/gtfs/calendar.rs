//! On which days a service runs: a weekly pattern, exceptions from it, or either alone.

use std::collections::HashMap;

use seathold_protocol::Day;

use super::files::Files;
use super::table::{Row, Table};
use crate::catalog::dates::{date_of, weekday};
use crate::catalog::problem::Findings;
use crate::catalog::{DateRange, Problem};

const CALENDAR: &str = "calendar.txt";
const CALENDAR_DATES: &str = "calendar_dates.txt";
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The services of a feed, numbered.
#[derive(Default)]
pub(in crate::catalog) struct Services {
    numbers: HashMap<String, u32>,
    services: Vec<Service>,
}

#[derive(Default)]
struct Service {
    weekly: Option<Weekly>,
    /// Sorted by day once everything is read.
    exceptions: Vec<Exception>,
}

struct Weekly {
    /// Bit 0 is Monday.
    weekdays: u8,
    from: Day,
    to: Day,
}

struct Exception {
    day: Day,
    runs: bool,
    line: u32,
}

impl Services {
    /// Reads both files; one of them may be absent.
    pub(super) fn read(files: &mut Files, findings: &mut Findings) -> Result<Self, Problem> {
        let mut services = Self::default();
        let (weekly, dated) = (files.read(CALENDAR)?, files.read(CALENDAR_DATES)?);
        if weekly.is_none() && dated.is_none() {
            let text = format!("is missing, and so is {CALENDAR_DATES}: a feed has at least one of them");
            return Err(Problem::in_file(CALENDAR, text));
        }
        if let Some(text) = weekly {
            services.read_weekly(&text, findings)?;
        }
        if let Some(text) = dated {
            services.read_dated(&text, findings)?;
        }
        Ok(services)
    }

    fn read_weekly(&mut self, text: &str, findings: &mut Findings) -> Result<(), Problem> {
        let mut table = Table::new(CALENDAR, text)?;
        let service_id = table.column("service_id")?;
        let (start, end) = (table.column("start_date")?, table.column("end_date")?);
        let mut columns = Vec::with_capacity(WEEKDAYS.len());
        for name in WEEKDAYS {
            columns.push(table.column(name)?);
        }
        while let Some(row) = table.next() {
            let result = row.and_then(|row| {
                let mut weekdays = 0;
                for (bit, column) in columns.iter().enumerate() {
                    match row.text(*column) {
                        "0" => {}
                        "1" => weekdays |= 1 << bit,
                        other => {
                            return Err(row.problem(format!("{} is {other:?}, not 0 or 1", WEEKDAYS[bit])));
                        }
                    }
                }
                let (from, to) = (date(row, row.text(start))?, date(row, row.text(end))?);
                if from > to {
                    return Err(row.problem("end_date lies before start_date"));
                }
                let id = row.text(service_id);
                let weekly = &mut self.service(row, id)?.weekly;
                match weekly.replace(Weekly { weekdays, from, to }) {
                    Some(_) => Err(row.problem(format!("the service {id} stands twice"))),
                    None => Ok(()),
                }
            });
            result.unwrap_or_else(|problem| findings.of_feed(problem));
        }
        Ok(())
    }

    fn read_dated(&mut self, text: &str, findings: &mut Findings) -> Result<(), Problem> {
        let mut table = Table::new(CALENDAR_DATES, text)?;
        let service_id = table.column("service_id")?;
        let (date_column, exception_type) = (table.column("date")?, table.column("exception_type")?);
        while let Some(row) = table.next() {
            let result = row.and_then(|row| {
                let day = date(row, row.text(date_column))?;
                let runs = match row.text(exception_type) {
                    "1" => true,
                    "2" => false,
                    other => {
                        let text = format!("exception_type is {other:?}, not 1 (added) or 2 (removed)");
                        return Err(row.problem(text));
                    }
                };
                let exception = Exception { day, runs, line: row.line() as u32 };
                self.service(row, row.text(service_id))?.exceptions.push(exception);
                Ok(())
            });
            result.unwrap_or_else(|problem| findings.of_feed(problem));
        }
        for (id, number) in &self.numbers {
            let exceptions = &mut self.services[*number as usize].exceptions;
            exceptions.sort_unstable_by_key(|exception| (exception.day, exception.line));
            for pair in exceptions.windows(2).filter(|pair| pair[0].day == pair[1].day) {
                let (line, first) = (u64::from(pair[1].line), pair[0].line);
                let text =
                    format!("the service {id} has {} twice (line {first} before)", date_of(pair[1].day));
                findings.of_feed(Problem::at(CALENDAR_DATES, line, text));
            }
        }
        Ok(())
    }

    fn service(&mut self, row: Row<'_>, id: &str) -> Result<&mut Service, Problem> {
        if id.is_empty() {
            return Err(row.problem("service_id is empty"));
        }
        let number = match self.numbers.get(id) {
            Some(number) => *number,
            None => {
                let number = self.services.len() as u32;
                self.numbers.insert(id.to_owned(), number);
                self.services.push(Service::default());
                number
            }
        };
        Ok(&mut self.services[number as usize])
    }

    /// The number of a service.
    pub(super) fn find(&self, id: &str) -> Option<u32> {
        self.numbers.get(id).copied()
    }

    /// The days of `range` on which a service runs.
    pub(in crate::catalog) fn days(&self, service: u32, range: DateRange) -> impl Iterator<Item = Day> {
        let service = &self.services[service as usize];
        range.days().filter(|day| service.runs(*day))
    }

    /// The first and the last day on which anything runs.
    pub(in crate::catalog) fn span(&self) -> Option<(Day, Day)> {
        let weekly = self.services.iter().filter_map(|service| service.weekly.as_ref());
        let weekly = weekly.filter(|weekly| weekly.weekdays != 0).flat_map(|weekly| [weekly.from, weekly.to]);
        let exceptions = self.services.iter().flat_map(|service| &service.exceptions);
        let added = exceptions.filter(|exception| exception.runs).map(|exception| exception.day);
        let days = || weekly.clone().chain(added.clone());
        Some((days().min()?, days().max()?))
    }
}

impl Service {
    fn runs(&self, day: Day) -> bool {
        if let Ok(at) = self.exceptions.binary_search_by_key(&day, |exception| exception.day) {
            return self.exceptions[at].runs;
        }
        let in_week = |weekly: &Weekly| {
            (weekly.from..=weekly.to).contains(&day) && weekly.weekdays >> weekday(day) & 1 == 1
        };
        self.weekly.as_ref().is_some_and(in_week)
    }
}

/// A date as GTFS writes it: YYYYMMDD.
fn date(row: Row<'_>, text: &str) -> Result<Day, Problem> {
    let iso = (text.len() == 8 && text.is_ascii())
        .then(|| format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]));
    iso.and_then(|iso| iso.parse().ok())
        .ok_or_else(|| row.problem(format!("{text:?} is not a date: GTFS writes YYYYMMDD, 1970 to 2149")))
}
