//! The last wave: single travellers ask for every piece that is still free, the longest first, until nothing is.

use super::DemoError;
use super::crowd::{Crowd, OnSale};
use super::history::History;
use seathold_client::{Answer, Call, Client, CompletionQueue};
use seathold_protocol::Class;

/// Single travellers in flight.
const IN_FLIGHT: u32 = 512;

/// What the last wave got.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wave {
    /// Travellers who asked.
    pub(super) asked: u64,
    /// Those who got a seat and confirmed.
    pub(super) sold: u64,
}

pub(super) fn run(
    client: &Client,
    crowd: &Crowd,
    first_number: u64,
    history: &mut History,
) -> Result<Wave, DemoError> {
    let mut wave = Wave::default();
    for departure in crowd.departures() {
        while let Some((class, trip, free)) = longest_free(client, departure)? {
            let sold = buy(client, crowd, departure, class, trip, free, first_number + wave.asked, history)?;
            wave.asked += u64::from(free);
            wave.sold += sold;
            if sold == 0 {
                // What is free and cannot be had is what the report calls unsold.
                break;
            }
        }
    }
    Ok(wave)
}

/// The longest pair of stops with a free place, and how many are.
fn longest_free(client: &Client, departure: &OnSale) -> Result<Option<(Class, (u8, u8), u32)>, DemoError> {
    let reply = client.availability(departure.id, None, None)?;
    let segments = departure.segments;
    let pairs = || (0..segments).flat_map(|from| (from + 1..=segments).map(move |to| (from, to)));
    let free = reply.classes.iter().flat_map(|class| {
        pairs().zip(&class.free).filter(|(_, free)| **free > 0).map(|(pair, free)| (class.class, pair, *free))
    });
    Ok(free.max_by_key(|(_, (from, to), _)| to - from))
}

#[expect(clippy::too_many_arguments, reason = "one step of the wave with all that it depends on")]
fn buy(
    client: &Client,
    crowd: &Crowd,
    departure: &OnSale,
    class: Class,
    trip: (u8, u8),
    travellers: u32,
    first_number: u64,
    history: &mut History,
) -> Result<u64, DemoError> {
    let queue = CompletionQueue::new(2 * IN_FLIGHT as usize);
    let request = |number| crowd.request(number, departure.id, class, trip, 1);
    let (mut next, mut sold) = (0, 0);
    while next < travellers || queue.open() > 0 {
        while next < travellers && queue.open() < IN_FLIGHT as usize {
            let number = first_number + u64::from(next);
            client.submit(Call::Reserve(request(number)), number << 1, &queue)?;
            next += 1;
        }
        let Some(completion) = queue.recv() else { continue };
        let number = completion.tag >> 1;
        let target = request(number).target();
        match completion.result {
            Ok(Answer::Reservation(reservation)) => {
                history.note(target, &reservation);
                if completion.tag & 1 == 0 {
                    client.submit(Call::Confirm(target), number << 1 | 1, &queue)?;
                } else {
                    sold += 1;
                }
            }
            Ok(_) => {}
            Err(seathold_client::Error::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(sold)
}
