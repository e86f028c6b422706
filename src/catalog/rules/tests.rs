//! Rules files, good and bad.

use super::{Match, Rules};
use crate::catalog::sale::Opens;

const PLAN: &str =
    "[[plans.small.class]]\nname = \"second\"\nseats = [{ coaches = 1, rows = \"1-5\", letters = \"AB\" }]\n";
const TRAIN: &str = "[[train]]\nname = \"*\"\nplan = \"small\"\n";

fn refusal(text: &str) -> String {
    match Rules::parse("r.toml", text) {
        Ok(_) => panic!("not refused:\n{text}"),
        Err(error) => error.to_string(),
    }
}

/// What is said of a plan with these classes.
fn of_classes(classes: &str) -> String {
    refusal(&format!("[plans]\n[plans.small]\nclass = [\n{classes}\n]\n{TRAIN}"))
}

#[test]
fn the_first_rule_that_fits_counts() {
    let rules = Rules::parse(
        "r.toml",
        &format!(
            "{PLAN}[[plans.big.class]]\nname = \"admission\"\nplaces = 5000\n\
             [[train]]\nname = [\"G?\", \"X 1\"]\nplan = \"big\"\n\
             [[train]]\nname = \"G*\"\nplan = \"small\"\n"
        ),
    )
    .unwrap();
    let (big, small) = (Match { plan: 0, terms: 0 }, Match { plan: 1, terms: 1 });
    assert_eq!(
        ["G1", "X 1", "G12", "X 2"].map(|name| rules.find(name)),
        [Some(big), Some(big), Some(small), None]
    );
    assert_eq!(rules.plans[0].classes[0].capacity(), 5_000);
}

#[test]
fn terms_come_from_the_train_then_the_file_then_the_house() {
    let rules = Rules::parse(
        "r.toml",
        &format!(
            "[sale]\nhold = \"1h\"\nplaces_per_account = 4\nopens = \"3 days before at 08:30\"\ncloses = \"5m\"\n\
             {PLAN}{TRAIN}sale = {{ hold = 3000, opens = \"now\", closes = \"never\", visible = false }}\n{TRAIN}"
        ),
    )
    .unwrap();
    let [own, file] = [&rules.terms[0], &rules.terms[1]];
    assert_eq!((own.rules.hold_ms_default, own.rules.hold_ms_max), (3_000, 3_600_000));
    assert_eq!((own.opens, own.closes_before_ms, own.visible), (Opens::AtOnce, None, false));
    assert_eq!((file.rules.hold_ms_default, file.rules.hold_ms_max), (3_600_000, 3_600_000));
    assert_eq!(file.opens, Opens::DaysBefore { days: 3, hour: 8, minute: 30 });
    assert_eq!((file.closes_before_ms, file.visible), (Some(300_000), true));
    assert_eq!([own, file].map(|terms| terms.rules.places_per_account), [4, 4]);
    assert!(own.rules.one_seat_per_passenger);
}

#[test]
fn standing_is_a_share_of_the_seats() {
    let standing = |keys: &str| {
        let text = format!(
            "[[plans.p.class]]\nname = \"first\"\nseats = [{{ coaches = 1, rows = \"1-5\", letters = \"AB\" }}]\n\
             [[plans.p.class]]\nname = \"second\"\nseats = [{{ coaches = 2, rows = \"1-15\", letters = \"ABC\" }}]\n\
             [[plans.p.class]]\nname = \"standing\"\n{keys}\n[[train]]\nname = \"*\"\nplan = \"p\"\n"
        );
        Rules::parse("r.toml", &text).unwrap().plans[0].classes[2].capacity()
    };
    assert_eq!(standing("standing_percent = 10"), 5);
    assert_eq!(standing("standing_percent = 100\nof = \"first\""), 10);
}

