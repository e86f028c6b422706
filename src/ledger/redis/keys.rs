//! The keys of a ledger. All that belongs to one partition has one hash tag, so that a cluster keeps it on one node and
//! one script may touch it.

/// The names of one ledger's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    /// `prefix` sets the ledgers of one server apart.
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// A hash that says that there is a ledger: `format`, `partitions`, `id`, `created`.
    pub(super) fn ledger(&self) -> String {
        format!("{}:ledger", self.prefix)
    }

    /// A stream: one entry per batch under `<epoch>-<sequence>`, with the fields `b`, the encoded batch, and `o`, its
    /// owner.
    pub(super) fn log(&self, partition: u16) -> String {
        self.of(partition, "log")
    }

    /// A string: the `Tail` of the stream.
    pub(super) fn tail(&self, partition: u16) -> String {
        self.of(partition, "tail")
    }

    /// A hash for other systems: what each departure has left. The field `ledger` is the ledger's id, so that the key
    /// exists before anything is sold.
    pub(super) fn remaining(&self, partition: u16) -> String {
        self.of(partition, "remaining")
    }

    fn of(&self, partition: u16, what: &str) -> String {
        format!("{{{}:{partition}}}:{what}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_has_one_hash_tag() {
        let keys = Keys::new("west");
        assert_eq!(keys.log(7), "{west:7}:log");
        assert_eq!(keys.tail(7), "{west:7}:tail");
        assert_eq!(keys.remaining(7), "{west:7}:remaining");
        assert_eq!(keys.ledger(), "west:ledger");
    }
}
