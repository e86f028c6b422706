//! How long anything is waited for that must come, and the one way to wait for what sends no word.

use crate::ChaosError;
use std::time::{Duration, Instant};

/// What did not come by then does not come. Far above what a loaded machine needs.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Looks again and again until `look` finds something.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T, ChaosError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if Instant::now() > deadline {
            return Err(ChaosError::Late { what: what.to_owned(), said: String::new() });
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}
