//! Inboxes and wakes between cores.
//!
//! ```text
//!  core A ── ask ──► asks of B        bounded: A has at most its share of asks out at B,
//!         ◄─ answer ─ answers of A    so neither queue can be full when something is put in
//!
//!  A's turn ends: one ring of B's bell, and only if B sleeps
//! ```

mod bell;
mod inbox;

pub use bell::Bell;
pub use inbox::{ASKS_PER_PEER, Mailbox, connect};

#[cfg(test)]
mod tests;
