//! What is wrong with a feed or a rules file, said so that an engineer can open the file at the line.
//!
//! Faults of one trip and faults of the whole feed are kept apart here and nowhere else: a lenient import may
//! leave a bad trip out, but never guesses around a broken file.

use std::fmt;

/// Problems that are written out; more are only counted. Enough to see a pattern, few enough for a screen.
const PROBLEMS_MAX: usize = 20;

/// One sentence about one place in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file's name as it stands in the feed, or the path of the rules file.
    pub file: String,
    /// The line, counted from 1 with the header; `None` where no line is to blame.
    pub line: Option<u64>,
    /// What is wrong, and where it helps what to do.
    pub text: String,
}

impl Problem {
    pub(super) fn in_file(file: impl Into<String>, text: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, text: text.into() }
    }

    pub(super) fn at(file: impl Into<String>, line: u64, text: impl Into<String>) -> Self {
        Self { file: file.into(), line: Some(line), text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.text),
            None => write!(f, "{}: {}", self.file, self.text),
        }
    }
}

/// Why nothing was imported: at least one problem. Shown as one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportError {
    /// The first problems, in the order in which the files are read.
    pub problems: Vec<Problem>,
    /// How many more there are.
    pub more: usize,
}

impl From<Problem> for ImportError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem], more: 0 }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            let line_end = if at == 0 { "" } else { "\n" };
            write!(f, "{line_end}{problem}")?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for ImportError {}

/// The problems found so far.
pub(super) struct Findings {
    lenient: bool,
    of_feed: Vec<Problem>,
    of_feed_count: usize,
    of_trips: Vec<Problem>,
    of_trips_count: usize,
}

impl Findings {
    pub(super) fn new(lenient: bool) -> Self {
        Self { lenient, of_feed: Vec::new(), of_feed_count: 0, of_trips: Vec::new(), of_trips_count: 0 }
    }

    /// A fault that makes the feed unusable, lenient or not.
    pub(super) fn of_feed(&mut self, problem: Problem) {
        self.of_feed_count += 1;
        if self.of_feed.len() < PROBLEMS_MAX {
            self.of_feed.push(problem);
        }
    }

    /// A fault of one trip. The caller leaves the trip out, and reports each trip once.
    pub(super) fn of_trip(&mut self, problem: Problem) {
        self.of_trips_count += 1;
        if self.lenient || self.of_trips.len() < PROBLEMS_MAX {
            self.of_trips.push(problem);
        }
    }

    /// Stops here if the feed itself is broken: what follows from that would only hide it.
    pub(super) fn check_feed(&self) -> Result<(), ImportError> {
        match self.of_feed_count {
            0 => Ok(()),
            count => Err(ImportError { problems: self.of_feed.clone(), more: count - self.of_feed.len() }),
        }
    }

    /// The trips left out, if leaving out is allowed and nothing worse was found.
    pub(super) fn finish(self) -> Result<Vec<Problem>, ImportError> {
        self.check_feed()?;
        if self.lenient || self.of_trips.is_empty() {
            return Ok(self.of_trips);
        }
        let more = self.of_trips_count - self.of_trips.len();
        Err(ImportError { problems: self.of_trips, more })
    }
}
