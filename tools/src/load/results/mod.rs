//! What came of a run: counted per thread, summed, judged, and told to people and programs.

pub(super) mod output;
pub(super) mod report;
pub(super) mod tally;
mod verdict;
