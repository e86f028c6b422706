//! The bars: what one side of a group is of another, or an amount by itself, and what it has to be.

use crate::figures::{Figure, Figures, median};
use crate::section::thousands;
use std::fmt::Write as _;

/// What of a group is held against a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    /// The rate of one side divided by that of another.
    Rates { over: &'static str, under: &'static str },
    /// The same per second of the Redis process' processor.
    PerRedisCpuSecond { over: &'static str, under: &'static str },
    /// An amount, divided by nothing.
    Amount { what: &'static str, unit: &'static str },
}

/// What a measure has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
    /// Nothing: it is told only.
    Told,
}

/// A measure of a group, and its bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bar {
    group: &'static str,
    pub(crate) title: &'static str,
    measure: Measure,
    bound: Bound,
}

const fn rate(
    group: &'static str,
    title: &'static str,
    over: &'static str,
    under: &'static str,
    least: f64,
) -> Bar {
    Bar { group, title, measure: Measure::Rates { over, under }, bound: Bound::AtLeast(least) }
}

const fn amount(
    group: &'static str,
    title: &'static str,
    what: &'static str,
    unit: &'static str,
    most: f64,
) -> Bar {
    Bar { group, title, measure: Measure::Amount { what, unit }, bound: Bound::AtMost(most) }
}

const fn told(bar: Bar) -> Bar {
    Bar { bound: Bound::Told, ..bar }
}

const fn per_redis_cpu_second(bar: Bar) -> Bar {
    match bar.measure {
        Measure::Rates { over, under } => Bar { measure: Measure::PerRedisCpuSecond { over, under }, ..bar },
        _ => bar,
    }
}

/// Where a reservation is compared with what keeps less than a sale, its RESERVE counts; RESERVE+CONFIRM stands beside it.
pub(crate) const BARS: [Bar; 28] = [
    rate("ping", "PING against the bare echo, 64 x 1", "ping", "echo", 0.9),
    rate("pipelined", "PING against the bare echo, 64 x 32", "ping", "echo", 0.6),
    rate("pipelined", "refused RESERVE against PING, 64 x 32", "refused", "ping", 0.85),
    rate("pipelined", "accepted RESERVE, memory ledger, against PING, 64 x 32", "hold", "ping", 0.5),
    rate("ledgers", "RESERVE+CONFIRM, file ledger against memory ledger", "file", "memory", 0.7),
    amount("open-loop", "open loop at half of the highest rate, p99", "p99", "ms", 2.0),
    amount("open-loop", "the same, p99.9", "p99.9", "ms", 5.0),
    told(amount("open-loop", "PING as often in an open loop, p99", "PING, p99", "ms", 0.0)),
    told(amount("open-loop", "the same, p99.9", "PING, p99.9", "ms", 0.0)),
    rate("articles", "sales against the articles' service, 100 x 1", "hold", "articles-sales", 12.0),
    told(rate("articles", "the same, RESERVE+CONFIRM pairs", "sale", "articles-sales", 0.0)),
    rate("articles", "refusals against the articles' service, 100 x 1", "refused", "articles-refusals", 3.0),
    rate("articles", "sales with pipelining, 64 x 32", "hold-pipelined", "articles-sales", 60.0),
    told(rate("articles", "the same, RESERVE+CONFIRM pairs", "sale-pipelined", "articles-sales", 0.0)),
    rate("redis", "RESERVE against EVALSHA", "hold", "script", 1.5),
    per_redis_cpu_second(rate("redis", "the same, per Redis CPU-second", "hold", "script", 8.0)),
    told(per_redis_cpu_second(rate("redis", "RESERVE+CONFIRM pairs, the same", "sale", "script", 0.0))),
    rate("redis-fsync", "RESERVE against EVALSHA, fsync always", "hold", "script", 1.5),
    per_redis_cpu_second(rate("redis-fsync", "the same, per Redis CPU-second", "hold", "script", 8.0)),
    told(per_redis_cpu_second(rate("redis-fsync", "RESERVE+CONFIRM pairs, the same", "sale", "script", 0.0))),
    told(rate("postgres", "RESERVE against PostgreSQL, 64 x 1", "hold", "update", 0.0)),
    told(rate("postgres", "RESERVE+CONFIRM pairs against PostgreSQL, 64 x 1", "sale", "update", 0.0)),
    told(amount("record-day", "the record day: its sale; the aim is 60 s", "sale", "s", 0.0)),
    told(amount("record-day", "the same, its audit", "audit", "s", 0.0)),
    amount("record-day", "the same, violations that the audit found", "violations", "", 0.0),
    amount("memory", "memory per departure, 15 days x 12,861 trains", "untouched", "KiB", 4.0),
    told(amount("memory", "the same, with one RESERVE on each", "touched", "KiB", 0.0)),
    told(amount("memory", "the same, start-up", "start-up", "ms", 0.0)),
];

