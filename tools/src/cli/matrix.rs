//! Free places for every pair of stops, as a triangle that fits a terminal.
//!
//! A train of thirty stops has 435 pairs: columns go into blocks of a line's width, and a block leaves out the rows
//! that have nothing in it.

use super::stops;
use super::table::{Align, Table};
use seathold_client::Stop;
use unicode_width::UnicodeWidthStr;

/// Cells of the narrowest terminal that people use.
const LINE_CELLS: usize = 80;

/// Spaces before each column.
const GAP: usize = 2;

/// Where the number for `from` to `to` stands in a reply for all pairs: (0,1) (0,2) … (1,2) …
pub(super) fn pair_index(from: usize, to: usize, stops: usize) -> usize {
    from * (2 * stops - from - 1) / 2 + (to - from - 1)
}

/// The blocks of one class, an empty line between them. `free` has a number for each pair.
pub(super) fn render(route: &[Stop], free: &[u32]) -> String {
    let labels: Vec<_> = route.iter().map(stops::label).collect();
    let label_width = labels.iter().map(|label| label.width()).max().unwrap_or(0).max("from \\ to".width());
    let digits = free.iter().map(|free| free.to_string().len()).max().unwrap_or(1);
    let column_width = |to: usize| GAP + route[to].code.width().max(digits);
    let mut blocks = Vec::new();
    let mut first = 1;
    while first < route.len() {
        let mut last = first;
        let mut width = label_width + column_width(first);
        while last + 1 < route.len() && width + column_width(last + 1) <= LINE_CELLS {
            last += 1;
            width += column_width(last);
        }
        blocks.push(block(route, &labels, free, first..=last).to_string());
        first = last + 1;
    }
    blocks.join("\n\n")
}

fn block(route: &[Stop], labels: &[String], free: &[u32], columns: std::ops::RangeInclusive<usize>) -> Table {
    let titles = columns.clone().map(|to| (route[to].code.clone(), Align::Right));
    let mut table = Table::new([("from \\ to".to_owned(), Align::Left)].into_iter().chain(titles));
    for (from, label) in labels.iter().enumerate().take(*columns.end()) {
        let cell = |to: usize| match from < to {
            true => free.get(pair_index(from, to, route.len())).map_or(String::new(), u32::to_string),
            false => String::new(),
        };
        table.row([label.clone()].into_iter().chain(columns.clone().map(cell)));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(codes: &[(&str, &str)]) -> Vec<Stop> {
        let stop = |(code, name): &(&str, &str)| Stop {
            code: (*code).to_owned(),
            name: (*name).to_owned(),
            arrival_s: 0,
            departure_s: 0,
        };
        codes.iter().map(stop).collect()
    }

    #[test]
    fn pairs_are_counted_as_the_reply_has_them() {
        for stops in 2..=128 {
            let pairs = (0..stops).flat_map(|from| (from + 1..stops).map(move |to| (from, to)));
            for (expected, (from, to)) in pairs.enumerate() {
                assert_eq!(pair_index(from, to, stops), expected);
            }
        }
    }

    #[test]
    fn a_triangle_in_two_scripts() {
        let route = route(&[("VNP", "北京南"), ("JNK", "济南西"), ("NKH", "Nanjing"), ("AOH", "上海虹桥")]);
        let expected = "\
from \\ to      JNK  NKH   AOH
北京南 (VNP)    12   11    10
济南西 (JNK)        101  1000
Nanjing (NKH)             999";
        assert_eq!(render(&route, &[12, 11, 10, 101, 1_000, 999]), expected);
    }

    #[test]
    fn a_long_route_stays_within_the_line() {
        let names: Vec<_> = (0..30).map(|at| (format!("S{at:02}"), format!("Stop number {at}"))).collect();
        let route =
            route(&names.iter().map(|(code, name)| (code.as_str(), name.as_str())).collect::<Vec<_>>());
        let text = render(&route, &[8_888; 435]);
        assert!(text.lines().all(|line| line.width() <= LINE_CELLS), "{text}");
        assert_eq!(text.matches("8888").count(), 435, "every pair once:\n{text}");
        assert_eq!(text.split("\n\n").count(), 3);
    }
}
