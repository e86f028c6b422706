//! `availability`: free places, for one trip or for all.

use super::connection::ServerOptions;
use super::dates::ServiceDate;
use super::exit::Exit;
use super::failure::Failure;
use super::matrix;
use super::output::Output;
use super::spans::spoken;
use super::stops;
use super::table::{Align, Table};
use super::train::{Departure, TrainOnDate};
use clap::Args;
use seathold_client::{AvailabilityReply, ClassInfo, StopIndex};
use serde::{Serialize, Serializer};
use std::fmt;

#[derive(Debug, Args)]
pub(super) struct Availability {
    #[command(flatten)]
    train: TrainOnDate,
    /// Only this class
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
    /// Board here: a stop's code, name or number
    #[arg(long, value_name = "STOP", requires = "to")]
    from: Option<String>,
    /// Leave here
    #[arg(long, value_name = "STOP", requires = "from")]
    to: Option<String>,
}

impl Availability {
    pub(super) fn run(self, server: &ServerOptions, output: Output) -> Result<Exit, Failure> {
        let client = server.connect()?;
        let departure = self.train.resolve(&client)?;
        let class = self.class.as_deref().map(|class| departure.class(class)).transpose()?;
        let trip = match (&self.from, &self.to) {
            (Some(from), Some(to)) => Some(departure.trip(from, to)?),
            _ => None,
        };
        let reply = client
            .availability(departure.id(), class.map(|class| class.class), trip)
            .map_err(|error| Failure::from(error).about(&self.train))?;
        output.show(&Free { departure: &departure, trip, reply })
    }
}

/// The reply with the departure that it is about.
struct Free<'a> {
    departure: &'a Departure,
    trip: Option<(StopIndex, StopIndex)>,
    reply: AvailabilityReply,
}

impl Free<'_> {
    fn capacity(&self, class: seathold_client::Class) -> Option<u32> {
        let has_class = |info: &&ClassInfo| info.class == class;
        self.departure.resolved.classes.iter().find(has_class).map(|info| info.capacity)
    }

    fn age(&self) -> String {
        match self.reply.age_ms {
            u64::MAX => "nothing has changed yet".to_owned(),
            ms => format!("change {}, {} ago", self.reply.version, spoken(ms)),
        }
    }

    /// The trip of each number of a class.
    fn trips(&self) -> Vec<(StopIndex, StopIndex)> {
        let stops = self.reply.stops;
        match self.trip {
            Some(trip) => vec![trip],
            None => (0..stops).flat_map(|from| (from + 1..stops).map(move |to| (from, to))).collect(),
        }
    }
}

impl fmt::Display for Free<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stop = |at| self.departure.stop(at).map_or(String::new(), stops::label);
        let name = &self.departure.name;
        let Some((from, to)) = self.trip else {
            write!(f, "{name}: free places ({})", self.age())?;
            for class in &self.reply.classes {
                write!(f, "\n\n{}", class.class)?;
                if let Some(capacity) = self.capacity(class.class) {
                    write!(f, ", of {capacity}")?;
                }
                write!(f, "\n{}", matrix::render(&self.departure.resolved.stops, &class.free))?;
            }
            return Ok(());
        };
        writeln!(f, "{name}, {} to {} ({})", stop(from), stop(to), self.age())?;
        let mut table = Table::new([("class", Align::Left), ("free", Align::Right), ("of", Align::Right)]);
        for class in &self.reply.classes {
            let free = class.free.first().map_or(String::new(), u32::to_string);
            let capacity = self.capacity(class.class).map_or(String::new(), |capacity| capacity.to_string());
            table.row([class.class.to_string(), free, capacity]);
        }
        write!(f, "{table}")
    }
}

#[derive(Serialize)]
struct FreeJson<'a> {
    train: &'a str,
    date: ServiceDate,
    departure: String,
    version: u64,
    age_ms: Option<u64>,
    stops: Vec<&'a str>,
    free: Vec<PairJson>,
}

#[derive(Serialize)]
struct PairJson {
    class: String,
    from: StopIndex,
    to: StopIndex,
    free: u32,
}

impl Serialize for Free<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let trips = self.trips();
        let pairs = self.reply.classes.iter().flat_map(|class| {
            trips.iter().zip(&class.free).map(|((from, to), free)| PairJson {
                class: class.class.to_string(),
                from: *from,
                to: *to,
                free: *free,
            })
        });
        let json = FreeJson {
            train: &self.departure.name.train,
            date: self.departure.name.date,
            departure: self.reply.departure.to_string(),
            version: self.reply.version,
            age_ms: (self.reply.age_ms != u64::MAX).then_some(self.reply.age_ms),
            stops: self.departure.resolved.stops.iter().map(|stop| stop.code.as_str()).collect(),
            free: pairs.collect(),
        };
        json.serialize(serializer)
    }
}
