//! The rules file: which seats a train has and on what terms they are sold. `feeds/sample/rules.toml` documents it.

mod seats;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use seathold_protocol::limits::{self, PASSENGERS_MAX};
use seathold_protocol::plan::SeatPlan;
use serde::Deserialize;
use toml::Spanned;

use super::glob::Glob;
use super::problem::Findings;
use super::sale::{Opens, SaleRules, Terms};
use super::{ImportError, Problem};
use seats::WrittenPlan;
use text::{Closes, DurationMs, Globs};

/// Bytes of a rules file: a thousand rules have a tenth of it.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The longest hold, the protocol's. Longer is a sale on account, not a hold.
const HOLD_MS_MAX: u64 = limits::HOLD_MS_MAX as u64;

/// The shortest hold: a tenth of a second, so that tests need not wait.
const HOLD_MS_MIN: u64 = 100;

/// A rules file, read and checked.
pub(super) struct Rules {
    /// Rules refer to these.
    pub(super) plans: Vec<Arc<SeatPlan>>,
    /// By rule.
    pub(super) terms: Vec<Terms>,
    rules: Vec<Rule>,
}

struct Rule {
    patterns: Vec<Glob>,
    plan: usize,
}

/// Where a train's plan and terms stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) plan: usize,
    pub(super) terms: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRules {
    #[serde(default)]
    sale: Option<Spanned<WrittenSale>>,
    plans: BTreeMap<String, Spanned<WrittenPlan>>,
    train: Vec<Spanned<WrittenTrain>>,
}

/// `[[train]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTrain {
    name: Globs,
    plan: String,
    #[serde(default)]
    sale: WrittenSale,
}

/// `[sale]`, or the same for some trains.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSale {
    hold: Option<DurationMs>,
    hold_max: Option<DurationMs>,
    places_per_account: Option<u32>,
    passengers_per_reservation: Option<u8>,
    one_seat_per_passenger: Option<bool>,
    released_percent: Option<u8>,
    opens: Option<WrittenOpens>,
    closes: Option<Closes>,
    visible: Option<bool>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct WrittenOpens(Opens);

impl TryFrom<String> for WrittenOpens {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.try_into().map(Self)
    }
}

impl Rules {
    /// Reads the file at `path`.
    pub(super) fn read(path: &Path) -> Result<Self, ImportError> {
        let file = path.display().to_string();
        let mut text = String::new();
        File::open(path)
            .and_then(|opened| opened.take(FILE_BYTES_MAX + 1).read_to_string(&mut text))
            .map_err(|error| Problem::in_file(&file, format!("cannot be read: {error}")))?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(Problem::in_file(file, format!("has more than {FILE_BYTES_MAX} bytes")).into());
        }
        Self::parse(&file, &text)
    }

    fn parse(file: &str, text: &str) -> Result<Self, ImportError> {
        let line = |byte: usize| 1 + text[..byte].bytes().filter(|byte| *byte == b'\n').count() as u64;
        let written: WrittenRules = toml::from_str(text).map_err(|error| Problem {
            file: file.to_owned(),
            line: error.span().map(|span| line(span.start)),
            text: error.message().to_owned(),
        })?;
        // Everything in a rules file is everybody's: there is nothing to leave out.
        let mut findings = Findings::new(false);
        let mut fault = |at: usize, text: String| findings.of_feed(Problem::at(file, line(at), text));

        let mut names = Vec::new();
        let mut plans = Vec::new();
        for (name, plan) in &written.plans {
            match plan.get_ref().build() {
                Ok(plan) => plans.push(Arc::new(plan)),
                Err(text) => fault(plan.span().start, format!("plan {name}: {text}")),
            }
            names.push(name.as_str());
        }
        let open =
            Terms { rules: SaleRules::OPEN, opens: Opens::AtOnce, closes_before_ms: None, visible: true };
        let mut defaults = open;
        if let Some(sale) = &written.sale {
            match sale.get_ref().over(open) {
                Ok(terms) => defaults = terms,
                Err(text) => fault(sale.span().start, format!("sale: {text}")),
            }
        }
        let (mut rules, mut terms) = (Vec::new(), Vec::new());
        for train in &written.train {
            let (at, train) = (train.span().start, train.get_ref());
            match train.sale.over(defaults) {
                Ok(of_rule) => terms.push(of_rule),
                Err(text) => fault(at, format!("sale: {text}")),
            }
            match names.iter().position(|name| *name == train.plan) {
                Some(plan) => rules.push(Rule { patterns: train.name.0.clone(), plan }),
                None => {
                    fault(at, format!("there is no plan {:?}: the file has {}", train.plan, names.join(", ")))
                }
            }
        }
        findings.check_feed()?;
        Ok(Self { plans, terms, rules })
    }

    /// The first rule that fits a train's name.
    pub(super) fn find(&self, name: &str) -> Option<Match> {
        let fits = |rule: &Rule| rule.patterns.iter().any(|pattern| pattern.matches(name));
        let rule = self.rules.iter().position(fits)?;
        Some(Match { plan: self.rules[rule].plan, terms: rule })
    }
}

impl WrittenSale {
    /// These terms where they are written, `base` elsewhere.
    fn over(&self, base: Terms) -> Result<Terms, String> {
        let hold_ms = |key: &str, written: Option<DurationMs>, base: u32| match written {
            Some(DurationMs(ms)) if !(HOLD_MS_MIN..=HOLD_MS_MAX).contains(&ms) => {
                Err(format!("{key} is {ms} ms; allowed are {HOLD_MS_MIN} ms to {HOLD_MS_MAX} ms (a day)"))
            }
            Some(DurationMs(ms)) => Ok(ms as u32),
            None => Ok(base),
        };
        let defaults = base.rules;
        let hold_ms_default = hold_ms("hold", self.hold, defaults.hold_ms_default)?;
        // A longer hold alone raises the longest too.
        let hold_ms_max = hold_ms("hold_max", self.hold_max, defaults.hold_ms_max.max(hold_ms_default))?;
        if hold_ms_default > hold_ms_max {
            return Err(format!("hold is {hold_ms_default} ms and hold_max only {hold_ms_max} ms"));
        }
        let passengers_per_reservation =
            self.passengers_per_reservation.unwrap_or(defaults.passengers_per_reservation);
        if !(1..=PASSENGERS_MAX).contains(&usize::from(passengers_per_reservation)) {
            return Err(format!(
                "passengers_per_reservation is {passengers_per_reservation}; allowed are 1 to {PASSENGERS_MAX}"
            ));
        }
        let released_percent = self.released_percent.unwrap_or(defaults.released_percent);
        if !(1..=100).contains(&released_percent) {
            return Err(format!("released_percent is {released_percent}; allowed are 1 to 100"));
        }
        Ok(Terms {
            rules: SaleRules {
                hold_ms_default,
                hold_ms_max,
                places_per_account: self.places_per_account.unwrap_or(defaults.places_per_account),
                passengers_per_reservation,
                one_seat_per_passenger: self
                    .one_seat_per_passenger
                    .unwrap_or(defaults.one_seat_per_passenger),
                released_percent,
                ..defaults
            },
            opens: self.opens.map_or(base.opens, |WrittenOpens(opens)| opens),
            closes_before_ms: self.closes.map_or(base.closes_before_ms, |Closes(before_ms)| before_ms),
            visible: self.visible.unwrap_or(base.visible),
        })
    }
}
