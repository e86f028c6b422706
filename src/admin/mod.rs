//! What an operator sees of the server: its log.

mod log_writer;

pub use log_writer::init_log;
