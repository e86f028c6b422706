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

/// Bytes of the longest request, header included, with room to grow. The longest is a full PING of 272; a HELLO with a
/// full name and token is 218, RESERVE for nine 139.
/// Anything longer is a foreign protocol: text such as `GET ` read as a length is far above.
pub const REQUEST_BYTES_MAX: usize = 512;

/// Bytes of the longest reply, header included: all pairs of 128 stops in 8 classes at 4 bytes are 260,148.
pub const REPLY_BYTES_MAX: usize = 262_144;

/// Bytes that a PING may carry to be echoed.
pub const PING_BYTES_MAX: usize = 256;

/// Bytes of an operator's token.
pub const TOKEN_BYTES_MAX: usize = 128;

/// Names that a STATS reply may have: with names of 255 bytes they still fit `REPLY_BYTES_MAX`.
pub const STATS_MAX: usize = 960;

/// Cores of one server: a core's number is one byte in WELCOME's map.
pub const CORES_MAX: usize = 64;

/// Partitions of one ledger: one byte of core each in WELCOME's map.
pub const PARTITIONS_MAX: u16 = 1024;

/// Partitions of a new ledger, unless the machine has more cores.
pub const PARTITIONS_DEFAULT: u16 = 16;

/// Longest hold, whatever the rules say: a day.
pub const HOLD_MS_MAX: u32 = 86_400_000;
