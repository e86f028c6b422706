//! A train on a date: what most commands begin with.

use super::dates::ServiceDate;
use super::failure::Failure;
use super::stops;
use clap::Args;
use seathold_client::{Class, ClassInfo, Client, DepartureId, Resolved, Stop, StopIndex};
use std::fmt;

/// The two arguments that name a departure.
#[derive(Clone, Debug, Args)]
pub(super) struct TrainOnDate {
    /// The train's name, exactly as in the timetable
    #[arg(value_name = "TRAIN")]
    pub(super) train: String,
    /// The service date: YYYY-MM-DD
    #[arg(value_name = "DATE")]
    pub(super) date: ServiceDate,
}

impl TrainOnDate {
    /// Asks the server for the departure.
    pub(super) fn resolve(&self, client: &Client) -> Result<Departure, Failure> {
        let resolved =
            client.resolve(&self.train, self.date.day()).map_err(|error| Failure::from(error).about(self))?;
        Ok(Departure { name: self.clone(), resolved })
    }
}

impl fmt::Display for TrainOnDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.train, self.date)
    }
}

/// A departure as the server described it.
#[derive(Clone, Debug)]
pub(super) struct Departure {
    /// As it was asked for.
    pub(super) name: TrainOnDate,
    /// As it was answered.
    pub(super) resolved: Resolved,
}

impl Departure {
    /// Its id.
    pub(super) fn id(&self) -> DepartureId {
        self.resolved.departure
    }

    /// The stop with this number. Replies about a departure tell stops that it has; a server that contradicts itself
    /// shows as a stop without a name.
    pub(super) fn stop(&self, number: StopIndex) -> Option<&Stop> {
        self.resolved.stops.get(usize::from(number))
    }

    /// The trip between two stops as they were typed.
    pub(super) fn trip(&self, from: &str, to: &str) -> Result<(StopIndex, StopIndex), Failure> {
        let stops = &self.resolved.stops;
        let find =
            |text| stops::find(stops, text).map_err(|sentence| Failure::usage(sentence).about(&self.name));
        let (from, to) = (find(from)?, find(to)?);
        let label = |at: StopIndex| stops::label(&stops[usize::from(at)]);
        if from < to {
            Ok((from, to))
        } else if from == to {
            Err(Failure::usage(format!("a trip ends at another stop than {}", label(from))).about(&self.name))
        } else {
            let wrong =
                format!("the train calls at {} before {}; exchange --from and --to", label(to), label(from));
            Err(Failure::usage(wrong).about(&self.name))
        }
    }

    /// The class called `name`.
    pub(super) fn class(&self, name: &str) -> Result<ClassInfo, Failure> {
        let classes = &self.resolved.classes;
        let wanted = Class::from_name(name);
        classes.iter().copied().find(|info| Some(info.class) == wanted).ok_or_else(|| {
            let names: Vec<_> = classes.iter().map(|info| info.class.to_string()).collect();
            Failure::usage(format!("the train has no class `{name}`; it has {}", names.join(", ")))
                .about(&self.name)
        })
    }
}
