//! What the client did since it was built, counted.
//!
//! Each is counted where it happens and read at any time by any thread; they are not a snapshot of one moment.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($name:ident $doc:literal)*) => {
        /// What is open now, and totals since the client was built.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $(#[doc = $doc] pub $name: u64,)*
        }

        /// The live counters behind `Counters`.
        #[derive(Debug, Default)]
        pub(crate) struct Tally {
            $(pub(crate) $name: AtomicU64,)*
        }

        impl Tally {
            /// The totals now.
            pub(crate) fn read(&self) -> Counters {
                Counters { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    open "Calls that are submitted and have not ended."
    sent "Requests sent, repeats included."
    repeated "Requests that were sent again under the same id."
    done "Calls that ended with what they asked for."
    refused "Calls that ended with `Error::Refused`."
    not_done "Calls that ended with `Error::NotDone`, those turned away by a full client or queue included."
    unknown "Calls that ended with `Error::Unknown`."
    asked_to_wait "BUSY, UNAVAILABLE and UNKNOWN replies."
    attempts_timed_out "Attempts that were given up for a repeat because no reply came in time."
    connects "Connections that were welcomed."
    connections_lost "Connections that were lost, refused or could not be made."
    strays "Replies to no request in flight; ignored."
    through_another_core "Requests sent to another core than the departure's owner, which passes them on."
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
