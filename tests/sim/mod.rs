//! Simulated parts of the world for tests: seeded, without threads and without time.

pub(crate) mod disk;
