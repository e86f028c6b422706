//! Seats for a party: one row if there is one, else one coach, else anywhere, and letters as wished.
//!
//! Works on a copy of the trip's candidates, so that a party is seated whole or not at all.

use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::wishes::{Met, Together, WishMode, Wishes};

use super::best_fit::Tiers;
use super::places::Places;
use super::seat_map::{Groups, Run, SeatMap};
use seathold_protocol::record::NO_SEAT;

/// Seats `party` passengers among the candidates. `None` when they do not suffice for what binds: the number of
/// passengers, and STRICT wishes.
///
/// A PREFER party tries, in this order: a row with all letters, a row, a coach with all letters, a coach, anywhere
/// with all letters, anywhere. Where not all letters can be had it gets as many as its row or coach has.
pub(super) fn seat_party<const QUADS: usize>(
    map: &SeatMap,
    tiers: &mut Tiers<QUADS>,
    party: usize,
    wishes: &Wishes,
) -> Option<(Places, Met)> {
    let letters = &wishes.letters[..party];
    let strict = wishes.mode == WishMode::Strict;
    let wished = Demand { party, letters };
    let bare = Demand { party, letters: &[0; PASSENGERS_MAX][..party] };
    for together in [Together::Row, Together::Coach, Together::Anywhere] {
        if strict && together < wishes.together {
            break;
        }
        let demands = [Some(wished), (!strict && letters != bare.letters).then_some(bare)];
        let room = demands.into_iter().flatten().find_map(|demand| demand.find(map, tiers, together));
        if let Some(room) = room {
            let places = fill(map, tiers, room.runs(), letters);
            return Some((places, Met { together, letters: letters_met(map, &places, letters) }));
        }
    }
    None
}

/// The passengers whose letter wish the places meet: bit i for passenger i.
pub(super) fn letters_met(map: &SeatMap, places: &Places, letters: &[u8]) -> u16 {
    let has = |seat, letter| map.seat(seat).is_some_and(|seat| seat.letter == letter);
    let met = |(at, (seat, letter))| u16::from(has(seat, letter)) << at;
    places.seats().iter().copied().zip(letters.iter().copied()).enumerate().map(met).sum()
}

/// What a group of seats has to offer to be chosen.
#[derive(Clone, Copy)]
struct Demand<'a> {
    party: usize,
    /// One per passenger, 0 for any.
    letters: &'a [u8],
}

impl Demand<'_> {
    /// The first group of the wished closeness that meets the demand; in a row, neighbours go first.
    fn find<'m, const QUADS: usize>(
        &self,
        map: &'m SeatMap,
        tiers: &Tiers<QUADS>,
        together: Together,
    ) -> Option<Room<'m>> {
        match together {
            Together::Row => {
                let mut neighbours = tiers.adjacent(self.party, map.starts(self.party));
                let neighbours = neighbours.find(|run| self.met_by(map, tiers, &[*run]));
                neighbours.map(|run| Room::Neighbours([run])).or_else(|| self.find_in(map.rows(), map, tiers))
            }
            Together::Coach => self.find_in(map.coaches(), map, tiers),
            Together::Anywhere => self.met_by(map, tiers, map.whole()).then_some(Room::Group(map.whole())),
        }
    }

    fn find_in<'m, const QUADS: usize>(
        &self,
        groups: &'m Groups,
        map: &SeatMap,
        tiers: &Tiers<QUADS>,
    ) -> Option<Room<'m>> {
        if groups.largest() < self.party {
            return None;
        }
        groups.iter().find(|runs| self.met_by(map, tiers, runs)).map(Room::Group)
    }

    /// Whether the candidates within `runs` are enough, in all and of each letter.
    fn met_by<const QUADS: usize>(&self, map: &SeatMap, tiers: &Tiers<QUADS>, runs: &[Run]) -> bool {
        let enough_of = |(at, letter): (usize, &u8)| {
            let asked = self.letters[..=at].iter().filter(|earlier| *earlier == letter).count();
            *letter == 0
                || map.with_letter(*letter).is_some_and(|seats| tiers.count(runs, Some(seats)) >= asked)
        };
        tiers.count(runs, None) >= self.party && self.letters.iter().enumerate().all(enough_of)
    }
}

/// Where a party will sit.
enum Room<'m> {
    Neighbours([Run; 1]),
    Group(&'m [Run]),
}

impl Room<'_> {
    fn runs(&self) -> &[Run] {
        match self {
            Self::Neighbours(run) => run,
            Self::Group(runs) => runs,
        }
    }
}

/// Draws a seat within `runs`, which have enough, for each passenger: those with a letter choose first, the others
/// sit in the order of the seats.
fn fill<const QUADS: usize>(map: &SeatMap, tiers: &mut Tiers<QUADS>, runs: &[Run], letters: &[u8]) -> Places {
    let mut places = Places::unnumbered(letters.len());
    for (place, letter) in places.seats_mut().iter_mut().zip(letters) {
        let lettered = map.with_letter(*letter).and_then(|seats| tiers.draw(runs, Some(seats)));
        *place = lettered.unwrap_or(NO_SEAT);
    }
    let mut others = [NO_SEAT; PASSENGERS_MAX];
    let waiting = places.seats().iter().filter(|seat| **seat == NO_SEAT).count();
    for seat in &mut others[..waiting] {
        *seat = tiers.draw(runs, None).expect("a group is chosen for having a candidate per passenger");
    }
    others[..waiting].sort_unstable();
    let seatless = places.seats_mut().iter_mut().filter(|seat| **seat == NO_SEAT);
    seatless.zip(others).for_each(|(place, seat)| *place = seat);
    places
}
