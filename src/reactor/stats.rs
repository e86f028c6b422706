//! STATS: every figure of the server under one name, summed over its cores.

use super::Shared;
use crate::counters::Counter;
use seathold_protocol::status::Status;
use std::sync::atomic::Ordering::Relaxed;

impl Shared {
    /// Names and values, sorted by name.
    pub fn stats(&self) -> Vec<(String, u64)> {
        let mut stats = Vec::new();
        for counter in Counter::ALL {
            let sum = self.counters.iter().map(|counters| counters.get(*counter)).sum();
            stats.push((counter.name().to_owned(), sum));
        }
        for status in Status::ALL.iter().filter(|status| **status != Status::Ok) {
            let sum = self.counters.iter().map(|counters| counters.refusals(*status)).sum();
            stats.push((format!("refused_{}", status.name().to_ascii_lowercase()), sum));
        }
        let ledger = &self.ledger;
        let figures = [
            ("cores", self.counters.len() as u64),
            ("partitions", self.partition_cores.len() as u64),
            ("ledger_batches", ledger.batches.load(Relaxed)),
            ("ledger_records", ledger.records.load(Relaxed)),
            ("ledger_bytes", ledger.bytes.load(Relaxed)),
            ("ledger_groups", ledger.groups.load(Relaxed)),
            ("ledger_no_space", ledger.no_space.load(Relaxed)),
            ("ledger_away", ledger.away.load(Relaxed)),
            ("ledger_stalls", ledger.stalls.load(Relaxed)),
            ("ledger_fenced", ledger.fenced.load(Relaxed)),
            ("ledger_append_us_sum", ledger.append_us_sum()),
            ("ledger_append_us_max", ledger.append_us_max()),
        ];
        stats.extend(figures.map(|(name, value)| (name.to_owned(), value)));
        stats.sort();
        stats
    }
}
