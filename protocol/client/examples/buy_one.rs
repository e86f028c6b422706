//! One buyer: find the train, look at what is free, hold a seat, pay, and make it sold.
//!
//! ```sh
//! cargo run -p seathold-client --example buy_one -- seathold://127.0.0.1:7443 "X 3" 2027-03-15 FEN WIL second
//! ```
//!
//! Stops are given by their codes.

use std::error::Error;
use std::process::ExitCode;

use seathold_client::{
    AccountId, Class, Client, Day, Error as CallError, PassengerId, Reservation, ReserveRequest, State,
    Target, new_reservation_id,
};

/// How often an outcome that was not learnt is asked for again before a person has to look.
const TRIES_MAX: usize = 5;

fn main() -> ExitCode {
    match buy() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn buy() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, train, date, from, to, class] = args.as_slice() else {
        return Err("usage: buy_one URL TRAIN DATE FROM TO CLASS".into());
    };
    let day: Day = date.parse()?;
    let class = Class::from_name(class).ok_or("there is no such class; try `second`")?;

    let client = Client::connect(url)?;
    let train = client.resolve(train, day)?;
    let departure = train.departure;
    let stop = |code: &String| {
        let index = train.stops.iter().position(|stop| stop.code == *code);
        index.map(|index| index as u8).ok_or_else(|| format!("the train does not stop at {code}"))
    };
    let trip = (stop(from)?, stop(to)?);
    let free = client.availability(departure, Some(class), Some(trip))?;
    println!("free: {:?}", free.classes);

    // A shop keeps the id with the order before it asks: after a crash it can ask again.
    let id = new_reservation_id();
    let request = ReserveRequest::new(id, departure, AccountId(1), class, trip, &[PassengerId(1)])?;
    let held = hold(&client, request)?;
    println!("held: {:?}, {} ms to pay", held.seats(), held.remaining_ms);

    // Here the buyer pays.
    let sold = confirm(&client, request.target())?;
    println!("sold: {:?}", sold.seats());
    Ok(())
}

/// Holds the seat, whatever the network does meanwhile.
fn hold(client: &Client, mut request: ReserveRequest) -> Result<Reservation, Box<dyn Error>> {
    for _ in 0..TRIES_MAX {
        match client.reserve(request) {
            Ok(held) if held.state == State::Held => return Ok(held),
            Ok(other) => return Err(format!("the reservation is {} by now", other.state.name()).into()),
            Err(CallError::Refused(refusal)) => return Err(refusal.into()),
            Err(CallError::NotDone { reason, retry_after }) => {
                let wait = retry_after.ok_or_else(|| format!("not now: {reason}"))?;
                println!("not now: {reason}; again in {} ms", wait.as_millis());
                std::thread::sleep(wait);
            }
            Err(error @ CallError::Unknown { .. }) => {
                println!("{error}");
                request = request.repeat();
            }
        }
    }
    Err("no certain answer; look up the id later".into())
}

/// Makes the hold sold. CONFIRM is the same request however often it is sent.
fn confirm(client: &Client, target: Target) -> Result<Reservation, Box<dyn Error>> {
    for _ in 0..TRIES_MAX {
        match client.confirm(target) {
            Err(error) if error.is_safe_to_retry() => println!("{error}"),
            answer => return Ok(answer?),
        }
    }
    Err("no certain answer; look up the id later".into())
}
