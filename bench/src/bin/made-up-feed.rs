//! A timetable of any size, for what no published feed has: each train runs every day and calls at every stop.

use clap::Parser;
use clap::builder::RangedU64ValueParser;
use seathold_protocol::limits::STOPS_MAX;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Write a GTFS folder of made-up trains and a rules file for them
#[derive(Clone, Debug, Parser)]
struct Options {
    /// Folder to write; rules.toml is beside the feed's files
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Trains a day
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = RangedU64ValueParser::<usize>::new().range(1..=200_000))]
    trains: usize,
    /// Stops of each
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = RangedU64ValueParser::<usize>::new().range(2..=STOPS_MAX as u64))]
    stops: usize,
    /// Coaches of each, of 100 numbered seats
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = RangedU64ValueParser::<usize>::new().range(1..=160))]
    coaches: usize,
    /// Places without numbers instead of coaches
    #[arg(long, value_name = "N", conflicts_with = "coaches")]
    places: Option<u32>,
    /// How long a seat is held, as in a rules file
    #[arg(long, value_name = "DURATION", default_value = "10m")]
    hold: String,
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    options.write()
}

impl Options {
    fn write(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let file = |name: &str, text: String| fs::write(self.folder.join(name), text);
        file(
            "agency.txt",
            "agency_id,agency_name,agency_url,agency_timezone\nM,Made Up,https://made-up.example,UTC\n"
                .to_owned(),
        )?;
        file(
            "calendar.txt",
            "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n\
             DAILY,1,1,1,1,1,1,1,20260101,20351231\n"
                .to_owned(),
        )?;
        file(
            "routes.txt",
            "route_id,agency_id,route_short_name,route_long_name,route_type\nL,M,L,The Line,102\n".to_owned(),
        )?;
        file("stops.txt", self.stops_file())?;
        file("rules.toml", self.rules_file())?;
        self.write_trips(&self.folder)
    }

    fn stops_file(&self) -> String {
        let mut text = "stop_id,stop_name,stop_lat,stop_lon\n".to_owned();
        for stop in 0..self.stops {
            writeln!(text, "S{stop},Stop {stop},{:.5},16.00000", 40.0 + 0.05 * stop as f64)
                .expect("a String takes all");
        }
        text
    }

    fn rules_file(&self) -> String {
        let stock = match self.places {
            Some(places) => format!("places = {places}"),
            None => {
                format!(
                    "seats = [{{ coaches = \"1-{}\", rows = \"1-20\", letters = \"ABC DF\" }}]",
                    self.coaches
                )
            }
        };
        format!(
            "[sale]\nopens = \"now\"\ncloses = \"never\"\nhold = \"{hold}\"\nhold_max = \"{hold}\"\n\n\
             [[plans.all.class]]\nname = \"second\"\n{stock}\n\n[[train]]\nname = \"*\"\nplan = \"all\"\n",
            hold = self.hold
        )
    }

    /// A minute of travel and a minute of halt between stops; what the clock says is no matter to a sale that never closes.
    fn write_trips(&self, folder: &Path) -> io::Result<()> {
        let mut trips = BufWriter::new(File::create(folder.join("trips.txt"))?);
        let mut times = BufWriter::new(File::create(folder.join("stop_times.txt"))?);
        writeln!(trips, "route_id,service_id,trip_id,trip_short_name")?;
        writeln!(times, "trip_id,arrival_time,departure_time,stop_id,stop_sequence")?;
        for train in 0..self.trains {
            writeln!(trips, "L,DAILY,t{train},T {train}")?;
            for stop in 0..self.stops {
                let minute = 360 + 2 * stop;
                let (arrival, departure) = (clock(minute), clock(minute + 1));
                writeln!(times, "t{train},{arrival},{departure},S{stop},{}", stop + 1)?;
            }
        }
        trips.flush()?;
        times.flush()
    }
}

fn clock(minute: usize) -> String {
    format!("{:02}:{:02}:00", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use seathold::catalog::{Catalog, ImportOptions};

    /// What the server makes of it.
    fn import(line: &str) -> Catalog {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let words = ["made-up-feed", path].into_iter().chain(line.split_whitespace());
        let options = Options::try_parse_from(words).unwrap();
        options.write().unwrap();
        let import = ImportOptions {
            gtfs: options.folder.clone(),
            rules: options.folder.join("rules.toml"),
            dates: "2027-03-01..2027-03-02".parse().unwrap(),
            lenient: false,
        };
        Catalog::import(&import).unwrap()
    }

    #[test]
    fn the_server_reads_as_many_trains_stops_and_seats_as_were_asked() {
        let catalog = import("--trains 3 --stops 61 --coaches 2 --hold 500ms");
        assert_eq!(catalog.indices().count(), 6, "three trains on two days");
        for departure in catalog.indices() {
            assert_eq!(catalog.segments(departure), 60);
            assert_eq!(catalog.seat_plan(departure).classes[0].capacity(), 200);
        }
    }

    #[test]
    fn places_stand_in_for_seats() {
        let catalog = import("--trains 1 --stops 2 --places 70000");
        let departure = catalog.indices().next().unwrap();
        assert_eq!(catalog.seat_plan(departure).classes[0].capacity(), 70_000);
    }
}
