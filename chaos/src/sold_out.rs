//! Whether SOLD_OUT was true when it was told (I12). The ledger tells what was free at each version of a departure; the clock
//! tells between which versions a refusal lies: behind all that was answered before it began, before all that began after it
//! was told. At one of them too few places must have been free.

use crate::buyers::Buyers;
use crate::check::{Change, Checked};
use crate::history::{History, Outcome};
use crate::records::Records;
use crate::timetable::OnSale;
use seathold_client::Refusal;
use seathold_protocol::record::{NO_SEAT, ReservationRecord};
use seathold_protocol::{Class, DepartureId, ReservationId};
use std::collections::HashMap;

/// A SOLD_OUT, and the versions at one of which it has to be true: `from` to `before` - 1.
struct Claim {
    id: ReservationId,
    class: Class,
    trip: (u8, u8),
    party: u32,
    from: u32,
    before: u32,
}

/// Who has what in one class.
struct Taken {
    capacity: u32,
    /// By seat: a bit per segment.
    seats: Vec<u128>,
    /// By segment: places without a number.
    places: Vec<u32>,
}

/// Checks every SOLD_OUT of a history. `changes` are those that were acknowledged, by departure.
pub(crate) fn check_sold_out(
    history: &History,
    buyers: &Buyers,
    records: &Records,
    changes: &HashMap<DepartureId, Vec<Change>>,
    checked: &mut Checked,
) {
    let mut claims: HashMap<DepartureId, Vec<Claim>> = HashMap::new();
    for event in &history.events {
        if !matches!(event.outcome, Outcome::Refused(Refusal::SoldOut { .. })) {
            continue;
        }
        let asked = buyers.buyer(event.number).asked;
        let known = changes.get(&asked.departure).map_or(&[][..], Vec::as_slice);
        let before_it = known.iter().filter(|change| change.ended < event.began);
        let after_it = known.iter().filter(|change| change.began > event.ended);
        claims.entry(asked.departure).or_default().push(Claim {
            id: buyers.id(event.number),
            class: asked.class,
            trip: asked.trip,
            party: asked.party.into(),
            from: before_it.map(|change| change.version).max().unwrap_or(0),
            before: after_it.map(|change| change.version).min().unwrap_or(u32::MAX),
        });
    }
    let mut by_departure: HashMap<DepartureId, Vec<&ReservationRecord>> = HashMap::new();
    for record in records.chains().flatten() {
        by_departure.entry(record.departure).or_default().push(record);
    }
    for (departure, claims) in claims {
        checked.sold_out += claims.len() as u64;
        let Some(on_sale) = buyers.timetable().find(departure) else { continue };
        let mut ordered = by_departure.remove(&departure).unwrap_or_default();
        ordered.sort_unstable_by_key(|record| record.version);
        for claim in false_claims(on_sale, &ordered, claims) {
            checked.violated(format!(
                "{}: SOLD_OUT for {} of class {} on {:?}, and from version {} up to {} of departure {departure} enough were free",
                claim.id, claim.party, claim.class, claim.trip, claim.from, claim.before
            ));
        }
    }
}

/// The claims that are true at none of their versions.
fn false_claims(on_sale: &OnSale, records: &[&ReservationRecord], mut claims: Vec<Claim>) -> Vec<Claim> {
    let mut taken: HashMap<Class, Taken> = HashMap::new();
    for (at, class) in on_sale.layout.classes().enumerate() {
        let capacity = on_sale.layout.capacity(at);
        let (seats, places) = (vec![0; capacity as usize], vec![0; usize::from(on_sale.segments)]);
        taken.insert(class, Taken { capacity, seats, places });
    }
    claims.sort_unstable_by_key(|claim| claim.from);
    let mut waiting = claims.into_iter().peekable();
    let (mut open, mut wrong): (Vec<Claim>, Vec<Claim>) = (Vec::new(), Vec::new());
    let mut last: HashMap<ReservationId, &ReservationRecord> = HashMap::new();
    // The state at a version lasts up to the next record, so claims are looked at before that is taken.
    for (at, record) in records.iter().enumerate() {
        if let Some(before) = last.insert(record.id, record) {
            set(&mut taken, before, false);
        }
        set(&mut taken, record, true);
        let next = records.get(at + 1).map_or(u32::MAX, |next| next.version);
        while let Some(claim) = waiting.next_if(|claim| claim.from < next) {
            open.push(claim);
        }
        open.retain(|claim| {
            taken.get(&claim.class).is_some_and(|taken| taken.free(claim.trip) >= claim.party)
        });
        let (over, rest): (Vec<Claim>, Vec<Claim>) = open.into_iter().partition(|claim| claim.before <= next);
        wrong.extend(over);
        open = rest;
    }
    wrong.extend(open);
    // Before the first record everything was free.
    wrong.extend(waiting);
    wrong
}

/// Takes the places of a live record, or gives them back.
fn set(taken: &mut HashMap<Class, Taken>, record: &ReservationRecord, take: bool) {
    let Some(class) = taken.get_mut(&record.class).filter(|_| record.state.is_live()) else { return };
    for seat in record.seats().iter().filter(|seat| **seat != NO_SEAT) {
        let bits = mask((record.from, record.to));
        let seat = &mut class.seats[usize::from(*seat)];
        *seat = if take { *seat | bits } else { *seat & !bits };
    }
    if record.seats()[0] == NO_SEAT {
        for places in &mut class.places[usize::from(record.from)..usize::from(record.to)] {
            let party = u32::from(record.party);
            *places = if take { *places + party } else { *places - party };
        }
    }
}

fn mask((from, to): (u8, u8)) -> u128 {
    (from..to).fold(0, |bits, segment| bits | 1 << segment)
}

impl Taken {
    /// Places that are free on the whole trip.
    fn free(&self, trip: (u8, u8)) -> u32 {
        let bits = mask(trip);
        let seats = self.seats.iter().filter(|seat| **seat & bits == 0).count() as u32;
        let most = self.places[usize::from(trip.0)..usize::from(trip.1)].iter().max().copied().unwrap_or(0);
        // A class has either kind: of the other none is taken.
        seats.min(self.capacity.saturating_sub(most))
    }
}
