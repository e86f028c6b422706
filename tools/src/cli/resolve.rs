//! `resolve`: what there is to know of a train on a date before anything is reserved.

use super::connection::ServerOptions;
use super::dates::ServiceDate;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::spans::spoken;
use super::table::{Align, Table};
use super::train::{Departure, TrainOnDate};
use clap::Args;
use seathold_client::Sale;
use serde::Serialize;
use std::fmt;

/// "Never" in milliseconds.
const NEVER: u64 = u64::MAX;

#[derive(Debug, Args)]
pub(super) struct Resolve {
    #[command(flatten)]
    train: TrainOnDate,
}

impl Resolve {
    pub(super) fn run(self, server: &ServerOptions, output: Output) -> Result<Exit, Failure> {
        let departure = self.train.resolve(&server.connect()?)?;
        output.show(&Description::new(&departure))
    }
}

/// What is printed; also the shape of the JSON.
#[derive(Debug, Serialize)]
struct Description<'a> {
    train: &'a str,
    date: ServiceDate,
    departure: String,
    sale: &'static str,
    opens_in_ms: Option<u64>,
    closes_in_ms: Option<u64>,
    hold_ms_default: u32,
    hold_ms_max: u32,
    places_per_account: Option<u32>,
    passengers_per_reservation: u8,
    classes: Vec<ClassLine>,
    stops: Vec<StopLine<'a>>,
}

#[derive(Debug, Serialize)]
struct ClassLine {
    class: String,
    capacity: u32,
    numbered: bool,
}

#[derive(Debug, Serialize)]
struct StopLine<'a> {
    index: usize,
    code: &'a str,
    name: &'a str,
    arrival_s: u32,
    departure_s: u32,
}

impl<'a> Description<'a> {
    fn new(departure: &'a Departure) -> Self {
        let resolved = &departure.resolved;
        let unless_never = |ms: u64| (ms != NEVER).then_some(ms);
        let class = |info: &seathold_client::ClassInfo| ClassLine {
            class: info.class.to_string(),
            capacity: info.capacity,
            numbered: info.numbered,
        };
        let stop = |(index, stop): (usize, &'a seathold_client::Stop)| StopLine {
            index,
            code: &stop.code,
            name: &stop.name,
            arrival_s: stop.arrival_s,
            departure_s: stop.departure_s,
        };
        Self {
            train: &departure.name.train,
            date: departure.name.date,
            departure: resolved.departure.to_string(),
            sale: sale_name(resolved.sale),
            opens_in_ms: unless_never(resolved.opens_in_ms),
            closes_in_ms: unless_never(resolved.closes_in_ms),
            hold_ms_default: resolved.hold_ms_default,
            hold_ms_max: resolved.hold_ms_max,
            places_per_account: (resolved.places_per_account != 0).then_some(resolved.places_per_account),
            passengers_per_reservation: resolved.passengers_per_reservation,
            classes: resolved.classes.iter().map(class).collect(),
            stops: resolved.stops.iter().enumerate().map(stop).collect(),
        }
    }

    fn sale_sentence(&self) -> String {
        match (self.sale, self.opens_in_ms, self.closes_in_ms) {
            ("closed", ..) => "closed by an operator".to_owned(),
            (_, _, Some(0)) => "over, by the rules".to_owned(),
            ("opened", _, None) => "open, by an operator".to_owned(),
            ("opened", _, Some(ms)) => format!("open, by an operator; closes in {}", spoken(ms)),
            (_, None, _) => "not open; only an operator opens it (`seathold-cli open TRAIN DATE`)".to_owned(),
            (_, Some(0), None) => "open, by the rules".to_owned(),
            (_, Some(0), Some(ms)) => format!("open, by the rules; closes in {}", spoken(ms)),
            (_, Some(ms), _) => format!("not open; opens in {}", spoken(ms)),
        }
    }
}

