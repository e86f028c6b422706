//! `reserve`: hold places for a party.

use super::connection::ServerOptions;
use super::exit::Exit;
use super::failure::Failure;
use super::ids::{parse_letter, parse_reservation};
use super::output::Output;
use super::spans::parse_span;
use super::ticket::Ticket;
use super::train::{Departure, TrainOnDate};
use clap::{Args, ValueEnum};
use seathold_client::{
    AccountId, PassengerId, ReservationId, ReserveRequest, Together, WishMode, Wishes, new_reservation_id,
};
use std::time::Duration;

/// Passenger ids that this tool makes up fit the whole numbers of every JSON reader.
const PASSENGER_BITS: u32 = 48;

#[derive(Debug, Args)]
pub(super) struct Reserve {
    #[command(flatten)]
    train: TrainOnDate,
    /// The class: second, first, standing and so on, or class-N
    #[arg(long, value_name = "CLASS")]
    class: String,
    /// Board here: a stop's code, name or number
    #[arg(long, value_name = "STOP")]
    from: String,
    /// Leave here
    #[arg(long, value_name = "STOP")]
    to: String,
    /// How many travel; their ids are made up
    #[arg(long, default_value_t = 1, value_name = "N", conflicts_with = "passenger", value_parser = clap::value_parser!(u8).range(1..=9))]
    passengers: u8,
    /// Who travels: a passenger's number; once for each
    #[arg(long, value_name = "ID")]
    passenger: Vec<u64>,
    /// A letter for each passenger, - for no wish: A,-,C
    #[arg(long, value_delimiter = ',', value_parser = parse_letter, value_name = "LETTERS")]
    seat_letters: Vec<u8>,
    /// Refuse rather than hold other seats than wished
    #[arg(long)]
    strict: bool,
    /// How close a --strict party sits; without --strict it gets the closest seats there are
    #[arg(long, value_enum, value_name = "WHERE")]
    together: Option<Closeness>,
    /// How long to hold, for instance 10m [default: what the sale says]
    #[arg(long, value_parser = parse_span, value_name = "SPAN")]
    hold: Option<Duration>,
    /// Ask again under this id instead of a new one; everything else must be as before
    #[arg(long, value_parser = parse_reservation, value_name = "HEX")]
    id: Option<ReservationId>,
    /// For whose account
    #[arg(long, default_value_t = 1, value_name = "N")]
    account: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Closeness {
    /// In one row
    Row,
    /// In one coach
    Coach,
}

impl Reserve {
    pub(super) fn run(self, server: &ServerOptions, output: Output) -> Result<Exit, Failure> {
        let client = server.connect()?;
        let departure = self.train.resolve(&client)?;
        let request = self.request(&departure)?;
        let id = request.target().id;
        let reservation = client.reserve(request).map_err(|error| {
            let failure = Failure::from(error).about(&self.train);
            match failure.exit {
                Exit::Unknown => failure
                    .under_id(id.to_string())
                    .hint(format!("ask again with all the same and --id {id}")),
                _ => failure,
            }
        })?;
        output.show(&Ticket::new(reservation, self.account, Some(&departure), server))
    }

    fn request(&self, departure: &Departure) -> Result<ReserveRequest, Failure> {
        let id = self.id.unwrap_or_else(new_reservation_id);
        let class = departure.class(&self.class)?.class;
        let trip = departure.trip(&self.from, &self.to)?;
        let passengers = self.passenger_ids(id);
        let account = AccountId(self.account);
        let mut request = ReserveRequest::new(id, departure.id(), account, class, trip, &passengers)?
            .wishes(self.wishes(passengers.len())?);
        if let Some(hold) = self.hold {
            let too_long = |_| Failure::usage("--hold is at most 24h");
            request = request.hold_ms(u32::try_from(hold.as_millis()).map_err(too_long)?);
        }
        Ok(if self.id.is_some() { request.repeat() } else { request })
    }

    /// As given, or made from the reservation's id: asking again under it names the same passengers.
    fn passenger_ids(&self, id: ReservationId) -> Vec<PassengerId> {
        if !self.passenger.is_empty() {
            return self.passenger.iter().copied().map(PassengerId).collect();
        }
        let first = (id.0 as u64) >> (u64::BITS - PASSENGER_BITS);
        (0..u64::from(self.passengers)).map(|at| PassengerId(first + at)).collect()
    }

    fn wishes(&self, party: usize) -> Result<Wishes, Failure> {
        let mut wishes = Wishes::default();
        let wished = self.seat_letters.len();
        if wished > party {
            return Err(Failure::usage(format!(
                "--seat-letters has {wished} letters for a party of {party}"
            )));
        }
        wishes.letters[..wished].copy_from_slice(&self.seat_letters);
        if self.strict {
            wishes.mode = WishMode::Strict;
        }
        wishes.together = match self.together {
            Some(Closeness::Row) => Together::Row,
            Some(Closeness::Coach) => Together::Coach,
            None => Together::Anywhere,
        };
        Ok(wishes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        reserve: Reserve,
    }

    fn reserve(options: &str) -> Reserve {
        let line = format!("x G1 2026-10-01 --class second --from A --to B {options}");
        Line::try_parse_from(line.split_whitespace()).unwrap_or_else(|error| panic!("{error}")).reserve
    }

    #[test]
    fn made_up_passengers_follow_from_the_id() {
        let id = ReservationId(u128::MAX);
        let ids = reserve("--passengers 3").passenger_ids(id);
        assert_eq!(ids, reserve("--passengers 3").passenger_ids(id));
        assert_eq!(ids.len(), 3);
        assert!(ids.iter().all(|passenger| passenger.0 < 1 << 53));
        assert_eq!(
            reserve("--passenger 7 --passenger 9").passenger_ids(id),
            [PassengerId(7), PassengerId(9)]
        );
    }

    #[test]
    fn letters_are_wishes_for_the_first_passengers() {
        let wishes =
            reserve("--passengers 3 --seat-letters a,-,C --strict --together row").wishes(3).unwrap();
        assert_eq!(wishes.letters[..4], [b'A', 0, b'C', 0]);
        assert_eq!((wishes.mode, wishes.together), (WishMode::Strict, Together::Row));
        let failure = reserve("--seat-letters A,C").wishes(1).unwrap_err();
        assert_eq!(
            (failure.exit, failure.message.as_str()),
            (Exit::Usage, "--seat-letters has 2 letters for a party of 1")
        );
    }
}