/// What a bar came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outcome {
    /// The ratio of the medians, or the median amount.
    pub(crate) value: f64,
    /// Of the rounds.
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
}

impl Bar {
    /// `None` where a side is missing.
    pub(crate) fn outcome(&self, figures: &Figures) -> Option<Outcome> {
        let (value, mut rounds) = match self.measure {
            Measure::Rates { over, under } => {
                self.ratios(figures, (over, under), |figure| Some(figure.rate))?
            }
            Measure::PerRedisCpuSecond { over, under } => {
                self.ratios(figures, (over, under), |figure| figure.per_cpu_second)?
            }
            Measure::Amount { what, .. } => {
                let rounds: Vec<_> = figures.of_amount(self.group, what).map(|amount| amount.value).collect();
                (median(rounds.iter().copied())?, rounds)
            }
        };
        rounds.sort_by(f64::total_cmp);
        Some(Outcome { value, lowest: *rounds.first()?, highest: *rounds.last()? })
    }

    /// Of the medians, and of the rounds that have both sides.
    fn ratios(
        &self,
        figures: &Figures,
        (over, under): (&str, &str),
        of: fn(&Figure) -> Option<f64>,
    ) -> Option<(f64, Vec<f64>)> {
        let median_of = |side| median(figures.of(self.group, side).filter_map(of));
        let ratio = |one: &Figure| {
            let other = figures.of(self.group, under).find(|other| other.round == one.round)?;
            Some(of(one)? / of(other)?)
        };
        let rounds = figures.of(self.group, over).filter_map(ratio).collect();
        Some((median_of(over)? / median_of(under)?, rounds))
    }

    pub(crate) fn verdict(&self, outcome: &Outcome) -> &'static str {
        let is_met = match self.bound {
            Bound::Told => return "",
            Bound::AtLeast(least) => outcome.value >= least,
            Bound::AtMost(most) => outcome.value <= most,
        };
        if is_met { "met" } else { "MISSED" }
    }

    /// As in `≤ 2 ms`; empty where there is none.
    pub(crate) fn bound(&self) -> String {
        match self.bound {
            Bound::Told => String::new(),
            Bound::AtLeast(least) => format!("≥ {}", with_unit(least.to_string(), self.unit())),
            Bound::AtMost(most) => format!("≤ {}", with_unit(most.to_string(), self.unit())),
        }
    }

    /// What it came to.
    pub(crate) fn value(&self, outcome: &Outcome) -> String {
        with_unit(number(outcome.value), self.unit())
    }

    fn unit(&self) -> &'static str {
        match self.measure {
            Measure::Amount { unit, .. } => unit,
            _ => "",
        }
    }
}

impl Outcome {
    /// The lowest and the highest.
    pub(crate) fn rounds(&self) -> String {
        format!("{} to {}", number(self.lowest), number(self.highest))
    }
}

/// A ratio or an amount with as many digits as it is worth.
pub(crate) fn number(value: f64) -> String {
    match value {
        value if value < 10.0 && value.fract() != 0.0 => format!("{value:.2}"),
        value if value < 100.0 && value.fract() != 0.0 => format!("{value:.1}"),
        value => thousands(value),
    }
}

