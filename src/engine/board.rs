//! The board: what every core may read of every departure without asking its owner.
//!
//! A departure that nobody has touched has no counters of its own: everything is free, and the board says so from the
//! layout. The first touch puts its counters up, once and for good.

use super::fence::Fences;
use crate::catalog::{Catalog, DepartureIndex};
use crate::inventory::{Layout, Published, Trip};
use seathold_protocol::DepartureId;
use seathold_protocol::reply::Sale;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// One departure's place on the board.
#[derive(Default)]
struct Entry {
    published: OnceLock<Arc<Published>>,
    /// The operator's word, a `Sale`.
    sale: AtomicU8,
}

/// What is published of every departure of the catalogue.
pub struct Board {
    pub(super) catalog: Arc<Catalog>,
    /// By the catalogue's number of the seat plan.
    layouts: Vec<Arc<Layout>>,
    entries: Vec<Entry>,
    /// By partition: the newest batch that is known to be in the log.
    durable: Box<[AtomicU64]>,
    pub(super) fences: Fences,
}

impl Board {
    /// An empty board of so many partitions: everything is free.
    pub fn new(catalog: Arc<Catalog>, partitions: u16) -> Self {
        let layouts = catalog.seat_plans().map(|plan| Arc::new(Layout::new(plan))).collect();
        let entries = (0..catalog.len()).map(|_| Entry::default()).collect();
        let durable = (0..partitions).map(|_| AtomicU64::new(0)).collect();
        Self { catalog, layouts, entries, durable, fences: Fences::default() }
    }

    /// How many partitions the ledger has.
    pub fn partitions(&self) -> u16 {
        self.durable.len() as u16
    }

    /// The layout of a departure's seats.
    pub fn layout(&self, index: DepartureIndex) -> &Arc<Layout> {
        &self.layouts[self.catalog.seat_plan_number(index)]
    }

    /// Free places of a class for a trip, as last published.
    pub fn free(&self, index: DepartureIndex, class: usize, trip: Trip) -> u32 {
        match self.published(index) {
            Some(published) => published.free(class, trip),
            None => self.layout(index).released(class, self.catalog.rules(index).released_percent),
        }
    }

    /// The operator's word on the sale of a departure.
    pub fn sale(&self, index: DepartureIndex) -> Sale {
        let code = self.entries[index.0 as usize].sale.load(Ordering::Relaxed);
        Sale::from_code(code).expect("only codes of a Sale are stored")
    }

    pub(super) fn published(&self, index: DepartureIndex) -> Option<&Published> {
        self.entries[index.0 as usize].published.get().map(|published| &**published)
    }

    /// Whether a crash can undo nothing by which the published counts are as low as they were read before.
    pub(super) fn is_settled(&self, departure: DepartureId, published: &Published) -> bool {
        let held_in = published.held_in();
        let partition = departure.partition(self.partitions());
        held_in <= self.durable[usize::from(partition)].load(Ordering::Relaxed)
    }

    /// Notes the newest durable batch of a partition, by its owner alone.
    pub(super) fn set_durable(&self, partition: u16, sequence: u64) {
        self.durable[usize::from(partition)].store(sequence, Ordering::Relaxed);
    }

    pub(super) fn set_sale(&self, index: DepartureIndex, sale: Sale) {
        self.entries[index.0 as usize].sale.store(sale as u8, Ordering::Relaxed);
    }

    /// Puts up the counters of a departure, by its owner alone.
    pub(super) fn activate(&self, index: DepartureIndex) -> (Arc<Layout>, Arc<Published>) {
        let layout = self.layout(index);
        let segments = self.catalog.segments(index);
        let percent = self.catalog.rules(index).released_percent;
        let published = self.entries[index.0 as usize]
            .published
            .get_or_init(|| Arc::new(Published::new(layout, segments, percent)));
        (Arc::clone(layout), Arc::clone(published))
    }
}