#[test]
fn slips_of_the_pen_name_their_line() {
    for (text, said) in [
        (format!("[sale]\nholds = \"10m\"\n{PLAN}{TRAIN}"), "r.toml:2: unknown field `holds`"),
        (
            format!("[sale]\nhold = \"10 minutes\"\n{PLAN}{TRAIN}"),
            "r.toml:2: \"10 minutes\" is not a duration",
        ),
        (format!("[sale]\nhold = true\n{PLAN}{TRAIN}"), "r.toml:2: expected a number or a text"),
        (format!("[sale]\nopens = \"soon\"\n{PLAN}{TRAIN}"), "r.toml:2: \"soon\" is not an opening time"),
        (
            format!("[sale]\nhold = \"2h\"\nhold_max = \"1h\"\n{PLAN}{TRAIN}"),
            "r.toml:1: sale: hold is 7200000 ms",
        ),
        (format!("[sale]\nhold = 1\n{PLAN}{TRAIN}"), "r.toml:1: sale: hold is 1 ms; allowed are"),
        (format!("{PLAN}{TRAIN}sale = {{ released_percent = 0 }}"), "r.toml:4: sale: released_percent is 0"),
        (
            format!("{PLAN}{TRAIN}sale = {{ passengers_per_reservation = 10 }}"),
            "r.toml:4: sale: passengers_per_reservation is 10; allowed are 1 to 9",
        ),
        (
            format!("{PLAN}\n[[train]]\nname = \"*\"\nplan = \"big\""),
            "r.toml:5: there is no plan \"big\": the file has small",
        ),
        (format!("{PLAN}[[train]]\nname = []\nplan = \"small\""), "r.toml:5: a pattern is missing"),
        (
            format!("{PLAN}[[train]]\nname = 7\nplan = \"small\""),
            "r.toml:5: expected a pattern or a list of patterns",
        ),
        (TRAIN.to_owned(), "missing field `plans`"),
        (format!("{PLAN}["), "r.toml:4: "),
    ] {
        assert!(refusal(&text).contains(said), "{text}\n{}", refusal(&text));
    }
}

#[test]
fn plans_that_cannot_be_sold_from_are_refused() {
    let seats = "seats = [{ coaches = 1, rows = \"1-5\", letters = \"AB\" }]";
    for (classes, said) in [
        ("{ name = \"third\", places = 5 }".to_owned(), "r.toml:2: plan small: there is no class \"third\""),
        ("{ name = \"second\" }".to_owned(), "class second needs one of seats, places and standing_percent"),
        (format!("{{ name = \"second\", places = 5, {seats} }}"), "class second needs one of"),
        ("{ name = \"second\", places = 0 }".to_owned(), "class second has 0 places"),
        (
            format!("{{ name = \"second\", {seats} }}, {{ name = \"second\", places = 5 }}"),
            "class second stands twice",
        ),
        (
            format!("{{ name = \"first\", {seats} }}, {{ name = \"second\", {seats} }}"),
            "coach 1 of class second has a seat twice (row 1 on)",
        ),
        (
            "{ name = \"standing\", standing_percent = 10 }".to_owned(),
            "standing_percent needs a class with seats above it",
        ),
        (
            format!("{{ name = \"second\", {seats} }}, {{ name = \"standing\", standing_percent = 101 }}"),
            "standing_percent is 101; allowed are 1 to 100",
        ),
        ("{ name = \"second\", places = 5, of = \"first\" }".to_owned(), "`of` belongs to standing_percent"),
        (
            "{ name = \"second\", seats = [{ coaches = 256, rows = 1, letters = \"A\" }] }".to_owned(),
            "there is no coach 256",
        ),
        (
            "{ name = \"second\", seats = [{ coaches = 1, rows = 1, letters = \"AA\" }] }".to_owned(),
            "letters are A to Z, each once a row",
        ),
        (
            "{ name = \"second\", seats = [{ coaches = 1, rows = \"0-65535\", letters = \"A\" }] }"
                .to_owned(),
            "coach 1 has 65536 rows",
        ),
        (
            "{ name = \"second\", seats = [{ coaches = \"8-2\", rows = 1, letters = \"A\" }] }".to_owned(),
            "r.toml:4: \"8-2\" is not a run of numbers",
        ),
    ] {
        assert!(of_classes(&classes).contains(said), "{classes}\n{}", of_classes(&classes));
    }
}

#[test]
fn several_faults_are_shown_at_once() {
    let text = refusal(&format!(
        "{PLAN}[[train]]\nname = \"A\"\nplan = \"a\"\n[[train]]\nname = \"B\"\nplan = \"b\"\n"
    ));
    assert_eq!(text.lines().count(), 2, "{text}");
}
