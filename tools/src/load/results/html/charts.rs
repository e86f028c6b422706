//! What a run's charts show: latency by percentile, rates over time, and latency over time of sales and of refusals.

use super::plot::{Chart, Line};
use super::scale::Scale;
use crate::load::results::report::{IntervalReport, Latency, Report};
use hdrhistogram::Histogram;

/// Points of a line from one half of what is left to the next.
const TICKS_PER_HALF_DISTANCE: u32 = 4;

/// Those that have something to show.
pub(super) fn all(report: &Report) -> Vec<Chart> {
    let done: Over = |interval| interval.done_us;
    let refused: Over = |interval| interval.refused_us;
    let over_time = [
        ("Latency over seconds: done, from intended to answered", "done", done),
        ("Latency over seconds: refused, from intended to answered", "refused", refused),
    ];
    let over_time = over_time.into_iter().filter_map(|(title, class, of)| latency(report, title, class, of));
    [by_percentile(report), rates(report)].into_iter().chain(over_time).collect()
}

fn by_percentile(report: &Report) -> Chart {
    let all = &report.distributions;
    let mut lines = vec![
        ("done, from intended to answered", "done", &all.response.done_ns),
        ("refused, from intended to answered", "refused", &all.response.refused_ns),
    ];
    // A closed loop sends when it intends to: these would lie on the lines above.
    if !all.lateness_ns.is_empty() {
        lines.push(("done, from sent to answered", "done dashed", &all.service.done_ns));
        lines.push(("refused, from sent to answered", "refused dashed", &all.service.refused_ns));
        lines.push(("lateness, from sendable to sent", "other", &all.lateness_ns));
    }
    let lines = lines.into_iter().filter(|(_, _, ns)| !ns.is_empty());
    let lines: Vec<_> = lines.map(|(name, class, ns)| line(name, class, quantiles(ns))).collect();
    let points = || lines.iter().flat_map(|line| &line.points);
    let nines = points().map(|(x, _)| *x).fold(1.0, f64::max);
    let y = Scale::log_us(points().filter_map(|(_, us)| *us));
    Chart { title: "Latency by percentile", x: Scale::nines(nines), y, lines }
}

/// Nines and microseconds. The last point is that of the slowest answer, as far to the right as its rank is sure.
fn quantiles(latency_ns: &Histogram<u64>) -> Vec<(f64, Option<f64>)> {
    let most = (latency_ns.len() as f64).log10();
    let nines = |quantile: f64| (-(1.0 - quantile).log10()).min(most);
    let steps = latency_ns.iter_quantiles(TICKS_PER_HALF_DISTANCE);
    // A latency of 0 stands on the lower edge.
    let us = |ns: u64| ns as f64 / 1e3;
    steps.map(|step| (nines(step.quantile_iterated_to()), Some(us(step.value_iterated_to())))).collect()
}

fn rates(report: &Report) -> Chart {
    let per_second = |count: fn(&IntervalReport) -> u64| -> Vec<_> {
        let rate = |interval: &IntervalReport| Some(count(interval) as f64 / interval.seconds);
        report.series.iter().map(|interval| (middle(interval), rate(interval))).collect()
    };
    let lines = [
        line("done", "done", per_second(|interval| interval.done)),
        line("sales accepted", "accepted", per_second(|interval| interval.accepted)),
        line("refused", "refused", per_second(|interval| interval.refused)),
        line("errors", "errors", per_second(|interval| interval.errors)),
    ];
    let any = |line: &Line| line.points.iter().any(|(_, rate)| rate.is_some_and(|rate| rate > 0.0));
    let lines: Vec<_> = lines.into_iter().filter(any).collect();
    let most = lines.iter().flat_map(|line| &line.points).filter_map(|(_, rate)| *rate).fold(0.0, f64::max);
    let (x, y) = (seconds(report), Scale::linear(most, false));
    Chart { title: "Answers a second, over seconds", x, y, lines }
}

type Over = fn(&IntervalReport) -> Option<Latency>;

fn latency(report: &Report, title: &'static str, class: &'static str, of: Over) -> Option<Chart> {
    let points = |us: fn(Latency) -> f64| -> Vec<_> {
        report.series.iter().map(|interval| (middle(interval), of(interval).map(us))).collect()
    };
    let lines = vec![
        line("max", "max", points(|latency| latency.max)),
        line("p99", "other", points(|latency| latency.p99)),
        line("p50", class, points(|latency| latency.p50)),
    ];
    let y = Scale::log_us(lines.iter().flat_map(|line| &line.points).filter_map(|(_, us)| *us));
    let any = report.series.iter().any(|interval| of(interval).is_some());
    any.then(|| Chart { title, x: seconds(report), y, lines })
}

/// An interval stands at its middle.
fn middle(interval: &IntervalReport) -> f64 {
    interval.from_s + interval.seconds / 2.0
}

fn seconds(report: &Report) -> Scale {
    Scale::linear(report.series.last().map_or(1.0, |last| last.from_s + last.seconds), true)
}

fn line(name: &str, class: &'static str, points: Vec<(f64, Option<f64>)>) -> Line {
    Line { name: name.to_owned(), class, points }
}
