//! What a start makes of the records that a shard wrote: holds that were written again, ids that were used again, and places that
//! the rules have taken from sale since.

use super::*;

/// A hold is written again after a reboot; the next restart must not compute its end anew from the former boot's record.
#[test]
fn a_hold_that_was_written_again_keeps_its_new_deadline() {
    let mut first = Fixture::new(1, 1, rules());
    first.now = Stamp { wall_ms: 100_000, boot_ms: 50_000, boot_id: 1 };
    first.reserve(1, 0, 1, 1);
    let held = |it: &Fixture| logged(it).pop().unwrap();
    let before = held(&first);
    let rebooted = Stamp { wall_ms: 100_500, boot_ms: 5_000, boot_id: 2 };
    let mut second = Fixture::new(1, 1, rules());
    second.shard.replay(&before, 1, first.now, rebooted).unwrap();
    second.draft.sequence = 2;
    second.shard.write_again(1, 0, 10, &mut second.draft);
    let again = held(&second);
    assert_eq!((again.version, again.deadline_ms), (before.version, 5_000 + 500 + 2_000));

    let later = Stamp { wall_ms: 100_700, boot_ms: 5_200, boot_id: 2 };
    let mut third = Fixture::new(1, 1, rules());
    third.shard.replay(&before, 1, first.now, later).unwrap();
    third.shard.replay(&again, 2, rebooted, later).unwrap();
    assert_eq!(third.shard.next_deadline(), Some(again.deadline_ms));
}

/// A shard that had finished more since may have forgotten the id, and the log need not hold all of that any more.
#[test]
fn an_id_that_was_used_again_is_held_after_a_replay_and_what_is_over_stays_over() {
    let mut it = Fixture::new(1, 1, rules());
    it.reserve(1, 0, 1, 1);
    it.ask(Command::Cancel(target(1)));
    let [held, cancelled] = logged(&it)[..] else { panic!("two records") };
    let replay = |last: &ReservationRecord| {
        let mut replayed = Fixture::new(1, 1, rules());
        let records = [&held, &cancelled, last].into_iter().zip(1..);
        let done = records.map(|(record, sequence)| replayed.shard.replay(record, sequence, it.now, it.now));
        done.collect::<Result<Vec<_>, _>>().map(|_| replayed)
    };
    let mut again = replay(&ReservationRecord { version: 3_000, ..held }).expect("it was forgotten");
    assert_eq!((again.state(Command::Lookup(target(1))), again.free(0, 1)), (State::Held, 1));
    let confirmed = ReservationRecord { version: 3, state: State::Confirmed, ..held };
    assert!(replay(&confirmed).is_err(), "a cancelled one is not confirmed");
}

/// Were its slot still among the finished ones, it would be forgotten with them, and its seat never be free again.
#[test]
fn an_id_that_was_used_again_is_not_forgotten_with_the_finished_ones() {
    let mut it = Fixture::new(1, 1, rules());
    it.reserve(1, 0, 1, 1);
    it.ask(Command::Cancel(target(1)));
    let [held, cancelled] = logged(&it)[..] else { panic!("two records") };
    let mut replayed = Fixture::new(1, 1, rules());
    for record in [held, cancelled, ReservationRecord { version: 3, ..held }] {
        replayed.shard.replay(&record, 1, it.now, it.now).expect("it was forgotten and used again");
    }
    for id in 2..2_000 {
        replayed.reserve(id, 0, 1, 1);
        replayed.ask(Command::Cancel(target(id)));
    }
    assert_eq!(replayed.state(Command::Lookup(target(1))), State::Held);
    assert_eq!(replayed.shard.reservations().count(), 1_024 + 1);
}

/// The rules may release less than they did when it was sold.
#[test]
fn what_was_sold_is_for_sale_after_a_replay_and_a_seat_that_is_not_there_is_refused() {
    let mut it = Fixture::new(2, 1, rules());
    it.reserve(1, 0, 1, 4);
    let [mut held] = logged(&it)[..] else { panic!("one record") };
    let replay = |record: &ReservationRecord| {
        let mut replayed = Fixture::new(2, 1, SaleRules { released_percent: 25, ..rules() });
        replayed.shard.replay(record, 1, it.now, it.now).map(|()| replayed)
    };
    let replayed = replay(&held).expect("all four seats were sold");
    assert_eq!((replayed.free(0, 1), replayed.shard.reservations().count()), (0, 1));
    held.seats[3] = 4;
    assert!(replay(&held).is_err(), "there are seats 0 to 3");
}

#[test]
fn a_replay_does_not_put_more_places_on_sale_than_there_are() {
    let mut it = Fixture::new(1, 1, rules());
    it.ask(Command::Reserve(Reserve { class: STANDING, ..request(1, 0, 1, 3) }));
    let [held] = logged(&it)[..] else { panic!("one record") };
    let mut replayed = Fixture::new(1, 1, SaleRules { released_percent: 25, ..rules() });
    replayed.shard.replay(&held, 1, it.now, it.now).expect("all three places were sold");
    let another = ReservationRecord { id: ReservationId(2), version: 2, ..held };
    assert!(replayed.shard.replay(&another, 2, it.now, it.now).is_err(), "there are three places");
}
