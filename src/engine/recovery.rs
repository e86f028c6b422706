//! From the log to a running core: every batch of the owned partitions is replayed in order, then a new term begins.

use super::Engine;
use crate::catalog::{DepartureIndex, date_of};
use crate::counters::Counter;
use crate::inventory::{Layout, Published};
use crate::shard::{ReplayError, Shard};
use seathold_protocol::batch::{BatchView, Stamp};
use seathold_protocol::plan::DeparturePlan;
use seathold_protocol::record::{Record, encode_plan};
use seathold_protocol::{DecodeError, DepartureId};
use std::collections::HashMap;
use std::sync::Arc;

/// Where in its partition's log a record stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    sequence: u64,
    stamp: Stamp,
}

/// Records that stand before their departure's plan.
pub(super) type Orphans = HashMap<DepartureId, Vec<(Record, Written)>>;

/// Why the log cannot be turned into a running core.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// A record cannot be read although its batch's checksum is right.
    #[error("a record of partition {partition}, batch {sequence} cannot be read: {error}")]
    Unreadable {
        /// Of which partition.
        partition: u16,
        /// In which batch.
        sequence: u64,
        /// What is wrong.
        error: DecodeError,
    },
    /// A record contradicts those before it.
    #[error(transparent)]
    Contradiction(#[from] ReplayError),
    /// A departure's records have no plan with them.
    #[error("departure {0} has records but no plan in the ledger")]
    NoPlan(DepartureId),
    /// The catalogue would sell a departure by another plan than the one by which it has been sold.
    #[error(
        "{train} on {} was sold by another seat plan or other stops than the catalogue has now: \
         start with the former timetable and rules, or take this departure out of the date range",
        date_of(departure.day())
    )]
    PlanChanged {
        /// The departure.
        departure: DepartureId,
        /// Its train.
        train: String,
    },
}

impl Engine {
    /// Takes one batch of the log, in the log's order; those of other cores' partitions are passed over.
    pub fn replay(&mut self, batch: &BatchView<'_>, now: Stamp) -> Result<(), RecoveryError> {
        let Some(partition) = self.partitions.get_mut(usize::from(batch.partition)).and_then(Option::as_mut)
        else {
            return Ok(());
        };
        partition.replayed(batch.position);
        let mut failure = Ok(());
        let read = batch.for_each_record(|record| {
            if failure.is_ok() {
                failure = self.replay_record(record, batch, now);
            }
        });
        failure?;
        read.map_err(|error| RecoveryError::Unreadable {
            partition: batch.partition,
            sequence: batch.position.sequence,
            error,
        })
    }

    /// Ends the replay: every record must have found its departure's plan.
    pub fn end_replay(&self) -> Result<(), RecoveryError> {
        match self.orphans.keys().min() {
            Some(departure) => Err(RecoveryError::NoPlan(*departure)),
            None => Ok(()),
        }
    }

    /// Takes one record. In a trimmed log a departure's plan may stand behind its first records, where it was written
    /// again; they wait for it.
    fn replay_record(
        &mut self,
        record: Record,
        batch: &BatchView<'_>,
        now: Stamp,
    ) -> Result<(), RecoveryError> {
        let departure = record.departure();
        let origin = Written { sequence: batch.position.sequence, stamp: batch.stamp };
        let live = self.locate(departure).filter(|location| self.shards[location.shard].is_some());
        match (live, &record) {
            (_, Record::Plan(_, plan)) => {
                let shard = self.restore_plan(departure, plan, batch.partition)?;
                self.restore(shard, &record, origin, now)?;
                for (orphan, origin) in self.orphans.remove(&departure).unwrap_or_default() {
                    self.restore(shard, &orphan, origin, now)?;
                }
                Ok(())
            }
            (Some(location), _) => self.restore(location.shard, &record, origin, now),
            (None, _) => {
                self.orphans.entry(departure).or_default().push((record, origin));
                Ok(())
            }
        }
    }

    /// Gives one record to its live shard.
    fn restore(
        &mut self,
        shard: usize,
        record: &Record,
        written: Written,
        now: Stamp,
    ) -> Result<(), RecoveryError> {
        let sequence = written.sequence;
        let state = self.shards[shard].as_mut().expect("restored behind its plan");
        match record {
            Record::Plan(..) => state.replay_plan(sequence),
            Record::Sale(sale) => {
                state.replay_sale(sale, sequence, now);
                if shard < self.catalog.len() {
                    self.board.set_sale(DepartureIndex(shard as u32), sale.sale);
                }
            }
            Record::Reservation(reservation) => {
                state.replay(reservation, sequence, written.stamp, now)?;
                if let Some(deadline) = state.wake_earlier() {
                    self.deadlines.set(shard as u32, deadline);
                }
            }
        }
        Ok(())
    }

    /// Makes live the departure of a plan record. One that the catalogue no longer has is kept for those who hold
    /// tickets, and is not for sale.
    fn restore_plan(
        &mut self,
        departure: DepartureId,
        plan: &DeparturePlan,
        partition: u16,
    ) -> Result<usize, RecoveryError> {
        if let Some(index) = self.catalog.find(departure) {
            if self.catalog.plan(index) != *plan {
                return Err(RecoveryError::PlanChanged { departure, train: plan.train.clone() });
            }
            let shard = index.0 as usize;
            if self.shards[shard].is_none() {
                self.wake(shard);
            }
            return Ok(shard);
        }
        if let Some(shard) = self.retired.get(&departure) {
            return Ok(*shard as usize);
        }
        let layout = Arc::new(Layout::new(&plan.seats));
        let segments = plan.segments();
        let rules = self.catalog.retired_rules();
        let published = Arc::new(Published::new(&layout, segments, rules.released_percent));
        let mut plan_record = Vec::new();
        encode_plan(departure, plan, &mut plan_record);
        let state = Shard::new(departure, rules, layout, segments, published, plan_record.into());
        let shard = self.shards.len();
        self.retired.insert(departure, shard as u32);
        self.retired_trains.push(plan.train.as_str().into());
        self.shards.push(Some(Box::new(state)));
        let owner =
            self.partitions[usize::from(partition)].as_mut().expect("only owned partitions are replayed");
        owner.members.push(shard as u32);
        self.counters.bump(Counter::DeparturesLive);
        Ok(shard)
    }
}
