//! One departure as a state machine.
