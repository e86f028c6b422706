//! The last wave: single travellers ask for every piece that is still free, the longest first, until nothing is.

use super::DemoError;
use super::crowd::{Crowd, OnSale};
use super::history::History;
use seathold_client::{Answer, Call, Client, CompletionQueue, Error};
use seathold_protocol::Class;

/// Single travellers in flight.
const IN_FLIGHT: usize = 512;

/// What the last wave got.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wave {
    /// Travellers who asked.
    pub(super) asked: u64,
    /// Those who got a seat and confirmed.
    pub(super) sold: u64,
}

/// A piece of a departure that is free: so many places from stop to stop.
struct Piece {
    class: Class,
    trip: (u8, u8),
    free: u32,
}

/// Sells what is left; travellers are numbered from `first_number` on.
pub(super) fn run(
    client: &Client,
    crowd: &Crowd,
    first_number: u64,
    history: &mut History,
) -> Result<Wave, DemoError> {
    let mut seller = Seller { client, crowd, history, next_number: first_number };
    let mut wave = Wave::default();
    for departure in crowd.departures() {
        while let Some(piece) = longest_free(client, departure)? {
            let sold = seller.sell(departure, &piece)?;
            wave.asked += u64::from(piece.free);
            wave.sold += sold;
            if sold == 0 {
                // What is free and cannot be had is what the report calls unsold.
                break;
            }
        }
    }
    Ok(wave)
}

/// The longest piece that is free.
fn longest_free(client: &Client, departure: &OnSale) -> Result<Option<Piece>, DemoError> {
    let reply = client.availability(departure.id, None, None)?;
    let segments = departure.segments;
    let pairs = || (0..segments).flat_map(|from| (from + 1..=segments).map(move |to| (from, to)));
    let pieces = reply.classes.iter().flat_map(|class| {
        let piece = |(trip, free): ((u8, u8), &u32)| Piece { class: class.class, trip, free: *free };
        pairs().zip(&class.free).map(piece)
    });
    let free = pieces.filter(|piece| piece.free > 0);
    Ok(free.max_by_key(|Piece { trip: (from, to), .. }| to - from))
}

struct Seller<'a> {
    client: &'a Client,
    crowd: &'a Crowd,
    history: &'a mut History,
    next_number: u64,
}

impl Seller<'_> {
    /// Lets one traveller per free place reserve and confirm; how many could.
    fn sell(&mut self, departure: &OnSale, piece: &Piece) -> Result<u64, DemoError> {
        let queue = CompletionQueue::new(2 * IN_FLIGHT);
        let request = |number| self.crowd.request(number, departure.id, piece.class, piece.trip, 1);
        let end = self.next_number + u64::from(piece.free);
        let mut sold = 0;
        while self.next_number < end || queue.open() > 0 {
            while self.next_number < end && queue.open() < IN_FLIGHT {
                let number = self.next_number;
                self.client.submit(Call::Reserve(request(number)), number << 1, &queue)?;
                self.next_number += 1;
            }
            let Some(completion) = queue.recv() else { continue };
            let number = completion.tag >> 1;
            let target = request(number).target();
            match completion.result {
                Ok(Answer::Reservation(reservation)) => {
                    self.history.note(target, &reservation);
                    if completion.tag & 1 == 0 {
                        self.client.submit(Call::Confirm(target), number << 1 | 1, &queue)?;
                    } else {
                        sold += 1;
                    }
                }
                Ok(_) | Err(Error::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(sold)
    }
}
