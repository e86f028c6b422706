//! What goes beside the batches for other systems to read.

use super::*;

/// Makes everything durable, and says what was told beside it: field and text.
fn told_beside(it: &mut Fixture) -> Vec<(String, String)> {
    let mut told = Vec::new();
    let mut remaining = Vec::new();
    while let Some(commit) = it.send_with(&mut remaining) {
        it.durable(commit);
        told.extend(remaining.drain(..).map(|remaining| (remaining.field, remaining.text)));
    }
    told
}

fn published(catalog: Arc<Catalog>) -> Fixture {
    let mut it = Fixture::new(catalog);
    it.engine.publish_remaining(true);
    assert_eq!(told_beside(&mut it), [], "an opening batch changes nothing");
    it
}

#[test]
fn a_batch_tells_the_free_places_of_every_segment() {
    let mut it = published(catalog(TRAIN, 4, 40, rules()));
    it.ask(Command::Reserve(request(1, 2)));
    it.ask(Command::Reserve(Reserve { to: 1, ..request(2, 1) }));
    it.ask(Command::Reserve(Reserve { class: STANDING, from: 1, ..request(3, 9) }));
    let text = r#"{"version":3,"free":{"second":[5,6],"standing":[40,31]}}"#;
    assert_eq!(told_beside(&mut it), [("T 1 1970-01-08".to_owned(), text.to_owned())]);
}

#[test]
fn only_what_has_changed_is_told_and_once() {
    let mut it = published(catalog(TRAIN, 4, 3, rules()));
    it.ask(reserve(1));
    it.ask(reserve(1));
    it.ask(reserve(2));
    it.ask(Command::Cancel(target(2)));
    assert_eq!(told_beside(&mut it).len(), 1);
    it.ask(reserve(1));
    it.ask(Command::Lookup(target(1)));
    it.ask(Command::Confirm(target(9)));
    it.ask(Command::Reserve(request(3, 9)));
    assert_eq!(told_beside(&mut it), []);
    it.ask(Command::Close(departure()));
    assert_eq!(told_beside(&mut it).len(), 1, "the version is another");
    it.now = at(u64::from(HOLD_MS));
    assert!(!it.engine.expire(it.now, 8));
    let free = r#"{"version":5,"free":{"second":[8,8],"standing":[3,3]}}"#;
    assert_eq!(told_beside(&mut it)[0].1, free, "what ran out is free");
}

#[test]
fn what_changes_while_a_commit_is_on_its_way_is_told_with_the_next() {
    let mut it = published(catalog(TRAIN, 4, 3, rules()));
    it.ask(reserve(1));
    let mut remaining = Vec::new();
    let commit = it.send_with(&mut remaining).unwrap();
    assert_eq!(remaining.len(), 1);
    it.ask(reserve(2));
    it.durable(commit);
    assert!(told_beside(&mut it)[0].1.starts_with(r#"{"version":2,"#));
}

#[test]
fn each_departure_is_told_with_its_partition() {
    let plan = SeatPlan { classes: vec![ClassPlan { class: Class(77), stock: Stock::Places(5) }] };
    let days = (7..12).map(Day);
    let catalog = Catalog::builder().train(TRAIN, &["A", "B"], plan, rules()).days(days.clone()).build();
    let mut it = Fixture::of_partitions(Arc::new(catalog), 16);
    it.engine.publish_remaining(true);
    for day in days.clone() {
        let departure = DepartureId::new(TRAIN, day);
        let asked = Reserve { departure, class: Class(77), to: 1, ..request(day.0.into(), 1) };
        it.ask(Command::Reserve(asked));
    }
    let mut remaining = Vec::new();
    it.send_with(&mut remaining).unwrap();
    remaining.sort_by_key(|remaining| remaining.departure.day());
    let expected = days.zip(8..).map(|(day, date)| {
        let departure = DepartureId::new(TRAIN, day);
        Remaining {
            partition: departure.partition(16),
            departure,
            field: format!("T 1 1970-01-{date:02}"),
            text: r#"{"version":1,"free":{"class-77":[4]}}"#.to_owned(),
        }
    });
    assert_eq!(remaining, expected.collect::<Vec<_>>());
}

#[test]
fn strings_that_come_back_are_used_again() {
    let mut it = published(catalog(TRAIN, 4, 3, rules()));
    it.ask(reserve(1));
    let mut remaining = Vec::new();
    let commit = it.send_with(&mut remaining).unwrap();
    it.durable(commit);
    let places = |remaining: &[Remaining]| (remaining[0].field.as_ptr(), remaining[0].text.as_ptr());
    let first = places(&remaining);
    it.engine.expire(it.now, 8);
    assert_eq!(it.send_with(&mut remaining), None, "a turn without a change keeps them");
    it.ask(Command::Cancel(target(1)));
    it.send_with(&mut remaining).unwrap();
    assert_eq!((remaining.len(), places(&remaining)), (1, first));
}

#[test]
fn a_departure_that_left_the_catalogue_is_told_by_its_plan() {
    let mut it = Fixture::opened(catalog(TRAIN, 4, 3, rules()));
    it.done(reserve(1));
    let mut retired = it.restarted(catalog("T 2", 4, 3, rules()), 0).unwrap();
    retired.engine.publish_remaining(true);
    retired.ask(Command::Cancel(target(1)));
    let text = r#"{"version":2,"free":{"second":[8,8],"standing":[3,3]}}"#;
    assert_eq!(told_beside(&mut retired), [("T 1 1970-01-08".to_owned(), text.to_owned())]);
}

#[test]
fn nobody_is_told_unless_somebody_asked_for_it() {
    let mut it = Fixture::new(catalog(TRAIN, 4, 3, rules()));
    it.ask(reserve(1));
    assert_eq!(told_beside(&mut it), []);
}
