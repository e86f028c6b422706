//! Every outcome by name, and whether asking again is safe.

/// What a client should make of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is done.
    Done,
    /// It is not done and asking the same again will not help by itself.
    Refused,
    /// It is not done, nothing was changed, and asking again later is safe and may succeed.
    AskAgain,
    /// It may or may not be done: ask again under the same id to learn it.
    Unknown,
    /// The request itself is wrong; nothing was changed.
    Mistake,
}

macro_rules! statuses {
    ($($code:literal $name:ident $text:literal $verdict:ident $doc:literal;)*) => {
        /// The outcome of a request. Every reply but OK has a body of one `detail: u64`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Status {
            $(#[doc = $doc] $name = $code,)*
        }

        impl Status {
            /// All, in the order of their codes.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The status with this code.
            pub fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The name as SPEC.md writes it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// What a client should make of it.
            pub fn verdict(self) -> Verdict {
                match self {
                    $(Self::$name => Verdict::$verdict,)*
                }
            }
        }
    };
}

statuses! {
    0 Ok "OK" Done "Done.";
    1 SoldOut "SOLD_OUT" Refused "Fewer places are free for this trip than asked. Detail: how many are.";
    2 NotOpen "NOT_OPEN" AskAgain "The sale has not begun. Detail: milliseconds until it does, all ones if only an operator can open it.";
    3 Closed "CLOSED" Refused "The sale is over, an operator closed it, or the departure has left the catalogue. Detail: 0.";
    4 Limit "LIMIT" Refused "A limit of the sale would be passed. Detail: which, see `Limit`, in the upper 32 bits; its value in the lower.";
    5 PassengerAlreadyBooked "PASSENGER_ALREADY_BOOKED" Refused "A passenger has a place on this departure. Detail: the index of the first such passenger in the request.";
    6 WishUnmet "WISH_UNMET" Refused "Enough places are free, but not as a STRICT wish asks. Detail: 0.";
    7 IdConflict "ID_CONFLICT" Refused "This id is a reservation with other contents or of another account. Detail: 0.";
    8 Expired "EXPIRED" Refused "The hold's time was up before this request; its seats are free again. Detail: 0.";
    9 NotFound "NOT_FOUND" Refused "No reservation of this departure has this id. Detail: 0.";
    10 AlreadyConfirmed "ALREADY_CONFIRMED" Refused "A confirmed reservation cannot be cancelled; ask for a refund. Detail: 0.";
    11 NotConfirmed "NOT_CONFIRMED" Refused "Only a confirmed reservation can be refunded; cancel a hold. Detail: 0.";
    12 Cancelled "CANCELLED" Refused "The reservation was cancelled. Detail: 0.";
    13 Refunded "REFUNDED" Refused "The reservation was refunded. Detail: 0.";
    20 Busy "BUSY" AskAgain "The server has no room for this request now. Detail: milliseconds after which to ask again.";
    21 Unavailable "UNAVAILABLE" AskAgain "The ledger cannot be written now, or another server has this departure. Detail: milliseconds after which to ask again.";
    22 Unknown "UNKNOWN" Unknown "The server stops, or another one takes this departure over, before it knows whether this is in the ledger. Detail: 0.";
    30 MalformedBody "MALFORMED_BODY" Mistake "The body is too short, too long, or a field has a value that it cannot have. Detail: 0.";
    31 UnsupportedVersion "UNSUPPORTED_VERSION" Mistake "No version of the range in HELLO is spoken here; the connection closes. Detail: lowest version in the upper 32 bits, highest in the lower.";
    32 UnknownOpcode "UNKNOWN_OPCODE" Mistake "There is no such request. Detail: the opcode.";
    33 HelloExpected "HELLO_EXPECTED" Mistake "The first frame of a connection is HELLO; the connection closes. Detail: 0.";
    34 HelloRepeated "HELLO_REPEATED" Mistake "The connection is open already. Detail: 0.";
    35 ReservedBits "RESERVED_BITS" Mistake "The header has a status or a flag that this request does not know. Detail: 0.";
    36 UnknownTrain "UNKNOWN_TRAIN" Mistake "The catalogue has no train of this name. Detail: 0.";
    37 NotRunning "NOT_RUNNING" Mistake "The train does not run on this date. Detail: 0.";
    38 UnknownDeparture "UNKNOWN_DEPARTURE" Mistake "No departure has this id. Detail: 0.";
    39 UnknownClass "UNKNOWN_CLASS" Mistake "The departure does not have this class. Detail: 0.";
    40 BadTrip "BAD_TRIP" Mistake "The stops are in the wrong order, equal, or past the end of the route. Detail: how many stops the route has.";
    41 BadParty "BAD_PARTY" Mistake "A reservation is for 1 to 9 passengers. Detail: the most that one may have.";
    42 PassengerTwice "PASSENGER_TWICE" Mistake "The request names one passenger twice. Detail: the index of the second.";
    43 BadHoldTime "BAD_HOLD_TIME" Mistake "The hold time is above the most that the sale allows. Detail: that, in milliseconds.";
    44 Forbidden "FORBIDDEN" Mistake "Only an operator may ask this. Detail: 0.";
    45 BadRelease "BAD_RELEASE" Mistake "The share is above 100 percent, or below the present one: it never shrinks. Detail: the present share, in percent.";
    46 WrongMagic "WRONG_MAGIC" Mistake "HELLO does not begin with the magic number; the connection closes. Detail: 0.";
}

/// Which limit a LIMIT means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Limit {
    /// Places per account and departure.
    PlacesPerAccount = 1,
    /// Passengers per reservation.
    PassengersPerReservation = 2,
}

impl Limit {
    /// The detail of a LIMIT reply.
    pub fn detail(self, value: u32) -> u64 {
        (self as u64) << 32 | u64::from(value)
    }

    /// The limit and its value, from the detail of a LIMIT reply.
    pub fn from_detail(detail: u64) -> Option<(Self, u32)> {
        let limit = match detail >> 32 {
            1 => Self::PlacesPerAccount,
            2 => Self::PassengersPerReservation,
            _ => return None,
        };
        Some((limit, detail as u32))
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
