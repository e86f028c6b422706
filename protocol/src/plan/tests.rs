//! Which plans can be sold from.

use super::*;

fn block(coach: u8, first_row: u16, rows: u16, letters: &str) -> Block {
    Block { coach, first_row, rows, letters: letters.as_bytes().to_vec() }
}

fn seats(class: u8, blocks: Vec<Block>) -> ClassPlan {
    ClassPlan { class: Class(class), stock: Stock::Seats(blocks) }
}

fn places(class: u8, places: u32) -> ClassPlan {
    ClassPlan { class: Class(class), stock: Stock::Places(places) }
}

fn said(classes: Vec<ClassPlan>) -> String {
    SeatPlan { classes }.validate().map_or_else(|error| error.0, |()| "good".to_owned())
}

#[test]
fn a_train_of_three_classes_is_good() {
    let blocks = vec![block(2, 1, 17, "ABCDF"), block(3, 1, 17, "ABCDF")];
    let classes = vec![seats(1, vec![block(1, 1, 8, "ACF")]), seats(3, blocks), places(8, 120)];
    assert_eq!(said(classes.clone()), "good");
    assert_eq!(classes.iter().map(ClassPlan::capacity).collect::<Vec<_>>(), [24, 170, 120]);
}

#[test]
fn classes_are_real_few_and_stand_once() {
    assert!(said(vec![]).contains("1 to 8 classes"));
    assert!(said((1..=9).map(|class| places(class, 1)).collect()).contains("this one has 9"));
    assert!(said(vec![places(8, 1), places(8, 2)]).contains("stands twice"));
    assert!(said(vec![places(0, 1)]).contains("no class has the code 0"));
}

#[test]
fn places_have_a_limit() {
    assert_eq!(said(vec![places(8, PLACES_PER_CLASS_MAX)]), "good");
    assert!(said(vec![places(8, PLACES_PER_CLASS_MAX + 1)]).contains("1000001 places"));
    assert!(said(vec![places(8, 0)]).contains("0 places"));
}

#[test]
fn seats_have_a_limit() {
    assert_eq!(said(vec![seats(3, vec![block(1, 1, 4096, "ABCD")])]), "good");
    assert!(
        said(vec![seats(3, vec![block(1, 1, 4096, "ABCD"), block(2, 1, 1, "A")])]).contains("16385 seats")
    );
    assert!(said(vec![seats(3, vec![])]).contains("0 blocks"));
    let coaches = |count: u8| (0..count).map(|coach| block(coach, 1, 1, "A")).collect();
    assert_eq!(said(vec![seats(3, coaches(64))]), "good");
    assert!(said(vec![seats(3, coaches(65))]).contains("65 blocks"));
}

#[test]
fn rows_end_at_65535() {
    assert_eq!(said(vec![seats(3, vec![block(1, u16::MAX, 1, "A")])]), "good");
    assert_eq!(said(vec![seats(3, vec![block(1, 0, 1, "A")])]), "good");
    assert!(said(vec![seats(3, vec![block(1, u16::MAX, 2, "A")])]).contains("rows"));
    assert!(said(vec![seats(3, vec![block(1, 1, 0, "A")])]).contains("rows"));
}

#[test]
fn letters_are_a_to_z_once_a_row() {
    for bad in ["", "AA", "a", "A1", "ABCDEFGHIJK"] {
        assert_ne!(said(vec![seats(3, vec![block(1, 1, 1, bad)])]), "good", "{bad}");
    }
    assert_eq!(said(vec![seats(3, vec![block(1, 1, 1, "ABCDEFGHIJ")])]), "good");
}

#[test]
fn a_seat_stands_once_in_its_class() {
    let one = block(1, 1, 10, "AB");
    for (other, good) in [
        (block(1, 10, 1, "B"), false),
        (block(1, 11, 1, "B"), true),
        (block(1, 10, 1, "C"), true),
        (block(2, 10, 1, "B"), true),
        (block(1, 0, 1, "A"), true),
        (block(1, 0, 2, "A"), false),
        (block(1, 4, 2, "BC"), false),
    ] {
        let said = said(vec![seats(3, vec![one.clone(), other.clone()])]);
        assert_eq!(said == "good", good, "{other:?}: {said}");
    }
}

/// Two classes that share a coach shared a seat too: it would have been on two tickets.
#[test]
fn a_seat_stands_once_in_the_train() {
    let two = |row| vec![seats(1, vec![block(1, 1, 4, "AC")]), seats(2, vec![block(1, row, 4, "ABC")])];
    assert_eq!(said(two(5)), "good");
    assert!(said(two(4)).contains("seat twice"), "{}", said(two(4)));
}

#[test]
fn names_and_codes_are_not_empty() {
    let plan = |train: &str, stops: &[&str]| {
        let stops = stops.iter().map(|stop| (*stop).to_owned()).collect();
        let seats = SeatPlan { classes: vec![places(9, 1)] };
        let plan = DeparturePlan { train: train.to_owned(), day: Day(1), stops, seats };
        let mut bytes = Vec::new();
        plan.encode(&mut bytes);
        DeparturePlan::decode(&mut Reader::new(&bytes)).map(|decoded| assert_eq!(decoded, plan))
    };
    assert_eq!(plan("G1", &["A", "B", "A"]), Ok(()));
    assert_eq!(plan("", &["A", "B"]), Err(DecodeError::BadField("train")));
    assert_eq!(plan("G1", &["A", ""]), Err(DecodeError::BadField("stop")));
    assert_eq!(plan("G1", &["A"]), Err(DecodeError::BadField("stops")));
}
