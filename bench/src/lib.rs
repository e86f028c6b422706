//! Benchmarks of the server. Micro benchmarks live in `benches/`, and the work that they time and count in [`micro`]; what
//! the scripts beside them compare with lives in `src/bin/`.
#![forbid(unsafe_code)]

pub mod micro;
