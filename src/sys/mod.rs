//! The operating system: clocks, cores, memory figures. Everything here goes through `rustix`, so not even this folder
//! needs `unsafe`.

mod clock;
mod cores;
mod descriptors;

pub use clock::Clock;
pub use cores::{available_cores, pin_to_core};
pub use descriptors::raise_descriptor_limit;
