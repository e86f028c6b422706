//! The intervals as a table: seconds, counts, and microseconds from intended to answered. A cell is empty where nothing
//! came.

use crate::load::results::report::{IntervalReport, Latency, Report};
use std::fmt::Write;

const HEAD: &str = "from_s,seconds,done,accepted,refused,errors,\
done_p50_us,done_p90_us,done_p99_us,done_p999_us,done_max_us,\
refused_p50_us,refused_p90_us,refused_p99_us,refused_p999_us,refused_max_us\n";

/// The file's text.
pub(super) fn table(report: &Report) -> String {
    let mut text = HEAD.to_owned();
    for interval in &report.series {
        let IntervalReport { from_s, seconds, done, accepted, refused, errors, done_us, refused_us } =
            interval;
        write!(text, "{from_s},{seconds},{done},{accepted},{refused},{errors}")
            .expect("a String takes all text");
        cells(&mut text, *done_us);
        cells(&mut text, *refused_us);
        text.push('\n');
    }
    text
}

fn cells(text: &mut String, latency_us: Option<Latency>) {
    let Some(Latency { p50, p90, p99, p999, max }) = latency_us else {
        text.push_str(",,,,,");
        return;
    };
    write!(text, ",{p50},{p90},{p99},{p999},{max}").expect("a String takes all text");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::results::summary;

    #[test]
    fn every_interval_has_its_row_and_every_row_all_cells() {
        let report = summary::tests::report();
        let text = table(&report);
        let rows: Vec<Vec<&str>> = text.lines().map(|row| row.split(',').collect()).collect();
        assert_eq!(rows.len(), 1 + report.series.len());
        assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{text}");
        let column = |name: &str| rows[0].iter().position(|head| *head == name).unwrap();
        let sum: u64 = rows[1..].iter().map(|row| row[column("done")].parse::<u64>().unwrap()).sum();
        assert_eq!(sum + report.refused, report.requests);
        assert!(
            !rows[1][column("refused_max_us")].is_empty() && rows[2][column("done_p50_us")].is_empty(),
            "{text}"
        );
    }
}
