//! Whether the figures mean what they say, and if not, what to do.

use super::figures::{counted, duration};
use super::tally::Tally;
use crate::load::stage::advice;
use crate::load::step::Step;
use crate::load::workload::{Kind, Workload};
use seathold_protocol::status::Status;

/// A sale may be refused this often and still be called one: a refusal costs a fraction of an accepted pair, so
/// one in a hundred moves the rate by less than that.
const REFUSED_SHARE_MAX: f64 = 0.01;

/// Why a run is not valid; empty if it is.
pub(super) fn why_not(workload: &Workload, tally: &Tally) -> Vec<String> {
    let mut why = Vec::new();
    if tally.requests() == 0 {
        why.push("nothing was answered in the measured time; see the server's log".to_owned());
    }
    if tally.connections_lost > 0 {
        why.push(format!(
            "{}; see the server's log",
            counted(tally.connections_lost, "connection was lost", "connections were lost")
        ));
    }
    if tally.timeouts > 0 {
        why.push(format!(
            "{} had no answer in 5 s; ask with fewer in flight",
            counted(tally.timeouts, "request", "requests")
        ));
    }
    why.extend(why_late(tally));
    if tally.unreadable > 0 {
        why.push(format!(
            "{} nothing that was asked: a fault of the server",
            counted(tally.unreadable, "reply answers", "replies answer")
        ));
    }
    for (status, count) in tally.unexpected() {
        why.push(format!(
            "{} answered {status}; {}",
            counted(count, "request was", "requests were"),
            advice(status)
        ));
    }
    for step in [Step::Ping, Step::Lookup, Step::Availability] {
        let answers = tally.of(step);
        // To look is put off in a crowd, as sales are.
        let put_off = if tally.is_open && step == Step::Lookup { answers.of(Status::Busy) } else { 0 };
        let refused = answers.total() - answers.of(Status::Ok) - put_off;
        if refused > 0 {
            let (one, many) =
                (format!("{} request was", step.name()), format!("{} requests were", step.name()));
            why.push(format!("{} refused, and none should be", counted(refused, &one, &many)));
        }
    }
    if workload.has(Kind::Refused) {
        let answers = tally.of(Step::Refused);
        let others = answers.total() - answers.of(Status::SoldOut);
        if others > 0 {
            why.push(format!(
                "{} not SOLD_OUT; measure while nobody gives seats back",
                counted(others, "answer on a sold-out trip was", "answers on sold-out trips were")
            ));
        }
    }
    // An open loop tells how a given demand was met, and refusals are part of that.
    if !tally.is_open && workload.buys() {
        why.extend(why_no_sale(tally));
    }
    why
}

/// What the generator itself makes a request wait is part of what is measured; up to this share of it, it does not matter.
const LATE_SHARE_MAX: f64 = 0.1;

/// Up to this it does not matter either: to wake a thread takes about as long, and no buyer notices it.
const LATE_NS_MAX: u64 = 100_000;

fn why_late(tally: &Tally) -> Option<String> {
    let advice = "give the generator more --threads or processors of its own, or ask for less";
    if tally.unsent_for_lack_of_time > 0 {
        return Some(format!(
            "the generator had no time to send {} due; {advice}",
            counted(tally.unsent_for_lack_of_time, "request that was", "requests that were")
        ));
    }
    let late_ns = tally.lateness_ns.value_at_quantile(0.99);
    let response_ns = tally.response().all_ns().value_at_quantile(0.99);
    (late_ns > LATE_NS_MAX && late_ns as f64 > response_ns as f64 * LATE_SHARE_MAX).then(|| {
        format!(
            "the generator itself was late by {} at p99, more than a tenth of the {} that answers took; {advice}",
            duration(late_ns as f64 / 1e3),
            duration(response_ns as f64 / 1e3)
        )
    })
}

