//! What a request may say.

use super::*;
use crate::frame::HEADER_BYTES;
use crate::limits::REQUEST_BYTES_MAX;
use crate::wishes::{Together, WishMode};

fn reserve(party: u8) -> Reserve {
    let mut passengers = [PassengerId(0); PASSENGERS_MAX];
    for (at, passenger) in passengers.iter_mut().enumerate() {
        *passenger = PassengerId(100 + at as u64);
    }
    Reserve {
        id: ReservationId(7),
        departure: DepartureId(9),
        account: AccountId(3),
        class: Class(3),
        from: 0,
        to: 1,
        party,
        hold_ms: 0,
        wishes: Wishes { mode: WishMode::Strict, together: Together::Coach, letters: *b"ACDFABCDF" },
        passengers,
        first: false,
    }
}

fn frame(request: &Request<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    request.encode(42, &mut bytes);
    bytes
}

fn decode(bytes: &[u8]) -> Result<Request<'_>, Mistake> {
    Request::decode(&frame::split(bytes, REQUEST_BYTES_MAX).expect("cut").expect("whole"))
}

/// A request owns nothing, so reading one never allocates.
#[test]
fn a_request_is_copied_freely() {
    fn owns_nothing<T: Copy>() {}
    owns_nothing::<Request<'_>>();
}

#[test]
fn the_longest_request_is_a_full_ping() {
    let (name, token) = ("n".repeat(NAME_BYTES_MAX), "t".repeat(TOKEN_BYTES_MAX));
    let hello = Hello { version_min: 1, version_max: 1, client: &name, token: &token };
    let longest = [
        (Request::Ping(&[0; PING_BYTES_MAX]), 272),
        (Request::Hello(hello), 218),
        (Request::Reserve(reserve(9)), 139),
        (Request::Resolve(&name, Day(1)), 83),
    ];
    for (request, bytes) in longest {
        assert_eq!(frame(&request).len(), bytes, "{:?}", request.opcode());
        assert!(bytes <= REQUEST_BYTES_MAX);
    }
}

#[test]
fn a_party_of_0_or_10_is_answered() {
    for party in [0, 10, 255] {
        let bytes = frame(&Request::Reserve(reserve(party)));
        assert_eq!(decode(&bytes), Err(Mistake { status: Status::BadParty, detail: 9 }), "{party}");
    }
}

#[test]
fn no_class_has_the_code_0() {
    let bytes = frame(&Request::Reserve(Reserve { class: Class(0), ..reserve(1) }));
    assert_eq!(decode(&bytes), Err(Mistake { status: Status::UnknownClass, detail: 0 }));
}

/// From the first stop to the first stop was read as "all pairs" and answered, where any other such trip was refused.
#[test]
fn a_trip_to_the_same_stop_is_not_all_pairs() {
    for pair in [None, Some((0, 0)), Some((5, 5)), Some((0, 255)), Some((255, 0))] {
        let request = Request::Availability(Availability { departure: DepartureId(9), class: None, pair });
        assert_eq!(decode(&frame(&request)), Ok(request));
    }
}

#[test]
fn the_fingerprint_is_of_what_was_asked() {
    let asked = reserve(2);
    let same = [
        Reserve { id: ReservationId(8), ..asked },
        Reserve { account: AccountId(8), ..asked },
        Reserve { first: true, ..asked },
    ];
    assert!(same.iter().all(|same| same.fingerprint() == asked.fingerprint()));
    let mut others = [
        Reserve { departure: DepartureId(8), ..asked },
        Reserve { class: Class(8), ..asked },
        Reserve { to: 8, ..asked },
        Reserve { hold_ms: 8, ..asked },
        Reserve { party: 3, ..asked },
        Reserve { wishes: Wishes { mode: WishMode::Prefer, ..asked.wishes }, ..asked },
        asked,
    ];
    others[6].passengers[1] = PassengerId(8);
    assert!(others.iter().all(|other| other.fingerprint() != asked.fingerprint()));
}

/// A client may leave letters behind the last passenger in its own copy: they do not travel.
#[test]
fn the_fingerprint_is_the_same_on_both_sides() {
    let asked = reserve(2);
    let bytes = frame(&Request::Reserve(asked));
    let Ok(Request::Reserve(told)) = decode(&bytes) else { panic!("it is a good request") };
    assert_eq!(told.fingerprint(), asked.fingerprint());
}

#[test]
fn flags_are_for_reserve_alone() {
    let mut bytes = frame(&Request::Reserve(reserve(1)));
    bytes[6] = 1;
    assert!(matches!(decode(&bytes), Ok(Request::Reserve(Reserve { first: true, .. }))));
    bytes[6] = 2;
    assert_eq!(decode(&bytes), Err(Mistake { status: Status::ReservedBits, detail: 0 }));
    let mut bytes = frame(&Request::Stats);
    bytes[6] = 1;
    assert_eq!(decode(&bytes), Err(Mistake { status: Status::ReservedBits, detail: 0 }));
}

/// A client of a later version is told the versions even if the rest of its HELLO cannot be read.
#[test]
fn versions_are_compared_before_the_rest() {
    let hello = Hello { version_min: 2, version_max: 9, client: "later", token: "" };
    let mut bytes = frame(&Request::Hello(hello));
    bytes[HEADER_BYTES + 8] = 0xff;
    let detail = 1 << 32 | 1;
    assert_eq!(decode(&bytes), Err(Mistake { status: Status::UnsupportedVersion, detail }));
}
