//! Whatever can be said is understood as it was said, and whatever bytes come, nothing panics.

use proptest::collection::vec;
use proptest::prelude::*;
use seathold_protocol::batch::{Batch, BatchView, Position, Stamp};
use seathold_protocol::codec::Reader;
use seathold_protocol::frame::{self, Frame, Header, Opcode};
use seathold_protocol::ids::{AccountId, Class, Day, DepartureId, PassengerId, ReservationId};
use seathold_protocol::limits::{CORES_MAX, PASSENGERS_MAX, REPLY_BYTES_MAX, REQUEST_BYTES_MAX};
use seathold_protocol::plan::{DeparturePlan, Seat};
use seathold_protocol::record::{NO_SEAT, Record, ReservationRecord};
use seathold_protocol::reply::{
    AvailabilityReply, ClassFree, ClassInfo, Refusal, Reply, Resolved, Sale, SaleReply, Stop, Welcome,
};
use seathold_protocol::request::{Availability, Hello, Request, Reserve, Target};
use seathold_protocol::reservation::{Reservation, State};
use seathold_protocol::status::Status;
use seathold_protocol::wishes::{Met, Together, WishMode, Wishes};

const TOGETHER: [Together; 3] = [Together::Anywhere, Together::Coach, Together::Row];
const SALE: [Sale; 3] = [Sale::ByRules, Sale::Opened, Sale::Closed];

fn trip() -> impl Strategy<Value = (u8, u8)> {
    (0..127_u8).prop_flat_map(|from| (Just(from), from + 1..128))
}

fn class() -> impl Strategy<Value = Class> {
    (1..=u8::MAX).prop_map(Class)
}

fn wishes(party: usize) -> impl Strategy<Value = Wishes> {
    let letter = prop_oneof![Just(0), b'A'..=b'Z'];
    let mode = prop_oneof![Just(WishMode::Prefer), Just(WishMode::Strict)];
    (mode, prop::sample::select(&TOGETHER[..]), vec(letter, party)).prop_map(|(mode, together, wished)| {
        let mut letters = [0; PASSENGERS_MAX];
        letters[..wished.len()].copy_from_slice(&wished);
        Wishes { mode, together, letters }
    })
}

prop_compose! {
    fn target()(id in any::<u128>(), departure in any::<u64>(), account in any::<u64>()) -> Target {
        Target { id: ReservationId(id), departure: DepartureId(departure), account: AccountId(account) }
    }
}

prop_compose! {
    fn reserve()(party in 1..=PASSENGERS_MAX)(
        target in target(), class in class(), from in any::<u8>(), to in any::<u8>(), hold_ms in any::<u32>(), wishes in wishes(party),
        base in 0..u64::MAX - 9, first in any::<bool>(), party in Just(party)
    ) -> Reserve {
        let mut passengers = [PassengerId(0); PASSENGERS_MAX];
        for (at, passenger) in passengers.iter_mut().enumerate().take(party) {
            *passenger = PassengerId(base + at as u64);
        }
        let Target { id, departure, account } = target;
        let party = party as u8;
        Reserve { id, departure, account, class, from, to, party, hold_ms, wishes, passengers, first }
    }
}

prop_compose! {
    fn reservation()(party in 1..=PASSENGERS_MAX)(
        target in target(), state in prop::sample::select(&State::ALL[..]), class in class(), (from, to) in trip(),
        remaining in any::<u32>(), together in prop::sample::select(&TOGETHER[..]), letters in 0..1_u16 << party,
        seat in prop::option::of((any::<u8>(), any::<u16>(), b'A'..=b'Z')), party in Just(party)
    ) -> Reservation {
        let mut seats = [None; PASSENGERS_MAX];
        seats[..party].fill(seat.map(|(coach, row, letter)| Seat { coach, row, letter }));
        let remaining_ms = if state == State::Held { remaining } else { 0 };
        let Target { id, departure, .. } = target;
        let (party, met) = (party as u8, Met { together, letters });
        Reservation { id, departure, state, class, from, to, party, remaining_ms, met, seats }
    }
}

