//! Wires the threads together: catalogue, ledger, recovery, one reactor per core, the way to an orderly end.
//!
//! ```text
//!  main ── import ── open ledger ── replay ── spawn ──┬── core 0 … core N-1   reactors
//!    │                                                ├── ledger              one append at a time
//!    │                                                ├── ledger-spare        prepares the next segment
//!    └── waits for a signal, then says stop           └── admin               metrics and health, if asked for
//! ```

mod create;
mod exit;
mod listen;
mod options;
mod recovery;
mod start;

pub use create::{CreateOptions, create_ledger};
pub use exit::ExitCode;
pub use options::{ServeOptions, StartError};
pub use start::{Server, serve};
