//! Named points on the way to durability, at which a test ends the process: see the feature `fail-points`.

/// Ends the process here if FAILPOINTS says so: `ledger::synced=2*off->return` does at the third time. Without the feature this is
/// nothing.
#[cfg(feature = "fail-points")]
pub fn point(name: &'static str) {
    fail::eval(name, |_| std::process::abort());
}

/// Nothing.
#[cfg(not(feature = "fail-points"))]
#[inline(always)]
pub fn point(_name: &'static str) {}

/// Reads FAILPOINTS, for as long as the process lives.
#[cfg(feature = "fail-points")]
pub fn set_points() {
    std::mem::forget(fail::FailScenario::setup());
}

/// Nothing.
#[cfg(not(feature = "fail-points"))]
pub fn set_points() {}
