//! The rules of the house, held by reading the repository's own source: which part may use which (`layering`) and
//! how a file looks (`tidy`). They need nothing of the server, so they run in milliseconds and name file and line.

mod layering;
mod paths;
mod source;
mod tidy;
