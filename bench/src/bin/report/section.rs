//! A section of RESULTS.md: Markdown, and its place between two markers.

use crate::bars::{BARS, number, with_unit};
use crate::figures::{Figures, distinct, median};
use std::fmt::Write as _;

/// `document` with `text` between the markers of `name`, which stay.
pub(crate) fn replace(document: &str, name: &str, text: &str) -> Result<String, String> {
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->"));
    let missing =
        || format!("the document lacks the lines `{}` and `{end}`; put them back", begin.trim_end());
    let (before, rest) = document.split_once(&begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&end).ok_or_else(missing)?;
    Ok(format!("{before}{begin}\n{text}\n{end}{after}"))
}

/// What `bench/run` found.
pub(crate) fn bars(figures: &Figures, charts: &[(String, String)]) -> String {
    let mut text = opening(figures);
    text += "| | bar | median | of the rounds | |\n|---|---|---|---|---|\n";
    for bar in &BARS {
        let told = match bar.outcome(figures) {
            None => "| | not measured".to_owned(),
            Some(outcome) => {
                format!("{} | {} | {}", bar.value(&outcome), outcome.rounds(), bar.verdict(&outcome))
            }
        };
        line(&mut text, format_args!("| {} | {} | {told} |", bar.title, bar.bound()));
    }
    if !figures.figures.is_empty() {
        text += "\n| | a second, median | p50 | p99 | a Redis CPU-second |\n|---|---|---|---|---|\n";
    }
    for group in figures.groups() {
        for side in figures.sides(group) {
            let of = |one: fn(&crate::figures::Figure) -> Option<f64>| {
                median(figures.of(group, side).filter_map(one))
            };
            let ms = |us: Option<f64>| us.map_or(String::new(), |us| format!("{:.2} ms", us / 1000.0));
            let count = |value: Option<f64>| value.map_or(String::new(), thousands);
            line(
                &mut text,
                format_args!(
                    "| {group}: {side} | {} | {} | {} | {} |",
                    count(of(|figure| Some(figure.rate))),
                    ms(of(|figure| figure.p50_us)),
                    ms(of(|figure| figure.p99_us)),
                    count(of(|figure| figure.per_cpu_second)),
                ),
            );
        }
    }
    if !figures.amounts.is_empty() {
        text += "\n| | median |\n|---|---|\n";
    }
    for (group, what, unit) in figures.amounts() {
        let value = median(figures.of_amount(group, what).map(|amount| amount.value));
        let told = value.map_or(String::new(), |value| with_unit(number(value), unit));
        line(&mut text, format_args!("| {group}: {what} | {told} |"));
    }
    text.push('\n');
    for skipped in &figures.skipped {
        line(&mut text, format_args!("Skipped: {}: {}.\n", skipped.group, skipped.reason));
    }
    closing(&mut text, figures, charts);
    text
}

/// What `bench/growth` found.
pub(crate) fn growth(figures: &Figures, charts: &[(String, String)]) -> String {
    let mut text = opening(figures);
    text += "```text\n";
    text += &growth_table(figures);
    text += "```\n\n";
    closing(&mut text, figures, charts);
    text
}

/// Medians a second, a block per axis.
pub(crate) fn growth_table(figures: &Figures) -> String {
    let mut text = String::new();
    for (at, group) in figures.groups().into_iter().enumerate() {
        let sides = figures.sides(group);
        let gap = if at == 0 { "" } else { "\n" };
        write!(text, "{gap}{group:>12}").expect("a String takes all");
        for side in &sides {
            write!(text, " {side:>14}").expect("a String takes all");
        }
        text.push('\n');
        for place in figures.places(group) {
            write!(text, "{place:>12}").expect("a String takes all");
            for side in &sides {
                let here = figures.of(group, side).filter(|figure| figure.at == Some(place));
                let rate = median(here.map(|figure| figure.rate)).map_or("-".to_owned(), thousands);
                write!(text, " {rate:>14}").expect("a String takes all");
            }
            text.push('\n');
        }
    }
    text
}

fn opening(figures: &Figures) -> String {
    let run = &figures.run;
    let of_amounts = figures.amounts.iter().map(|amount| amount.round);
    let rounds = figures.figures.iter().map(|figure| figure.round).chain(of_amounts).max().unwrap_or(0);
    format!(
        "**{}**, {}, revision {}, {}; medians of {rounds} rounds.\n\n```sh\n{}\n```\n\n",
        run.date, run.host, run.revision, run.processors, run.command
    )
}

fn closing(text: &mut String, figures: &Figures, charts: &[(String, String)]) {
    for (title, path) in charts {
        line(text, format_args!("![{title}]({path})"));
    }
    *text += "\n<details><summary>The command of each measurement</summary>\n\n```text\n";
    let of_figures = figures.figures.iter().map(|figure| (&figure.group, &figure.side, &figure.command));
    for (group, side, command) in distinct(of_figures) {
        line(text, format_args!("{group}: {side}: {command}"));
    }
    // One command gives several amounts.
    for (group, command) in distinct(figures.amounts.iter().map(|amount| (&amount.group, &amount.command))) {
        line(text, format_args!("{group}: {command}"));
    }
    *text += "```\n\n</details>\n";
}

fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    writeln!(text, "{what}").expect("a String takes all");
}

/// A whole number with its thousands apart.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::SAMPLE;

    #[test]
    fn only_what_is_between_the_markers_changes() {
        let document = "# A\n<!-- bench/run: begin -->\nold\n<!-- bench/run: end -->\n# B\n";
        let new = replace(document, "bench/run", "new").unwrap();
        assert_eq!(new, "# A\n<!-- bench/run: begin -->\n\nnew\n<!-- bench/run: end -->\n# B\n");
        assert_eq!(replace(&new, "bench/run", "new").unwrap(), new);
        assert!(replace(document, "bench/growth", "new").unwrap_err().contains("bench/growth: begin"));
    }

    #[test]
    fn the_section_names_host_command_figures_and_what_is_missing() {
        let figures = Figures::parse(SAMPLE).unwrap();
        let text = bars(&figures, &[("ping".to_owned(), "charts/ping.svg".to_owned())]);
        for part in [
            "2 cores, revision abc",
            "| PING against the bare echo, 64 x 1 | ≥ 0.9 | 0.60 | 0.50 to 0.90 | MISSED |",
            "| memory per departure, 15 days x 12,861 trains | ≤ 4 KiB | 3.75 KiB | 3 to 4.50 | met |",
            "| memory: untouched | 3.75 KiB |",
            "\nmemory: serve\n",
            "| PING against the bare echo, 64 x 32 | ≥ 0.6 | | | not measured |",
            "| ping: echo | 200 | 0.01 ms | 0.01 ms |  |",
            "Skipped: postgres: there is no pgbench.",
            "![ping](charts/ping.svg)",
            "ping: ping: load --workload ping",
        ] {
            assert!(text.contains(part), "`{part}` is not in:\n{text}");
        }
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0.4, 999.0, 1000.0, 1234567.0].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}
