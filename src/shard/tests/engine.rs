//! What the engine asks of a shard beside its commands: whether a RESERVE can be refused at once, when to look for holds to
//! end, and to write its state again before the log lets go of it.

use super::*;
use seathold_protocol::record::SaleRecord;

#[test]
fn it_is_short_of_a_party_that_is_larger_than_what_is_free_all_the_way() {
    let mut it = Fixture::new(2, 2, rules());
    it.reserve(1, 0, 1, 3);
    let standing = |party| Reserve { class: STANDING, ..request(2, 0, 2, party) };
    assert!(!it.shard.is_short_of(&request(2, 0, 2, 1)), "the last seat is free");
    assert!(it.shard.is_short_of(&request(2, 0, 2, 2)));
    assert!(!it.shard.is_short_of(&request(2, 1, 2, 4)), "nobody rides the second segment");
    assert!(!it.shard.is_short_of(&standing(3)));
    assert!(it.shard.is_short_of(&standing(4)));
    let no_class = Reserve { class: Class(77), ..request(2, 0, 2, 9) };
    assert!(!it.shard.is_short_of(&no_class), "what is no class is refused for that");
    assert!(!it.shard.is_short_of(&request(2, 2, 2, 9)), "and what is no trip too");
}

/// A deadline that the engine is not told of ends no hold; one that it is told of again costs it a look each time.
#[test]
fn the_engine_is_told_of_an_end_that_is_earlier_than_it_knows() {
    let mut it = Fixture::new(5, 1, rules());
    let hold = |id, hold_ms| Command::Reserve(Reserve { hold_ms, ..request(id, 0, 1, 1) });
    assert_eq!((it.shard.wake_earlier(), it.shard.wake_next()), (None, None), "nothing is held");
    it.ask(hold(1, 500));
    assert_eq!(it.shard.wake_earlier(), Some(500));
    assert_eq!(it.shard.wake_earlier(), None, "it knows that");
    it.ask(hold(2, 900));
    assert_eq!(it.shard.wake_earlier(), None, "it looks before that");
    it.ask(hold(3, 400));
    assert_eq!(it.shard.wake_earlier(), Some(400));
    it.ask(Command::Confirm(target(3)));
    assert_eq!(it.shard.wake_earlier(), None, "a confirm puts nothing off");
    assert_eq!(it.shard.wake_next(), Some(500), "it looked, in vain");
    it.ask(hold(4, 450));
    assert_eq!(it.shard.wake_earlier(), Some(450), "earlier than what it was told last");
    for id in [1, 2, 4] {
        it.ask(Command::Cancel(target(id)));
    }
    assert_eq!(it.shard.wake_next(), None);
    it.ask(hold(5, 10_000));
    assert_eq!(it.shard.wake_earlier(), Some(10_000), "it has nothing to wait for any more");
}

/// Replays as a start does what `it` has written in the batch `sequence`.
fn replayed(it: &Fixture, sequence: u64) -> Fixture {
    let mut replayed = Fixture::new(5, 1, rules());
    for record in it.records() {
        match record {
            Record::Plan(..) => replayed.shard.replay_plan(sequence),
            Record::Sale(sale) => replayed.shard.replay_sale(&sale, sequence, it.now),
            Record::Reservation(record) => {
                replayed.shard.replay(&record, sequence, it.now, it.now).expect("it was written so");
            }
        }
    }
    replayed.draft.sequence = sequence + 1;
    replayed
}

/// What writing again all that stands in the batch `until` or before comes to.
fn written_again(it: &mut Fixture, until: u64) -> Vec<Record> {
    (it.draft.records, it.draft.payload) = (0, Vec::new());
    assert_eq!(it.shard.write_again(until, 0, usize::MAX, &mut it.draft), None);
    it.records()
}

#[test]
fn the_plan_and_the_sale_are_written_again_before_their_batch_is_let_go() {
    let mut first = Fixture::new(5, 1, rules());
    assert_eq!(written_again(&mut first, 9), [], "what was never written is not in the log");
    first.ask(Command::Close(DEPARTURE));
    let before = first.records();
    let [Record::Plan(..), Record::Sale(SaleRecord { version: 1, sale: Sale::Closed, .. })] = before[..]
    else {
        panic!("{before:?}");
    };
    let mut it = replayed(&first, 3);
    assert_eq!(written_again(&mut it, 2), [], "neither stands there");
    assert_eq!(written_again(&mut it, 3), before);
    assert_eq!(written_again(&mut it, 3), [], "both stand in the next batch now");
}

/// A plan of 5,000 seats is a record of its own weight: a change behind a start must not write it once more.
#[test]
fn the_plan_of_a_replayed_departure_is_not_written_before_its_next_change() {
    let mut it = Fixture::new(5, 1, rules());
    it.reserve(1, 0, 1, 1);
    let mut again = replayed(&it, 1);
    again.reserve(2, 0, 1, 1);
    let records = again.records();
    assert!(matches!(records[..], [Record::Reservation(_)]), "{records:?}");
}

#[test]
fn state_is_written_again_in_pieces_of_the_budget_each_reservation_once() {
    let mut it = Fixture::new(5, 1, rules());
    for id in 1..=5 {
        it.reserve(id, 0, 1, 1);
    }
    let mut it = replayed(&it, 1);
    let mut pieces = Vec::new();
    let mut from = Some(0);
    while let Some(slot) = from {
        (it.draft.records, it.draft.payload) = (0, Vec::new());
        from = it.shard.write_again(1, slot, 2, &mut it.draft);
        let ids = logged(&it).iter().map(|record| record.id.0).collect::<Vec<_>>();
        pieces.push((slot, ids));
    }
    assert_eq!(pieces, [(0, vec![1, 2]), (2, vec![3, 4]), (4, vec![5])]);
}