/// A sale's name in JSON.
pub(super) fn sale_name(sale: Sale) -> &'static str {
    match sale {
        Sale::ByRules => "by_rules",
        Sale::Opened => "opened",
        Sale::Closed => "closed",
    }
}

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} on {}, departure {}", self.train, self.date, self.departure)?;
        writeln!(f, "  sale   {}", self.sale_sentence())?;
        let (hold, most) = (spoken(self.hold_ms_default.into()), spoken(self.hold_ms_max.into()));
        writeln!(f, "  hold   {hold} unless asked otherwise, at most {most}")?;
        write!(f, "  limits {} passengers a reservation", self.passengers_per_reservation)?;
        match self.places_per_account {
            Some(places) => writeln!(f, ", {places} places an account\n")?,
            None => writeln!(f, ", any number of places an account\n")?,
        }
        let mut classes =
            Table::new([("class", Align::Left), ("places", Align::Right), ("seats", Align::Left)]);
        for class in &self.classes {
            let seats = if class.numbered { "numbered" } else { "without numbers" };
            classes.row([class.class.clone(), class.capacity.to_string(), seats.to_owned()]);
        }
        writeln!(f, "{classes}\n")?;
        let mut stops = Table::new([
            ("stop", Align::Right),
            ("code", Align::Left),
            ("name", Align::Left),
            ("arrives", Align::Left),
            ("leaves", Align::Left),
        ]);
        for stop in &self.stops {
            let arrives = if stop.index == 0 { String::new() } else { clock(stop.arrival_s) };
            let leaves =
                if stop.index + 1 == self.stops.len() { String::new() } else { clock(stop.departure_s) };
            stops.row([stop.index.to_string(), stop.code.to_owned(), stop.name.to_owned(), arrives, leaves]);
        }
        write!(f, "{stops}")
    }
}

/// Seconds of the service day as a clock shows them; `+1` is the day after.
fn clock(seconds: u32) -> String {
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    match hours / 24 {
        0 => format!("{hours:02}:{minutes:02}"),
        days => format!("{:02}:{minutes:02}+{days}", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seathold_client::{Class, ClassInfo, DepartureId, Resolved, Stop};

    fn departure() -> Departure {
        let stop = |code: &str, name: &str, arrival_s, departure_s| Stop {
            code: code.to_owned(),
            name: name.to_owned(),
            arrival_s,
            departure_s,
        };
        Departure {
            name: TrainOnDate { train: "G101".to_owned(), date: "2026-10-01".parse().unwrap() },
            resolved: Resolved {
                departure: DepartureId(0x00ab_0000_0000_50f7),
                sale: Sale::ByRules,
                opens_in_ms: 0,
                closes_in_ms: NEVER,
                hold_ms_default: 600_000,
                hold_ms_max: 1_800_000,
                places_per_account: 0,
                passengers_per_reservation: 5,
                stops: vec![
                    stop("VNP", "北京南", 0, 23_400),
                    stop("JNK", "济南西", 30_000, 30_120),
                    stop("AOH", "上海虹桥", 88_500, 88_500),
                ],
                classes: vec![
                    ClassInfo { class: Class(3), numbered: true, capacity: 1_024 },
                    ClassInfo { class: Class(8), numbered: false, capacity: 60 },
                ],
            },
        }
    }

    #[test]
    fn a_train_is_described() {
        let expected = "\
G101 on 2026-10-01, departure 00ab0000000050f7
  sale   open, by the rules
  hold   10 min unless asked otherwise, at most 30 min
  limits 5 passengers a reservation, any number of places an account

class     places  seats
second      1024  numbered
standing      60  without numbers

stop  code  name      arrives  leaves
   0  VNP   北京南             06:30
   1  JNK   济南西    08:20    08:22
   2  AOH   上海虹桥  00:35+1";
        assert_eq!(Description::new(&departure()).to_string(), expected);
    }

    #[test]
    fn the_sale_is_a_sentence() {
        let mut departure = departure();
        let mut said = |sale, opens_in_ms, closes_in_ms| {
            departure.resolved.sale = sale;
            departure.resolved.opens_in_ms = opens_in_ms;
            departure.resolved.closes_in_ms = closes_in_ms;
            Description::new(&departure).sale_sentence()
        };
        assert_eq!(said(Sale::ByRules, 60_000, NEVER), "not open; opens in 1 min");
        assert!(said(Sale::ByRules, NEVER, NEVER).starts_with("not open; only an operator"));
        assert_eq!(said(Sale::ByRules, 0, 0), "over, by the rules");
        assert_eq!(said(Sale::Opened, NEVER, 60_000), "open, by an operator; closes in 1 min");
        assert_eq!(said(Sale::Closed, 0, NEVER), "closed by an operator");
    }
}
