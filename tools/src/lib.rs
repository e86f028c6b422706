//! The tools of Seathold as libraries; the binaries are thin.
#![forbid(unsafe_code)]

pub mod cli;
pub mod load;
