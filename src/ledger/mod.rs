//! The log: nothing is acknowledged before its record is in it.
