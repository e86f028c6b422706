//! The operating system: clocks, cores, memory figures, signals. Everything here goes through `rustix` or `signal-hook`, so
//! not even this folder needs `unsafe`.

mod clock;
mod cores;
mod descriptors;
mod points;
mod signals;

pub use clock::Clock;
pub use cores::{available_cores, pin_to_core};
pub use descriptors::raise_descriptor_limit;
pub use points::{point, set_points};
pub use signals::end_on_signal;
