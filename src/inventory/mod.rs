//! Seats by segments: allocation, counters, published availability.
