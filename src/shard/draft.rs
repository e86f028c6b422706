//! The records of one partition that wait for their batch to leave.

/// The batch that a partition is filling.
#[derive(Debug, Default)]
pub struct Draft {
    /// The sequence that the batch will have.
    pub sequence: u64,
    /// Records so far.
    pub records: u32,
    /// Those of them that end a hold because its time is up.
    pub expired: u32,
    /// Their bytes.
    pub payload: Vec<u8>,
}

impl Draft {
    /// Appends one record.
    pub fn push(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        encode(&mut self.payload);
        self.records += 1;
    }
}