pub(crate) fn with_unit(number: String, unit: &str) -> String {
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

/// For a person at a terminal.
pub(crate) fn table(figures: &Figures) -> String {
    let mut text = format!("{:<56} {:>8} {:>10}  {:<18} \n", "", "bar", "median", "of the rounds");
    for bar in &BARS {
        let told = match bar.outcome(figures) {
            None => format!("{:>10}  not measured", "-"),
            Some(outcome) => {
                format!("{:>10}  {:<18} {}", bar.value(&outcome), outcome.rounds(), bar.verdict(&outcome))
            }
        };
        writeln!(text, "{:<56} {:>8} {told}", bar.title, bar.bound()).expect("a String takes all");
    }
    for skipped in &figures.skipped {
        writeln!(text, "skipped {}: {}", skipped.group, skipped.reason).expect("a String takes all");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::SAMPLE;

    #[test]
    fn a_bar_is_the_ratio_of_the_medians_with_those_of_the_rounds() {
        let figures = Figures::parse(SAMPLE).unwrap();
        let outcome = BARS[0].outcome(&figures).unwrap();
        assert_eq!(outcome, Outcome { value: 0.6, lowest: 0.5, highest: 0.9 });
        assert_eq!(BARS[0].verdict(&outcome), "MISSED");
        assert_eq!(BARS[0].verdict(&Outcome { value: 0.9, ..outcome }), "met");
        assert_eq!(BARS[1].outcome(&figures), None);
    }

    #[test]
    fn an_amount_stands_by_itself_and_may_be_at_most_its_bar() {
        let figures = Figures::parse(SAMPLE).unwrap();
        let bar = BARS.iter().find(|bar| bar.title.starts_with("memory per departure")).unwrap();
        let outcome = bar.outcome(&figures).unwrap();
        assert_eq!(outcome, Outcome { value: 3.75, lowest: 3.0, highest: 4.5 });
        assert_eq!((bar.bound(), bar.value(&outcome)), ("≤ 4 KiB".to_owned(), "3.75 KiB".to_owned()));
        assert_eq!(bar.verdict(&outcome), "met");
        assert_eq!(bar.verdict(&Outcome { value: 4.01, ..outcome }), "MISSED");
    }

    #[test]
    fn the_table_tells_what_was_missed_skipped_and_not_measured() {
        let table = table(&Figures::parse(SAMPLE).unwrap());
        let line = |start: &str| table.lines().find(|line| line.starts_with(start)).unwrap_or("").to_owned();
        assert!(line("PING against the bare echo, 64 x 1 ").ends_with("MISSED"), "{table}");
        assert!(line("PING against the bare echo, 64 x 32").ends_with("not measured"), "{table}");
        assert!(line("memory per departure").ends_with("met"), "{table}");
        assert!(line("skipped postgres").ends_with("there is no pgbench"), "{table}");
    }

    #[test]
    fn what_is_told_only_has_no_bar() {
        let bare: Vec<_> =
            BARS.iter().filter(|bar| bar.bound == Bound::Told).map(|bar| bar.measure).collect();
        let rates = |over, under| Measure::Rates { over, under };
        let per_cpu_second = |over, under| Measure::PerRedisCpuSecond { over, under };
        let amount = |what, unit| Measure::Amount { what, unit };
        let expected = [
            amount("PING, p99", "ms"),
            amount("PING, p99.9", "ms"),
            rates("sale", "articles-sales"),
            rates("sale-pipelined", "articles-sales"),
            per_cpu_second("sale", "script"),
            per_cpu_second("sale", "script"),
            rates("hold", "update"),
            rates("sale", "update"),
            amount("sale", "s"),
            amount("audit", "s"),
            amount("touched", "KiB"),
            amount("start-up", "ms"),
        ];
        assert_eq!(bare, expected);
    }
}
