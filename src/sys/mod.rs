//! Clocks, pinning, signals.
