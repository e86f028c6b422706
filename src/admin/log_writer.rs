//! The log: logfmt lines on standard error, where systemd's journal takes them. Never per request.

use log::{LevelFilter, Log, Metadata, Record};
use std::io::Write;

struct LogWriter;

impl Log for LogWriter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let time = jiff::Timestamp::now();
        let level = record.level().as_str().to_ascii_lowercase();
        let text = record.args().to_string();
        // A log that nobody takes is no reason to stop.
        let _ = writeln!(std::io::stderr(), "time={time:.3} level={level} message={text:?}");
    }

    fn flush(&self) {}
}

/// Starts the log, at `info` or the level that SEATHOLD_LOG names (off, error, warn, info, debug).
pub fn init_log() {
    let level = std::env::var("SEATHOLD_LOG").ok().and_then(|level| level.parse().ok());
    if log::set_logger(&LogWriter).is_ok() {
        log::set_max_level(level.unwrap_or(LevelFilter::Info));
    }
}
