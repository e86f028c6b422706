//! What any core answers by itself, from the catalogue and the board: RESOLVE, AVAILABILITY, and the refusal at the door.

use super::Board;
use crate::catalog::{DepartureIndex, Resolution};
use crate::inventory::Trip;
use seathold_protocol::batch::Stamp;
use seathold_protocol::reply::{AvailabilityHead, ClassInfo, Refusal, Resolved, Sale, Stop};
use seathold_protocol::request::{Availability, Reserve};
use seathold_protocol::status::Status;
use seathold_protocol::{Class, Day};

fn refusal(status: Status, detail: u64) -> Refusal {
    Refusal { status, detail }
}

impl Board {
    /// The departure of a train on a day.
    pub fn resolve(&self, train: &str, day: Day, now: Stamp) -> Result<Resolved, Refusal> {
        let index = match self.catalog.resolve(train, day) {
            Resolution::Found(index) => index,
            Resolution::UnknownTrain => return Err(refusal(Status::UnknownTrain, 0)),
            Resolution::NotRunning => return Err(refusal(Status::NotRunning, 0)),
        };
        let rules = self.catalog.rules(index);
        let layout = self.layout(index);
        let class = |(at, plan): (usize, Class)| ClassInfo {
            class: plan,
            numbered: layout.seat(at, 0).is_some(),
            capacity: layout.capacity(at),
        };
        let stop = |stop: crate::catalog::Call<'_>| Stop {
            code: stop.code.to_owned(),
            name: stop.name.to_owned(),
            arrival_s: stop.arrival_s,
            departure_s: stop.departure_s,
        };
        Ok(Resolved {
            departure: self.catalog.id(index),
            sale: self.sale(index),
            opens_in_ms: rules.opens_in_ms(now.wall_ms),
            closes_in_ms: rules.closes_in_ms(now.wall_ms),
            hold_ms_default: rules.hold_ms_default,
            hold_ms_max: rules.hold_ms_max,
            places_per_account: rules.places_per_account,
            passengers_per_reservation: rules.passengers_per_reservation,
            stops: self.catalog.calls(index).map(stop).collect(),
            classes: layout.classes().enumerate().map(class).collect(),
        })
    }

    /// Free places of one pair or all pairs of stops, with the version and age of the numbers.
    pub fn availability(&self, asked: &Availability, now: Stamp) -> Result<FreePlaces<'_>, Refusal> {
        let index = self.catalog.find(asked.departure).ok_or(refusal(Status::UnknownDeparture, 0))?;
        if let Some(unavailable) = self.fences.refusal(asked.departure) {
            return Err(unavailable);
        }
        let layout = self.layout(index);
        let segments = self.catalog.segments(index);
        let stops = segments + 1;
        if asked.class.is_some_and(|class| layout.class_index(class).is_none()) {
            return Err(refusal(Status::UnknownClass, 0));
        }
        let trip =
            |(from, to)| Trip::new(from, to, segments).ok_or(refusal(Status::BadTrip, u64::from(stops)));
        let trip = asked.pair.map(trip).transpose()?;
        let (version, age_ms) = match self.published(index) {
            Some(published) if published.version() > 0 => {
                (published.version(), now.boot_ms.saturating_sub(published.changed_ms()))
            }
            _ => (0, u64::MAX),
        };
        let classes = if asked.class.is_some() { 1 } else { layout.classes().len() as u8 };
        let pairs = if trip.is_some() { 1 } else { all_trips(segments).count() as u16 };
        let head = AvailabilityHead { departure: asked.departure, version, age_ms, stops, classes, pairs };
        Ok(FreePlaces { head, board: self, index, class: asked.class, trip })
    }

    /// SOLD_OUT for a request that was never sent before, if the published counters say so: then nothing can be held
    /// under its id, and the owner need not be asked. Not from counters that are another server's: they are old. Nor while
    /// they count a hold that is not durable: the owner answers when it is.
    pub fn sold_out(&self, reserve: &Reserve, now: Stamp) -> Option<Refusal> {
        if !reserve.first || self.fences.refusal(reserve.departure).is_some() {
            return None;
        }
        self.sold_out_at(self.catalog.find(reserve.departure)?, reserve, now)
    }

    /// The same, of a departure that was found already.
    pub(super) fn sold_out_at(
        &self,
        index: DepartureIndex,
        reserve: &Reserve,
        now: Stamp,
    ) -> Option<Refusal> {
        let class = self.layout(index).class_index(reserve.class)?;
        let trip = Trip::new(reserve.from, reserve.to, self.catalog.segments(index))?;
        let published = self.published(index)?;
        let free = published.free(class, trip);
        let refused = free < u32::from(reserve.party)
            && self.is_settled(reserve.departure, published)
            && self.passes_the_rules_known_here(reserve, index, now);
        refused.then_some(refusal(Status::SoldOut, u64::from(free)))
    }

    /// Whether the request passes all that can be judged here before the stock: NOT_OPEN, CLOSED, BAD_HOLD_TIME and LIMIT of
    /// passengers are the owner's to tell. What an account or a passenger has already only the owner knows.
    fn passes_the_rules_known_here(&self, reserve: &Reserve, index: DepartureIndex, now: Stamp) -> bool {
        let rules = self.catalog.rules(index);
        let opened = match self.sale(index) {
            Sale::Closed => false,
            Sale::Opened => true,
            Sale::ByRules => rules.opens_in_ms(now.wall_ms) == 0,
        };
        opened
            && rules.closes_in_ms(now.wall_ms) > 0
            && reserve.party <= rules.passengers_per_reservation
            && reserve.hold_ms <= rules.hold_ms_max
    }
}

/// The answer to AVAILABILITY. Its numbers are read as they are written.
#[derive(Clone, Copy)]
pub struct FreePlaces<'a> {
    /// What it says before its numbers.
    pub head: AvailabilityHead,
    board: &'a Board,
    index: DepartureIndex,
    class: Option<Class>,
    trip: Option<Trip>,
}

impl FreePlaces<'_> {
    /// Each class that was asked for, and its free places of the pair or of all pairs.
    pub fn classes(&self) -> impl Iterator<Item = (Class, impl Iterator<Item = u32>)> {
        let Self { board, index, .. } = *self;
        let segments = if self.trip.is_some() { 0 } else { self.head.stops - 1 };
        let trips = move || self.trip.into_iter().chain(all_trips(segments));
        let classes = board.layout(index).classes().enumerate();
        let asked = classes.filter(|(_, class)| self.class.is_none_or(|asked| asked == *class));
        asked.map(move |(at, class)| (class, trips().map(move |trip| board.free(index, at, trip))))
    }
}

/// All pairs of stops in the order of AVAILABILITY's reply.
fn all_trips(segments: u8) -> impl Iterator<Item = Trip> {
    let pairs = (0..segments).flat_map(move |from| (from + 1..=segments).map(move |to| (from, to)));
    pairs.map(move |(from, to)| Trip::new(from, to, segments).expect("from < to <= segments"))
}
