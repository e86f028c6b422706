//! The log in a directory: segments of a fixed size, zeroed ahead, each append one write and one sync.
//!
//! ```text
//!  DIR/lock                       held by the process that writes
//!  DIR/00000000000000000007.log   oldest segment that is still needed
//!  DIR/00000000000000000008.log   the active one: groups, then zeros to its end
//!  DIR/spare                      the next one, being zeroed
//!  DIR/recycled                   a segment that is not needed any more, for the spare after that
//!
//!  segment │ header, 4096 bytes │ group │ group │ group │ 0 0 0 ...
//!  group   │ header, 40 bytes │ batch │ batch │ 0 to a multiple of 8 │      one append: one write, one fdatasync
//! ```
//!
//! What recovery rests on:
//!
//! * A group is written only after the group before it was synced, so only the last one can be torn. What is not a
//!   whole group ends the log if no whole group follows; if one does, something was damaged and opening is refused.
//! * A segment gets its name only when its zeros and its header are synced. A named segment with a bad header or
//!   another size is therefore damage, never the trace of a crash.
//! * A header tells the number of the segment's first group, and groups count without gaps over all segments, so a
//!   closed segment that lost its end is noticed.
//! * Each group tells the oldest segment that is still needed. Segments are deleted only below that of a durable group,
//!   so a segment that is missing is noticed too.
//! * A recycled segment leaves its name durably before it is zeroed, and a group carries its segment's number: what an
//!   old life left behind is never read.
//! * After a failed sync the page cache may show what the disk does not have, so opening writes the last group once
//!   more and syncs it before anything rests on it.
//!
//! A last group that is damaged after it was acknowledged looks like a torn one. No log that ends at its last write can
//! tell these apart; the disk's own checksums have to.

mod append;
mod directory;
mod disk;
mod error;
mod group;
mod open;
mod options;
mod reader;
mod recovery;
mod replay;
mod retention;
mod scan;
mod segment;
mod spare;
mod worker;

pub use self::append::FileLog;
pub use self::directory::Directory;
pub use self::disk::{Disk, DiskFile};
pub use self::error::{Damaged, OpenError};
pub use self::options::{KEEP_BYTES_DEFAULT, Options, SEGMENT_BYTES_DEFAULT};
pub use self::reader::FileReader;
pub use self::recovery::Recovery;
pub use self::worker::SpareWorker;
