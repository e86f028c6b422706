//! What one core counts. The core alone writes, anybody reads: relaxed loads and stores, no read-modify-write, no
//! shared cache line. STATS and the metrics page show the same names.

use seathold_protocol::status::Status;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($name:ident $text:literal $help:literal;)*) => {
        /// A figure of one core.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Counter {
            $(#[doc = $help] $name,)*
        }

        impl Counter {
            /// All, in the order of their names' declaration.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name in STATS and in metrics.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What it counts, in a sentence.
            pub fn help(self) -> &'static str {
                match self { $(Self::$name => $help,)* }
            }
        }
    };
}

counters! {
    Reserved "reserved" "RESERVEs answered OK, repeats included.";
    Confirmed "confirmed" "CONFIRMs answered OK, repeats included.";
    Cancelled "cancelled" "CANCELs answered OK, repeats included.";
    Refunded "refunded" "REFUNDs answered OK, repeats included.";
    LookedUp "looked_up" "LOOKUPs answered OK.";
    SaleDecided "sale_decided" "OPENs and CLOSEs answered OK.";
    Expired "expired" "Holds that ended because their time was up.";
    DeparturesLive "departures_live" "Departures that somebody has touched, since the start or in the ledger.";
    Pinged "pinged" "PINGs answered.";
    Resolved "resolved" "RESOLVEs answered OK.";
    AvailabilityTold "availability_told" "AVAILABILITYs answered OK.";
    StatsTold "stats_told" "STATS answered.";
    RefusedAtTheDoor "refused_at_the_door" "First RESERVEs refused from the published counters without asking the owner.";
    RefusedForWaiting "refused_for_waiting" "RESERVEs and LOOKUPs refused with BUSY because as many commands waited for the engine as may.";
    TurnsCutShort "turns_cut_short" "Passes of the event loop that left connections unread for the next, for want of time or because too many commands wait for the engine.";
    Forwarded "forwarded" "Requests sent on to the core that owns the departure.";
    ConnectionsAccepted "connections_accepted" "Connections accepted.";
    ConnectionsClosed "connections_closed" "Connections closed, whoever closed them.";
    ConnectionsRefused "connections_refused" "Connections closed at once because the core has its limit of them.";
    AcceptFailed "accept_failed" "Times that accepting failed, for instance because descriptors ran out.";
    ConnectionsLeft "connections_left" "Connections that the client closed.";
    ConnectionsReset "connections_reset" "Connections that broke while they were read or written.";
    BrokenFrames "broken_frames" "Connections closed for bytes that are not frames.";
    HelloTimeouts "hello_timeouts" "Connections closed because no HELLO came in time.";
    FrameTimeouts "frame_timeouts" "Connections closed because a frame was not whole in time.";
    WriteTimeouts "write_timeouts" "Connections closed because the client did not read its answers in time.";
    AnswersUndelivered "answers_undelivered" "Answers whose connection was gone.";
    Turns "turns" "Passes of the event loop.";
    BytesRead "bytes_read" "Bytes read from clients.";
    BytesWritten "bytes_written" "Bytes written to clients.";
}

const STATUS_CODES: usize = 64;

/// The figures of one core, on cache lines of their own.
#[repr(align(128))]
pub struct Counters {
    figures: [AtomicU64; Counter::ALL.len()],
    refusals: [AtomicU64; STATUS_CODES],
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            figures: [const { AtomicU64::new(0) }; _],
            refusals: [const { AtomicU64::new(0) }; STATUS_CODES],
        }
    }
}

impl Counters {
    /// A figure's value.
    pub fn get(&self, counter: Counter) -> u64 {
        self.figures[counter as usize].load(Ordering::Relaxed)
    }

    /// How often this core has answered with this status.
    pub fn refusals(&self, status: Status) -> u64 {
        self.refusals[status as usize].load(Ordering::Relaxed)
    }

    /// Counts one, by the owner alone.
    pub fn bump(&self, counter: Counter) {
        self.add(counter, 1);
    }

    /// Counts `amount`, by the owner alone.
    pub fn add(&self, counter: Counter, amount: u64) {
        add(&self.figures[counter as usize], amount);
    }

    /// Counts an answer with this status, by the owner alone.
    pub fn count_refusal(&self, status: Status) {
        add(&self.refusals[status as usize], 1);
    }
}

fn add(cell: &AtomicU64, amount: u64) {
    cell.store(cell.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
}
