//! Micro benchmarks live in `benches/`, and what the scripts beside them compare with in `src/bin/`; this crate has no
//! library of its own.
