//! The bars: what one side of a group is of another, and what it has to be.

use crate::figures::{Figure, Figures, median};
use std::fmt::Write as _;

/// What of a measurement is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Rate,
    PerRedisCpuSecond,
}

/// `over` divided by `under`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bar {
    group: &'static str,
    pub(crate) title: &'static str,
    over: &'static str,
    under: &'static str,
    measure: Measure,
    /// The least that it has to be; `None` where it is told only.
    pub(crate) least: Option<f64>,
}

const fn rate(
    group: &'static str,
    title: &'static str,
    over: &'static str,
    under: &'static str,
    least: f64,
) -> Bar {
    Bar { group, title, over, under, measure: Measure::Rate, least: Some(least) }
}

const fn told(bar: Bar) -> Bar {
    Bar { least: None, ..bar }
}

const fn per_redis_cpu_second(bar: Bar) -> Bar {
    Bar { measure: Measure::PerRedisCpuSecond, ..bar }
}

/// Where a reservation is compared with what keeps less than a sale, its RESERVE counts; RESERVE+CONFIRM stands beside it.
pub(crate) const BARS: [Bar; 18] = [
    rate("ping", "PING against the bare echo, 64 x 1", "ping", "echo", 0.9),
    rate("pipelined", "PING against the bare echo, 64 x 32", "ping", "echo", 0.6),
    rate("pipelined", "refused RESERVE against PING, 64 x 32", "refused", "ping", 0.85),
    rate("pipelined", "accepted RESERVE, memory ledger, against PING, 64 x 32", "hold", "ping", 0.5),
    rate("ledgers", "RESERVE+CONFIRM, file ledger against memory ledger", "file", "memory", 0.7),
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
];

/// What a bar came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outcome {
    /// Of the medians.
    pub(crate) ratio: f64,
    /// Of the rounds.
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
}

impl Bar {
    /// `None` where a side is missing.
    pub(crate) fn outcome(&self, figures: &Figures) -> Option<Outcome> {
        let over = median(figures.of(self.group, self.over).filter_map(|figure| self.of(figure)))?;
        let under = median(figures.of(self.group, self.under).filter_map(|figure| self.of(figure)))?;
        let mut rounds: Vec<f64> = figures
            .of(self.group, self.over)
            .filter_map(|one| {
                let other = figures.of(self.group, self.under).find(|other| other.round == one.round)?;
                Some(self.of(one)? / self.of(other)?)
            })
            .collect();
        rounds.sort_by(f64::total_cmp);
        Some(Outcome { ratio: over / under, lowest: *rounds.first()?, highest: *rounds.last()? })
    }

    fn of(&self, figure: &Figure) -> Option<f64> {
        match self.measure {
            Measure::Rate => Some(figure.rate),
            Measure::PerRedisCpuSecond => figure.per_cpu_second,
        }
    }

    pub(crate) fn verdict(&self, outcome: &Outcome) -> &'static str {
        match self.least {
            None => "",
            Some(least) if outcome.ratio >= least => "met",
            Some(_) => "MISSED",
        }
    }
}

/// A ratio with as many digits as it is worth.
pub(crate) fn ratio(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.1}") }
}

/// For a person at a terminal.
pub(crate) fn table(figures: &Figures) -> String {
    let mut text = format!("{:<56} {:>6} {:>8}  {:<16} \n", "", "bar", "ratio", "of the rounds");
    for bar in &BARS {
        let least = bar.least.map_or(String::new(), |least| format!("{least}"));
        let told = match bar.outcome(figures) {
            None => "       -  not measured".to_owned(),
            Some(outcome) => {
                let rounds = format!("{} to {}", ratio(outcome.lowest), ratio(outcome.highest));
                format!("{:>8}  {rounds:<16} {}", ratio(outcome.ratio), bar.verdict(&outcome))
            }
        };
        writeln!(text, "{:<56} {least:>6} {told}", bar.title).expect("a String takes all");
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
        assert_eq!(outcome, Outcome { ratio: 0.6, lowest: 0.5, highest: 0.9 });
        assert_eq!(BARS[0].verdict(&outcome), "MISSED");
        assert_eq!(BARS[0].verdict(&Outcome { ratio: 0.9, ..outcome }), "met");
        assert_eq!(BARS[1].outcome(&figures), None);
    }

    #[test]
    fn the_table_tells_what_was_missed_skipped_and_not_measured() {
        let table = table(&Figures::parse(SAMPLE).unwrap());
        let line = |start: &str| table.lines().find(|line| line.starts_with(start)).unwrap_or("").to_owned();
        assert!(line("PING against the bare echo, 64 x 1 ").ends_with("MISSED"), "{table}");
        assert!(line("PING against the bare echo, 64 x 32").ends_with("not measured"), "{table}");
        assert!(line("skipped postgres").ends_with("there is no pgbench"), "{table}");
    }

    #[test]
    fn what_is_told_only_has_no_bar() {
        let bare: Vec<_> = BARS.iter().filter(|bar| bar.least.is_none()).map(|bar| bar.over).collect();
        assert_eq!(bare, ["sale", "sale-pipelined", "sale", "sale", "hold", "sale"]);
    }
}
