//! Finding the stop that somebody means: by code, by name, or by its place in the route.

use seathold_client::{Stop, StopIndex};

/// Stops that are suggested when none has the given name.
const SUGGESTIONS_MAX: usize = 5;

/// The stop that `text` means. A code goes before a name, a name before a number, so that codes that are numbers work.
pub(super) fn find(stops: &[Stop], text: &str) -> Result<StopIndex, String> {
    let matches: [&dyn Fn(&Stop) -> bool; 4] = [
        &|stop| stop.code == text,
        &|stop| stop.name == text,
        &|stop| stop.code.eq_ignore_ascii_case(text),
        &|stop| stop.name.to_lowercase() == text.to_lowercase(),
    ];
    for is_meant in matches {
        let found: Vec<_> = (0..).zip(stops).filter(|(_, stop)| is_meant(stop)).map(|(at, _)| at).collect();
        match found.as_slice() {
            [] => {}
            [one] => return Ok(*one),
            more => {
                let numbers: Vec<_> = more.iter().map(StopIndex::to_string).collect();
                return Err(format!(
                    "the train calls at `{text}` more than once; give the stop's number: {}",
                    numbers.join(" or ")
                ));
            }
        }
    }
    if text.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(number) = text.parse::<StopIndex>()
        && usize::from(number) < stops.len()
    {
        return Ok(number);
    }
    Err(format!(
        "the train does not call at `{text}`; the nearest names are {}. A stop is given by code, name, or number from 0 to {}",
        nearest(stops, text).join(", "),
        stops.len() - 1
    ))
}

/// A stop for a person: its name and code, or one of them if they are the same.
pub(super) fn label(stop: &Stop) -> String {
    if stop.name == stop.code { stop.code.clone() } else { format!("{} ({})", stop.name, stop.code) }
}

fn nearest(stops: &[Stop], text: &str) -> Vec<String> {
    let distance = |stop: &Stop| edits(&stop.code, text).min(edits(&stop.name, text));
    let mut by_distance: Vec<_> = stops.iter().collect();
    by_distance.sort_by_key(|stop| distance(stop));
    by_distance.into_iter().take(SUGGESTIONS_MAX).map(label).collect()
}

/// Letters to insert, delete or change to make one word of the other (Levenshtein's distance), capitals aside.
fn edits(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (at, letter) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, other) in b.chars().enumerate() {
            let change = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = change.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[row.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stops() -> Vec<Stop> {
        let stop = |code: &str, name: &str| Stop {
            code: code.to_owned(),
            name: name.to_owned(),
            arrival_s: 0,
            departure_s: 0,
        };
        vec![
            stop("8000105", "Frankfurt(Main)Hbf"),
            stop("VNP", "北京南"),
            stop("2", "Mannheim"),
            stop("RING", "Ring"),
            stop("RING", "Ring"),
        ]
    }

    #[test]
    fn code_goes_before_name_before_number() {
        let stops = stops();
        let find = |text| find(&stops, text).unwrap();
        assert_eq!([find("VNP"), find("北京南"), find("1")], [1, 1, 1]);
        assert_eq!([find("8000105"), find("2"), find("3")], [0, 2, 3]);
        assert_eq!([find("vnp"), find("mannheim")], [1, 2]);
    }

    #[test]
    fn an_unknown_stop_brings_the_nearest() {
        let error = find(&stops(), "Manheim").unwrap_err();
        assert!(
            error.starts_with("the train does not call at `Manheim`; the nearest names are Mannheim (2), "),
            "{error}"
        );
        assert!(error.ends_with("number from 0 to 4"), "{error}");
        assert!(find(&stops(), "5").is_err() && find(&stops(), "").is_err() && find(&stops(), "-1").is_err());
    }

    #[test]
    fn a_stop_that_comes_twice_needs_its_number() {
        let error = find(&stops(), "RING").unwrap_err();
        assert!(error.ends_with("give the stop's number: 3 or 4"), "{error}");
        assert_eq!(find(&stops(), "4"), Ok(4));
    }

    #[test]
    fn edits_count_letters() {
        assert_eq!([edits("", "abc"), edits("kitten", "Sitting"), edits("上海", "上海虹桥")], [3, 3, 2]);
    }
}
