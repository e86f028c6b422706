//! What sells, against models that are slow and plain enough to be believed: long random histories, shrunk to a short one
//! when they differ. 256 of each here, and as many as `PROPTEST_CASES` says.
#![cfg(test)]

mod contradictions;
mod inventory;
mod ledger;
mod shard;

use proptest::test_runner::Config;

/// As many cases as `PROPTEST_CASES` says. A failure is told whole, so no file has to keep it.
fn config() -> Config {
    Config { failure_persistence: None, ..Config::default() }
}
