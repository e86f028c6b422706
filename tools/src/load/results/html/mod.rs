//! A run as one page that needs nothing else: no script, no font, no network. It is well-formed XML too, so that other
//! programs can read it.

mod charts;
mod plot;
mod scale;

use super::figures::{counted, duration, grouped, whole};
use super::report::{Latency, RateStepReport, Report};
use std::fmt::Write;

const STYLE: &str = include_str!("style.css");

/// The page.
pub(super) fn page(report: &Report) -> String {
    let title = format!("{} on {}", escape(&report.workload), escape(&report.server));
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width\"/>\n<title>{title}</title>\n<style>\n{STYLE}</style>\n\
         </head>\n<body>\n<h1>{title}</h1>\n<p>{} loop, {} s from {}, {} x {} in flight</p>\n",
        report.r#loop,
        report.seconds,
        report.started,
        counted(report.connections as u64, "connection", "connections"),
        report.in_flight
    );
    row(&mut page, format_args!("<p>{}</p>", escape(&report.demand)));
    for why in &report.why_not {
        row(&mut page, format_args!("<p class=\"fault\">Not valid: {}</p>", escape(why)));
    }
    for missed in &report.slo_missed {
        row(&mut page, format_args!("<p class=\"fault\">Missed: {}</p>", escape(missed)));
    }
    if let Some(findings) = &report.oracle {
        let class = if findings.is_clean() { "" } else { " class=\"fault\"" };
        row(&mut page, format_args!("<p{class}>{}</p>", escape(findings.to_string().trim_end())));
    }
    counts(&mut page, report);
    latencies(&mut page, report);
    rate_steps(&mut page, report);
    for chart in charts::all(report) {
        page.push_str(&chart.svg());
    }
    facts(&mut page, report);
    page.push_str("</body>\n</html>\n");
    page
}

fn counts(page: &mut String, report: &Report) {
    page.push_str("<table>\n<tr><th></th><th>a second</th><th>in all</th></tr>\n");
    let errors = report.errors as f64 / report.seconds as f64;
    for (name, rate, count) in [
        ("answers", report.requests_per_second, report.requests),
        ("sales accepted", report.accepted_per_second, report.accepted),
        ("refusals", report.refused_per_second, report.refused),
        ("errors", errors, report.errors),
        ("due and never sent, among errors", report.unsent as f64 / report.seconds as f64, report.unsent),
    ] {
        let (rate, count) = (whole(rate), grouped(count));
        row(page, format_args!("<tr><th>{name}</th><td>{rate}</td><td>{count}</td></tr>"));
    }
    page.push_str("</table>\n");
}

fn latencies(page: &mut String, report: &Report) {
    page.push_str(
        "<table>\n<tr><th></th><th>p50</th><th>p90</th><th>p99</th><th>p99.9</th><th>max</th></tr>\n",
    );
    for (name, waits) in [("done", report.latencies.done), ("refused", report.latencies.refused)] {
        if let Some(waits) = waits {
            latency(page, &format!("{name}, from intended to answered"), waits.response_us);
            latency(page, &format!("{name}, from sent to answered"), waits.service_us);
        }
    }
    if let Some(lateness) = report.latencies.lateness_us {
        latency(page, "lateness, from sendable to sent", lateness);
    }
    page.push_str("</table>\n");
}

/// What came at each rate of --steps.
fn rate_steps(page: &mut String, report: &Report) {
    if report.rate_steps.is_empty() {
        return;
    }
    page.push_str(
        "<table>\n<tr><th>due a second</th><th>done a second</th><th>refused</th><th>errors</th><th>p50</th>\
         <th>p99</th></tr>\n",
    );
    for RateStepReport { rate, came } in &report.rate_steps {
        let done = whole(came.done as f64 / came.seconds);
        let (refused, errors) = (grouped(came.refused), grouped(came.errors));
        let [p50, p99] = came.done_us.map_or(["-".into(), "-".into()], |us| [us.p50, us.p99].map(duration));
        row(
            page,
            format_args!(
                "<tr><th>{rate}</th><td>{done}</td><td>{refused}</td><td>{errors}</td><td>{p50}</td><td>{p99}</td></tr>"
            ),
        );
    }
    page.push_str("</table>\n");
}

fn latency(page: &mut String, name: &str, Latency { p50, p90, p99, p999, max }: Latency) {
    let cells: String = [p50, p90, p99, p999, max].map(|us| format!("<td>{}</td>", duration(us))).concat();
    row(page, format_args!("<tr><th>{name}</th>{cells}</tr>"));
}

