//! The fixed side of a seat plan: which classes there are and how their seats lie.
//!
//! Computed once per plan and shared by every departure that runs with it, so that a departure's own memory is
//! its bits and counts alone.

use seathold_protocol::Class;
use seathold_protocol::plan::{Seat, SeatPlan, Stock};

use super::seat_map::SeatMap;
use seathold_protocol::record::SeatNumber;

/// The layout of every class of one seat plan. A class is addressed by its position in the plan.
#[derive(Debug)]
pub struct Layout {
    classes: Box<[(Class, Space)]>,
}

/// What a class consists of.
#[derive(Debug)]
pub(super) enum Space {
    Seats(Box<SeatMap>),
    /// So many places without numbers.
    Places(u32),
}

impl Layout {
    /// Lays out `plan`. Panics on a plan that fails `SeatPlan::validate`: whoever reads plans refuses those.
    pub fn new(plan: &SeatPlan) -> Self {
        plan.validate().expect("a plan is validated where it is read");
        let space = |stock: &Stock| match stock {
            Stock::Seats(blocks) => Space::Seats(Box::new(SeatMap::new(blocks))),
            Stock::Places(places) => Space::Places(*places),
        };
        Self { classes: plan.classes.iter().map(|plan| (plan.class, space(&plan.stock))).collect() }
    }

    /// The classes in the order of the plan.
    pub fn classes(&self) -> impl ExactSizeIterator<Item = Class> {
        self.classes.iter().map(|(class, _)| *class)
    }

    /// The position of `class`, if the plan has it.
    pub fn class_index(&self, class: Class) -> Option<usize> {
        self.classes().position(|known| known == class)
    }

    /// Seats or places per segment of the class at `class_index`.
    pub fn capacity(&self, class_index: usize) -> u32 {
        match self.space(class_index) {
            Space::Seats(map) => map.len() as u32,
            Space::Places(places) => *places,
        }
    }

    /// What is painted on a seat; `None` for places without numbers and numbers past the last seat.
    pub fn seat(&self, class_index: usize, seat: SeatNumber) -> Option<Seat> {
        match self.space(class_index) {
            Space::Seats(map) => map.seat(seat),
            Space::Places(_) => None,
        }
    }

    /// Places for sale when `percent` of the class are released: `ceil(capacity * percent / 100)`, all of them
    /// from 100 on.
    pub fn released(&self, class_index: usize, percent: u8) -> u32 {
        (self.capacity(class_index) * u32::from(percent.min(100))).div_ceil(100)
    }

    pub(super) fn space(&self, class_index: usize) -> &Space {
        &self.classes[class_index].1
    }
}
