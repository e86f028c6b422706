//! What all cores of one server know.

use crate::counters::Counters;
use crate::engine::Board;
use crate::ledger::{CommitSender, LedgerFigures, Notice};
use crate::sys::Clock;
use crossbeam_channel::Receiver;
use seathold_protocol::DepartureId;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

/// Facts and figures that every core reads.
pub struct Shared {
    /// The clocks.
    pub clock: Clock,
    /// What is published of every departure.
    pub board: Arc<Board>,
    /// The figures of each core.
    pub counters: Vec<Arc<Counters>>,
    /// The figures of the ledger thread.
    pub ledger: Arc<LedgerFigures>,
    /// The port of each core.
    pub core_ports: Vec<u16>,
    /// The core that owns each partition.
    pub partition_cores: Vec<u8>,
    /// How long requests shall wait before RESERVE and LOOKUP get BUSY.
    pub wait_max: Duration,
    /// Makes a connection an operator's. Without one, connections from this host are.
    pub operator_token: Option<String>,
    /// Set once: finish what was begun, then stop.
    pub stopping: Arc<AtomicBool>,
    /// Cores that have nothing left to do; all stop when all have.
    pub drained: AtomicUsize,
}

impl Shared {
    /// The core that owns a departure.
    pub fn owner(&self, departure: DepartureId) -> usize {
        let partition = departure.partition(self.partition_cores.len() as u16);
        usize::from(self.partition_cores[usize::from(partition)])
    }
}

/// One core's end of the ledger thread.
pub struct LedgerPort {
    /// Has room for one commit of every core.
    pub commits: CommitSender,
    /// What became of them.
    pub notices: Receiver<Notice>,
}
