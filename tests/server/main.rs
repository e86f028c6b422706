//! The real binary over real sockets: reservations through SIGKILL and SIGTERM, malformed input, the admin port.

#![cfg(test)]

mod admin;
mod harness;
mod malformed;
mod reservations;
