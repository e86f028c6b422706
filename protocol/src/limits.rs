//! Every limit of the wire and the log, by name and with its reason.

/// Passengers of one reservation. A party is a family or a group of friends; larger groups are sold elsewhere.
pub const PASSENGERS_MAX: usize = 9;

/// Stops of one route. The longest trains of the national feeds have 61; the square of this bounds a reply.
pub const STOPS_MAX: usize = 128;

/// Classes of one departure. A train has three to five; this bounds a reply.
pub const CLASSES_MAX: usize = 8;

/// Seats of one class of one departure: a seat's number within its class is 16 bits, and all ones means "no seat".
pub const SEATS_PER_CLASS_MAX: usize = 16_384;

/// Places of a class without seats (standing, admission).
pub const PLACES_PER_CLASS_MAX: u32 = 1_000_000;

/// Blocks of rows in one class's seat plan: a long train has 17 coaches, few with more than one block a class.
pub const BLOCKS_PER_CLASS_MAX: usize = 64;

/// Seats side by side in one row: five on a train, ten in an aircraft or a hall.
pub const LETTERS_PER_ROW_MAX: usize = 10;

/// Bytes of a train's name, a stop's code or a client's name.
pub const NAME_BYTES_MAX: usize = 64;
