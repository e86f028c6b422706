//! Trains, stops, seat plans: a GTFS timetable and a rules file become departures that can be sold.
//!
//! ```text
//!  feed (folder or .zip) ──► gtfs/   trips with stops, times and service days  ┐
//!  rules.toml ─────────────► rules/  seat plans and terms of sale by name      ├─► import ─► Catalog
//!  FROM..TO ───────────────► dates                                             ┘
//! ```
//!
//! A catalogue never changes once it is built and is shared by `Arc`. What departures have in common is stored
//! once: a stop pattern per route, seats per plan, terms per rule, times per train. A departure is a train and a
//! day, 8 bytes and its share of the table that finds it, because a fortnight of a national network has 193,000.

mod assembly;
mod builder;
mod dates;
mod departures;
mod glob;
mod gtfs;
mod import;
mod problem;
mod rules;
mod sale;
#[cfg(test)]
mod tests;

pub use builder::CatalogBuilder;
pub use dates::{DateRange, DateRangeError, date_of};
pub use departures::{Call, Catalog, DepartureIndex, Resolution, StopRef, StopTime};
pub use import::{ImportOptions, Report};
pub use problem::{ImportError, Problem};
pub use sale::SaleRules;