/// What was measured where, to repeat it.
fn facts(page: &mut String, report: &Report) {
    let host = &report.host;
    let known = |fact: &Option<String>| fact.clone().unwrap_or_else(|| "unknown".to_owned());
    let memory = host.memory_bytes.map_or("unknown".to_owned(), |bytes| format!("{} MiB", bytes >> 20));
    let facts = [
        ("processor", known(&host.cpu)),
        ("cores", host.cores.to_string()),
        ("kernel", known(&host.kernel)),
        ("memory", memory),
        (
            "seathold-load",
            format!("{}, revision {}", report.program.version, known(&report.program.revision)),
        ),
        ("server", format!("{}, {}", report.server, counted(report.server_cores as u64, "core", "cores"))),
        ("departures", report.departures.to_string()),
    ];
    let options = report.configuration.0.iter().map(|(name, value)| (name.as_str(), value.clone()));
    page.push_str("<table>\n");
    for (name, value) in facts.into_iter().chain(options) {
        row(
            page,
            format_args!("<tr><th>{}</th><td class=\"text\">{}</td></tr>", escape(name), escape(&value)),
        );
    }
    page.push_str("</table>\n");
}

fn row(page: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(page, "{text}").expect("a String takes all text");
}

/// Text as XML and HTML take it, in an attribute too.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::oracle::Findings;
    use crate::load::results::summary;
    use roxmltree::{Document, ParsingOptions};

    fn parse(page: &str) -> Document<'_> {
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        Document::parse_with_options(page, options).unwrap_or_else(|error| panic!("{error} in:\n{page}"))
    }

    #[test]
    fn the_page_is_well_formed_and_needs_nothing_else() {
        let mut report = summary::tests::report();
        report.configuration.0.insert("trains".to_owned(), "<G&1>".to_owned());
        report.oracle = Some(Findings { checked: 7, lost: 1, ..Findings::default() });
        report.slo_missed.push("p99 is <too> long".to_owned());
        let page = page(&report);
        let document = parse(&page);
        for node in document.descendants() {
            let name = node.tag_name().name();
            assert!(
                !["script", "link", "img", "iframe", "object"].contains(&name),
                "the page loads a {name}"
            );
            assert!(!node.has_attribute("src") && !node.has_attribute("href"), "{name} leads elsewhere");
        }
        for outside in ["http:", "https:", "url(", "@import"] {
            assert!(!page.contains(outside), "the page names {outside}");
        }
        let text: String = document.descendants().filter_map(|node| node.text()).collect();
        assert!(text.contains("<G&1>") && text.contains("sales accepted"), "{text}");
        assert!(page.contains("prefers-color-scheme: dark"));
        assert!(text.contains("7 acknowledged reservations looked up, NOT BORNE OUT"), "{text}");
        assert!(text.contains("Missed: p99 is <too> long") && text.contains("due and never sent"), "{text}");
    }

    #[test]
    fn lateness_is_drawn_where_the_generator_was_late() {
        let mut report = summary::tests::report();
        let late = |report: &Report| page(report).contains("lateness, from sendable to sent</li>");
        assert!(!late(&report), "a closed loop has no lateness");
        report.distributions.lateness_ns.record(2_000_000).unwrap();
        assert!(late(&report));
        parse(&page(&report));
    }

    #[test]
    fn every_chart_stays_inside_its_frame_and_no_label_on_another() {
        let page = page(&summary::tests::report());
        let document = parse(&page);
        let charts: Vec<_> =
            document.descendants().filter(|node| node.attribute("role") == Some("img")).collect();
        assert_eq!(charts.len(), 4, "percentiles, rates, and the latencies of done and refused over time");
        for chart in charts {
            let number =
                |node: &roxmltree::Node<'_, '_>, name| node.attribute(name).unwrap().parse::<f64>().unwrap();
            let labels: Vec<_> = chart.descendants().filter(|node| node.has_tag_name("text")).collect();
            assert!(labels.len() >= 4, "{labels:?}");
            let mut boxes = Vec::new();
            for label in &labels {
                let (x, y) = (number(label, "x"), number(label, "y"));
                // A figure of 12 px is below 7 wide.
                let width = label.text().unwrap().chars().count() as f64 * 6.6;
                let left = match label.attribute("text-anchor") {
                    Some("end") => x - width,
                    Some("middle") => x - width / 2.0,
                    _ => x,
                };
                assert!(
                    left >= 0.0 && left + width <= plot::WIDTH && y <= plot::HEIGHT,
                    "{label:?} at {left}"
                );
                boxes.push((left, left + width, y - 10.0, y + 2.0));
            }
            for (at, one) in boxes.iter().enumerate() {
                for other in &boxes[at + 1..] {
                    let apart = one.1 <= other.0 || other.1 <= one.0 || one.3 <= other.2 || other.3 <= one.2;
                    assert!(apart, "{one:?} is on {other:?}");
                }
            }
        }
    }
}
