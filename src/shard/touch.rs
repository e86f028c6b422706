//! Reading ahead: nothing here answers or changes anything, it only brings near what a command is about to need. A
//! departure that nobody asked for in a while lies in memory a hundred nanoseconds away, in some twenty places.

use super::{Command, Shard};
use crate::inventory::Trip;
use seathold_protocol::request::Reserve;
use std::hint::black_box;

impl Shard {
    /// Reads what every command needs, and `touch_for` first of all.
    pub fn touch(&self) {
        black_box((self.departure, self.rules.hold_ms_max, self.wake_at_ms, self.plan_logged_in));
        black_box((self.inventory.segments(), self.published.version()));
        self.book.touch();
        self.deadlines.touch();
    }

    /// Reads what this command needs.
    pub fn touch_for(&self, command: &Command) {
        match command {
            Command::Reserve(reserve) => self.touch_for_reserve(reserve),
            Command::Confirm(target)
            | Command::Cancel(target)
            | Command::Refund(target)
            | Command::Lookup(target) => {
                if let Some(slot) = self.book.find(target.id) {
                    self.deadlines.touch_key(slot);
                }
            }
            Command::Open(..) | Command::Close(_) => {}
        }
    }

    fn touch_for_reserve(&self, reserve: &Reserve) {
        let Some(class) = self.inventory.layout().class_index(reserve.class) else { return };
        let Some(trip) = Trip::new(reserve.from, reserve.to, self.inventory.segments()) else { return };
        // One that is refused needs nothing more.
        if self.published.free(class, trip) < u32::from(reserve.party) {
            return;
        }
        self.inventory.touch(class, trip);
        black_box(self.book.find(reserve.id));
        if self.rules.one_seat_per_passenger {
            black_box(self.passengers.get(reserve.passengers[0]));
        }
    }
}
