//! Seats by segments: what is free, who gets which seat, and the counts that everybody may read.
//!
//! ```text
//!  Layout      fixed: seat order, rows, coaches, letters            one per seat plan, shared
//!  Inventory   which seat is free on which segment                  one per departure, its owner's alone
//!  Published   free places per class and pair of stops, atomics     one per departure, read by every core
//! ```
//!
//! Pure: no socket, clock or thread. A seat is one bit per segment; a trip's candidates are the AND of its
//! segments, and the best of them is the one that leaves the least of a gap beside it.

mod best_fit;
mod layout;
mod party;
mod places;
mod published;
mod seat_map;
mod seats;
mod stock;
mod trip;

#[cfg(test)]
mod tests;

pub use layout::Layout;
pub use places::{Places, Shortage, Taken};
pub use published::Published;
pub use stock::{Inventory, Usage};
pub use trip::Trip;
