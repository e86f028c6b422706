//! The rules of the house, held by reading the repository's own source: which part may use which (`layering`) and
//! how a file looks (`tidy`), and that documents tell what the code does (`documents`). They start nothing, so they run
//! in milliseconds.

mod documents;
mod layering;
mod paths;
mod source;
mod tidy;
