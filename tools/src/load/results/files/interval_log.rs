//! The responses of every interval as HdrHistogram's interval log, which its log processor and analyzer read. An interval
//! has two lines, tagged `done` and `refused`; values are nanoseconds.

use crate::load::results::report::Report;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, IntervalLogWriterError, Tag};
use std::io;
use std::time::Duration;

/// The version of the format, as its readers know it.
const VERSION: &str = "[Histogram log format version 1.3]";

const LEGEND: &[u8] =
    b"\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n";

/// The maximum stands beside the histogram in milliseconds, for people.
const NS_PER_MS: f64 = 1e6;

/// The file's bytes. An error is one of the format's library.
pub(super) fn log(report: &Report) -> io::Result<Vec<u8>> {
    let started = report.distributions.started;
    let mut log = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    IntervalLogWriterBuilder::new()
        .add_comment(VERSION)
        .add_comment(&format!("[Logged with seathold-load {}]", report.program.version))
        .with_start_time(started)
        .with_base_time(started)
        .begin_log_with(&mut log, &mut serializer)?;
    // The library writes no legend, and readers in other languages may count on one.
    log.extend_from_slice(LEGEND);
    let mut writer = IntervalLogWriterBuilder::new()
        .with_max_value_divisor(NS_PER_MS)
        .begin_log_with(&mut log, &mut serializer)?;
    for interval in &report.distributions.intervals {
        let from = Duration::from_secs_f64(interval.from_s);
        let length = Duration::from_secs_f64(interval.seconds);
        let response = &interval.response;
        for (tag, latency_ns) in [("done", &response.done_ns), ("refused", &response.refused_ns)] {
            writer.write_histogram(latency_ns, from, length, Tag::new(tag)).map_err(|error| match error {
                IntervalLogWriterError::IoError(error) => error,
                IntervalLogWriterError::SerializeError(error) => io::Error::other(error),
            })?;
        }
    }
    Ok(log)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::results::summary;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    #[test]
    fn the_log_reads_back_as_the_series() {
        let report = summary::tests::report();
        let log = log(&report).unwrap();
        let mut starts = 0;
        let mut found = Vec::new();
        for entry in IntervalLogIterator::new(&log) {
            match entry.unwrap() {
                LogEntry::StartTime(_) | LogEntry::BaseTime(_) => starts += 1,
                LogEntry::Interval(line) => {
                    let bytes = STANDARD.decode(line.encoded_histogram()).unwrap();
                    let latency_ns: Histogram<u64> =
                        Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
                    found.push((line.tag().unwrap().as_str(), line.start_timestamp().as_secs(), latency_ns));
                }
            }
        }
        assert_eq!((starts, found.len()), (2, 2 * report.series.len()));
        for (two, interval) in found.chunks(2).zip(&report.series) {
            assert_eq!((two[0].0, two[1].0), ("done", "refused"));
            assert_eq!((two[0].1, two[1].1), (interval.from_s as u64, interval.from_s as u64));
            assert_eq!((two[0].2.len(), two[1].2.len()), (interval.done, interval.refused));
            if let Some(done_us) = interval.done_us {
                let p50_us = two[0].2.value_at_quantile(0.5) as f64 / 1e3;
                assert!((p50_us - done_us.p50).abs() < 0.1, "{p50_us} is not {}", done_us.p50);
            }
        }
        assert_eq!(found.iter().map(|(_, _, latency_ns)| latency_ns.len()).sum::<u64>(), report.requests);
    }
}