fn why_no_sale(tally: &Tally) -> Option<String> {
    let steps = [Step::Reserve, Step::Hold, Step::Confirm].map(|step| tally.of(step));
    let count = |status: Status| steps.iter().map(|answers| answers.of(status)).sum::<u64>();
    let asked = steps[0].total() + steps[1].total();
    let refusals = Status::ALL.iter().copied().filter(|status| *status != Status::Ok);
    let refused: u64 = refusals.clone().map(count).sum();
    if refused as f64 <= asked as f64 * REFUSED_SHARE_MAX {
        return None;
    }
    let most = refusals.max_by_key(|status| count(*status))?;
    let what = if most == Status::SoldOut { "stock ran out" } else { "the sale was refused" };
    let percent = 100.0 * refused as f64 / asked.max(1) as f64;
    Some(format!(
        "{what}: {percent:.1} % of the reservations were refused, mostly {most}, so the rate is not one of accepted \
         ones; {}",
        advice(most)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::results::counter::tests::{counter, on_time};
    use crate::load::results::counter::{Counter, Times};
    use crate::load::step::Outcome;

    fn verdict(workload: &str, answers: &[(Step, Outcome, u32)]) -> Vec<String> {
        let mut counter = counter(0..1_000_000_000);
        for (step, outcome, times) in answers {
            (0..*times).for_each(|_| counter.count(*step, *outcome, on_time(0, 1_000)));
        }
        why_not(&workload.parse().unwrap(), &counter.end())
    }

    #[test]
    fn a_clean_run_is_valid() {
        assert!(verdict("ping", &[(Step::Ping, Outcome::Done, 5)]).is_empty());
        let sold_out = Outcome::Refused(Status::SoldOut);
        assert!(verdict("refused", &[(Step::Refused, sold_out, 5)]).is_empty());
        let sale = [(Step::Reserve, Outcome::Done, 199), (Step::Confirm, Outcome::Done, 199)];
        assert!(verdict("sale", &sale).is_empty());
        assert!(verdict("sale", &[sale[0], sale[1], (Step::Reserve, sold_out, 1)]).is_empty());
        assert!(verdict("hold", &[(Step::Hold, Outcome::Done, 199), (Step::Hold, sold_out, 1)]).is_empty());
    }

    #[test]
    fn a_generator_that_is_late_measures_itself() {
        let late = |late_ns: u64, answered_ns: u64, unsent: u64| {
            let mut counter = Counter::new(Tally::new(0..1_000_000_000, true, 0));
            let took = Times { intended_ns: 0, sent_ns: late_ns, answered_ns };
            counter.count(Step::Ping, Outcome::Done, took);
            counter.tally.count_lateness(late_ns, true);
            counter.tally.unsent_for_lack_of_time = unsent;
            why_not(&"ping".parse().unwrap(), &counter.end())
        };
        let told = late(110_000, 1_000_000, 0);
        assert!(told[0].contains("late by 110 us at p99"), "{told:?}");
        assert!(late(110_000, 1_200_000, 0).is_empty(), "less than a tenth of what answers took");
        assert!(late(99_000, 200_000, 0).is_empty(), "too little to be noticed");
        let told = late(0, 1_000_000, 7);
        assert!(told[0].contains("no time to send 7 requests"), "{told:?}");
    }

    #[test]
    fn a_run_that_measures_something_else_is_not() {
        assert_eq!(verdict("ping", &[]).len(), 1);
        assert!(verdict("refused", &[(Step::Refused, Outcome::Done, 1)])[0].contains("not SOLD_OUT"));
        let sold_out = Outcome::Refused(Status::SoldOut);
        let sale = [(Step::Reserve, Outcome::Done, 90), (Step::Reserve, sold_out, 10)];
        let told = verdict("sale", &sale);
        assert!(told[0].starts_with("stock ran out: 10.0 %"), "{told:?}");
        assert!(verdict("hold", &[(Step::Hold, sold_out, 1)])[0].starts_with("stock ran out: 100.0 %"));
        let not_open = Outcome::Refused(Status::NotOpen);
        assert!(verdict("sale", &[(Step::Reserve, not_open, 9)])[0].contains("--open"));
        let unknown = Outcome::Unexpected(Status::UnknownDeparture);
        let told = verdict("ping", &[(Step::Ping, Outcome::Done, 1), (Step::Reserve, unknown, 2)]);
        assert!(told[0].contains("2 requests were answered UNKNOWN_DEPARTURE"), "{told:?}");
    }

    #[test]
    fn a_lookup_that_is_put_off_belongs_to_an_open_loop() {
        for (is_open, reasons) in [(true, 0), (false, 1)] {
            let mut counter = Counter::new(Tally::new(0..1_000_000_000, is_open, 0));
            for outcome in [Outcome::Done, Outcome::Refused(Status::Busy)] {
                counter.count(Step::Lookup, outcome, on_time(0, 1_000));
            }
            let told = why_not(&"lookup".parse().unwrap(), &counter.end());
            assert_eq!(told.len(), reasons, "{told:?}");
        }
    }
}
