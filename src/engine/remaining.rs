//! The remaining places that go to the ledger with a batch, for other systems to read: those of every departure that has
//! changed since its partition's last batch. Apart from the board, which tells this server's cores.

use super::Engine;
use crate::catalog::{Catalog, DepartureIndex, date_of};
use crate::inventory::Trip;
use crate::shard::Shard;
use seathold_protocol::remaining::Remaining;
use std::fmt::Write;

/// Which departures have changed.
pub(super) struct Changes {
    /// By partition, as shard numbers.
    changed: Vec<Vec<u32>>,
    /// By shard: whether it stands in `changed`.
    noted: Vec<bool>,
    /// What came back from the ledger, for its strings.
    spare: Vec<Remaining>,
}

impl Changes {
    fn new(partitions: usize) -> Self {
        Self { changed: vec![Vec::new(); partitions], noted: Vec::new(), spare: Vec::new() }
    }

    pub(super) fn note(&mut self, partition: u16, shard: usize) {
        if self.noted.len() <= shard {
            self.noted.resize(shard + 1, false);
        }
        if !std::mem::replace(&mut self.noted[shard], true) {
            self.changed[usize::from(partition)].push(shard as u32);
        }
    }

    /// Forgets the changes of a partition.
    pub(super) fn forget(&mut self, partition: u16) {
        for shard in std::mem::take(&mut self.changed[usize::from(partition)]) {
            self.noted[shard as usize] = false;
        }
    }

    /// Takes back what a commit has brought home.
    pub(super) fn reuse(&mut self, remaining: &mut Vec<Remaining>) {
        self.spare.append(remaining);
    }

    /// Lists what has changed in a partition whose batch leaves now.
    pub(super) fn list(
        &mut self,
        partition: u16,
        names: &Names<'_>,
        shards: &[Option<Box<Shard>>],
        remaining: &mut Vec<Remaining>,
    ) {
        for shard in self.changed[usize::from(partition)].drain(..) {
            self.noted[shard as usize] = false;
            let state = shards[shard as usize].as_ref().expect("only a live departure changes");
            let departure = state.departure();
            let Remaining { mut field, mut text, .. } = self.spare.pop().unwrap_or_else(|| Remaining {
                partition,
                departure,
                field: String::new(),
                text: String::new(),
            });
            field.clear();
            text.clear();
            write!(field, "{} {}", names.train(shard), date_of(departure.day())).expect(ENDLESS);
            write_free(state, &mut text).expect(ENDLESS);
            remaining.push(Remaining { partition, departure, field, text });
        }
    }
}

const ENDLESS: &str = "a string takes all that is written to it";

/// The trains' names, by shard.
pub(super) struct Names<'a> {
    pub(super) catalog: &'a Catalog,
    /// Of the departures that the catalogue no longer has.
    pub(super) retired: &'a [Box<str>],
}

impl Names<'_> {
    fn train(&self, shard: u32) -> &str {
        match (shard as usize).checked_sub(self.catalog.len()) {
            Some(retired) => &self.retired[retired],
            None => self.catalog.train_name(DepartureIndex(shard)),
        }
    }
}

fn write_free(shard: &Shard, text: &mut String) -> std::fmt::Result {
    let (inventory, published) = (shard.inventory(), shard.published());
    let segments = inventory.segments();
    write!(text, "{{\"version\":{},\"free\":{{", published.version())?;
    for (at, class) in inventory.layout().classes().enumerate() {
        let before = if at == 0 { "" } else { "," };
        write!(text, "{before}\"{class}\":[")?;
        for segment in 0..segments {
            let before = if segment == 0 { "" } else { "," };
            let trip = Trip::new(segment, segment + 1, segments).expect("a segment is a trip");
            write!(text, "{before}{}", published.free(at, trip))?;
        }
        text.push(']');
    }
    text.push_str("}}");
    Ok(())
}

impl Engine {
    /// Whether commits tell the remaining places of the departures that they change. They do not unless this is called.
    pub fn publish_remaining(&mut self, publish: bool) {
        self.changes = publish.then(|| Changes::new(self.partitions.len()));
    }
}
