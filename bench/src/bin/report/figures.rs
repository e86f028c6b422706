//! The file of figures: a line for the run, then one for each measurement, or for what was left out and why.

use serde::Deserialize;

/// The run, and the host that it was made on.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Run {
    pub(crate) date: String,
    /// Of the repository; `-dirty` behind it when files were changed.
    pub(crate) revision: String,
    pub(crate) host: String,
    /// The command line that made it.
    pub(crate) command: String,
    /// Which processors served and which asked.
    pub(crate) processors: String,
}

/// One measurement.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Figure {
    /// What is measured in turns with each other; in growth, the axis.
    pub(crate) group: String,
    /// Which of them; in growth, the line.
    pub(crate) side: String,
    pub(crate) round: u32,
    /// Where on the axis.
    #[serde(default)]
    pub(crate) at: Option<u64>,
    /// A second.
    pub(crate) rate: f64,
    #[serde(default)]
    pub(crate) p50_us: Option<f64>,
    #[serde(default)]
    pub(crate) p99_us: Option<f64>,
    /// Per second of the Redis process' processor.
    #[serde(default)]
    pub(crate) per_cpu_second: Option<f64>,
    /// What made it, with the temporary folder as `$dir`.
    pub(crate) command: String,
}

/// A measured number that is no rate: a length of time, a size, a count.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Amount {
    pub(crate) group: String,
    pub(crate) what: String,
    pub(crate) round: u32,
    pub(crate) value: f64,
    /// Empty where things are counted.
    #[serde(default)]
    pub(crate) unit: String,
    /// As of a figure.
    pub(crate) command: String,
}

/// A side that could not be measured.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Skipped {
    pub(crate) group: String,
    pub(crate) reason: String,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line {
    Run(Run),
    Figure(Figure),
    Amount(Amount),
    Skipped(Skipped),
}

/// All of a file; there is a run.
pub(crate) struct Figures {
    pub(crate) run: Run,
    pub(crate) figures: Vec<Figure>,
    pub(crate) amounts: Vec<Amount>,
    pub(crate) skipped: Vec<Skipped>,
}

impl Figures {
    pub(crate) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let (mut run, mut figures, mut amounts, mut skipped) = (None, Vec::new(), Vec::new(), Vec::new());
        for line in text.lines() {
            match serde_json::from_str(line)? {
                Line::Run(line) => run = Some(line),
                Line::Figure(line) => figures.push(line),
                Line::Amount(line) => amounts.push(line),
                Line::Skipped(line) => skipped.push(line),
            }
        }
        let run = run.ok_or_else(|| serde::de::Error::custom("no line says which run this is"))?;
        Ok(Self { run, figures, amounts, skipped })
    }

    /// In the order in which they were measured first.
    pub(crate) fn groups(&self) -> Vec<&str> {
        distinct(self.figures.iter().map(|figure| &*figure.group))
    }

    pub(crate) fn sides<'a>(&'a self, group: &str) -> Vec<&'a str> {
        distinct(self.of_group(group).map(|figure| &*figure.side))
    }

    /// The places on an axis, ascending.
    pub(crate) fn places(&self, group: &str) -> Vec<u64> {
        let mut places = distinct(self.of_group(group).filter_map(|figure| figure.at));
        places.sort_unstable();
        places
    }

    pub(crate) fn of<'a>(&'a self, group: &str, side: &str) -> impl Iterator<Item = &'a Figure> {
        self.of_group(group).filter(move |figure| figure.side == side)
    }

    /// Group, name and unit of each amount, in the order in which they were measured first.
    pub(crate) fn amounts(&self) -> Vec<(&str, &str, &str)> {
        distinct(self.amounts.iter().map(|amount| (&*amount.group, &*amount.what, &*amount.unit)))
    }

    pub(crate) fn of_amount<'a>(&'a self, group: &str, what: &str) -> impl Iterator<Item = &'a Amount> {
        self.amounts.iter().filter(move |amount| amount.group == group && amount.what == what)
    }

    fn of_group<'a>(&'a self, group: &str) -> impl Iterator<Item = &'a Figure> {
        self.figures.iter().filter(move |figure| figure.group == group)
    }
}

/// Each once, where it came first.
pub(crate) fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for one in all {
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen
}

/// `None` of nothing.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Two rounds of two sides: 100 and 300 a second of `echo`, 90 and 150 of `ping`; and two of an amount.
    pub(crate) const SAMPLE: &str = r#"{"kind":"run","date":"2027-03-15","revision":"abc","host":"2 cores","command":"bench/run","processors":"server on 0"}
{"kind":"figure","group":"ping","side":"echo","round":1,"rate":100,"p50_us":5,"p99_us":9,"command":"load --workload ping"}
{"kind":"figure","group":"ping","side":"ping","round":1,"rate":90,"p50_us":5,"p99_us":9,"command":"load --workload ping"}
{"kind":"figure","group":"ping","side":"echo","round":2,"rate":300,"p50_us":5,"p99_us":9,"command":"load --workload ping"}
{"kind":"figure","group":"ping","side":"ping","round":2,"rate":150,"p50_us":7,"p99_us":9,"command":"load --workload ping"}
{"kind":"amount","group":"memory","what":"untouched","round":1,"value":3,"unit":"KiB","command":"serve"}
{"kind":"amount","group":"memory","what":"untouched","round":2,"value":4.5,"unit":"KiB","command":"serve"}
{"kind":"skipped","group":"postgres","reason":"there is no pgbench"}
"#;

    #[test]
    fn a_file_is_read_whole() {
        let figures = Figures::parse(SAMPLE).unwrap();
        assert_eq!(figures.run.host, "2 cores");
        assert_eq!((figures.groups(), figures.sides("ping")), (vec!["ping"], vec!["echo", "ping"]));
        assert_eq!(median(figures.of("ping", "echo").map(|figure| figure.rate)), Some(200.0));
        assert_eq!(figures.amounts(), [("memory", "untouched", "KiB")]);
        assert_eq!(figures.skipped[0].group, "postgres");
    }

    #[test]
    fn a_line_that_nobody_knows_is_an_error() {
        assert!(Figures::parse("{\"kind\":\"other\"}").is_err());
        assert!(Figures::parse("").is_err(), "no run");
        assert!(Figures::parse(&SAMPLE.replace("\"rate\":90,", "")).is_err());
    }

    #[test]
    fn the_median_is_the_middle() {
        let of = |values: &[f64]| median(values.iter().copied());
        assert_eq!((of(&[]), of(&[3.0]), of(&[9.0, 1.0])), (None, Some(3.0), Some(5.0)));
        assert_eq!(of(&[9.0, 1.0, 2.0]), Some(2.0));
    }
}
