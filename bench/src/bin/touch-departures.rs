//! One RESERVE on every departure of a timetable: what `bench/run` asks before it looks how much memory a departure has
//! that was sold. Buyers at random would leave some alone, and put many reservations on each to leave few.

use clap::Parser;
use seathold::catalog::{Catalog, DateRange, DepartureIndex, ImportOptions};
use seathold_client::{
    AccountId, Call, Client, CompletionQueue, PassengerId, ReserveRequest, new_reservation_id,
};
use serde::Serialize;
use std::error::Error;
use std::path::PathBuf;

/// Requests in flight: enough that the server is never idle, few enough that it is never full.
const WINDOW: usize = 1_000;

/// Reserve one place, from the first stop to the last, on every departure of a timetable
#[derive(Clone, Debug, Parser)]
struct Options {
    /// The server
    #[arg(value_name = "URL")]
    url: String,
    /// The timetable, as the server has it
    #[arg(long, value_name = "PATH")]
    gtfs: PathBuf,
    /// The server's rules file
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    /// The service dates that the server has loaded
    #[arg(long, value_name = "FROM..TO")]
    dates: DateRange,
}

/// What is printed, as an object of JSON.
#[derive(Serialize)]
struct Touched {
    departures: usize,
    /// Of which a place is held.
    touched: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Options { url, gtfs, rules, dates } = Options::parse();
    let catalog = Catalog::import(&ImportOptions { gtfs, rules, dates, lenient: false })?;
    let client = Client::connect(&url)?;
    let queue = CompletionQueue::new(WINDOW);
    let mut told = Touched { departures: 0, touched: 0 };
    for departure in catalog.indices() {
        if queue.open() == WINDOW {
            told.touched += take(&queue)?;
        }
        told.departures += 1;
        client.submit(Call::Reserve(whole_route(&catalog, departure)?), 0, &queue)?;
    }
    while queue.open() > 0 {
        told.touched += take(&queue)?;
    }
    println!("{}", serde_json::to_string(&told)?);
    Ok(())
}

/// Takes the answer of one call; a refusal is an error.
fn take(queue: &CompletionQueue) -> Result<usize, seathold_client::Error> {
    queue.recv().map_or(Ok(0), |completion| completion.result.map(|_| 1))
}

/// Each departure has an account and a passenger of its own, so that no limit is met.
fn whole_route(
    catalog: &Catalog,
    departure: DepartureIndex,
) -> Result<ReserveRequest, seathold_client::Error> {
    let id = catalog.id(departure);
    let class = catalog.seat_plan(departure).classes[0].class;
    let trip = (0, catalog.segments(departure));
    let (account, passenger) = (AccountId(id.0), PassengerId(id.0));
    ReserveRequest::new(new_reservation_id(), id, account, class, trip, &[passenger])
}
