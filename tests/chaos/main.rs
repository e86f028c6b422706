//! Crashes and faults against the real server process, one kind a file. `seathold-chaos` has what they share.

#![cfg(test)]

mod canary;
mod clients;
mod damage;
mod descriptors;
mod disk_calls;
mod kills;
mod memory;
mod pauses;
mod power;
mod reconnects;
mod rig;
mod rivals;
mod space;
mod traced;
mod wall_clock;
