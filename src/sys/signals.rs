//! The wish of an operator or a service manager that the process end, for a loop that ends between two steps.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Becomes true with the first SIGINT or SIGTERM; the second ends the process at once, should the first not be heeded.
pub fn end_on_signal() -> io::Result<Arc<AtomicBool>> {
    let ended = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag down here and raises it there.
        flag::register_conditional_default(signal, Arc::clone(&ended))?;
        flag::register(signal, Arc::clone(&ended))?;
    }
    Ok(ended)
}
