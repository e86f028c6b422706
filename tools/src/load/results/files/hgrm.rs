//! A histogram as HdrHistogram's percentile output, which its plotter and other load generators read and write:
//! <https://github.com/HdrHistogram/HdrHistogram>, `AbstractHistogram.outputPercentileDistribution`.

use hdrhistogram::Histogram;
use std::fmt::Write;

/// Lines from one half of what is left to the next.
const TICKS_PER_HALF_DISTANCE: u32 = 5;

/// Values are in milliseconds: the plotter's unit unless it is told another.
const NS_PER_MS: f64 = 1e6;

/// The file's text; values in milliseconds.
pub(super) fn percentiles(histogram: &Histogram<u64>) -> String {
    let mut text =
        format!("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    let mut count = 0;
    for step in histogram.iter_quantiles(TICKS_PER_HALF_DISTANCE) {
        let value = step.value_iterated_to() as f64 / NS_PER_MS;
        count += step.count_since_last_iteration();
        line(&mut text, value, step.quantile_iterated_to(), count);
    }
    let (mean, stdev) = (histogram.mean() / NS_PER_MS, histogram.stdev() / NS_PER_MS);
    let (max, sum) = (histogram.max() as f64 / NS_PER_MS, histogram.len());
    let halves = histogram.distinct_values() / (usize::from(histogram.buckets()) + 1);
    text + &format!(
        "#[Mean    = {mean:>12.6}, StdDeviation   = {stdev:>12.6}]\n\
         #[Max     = {max:>12.6}, Total count    = {sum:>12}]\n\
         #[Buckets = {:>12}, SubBuckets     = {:>12}]\n",
        histogram.buckets(),
        2 * halves
    )
}

fn line(text: &mut String, value: f64, quantile: f64, count: u64) {
    // The last line stands for all values; 1/(1-1) has no figure.
    let last = if quantile < 1.0 { format!(" {:>14.2}", 1.0 / (1.0 - quantile)) } else { String::new() };
    writeln!(text, "{value:>12.6} {quantile:>14.12} {count:>10}{last}").expect("a String takes all text");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::results::latencies::run_histogram;

    fn rows(text: &str) -> Vec<Vec<f64>> {
        let rows = text.lines().skip(2).take_while(|line| !line.starts_with('#'));
        rows.map(|row| row.split_whitespace().map(|cell| cell.parse().unwrap()).collect()).collect()
    }

    #[test]
    fn the_output_reads_back_as_the_histogram() {
        let mut histogram = run_histogram();
        (1..=10_000).for_each(|us| histogram.record(us * 1_000).unwrap());
        let text = percentiles(&histogram);
        let rows = rows(&text);
        assert!(rows.len() > 50, "{text}");
        for row in &rows {
            let expected = histogram.value_at_quantile(row[1]) as f64 / 1e6;
            assert!((row[0] - expected).abs() <= expected * 2e-3, "{row:?} for {expected}");
            assert_eq!(row.len(), if row[1] < 1.0 { 4 } else { 3 });
        }
        assert!(rows.windows(2).all(|two| two[0][0] <= two[1][0] && two[0][2] <= two[1][2]), "{text}");
        let last = rows.last().unwrap();
        assert_eq!((last[1], last[2]), (1.0, 10_000.0));
        assert!(text.contains("Total count    =        10000]"), "{text}");
        assert!(text.contains("SubBuckets     =         2048]"), "{text}");
    }

    #[test]
    fn nothing_recorded_is_a_file_without_rows() {
        assert!(rows(&percentiles(&run_histogram())).iter().all(|row| row[2] == 0.0));
    }
}
