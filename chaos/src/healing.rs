//! What must come true when the faults are over: unknown outcomes can be learnt, holds run out, and every place that is not
//! sold is for sale again (I2 and I7, as the server tells it).

use crate::buyers::Buyers;
use crate::crowd::outcome;
use crate::history::{Event, History, Step};
use crate::records::Records;
use crate::timetable::OnSale;
use crate::{ChaosError, Server};
use seathold_client::{Answer, Client};
use seathold_protocol::reservation::State;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long after the last request no hold may be left. The longest hold of a crowd is far below; the rest is for a
/// loaded machine.
const HOLDS_END: Duration = Duration::from_secs(10);

/// Between two looks at the ledger.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Asks again what nobody learnt, waits until no hold is left, and compares what is free. Returns the ledger as it is then
/// and what must not be.
pub fn heal(
    server: &Server,
    buyers: &Buyers,
    history: &mut History,
) -> Result<(Records, Vec<String>), ChaosError> {
    let client = server.client()?;
    for number in history.in_doubt() {
        let began = Instant::now();
        let told = client.lookup(buyers.buyer(number).request.target()).map(Answer::Reservation);
        let (outcome, ended) = (outcome(told), Instant::now());
        history.events.push(Event { number, step: Step::Lookup, outcome, attempts: 1, began, ended });
    }
    let mut records = Records::of(&server.setup().ledger)?;
    let began = Instant::now();
    let mut found = Vec::new();
    while records.newest().any(|record| record.state == State::Held) {
        if began.elapsed() > HOLDS_END {
            let left = records.newest().filter(|record| record.state == State::Held).count();
            found.push(format!("{left} holds are left {} s after the last request", HOLDS_END.as_secs()));
            break;
        }
        std::thread::sleep(LOOK_AGAIN);
        records.read_on()?;
    }
    for departure in buyers.timetable().departures() {
        found.extend(free_places(&client, departure, &records)?);
    }
    Ok((records, found))
}

/// Compares what the server says is free on each segment with what the ledger has sold.
fn free_places(client: &Client, departure: &OnSale, records: &Records) -> Result<Option<String>, ChaosError> {
    let mut sold: HashMap<(u8, u8), u32> = HashMap::new();
    let here = records.newest().filter(|record| record.departure == departure.id && record.state.is_live());
    for record in here {
        for segment in record.from..record.to {
            *sold.entry((record.class.0, segment)).or_default() += u32::from(record.party);
        }
    }
    let stops = usize::from(departure.segments) + 1;
    // All pairs come in the order (0,1) (0,2) … (1,2) …
    let pair_of = |segment: usize| (0..segment).map(|from| stops - 1 - from).sum::<usize>();
    let began = Instant::now();
    loop {
        let told = client.availability(departure.id, None, None)?;
        let mut wrong = None;
        for (at, class) in departure.layout.classes().enumerate() {
            let free = told.classes.iter().find(|told| told.class == class).map(|told| &told.free);
            for segment in 0..departure.segments {
                let taken = sold.get(&(class.0, segment)).copied().unwrap_or(0);
                let expected = departure.layout.capacity(at).checked_sub(taken);
                let said = free.and_then(|free| free.get(pair_of(usize::from(segment))).copied());
                if expected != said {
                    let (id, class) = (departure.id, class.0);
                    wrong = Some(format!(
                        "departure {id}, class {class}, segment {segment}: {said:?} are told free, and the ledger leaves {expected:?}"
                    ));
                }
            }
        }
        if wrong.is_none() || began.elapsed() > HOLDS_END {
            return Ok(wrong);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}