prop_compose! {
    fn record()(reservation in reservation(), account in any::<u64>(), deadline_ms in any::<u64>(), version in any::<u32>(), fingerprint in any::<u32>(),
        seat in prop_oneof![Just(NO_SEAT), 0..16_384_u16], passengers in any::<[u64; PASSENGERS_MAX]>()
    ) -> ReservationRecord {
        let Reservation { id, departure, state, class, from, to, party, met, .. } = reservation;
        let mut seats = [NO_SEAT; PASSENGERS_MAX];
        seats[..usize::from(party)].fill(seat);
        let mut passengers = passengers.map(PassengerId);
        passengers[usize::from(party)..].fill(PassengerId(0));
        let account = AccountId(account);
        ReservationRecord {
            version, fingerprint, departure, id, account, deadline_ms, state, class, from, to, party, met, seats,
            passengers,
        }
    }
}

prop_compose! {
    fn welcome()(cores in 1..=CORES_MAX)(
        version in any::<u16>(), core in 0..cores as u8, operator in any::<bool>(), credit in 1..=u32::MAX, request_bytes_max in any::<u32>(),
        reply_bytes_max in any::<u32>(), core_ports in vec(any::<u16>(), cores), server in "[ -~]{0,64}",
        partition_cores in vec(0..cores as u8, 1..=1024)
    ) -> Welcome {
        Welcome {
            version, core, operator, credit, request_bytes_max, reply_bytes_max, core_ports, partition_cores, server,
        }
    }
}

prop_compose! {
    fn resolved()(
        departure in any::<u64>(), sale in prop::sample::select(&SALE[..]), times in any::<(u64, u64)>(), holds in any::<(u32, u32, u32)>(),
        passengers_per_reservation in any::<u8>(), stops in vec(("[A-Z]{0,64}", "\\PC{0,20}", any::<u32>(), any::<u32>()), 2..20),
        classes in prop::collection::btree_map(1..=u8::MAX, (any::<bool>(), any::<u32>()), 1..=8)
    ) -> Resolved {
        let stop = |(code, name, arrival_s, departure_s)| Stop { code, name, arrival_s, departure_s };
        let class = |(code, (numbered, capacity))| ClassInfo { class: Class(code), numbered, capacity };
        Resolved {
            departure: DepartureId(departure), sale, opens_in_ms: times.0, closes_in_ms: times.1,
            hold_ms_default: holds.0, hold_ms_max: holds.1, places_per_account: holds.2, passengers_per_reservation,
            stops: stops.into_iter().map(stop).collect(), classes: classes.into_iter().map(class).collect(),
        }
    }
}

prop_compose! {
    fn availability_reply()(stops in 2..20_u8, all in any::<bool>())(
        departure in any::<u64>(), version in any::<u64>(), age_ms in any::<u64>(), stops in Just(stops),
        classes in {
            let all_pairs = usize::from(stops) * (usize::from(stops) - 1) / 2;
            let pairs = if all { all_pairs } else { 1 };
            prop::collection::btree_map(1..=u8::MAX, vec(any::<u32>(), pairs), 1..=8)
        }
    ) -> AvailabilityReply {
        let class = |(code, free)| ClassFree { class: Class(code), free };
        let classes = classes.into_iter().map(class).collect();
        AvailabilityReply { departure: DepartureId(departure), version, age_ms, stops, classes }
    }
}

fn reply_round(reply: &Reply<'_>, correlation: u64) -> Result<(), TestCaseError> {
    let mut bytes = Vec::new();
    reply.encode(correlation, &mut bytes);
    let frame = frame::split(&bytes, REPLY_BYTES_MAX).expect("it is not broken").expect("it is whole");
    prop_assert_eq!(frame.bytes(), bytes.len());
    prop_assert_eq!(frame.header.correlation, correlation);
    let told = Reply::decode(&frame);
    prop_assert_eq!(told.as_ref(), Ok(reply));
    Ok(())
}

fn request_round(request: Request<'_>, correlation: u64) -> Result<(), TestCaseError> {
    let mut bytes = Vec::new();
    request.encode(correlation, &mut bytes);
    let frame = frame::split(&bytes, REQUEST_BYTES_MAX).expect("it is not broken").expect("it is whole");
    prop_assert_eq!(frame.bytes(), bytes.len());
    prop_assert_eq!(frame.header.correlation, correlation);
    prop_assert_eq!(Request::decode(&frame), Ok(request));
    Ok(())
}

