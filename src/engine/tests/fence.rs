//! A partition that another server has taken over, beside one that stays.

use super::*;
use seathold_protocol::request::Availability;

const PARTITIONS: u16 = 4;

/// Two days of one train that lie in different partitions, and an engine that owns all of these.
fn two_days() -> (Fixture, Day, Day) {
    let days = (7..40).map(Day);
    let partition = |day: &Day| DepartureId::new(TRAIN, *day).partition(PARTITIONS);
    let stays = days.clone().find(|day| partition(day) != partition(&Day(7))).expect("the hash spreads days");
    let plan = SeatPlan { classes: vec![ClassPlan { class: STANDING, stock: Stock::Places(2) }] };
    let catalog = Catalog::builder().train(TRAIN, &["A", "B"], plan, rules()).days(days).build();
    let mut it = Fixture::of_partitions(Arc::new(catalog), PARTITIONS);
    it.engine.publish_remaining(true);
    it.settle();
    (it, Day(7), stays)
}

fn on(day: Day, id: u128) -> Reserve {
    let departure = DepartureId::new(TRAIN, day);
    Reserve { departure, class: STANDING, to: 1, first: true, ..request(id, 1) }
}

fn ticket(day: Day, id: u128) -> Target {
    Target { departure: DepartureId::new(TRAIN, day), ..target(id) }
}

fn partition_of(day: Day) -> u16 {
    DepartureId::new(TRAIN, day).partition(PARTITIONS)
}

fn refused(status: Status, detail: u64) -> Answer {
    Answer::refused(status, detail)
}

#[test]
fn whoever_waits_for_a_lost_partition_hears_that_nobody_here_knows() {
    let (mut it, lost, stays) = two_days();
    it.ask(Command::Reserve(on(lost, 1)));
    it.settle();
    assert!(matches!(it.told()[..], [(1, Answer::Reservation(_))]));
    let (waiting, again) =
        (it.ask(Command::Confirm(ticket(lost, 1))), it.ask(Command::Lookup(ticket(lost, 1))));
    let (mut batches, covered) = it.send().unwrap();
    let next = it.ask(Command::Reserve(on(lost, 2)));
    let other = it.ask(Command::Reserve(on(stays, 3)));
    it.engine.fence(partition_of(lost));
    let unknown = refused(Status::Unknown, 0);
    assert_eq!(it.told(), [(waiting, unknown), (again, unknown), (next, unknown)]);

    batches.retain(|batch| batch.partition != partition_of(lost));
    it.durable((batches, covered));
    it.settle();
    assert_eq!(it.told_ids(), [other], "the other partition goes on");
    assert!(it.log.iter().filter(|batch| batch.partition == partition_of(lost)).count() < 3);
    assert!(it.engine.is_idle());
}

#[test]
fn every_command_for_a_lost_partition_is_unavailable() {
    let (mut it, lost, stays) = two_days();
    it.done(Command::Reserve(on(lost, 1)));
    it.engine.fence(partition_of(lost));
    let departure = DepartureId::new(TRAIN, lost);
    for command in [
        Command::Reserve(on(lost, 1)),
        Command::Confirm(ticket(lost, 1)),
        Command::Cancel(ticket(lost, 1)),
        Command::Refund(ticket(lost, 1)),
        Command::Lookup(ticket(lost, 1)),
        Command::Open(departure, 0),
        Command::Close(departure),
    ] {
        assert_eq!(it.at_once(command), refused(Status::Unavailable, 1_000), "{command:?}");
        let ask = it.next_ask(command);
        it.engine.submit_group(&[ask], it.now);
        assert_eq!(it.told()[0].1, refused(Status::Unavailable, 1_000), "{command:?}");
    }
    assert_eq!(it.send(), None, "nothing of it is appended");
    assert_eq!(it.state(Command::Reserve(on(stays, 2))), State::Held);
    it.engine.fence(partition_of(lost));
    assert_eq!(it.told(), [], "once is enough");
}

/// Another server sells now: what this one counted says nothing about what is left.
#[test]
fn the_counters_of_a_lost_partition_are_told_to_nobody() {
    let (mut it, lost, stays) = two_days();
    for day in [lost, stays] {
        (1..=2).for_each(|id| _ = it.done(Command::Reserve(on(day, id))));
    }
    let door = |it: &Fixture, day| it.board.sold_out(&on(day, 9), it.now).map(|refusal| refusal.status);
    let availability = |it: &Fixture, day| {
        let departure = DepartureId::new(TRAIN, day);
        let asked = Availability { departure, class: None, pair: None };
        it.board.availability(&asked, it.now).map(|told| told.head.version)
    };
    assert_eq!((door(&it, lost), availability(&it, lost)), (Some(Status::SoldOut), Ok(2)));
    it.engine.fence(partition_of(lost));
    assert_eq!(door(&it, lost), None, "the owner tells");
    assert_eq!(it.refusal(Command::Reserve(on(lost, 9))), Status::Unavailable);
    let unavailable = Refusal { status: Status::Unavailable, detail: 1_000 };
    assert_eq!(availability(&it, lost), Err(unavailable));
    assert_eq!((door(&it, stays), availability(&it, stays)), (Some(Status::SoldOut), Ok(2)));
    assert!(it.board.resolve(TRAIN, lost, it.now).is_ok(), "the timetable is still known");
}

#[test]
fn nothing_of_a_lost_partition_is_kept_or_done() {
    let (mut it, lost, stays) = two_days();
    it.done(Command::Reserve(on(lost, 1)));
    it.done(Command::Reserve(on(stays, 2)));
    let (tail, number) = (it.tail(), partition_of(lost));
    it.engine.compact(&[(number, tail), (partition_of(stays), tail)]);
    it.engine.compact_piece();
    it.ask(Command::Cancel(ticket(lost, 1)));
    let index = it.board.catalog.find(DepartureId::new(TRAIN, lost)).unwrap();
    let (_, published) = it.board.activate(index);
    assert_eq!(Arc::strong_count(&published), 3, "here, on the board, in the departure");

    it.engine.fence(number);
    it.told();
    assert_eq!(Arc::strong_count(&published), 2, "the departure is gone");
    let kept: Vec<_> = it.engine.shards().map(|shard| shard.departure().day()).collect();
    assert_eq!(kept, [stays]);
    assert_eq!(it.engine.withheld, 0);
    it.engine.compact(&[(number, tail)]);
    while it.engine.compact_piece() {}
    let mut remaining = Vec::new();
    let (batches, covered) = it.send_with(&mut remaining).unwrap();
    assert!(batches.iter().all(|batch| batch.partition != number), "{batches:?}");
    assert_eq!(covered, [(partition_of(stays), tail)]);
    assert_eq!(remaining, []);
    it.durable((batches, covered));
    it.now = at(u64::from(HOLD_MS));
    assert!(!it.engine.expire(it.now, 8));
    it.settle();
    assert_eq!(it.engine.next_deadline(), None);
}

/// A departure that is in the ledger alone is not unknown: it is another server's, too.
#[test]
fn a_retired_departure_of_a_lost_partition_is_unavailable() {
    let mut it = Fixture::opened(catalog(TRAIN, 4, 3, rules()));
    it.done(reserve(1));
    let mut retired = it.restarted(catalog("T 2", 4, 3, rules()), 0).unwrap();
    retired.settle();
    retired.engine.fence(0);
    assert_eq!(retired.refusal(Command::Lookup(target(1))), Status::Unavailable);
    assert_eq!((retired.engine.shards().count(), retired.engine.retired.len()), (0, 0));
}
