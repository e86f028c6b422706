//! What came of a run: counted per thread, summed, judged, and told to people and programs.

pub(super) mod compare;
pub(super) mod configuration;
pub(super) mod counter;
pub(super) mod figures;
mod files;
mod host;
mod html;
mod latencies;
pub(super) mod live;
pub(super) mod output;
pub(super) mod report;
mod series;
mod summary;
pub(super) mod tally;
mod text;
mod verdict;
