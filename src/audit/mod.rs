//! Proves from a ledger alone that nothing was sold twice.
