//! `confirm`, `cancel`, `refund` and `lookup`: what can be done with a reservation that has an id.

use super::connection::ServerOptions;
use super::dates::ServiceDate;
use super::exit::Exit;
use super::failure::Failure;
use super::ids::{parse_departure, parse_reservation};
use super::output::Output;
use super::ticket::Ticket;
use super::train::TrainOnDate;
use clap::Args;
use seathold_client::{AccountId, DepartureId, ReservationId, Target};

/// What to do with it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verb {
    /// Make a hold sold.
    Confirm,
    /// Give a hold back.
    Cancel,
    /// Give sold places back.
    Refund,
    /// Look.
    Lookup,
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// The reservation's id: hexadecimal
    #[arg(value_parser = parse_reservation, value_name = "ID")]
    id: ReservationId,
    /// Its departure: the id that `reserve` and `resolve` print
    #[arg(long, value_parser = parse_departure, value_name = "HEX", required_unless_present = "train", conflicts_with_all = ["train", "date"])]
    departure: Option<DepartureId>,
    /// Instead of --departure: its train
    #[arg(long, requires = "date")]
    train: Option<String>,
    /// And its service date: YYYY-MM-DD
    #[arg(long, requires = "train")]
    date: Option<ServiceDate>,
    /// The account that it was reserved for
    #[arg(long, default_value_t = 1, value_name = "N")]
    account: u64,
}

impl Which {
    pub(super) fn run(self, verb: Verb, server: &ServerOptions, output: Output) -> Result<Exit, Failure> {
        let client = server.connect()?;
        let resolved = match (self.departure, self.train, self.date) {
            (None, Some(train), Some(date)) => Some(TrainOnDate { train, date }.resolve(&client)?),
            _ => None,
        };
        let departure = self.departure.or(resolved.as_ref().map(|departure| departure.id()));
        let departure = departure.expect("the command line has --departure, or --train and --date");
        let target = Target { id: self.id, departure, account: AccountId(self.account) };
        let reservation = match verb {
            Verb::Confirm => client.confirm(target),
            Verb::Cancel => client.cancel(target),
            Verb::Refund => client.refund(target),
            Verb::Lookup => client.lookup(target),
        };
        let reservation = reservation.map_err(|error| {
            let failure = Failure::from(error).about(format_args!("reservation {}", self.id));
            match failure.exit {
                Exit::Unknown => {
                    failure.under_id(self.id.to_string()).hint("give the same command again to learn it")
                }
                _ => failure,
            }
        })?;
        output.show(&Ticket::new(reservation, self.account, resolved.as_ref(), server))
    }
}
