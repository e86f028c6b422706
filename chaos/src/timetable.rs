//! What is on sale: the departures of the repository's own feed on one date, as the clients know them.

use crate::ChaosError;
use seathold::catalog::{Catalog, ImportOptions};
use seathold::inventory::Layout;
use seathold_client::Client;
use seathold_protocol::DepartureId;
use std::path::{Path, PathBuf};

/// A Monday, on which most trains of the feed run.
pub const DATE: &str = "2027-03-15";

/// One departure.
#[derive(Debug)]
pub struct OnSale {
    /// Its id.
    pub id: DepartureId,
    /// One less than its stops.
    pub segments: u8,
    /// Its seats.
    pub layout: Layout,
}

/// All departures of the date.
#[derive(Debug)]
pub struct Timetable {
    departures: Vec<OnSale>,
}

/// The feed: a GTFS folder with `rules.toml` in it.
pub fn feed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../feeds/sample")
}

impl Timetable {
    /// Loads the feed.
    pub fn load() -> Result<Self, ChaosError> {
        let dates = DATE.parse().expect("it is a date");
        let rules = feed().join("rules.toml");
        let catalog = Catalog::import(&ImportOptions { gtfs: feed(), rules, dates, lenient: false })?;
        let on_sale = |index| OnSale {
            id: catalog.id(index),
            segments: catalog.segments(index),
            layout: Layout::new(catalog.seat_plan(index)),
        };
        Ok(Self { departures: catalog.indices().map(on_sale).collect() })
    }

    /// All, in a fixed order.
    pub fn departures(&self) -> &[OnSale] {
        &self.departures
    }

    /// The departure with this id.
    pub fn find(&self, id: DepartureId) -> Option<&OnSale> {
        self.departures.iter().find(|departure| departure.id == id)
    }

    /// Opens every sale.
    pub fn open(&self, client: &Client) -> Result<(), ChaosError> {
        for departure in &self.departures {
            client.open(departure.id, 0)?;
        }
        Ok(())
    }
}

impl OnSale {
    /// Seats and places of all classes.
    pub fn places(&self) -> u32 {
        (0..self.layout.classes().len()).map(|class| self.layout.capacity(class)).sum()
    }
}
