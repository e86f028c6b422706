//! `open` and `close`: an operator's word on a sale.

use super::connection::ServerOptions;
use super::dates::ServiceDate;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::resolve::sale_name;
use super::train::TrainOnDate;
use clap::Args;
use seathold_client::{Sale, SaleReply};
use serde::Serialize;
use std::fmt;

#[derive(Debug, Args)]
pub(super) struct Open {
    #[command(flatten)]
    train: TrainOnDate,
    /// How much of each class is for sale [default: as it is]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
    released: Option<u8>,
}

#[derive(Debug, Args)]
pub(super) struct Close {
    #[command(flatten)]
    train: TrainOnDate,
}

impl Open {
    pub(super) fn run(self, server: &ServerOptions, output: Output) -> Result<Exit, Failure> {
        let client = server.connect()?;
        let departure = self.train.resolve(&client)?;
        // On the wire, 0 percent leaves the share as it is.
        let reply = client.open(departure.id(), self.released.unwrap_or(0));
        output.show(&Decision::new(
            &self.train,
            reply.map_err(|error| Failure::from(error).about(&self.train))?,
        ))
    }
}

impl Close {
    pub(super) fn run(self, server: &ServerOptions, output: Output) -> Result<Exit, Failure> {
        let client = server.connect()?;
        let departure = self.train.resolve(&client)?;
        let reply = client.close(departure.id());
        output.show(&Decision::new(
            &self.train,
            reply.map_err(|error| Failure::from(error).about(&self.train))?,
        ))
    }
}

#[derive(Debug, Serialize)]
struct Decision<'a> {
    train: &'a str,
    date: ServiceDate,
    departure: String,
    sale: &'static str,
    released_percent: u8,
}

impl<'a> Decision<'a> {
    fn new(train: &'a TrainOnDate, reply: SaleReply) -> Self {
        let SaleReply { departure, sale, released_percent } = reply;
        let (date, departure, sale) = (train.date, departure.to_string(), sale_name(sale));
        Self { train: &train.train, date, departure, sale, released_percent }
    }
}

impl fmt::Display for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}: ", self.train, self.date)?;
        if self.sale == sale_name(Sale::Closed) {
            f.write_str("closed; holds can still be confirmed or given up")
        } else {
            write!(f, "open, {} % of its places for sale", self.released_percent)
        }
    }
}
