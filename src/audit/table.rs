//! Who has what in one class of a departure: a plain table, seat by segment.
//!
//! It stands apart from the reservations' history so that the two can be counted against each other.

use seathold_protocol::ReservationId;
use seathold_protocol::plan::{ClassPlan, Stock};
use seathold_protocol::record::{NO_SEAT, ReservationRecord};

pub(super) enum Table {
    /// By seat and segment: the reservation that had it first. Another that is given it as well never has it here.
    Seats { cells: Vec<Option<ReservationId>>, segments: usize },
    /// By segment: places taken, those above the capacity included.
    Places { taken: Vec<u32>, capacity: u32 },
}

/// What is wrong with a reservation's places, and how many seat-segments are concerned.
pub(super) struct Clash {
    /// What.
    pub(super) text: String,
    /// Seat-segments of the reservation that the table does not have as its own.
    pub(super) missed: u64,
    /// Seat-segments that others had already, or above the capacity.
    pub(super) oversold: u64,
}

impl Table {
    pub(super) fn new(class: &ClassPlan, segments: usize) -> Self {
        match &class.stock {
            Stock::Seats(_) => {
                Self::Seats { cells: vec![None; class.capacity() as usize * segments], segments }
            }
            Stock::Places(places) => Self::Places { taken: vec![0; segments], capacity: *places },
        }
    }

    /// Gives a reservation its places, as far as they are free. Its trip is within the route.
    pub(super) fn take(&mut self, record: &ReservationRecord) -> Result<(), Clash> {
        match self {
            Self::Seats { cells, segments } => take_seats(cells, *segments, record),
            Self::Places { taken, capacity } => take_places(taken, *capacity, record),
        }
    }

    /// Takes back what `take` gave.
    pub(super) fn give(&mut self, record: &ReservationRecord) {
        let (from, to) = (usize::from(record.from), usize::from(record.to));
        match self {
            Self::Seats { cells, segments } => {
                for seat in record.seats() {
                    let row = usize::from(*seat) * *segments;
                    let trip = cells.get_mut(row + from..row + to).unwrap_or_default();
                    trip.iter_mut().filter(|cell| **cell == Some(record.id)).for_each(|cell| *cell = None);
                }
            }
            Self::Places { taken, .. } => {
                for taken in &mut taken[from..to] {
                    let left = taken.checked_sub(record.party.into());
                    *taken = left.expect("only places that were taken are given back");
                }
            }
        }
    }

    /// By segment: places that nobody has, of the first `released`.
    pub(super) fn free(&self, released: u32) -> Vec<u32> {
        match self {
            Self::Seats { cells, segments } => {
                let mut free = vec![0; *segments];
                for seat in cells.chunks_exact(*segments).take(released as usize) {
                    free.iter_mut().zip(seat).for_each(|(free, cell)| *free += u32::from(cell.is_none()));
                }
                free
            }
            Self::Places { taken, .. } => taken.iter().map(|taken| released.saturating_sub(*taken)).collect(),
        }
    }

    /// Seat-segments that somebody has.
    pub(super) fn taken(&self) -> u64 {
        match self {
            Self::Seats { cells, .. } => cells.iter().flatten().count() as u64,
            Self::Places { taken, .. } => taken.iter().map(|taken| u64::from(*taken)).sum(),
        }
    }
}

fn take_seats(
    cells: &mut [Option<ReservationId>],
    segments: usize,
    record: &ReservationRecord,
) -> Result<(), Clash> {
    let id = record.id;
    let (from, to) = (usize::from(record.from), usize::from(record.to));
    let (mut missed, mut oversold) = (0, 0);
    let mut unknown = None;
    let mut first = None;
    for seat in record.seats() {
        let row = usize::from(*seat) * segments;
        // NO_SEAT is behind every seat that a plan can have.
        let Some(trip) = cells.get_mut(row + from..row + to) else {
            missed += (to - from) as u64;
            unknown.get_or_insert(*seat);
            continue;
        };
        for (segment, cell) in (from..to).zip(trip) {
            match *cell {
                None => *cell = Some(id),
                Some(other) => {
                    oversold += 1;
                    first.get_or_insert((*seat, segment, other));
                }
            }
        }
    }
    missed += oversold;
    let text = match (first, unknown) {
        (None, None) => return Ok(()),
        (None, Some(seat)) => format!("reservation {id} has seat {seat}, not in the plan"),
        (Some((seat, segment, other)), _) => format!(
            "seat {seat} of reservation {id} belongs to {other} on segment {segment}: sold twice, \
             {oversold} seat-segments in all"
        ),
    };
    Err(Clash { text, missed, oversold })
}

fn take_places(taken: &mut [u32], capacity: u32, record: &ReservationRecord) -> Result<(), Clash> {
    let id = record.id;
    let party = u32::from(record.party);
    let (mut most, mut oversold) = (0, 0);
    for taken in &mut taken[usize::from(record.from)..usize::from(record.to)] {
        *taken += party;
        most = most.max(*taken);
        oversold += u64::from(taken.saturating_sub(capacity).min(party));
    }
    let text = if oversold > 0 {
        format!(
            "reservation {id}: {most} places taken of {capacity}: oversold, {oversold} seat-segments in all"
        )
    } else if record.seats()[0] != NO_SEAT {
        format!("reservation {id} has seat {}, in a class without numbers", record.seats()[0])
    } else {
        return Ok(());
    };
    Err(Clash { text, missed: 0, oversold })
}
