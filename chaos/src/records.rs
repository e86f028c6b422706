//! The ledger as it is on disk or in Redis, read with the reader of the audit: the audit itself, and each reservation's records.

use crate::ChaosError;
use seathold::audit::{Audit, Report};
use seathold::ledger::{LedgerReader, LedgerUrl};
use seathold_protocol::record::{Record, ReservationRecord};
use seathold_protocol::{DepartureId, ReservationId};
use std::collections::HashMap;
use std::path::Path;

/// The records of a ledger, from its beginning to where it was last read.
pub struct Records {
    reader: LedgerReader,
    audit: Audit,
    /// Each without what was written again, in the order of the versions.
    chains: HashMap<ReservationId, Vec<ReservationRecord>>,
    versions: HashMap<DepartureId, u32>,
}

impl Records {
    /// Reads a ledger's directory, beside the server or without it.
    pub fn read(ledger: &Path) -> Result<Self, ChaosError> {
        Self::of(&LedgerUrl::File(ledger.to_owned()))
    }

    /// Likewise, wherever the ledger is.
    pub fn of(ledger: &LedgerUrl) -> Result<Self, ChaosError> {
        let reader = LedgerReader::open(ledger)?;
        let audit = Audit::new(reader.partitions(), reader.is_trimmed());
        let mut records = Self { reader, audit, chains: HashMap::new(), versions: HashMap::new() };
        records.read_on()?;
        Ok(records)
    }

    /// Reads what came since.
    pub fn read_on(&mut self) -> Result<(), ChaosError> {
        let Self { reader, audit, chains, versions } = self;
        reader.for_each(|batch| {
            audit.follow(&batch);
            batch.for_each_record(|record| {
                let Record::Reservation(record) = record else { return };
                let chain = chains.entry(record.id).or_default();
                if chain.last().is_none_or(|last| last.version < record.version) {
                    chain.push(record);
                }
                let version = versions.entry(record.departure).or_default();
                *version = record.version.max(*version);
            })
        })?;
        Ok(())
    }

    /// What the audit finds in all that was read: I1, I2, I6 and I8.
    pub fn report(&mut self) -> Report {
        self.audit.finish()
    }

    /// Every reservation's newest record.
    pub fn newest(&self) -> impl Iterator<Item = &ReservationRecord> {
        self.audit.reservations()
    }

    /// The records of one reservation; none if it never was.
    pub fn chain(&self, id: ReservationId) -> &[ReservationRecord] {
        self.chains.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The records of all reservations.
    pub fn chains(&self) -> impl Iterator<Item = &[ReservationRecord]> {
        self.chains.values().map(Vec::as_slice)
    }

    /// The highest version of a departure; 0 if nobody has reserved there.
    pub fn version(&self, departure: DepartureId) -> u32 {
        self.versions.get(&departure).copied().unwrap_or(0)
    }
}