proptest! {
    #[test]
    fn requests(
        correlation: u64, target in target(), reserve in reserve(), day: u16, percent: u8, code in prop::option::of(class()),
        pair in prop::option::of((any::<u8>(), 0..255_u8)), echo in vec(any::<u8>(), 0..=256), train in "\\PC{0,16}",
        version_max in 1..=u16::MAX, version_min in 0..=1_u16, token in "[ -~]{0,128}",
    ) {
        let departure = target.departure;
        let hello = Hello { version_min, version_max, client: &train, token: &token };
        let availability = Availability { departure, class: code, pair };
        for request in [
            Request::Hello(hello), Request::Ping(&echo), Request::Resolve(&train, Day(day)),
            Request::Availability(availability), Request::Reserve(reserve), Request::Confirm(target),
            Request::Cancel(target), Request::Refund(target), Request::Lookup(target),
            Request::Open(departure, percent), Request::Close(departure), Request::Stats,
        ] {
            request_round(request, correlation)?;
        }
    }

    #[test]
    fn replies(
        correlation: u64, welcome in welcome(), echo in vec(any::<u8>(), 0..=256), resolved in resolved(),
        availability in availability_reply(), reservation in reservation(), sale in prop::sample::select(&SALE[..]),
        percent in 1..=100_u8, stats in vec(("\\PC{0,60}", any::<u64>()), 0..20), detail: u64, code in 0..128_u8,
        at in 1..Status::ALL.len(),
    ) {
        for opcode in [Opcode::Reserve, Opcode::Confirm, Opcode::Cancel, Opcode::Refund, Opcode::Lookup] {
            reply_round(&Reply::Reservation(opcode, reservation), correlation)?;
        }
        let reply = SaleReply { departure: reservation.departure, sale, released_percent: percent };
        let refusal = Refusal { status: Status::ALL[at], detail };
        for reply in [
            Reply::Welcome(welcome), Reply::Pong(&echo), Reply::Resolved(resolved), Reply::Availability(availability),
            Reply::Sale(Opcode::Open, reply), Reply::Sale(Opcode::Close, reply), Reply::Stats(stats),
            Reply::Refused(code, refusal),
        ] {
            reply_round(&reply, correlation)?;
        }
    }

    #[test]
    fn batches(
        records in vec(record(), 0..20), partition: u16, epoch: u64, sequence in 1..=u64::MAX, back: u64, wall_ms: i64,
        boot_ms: u64, boot_id: u128,
    ) {
        let mut payload = Vec::new();
        records.iter().for_each(|record| record.encode(&mut payload));
        let batch = Batch {
            partition, position: Position { epoch, sequence }, previous_epoch: epoch.saturating_sub(back),
            stamp: Stamp { wall_ms, boot_ms, boot_id }, records: records.len() as u32, payload,
        };
        let mut bytes = Vec::new();
        batch.encode(&mut bytes);
        let view = BatchView::decode(&mut Reader::new(&bytes)).unwrap();
        prop_assert_eq!((view.partition, view.position, view.stamp), (partition, batch.position, batch.stamp));
        prop_assert_eq!(view.previous(), batch.previous());
        let mut told = Vec::new();
        view.for_each_record(|record| told.push(record)).unwrap();
        prop_assert_eq!(told, records.into_iter().map(Record::Reservation).collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_body_is_read_without_panic(
        opcode: u8, status: u8, first in 0..2_u16, body in vec(prop_oneof![any::<u8>(), 0..12_u8], 0..400),
    ) {
        let header = Header { opcode, status: 0, flags: first, correlation: 1 };
        let _ = Request::decode(&Frame { header, body: &body });
        let known = Opcode::ALL[usize::from(opcode) % Opcode::ALL.len()] as u8;
        let _ = Request::decode(&Frame { header: Header { opcode: known, ..header }, body: &body });
        let header = Header { opcode: known | 0x80, status: 0, flags: 0, correlation: 1 };
        let _ = Reply::decode(&Frame { header, body: &body });
        let _ = Reply::decode(&Frame { header: Header { status, ..header }, body: &body });
        let _ = Record::decode(&mut Reader::new(&body));
        let _ = DeparturePlan::decode(&mut Reader::new(&body));
        let _ = BatchView::decode(&mut Reader::new(&body));
        let view = BatchView {
            partition: 0, position: Position { epoch: 1, sequence: 1 }, previous_epoch: 0, stamp: Stamp::default(),
            records: u32::MAX, payload: &body,
        };
        let _ = view.for_each_record(drop);
        let _ = frame::split(&body, REQUEST_BYTES_MAX);
    }
}
