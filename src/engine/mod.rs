//! One core's brain.
