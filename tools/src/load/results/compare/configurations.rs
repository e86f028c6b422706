//! What makes two runs measurements of different things, and what may be just what is compared.

use super::saved::Saved;
use std::collections::BTreeSet;

/// Options that change nothing of what is measured: where, how long, in what order, and how it is told. The folder and
/// rules of a timetable may have moved; the number of departures is compared instead. A
/// preset stands here in its options.
const IMMATERIAL: [&str; 10] =
    ["url", "seconds", "warmup", "seed", "json", "out", "gtfs", "rules", "slo", "preset"];

/// Why the two cannot be compared; empty if they can.
pub(super) fn differences(a: &Saved, b: &Saved) -> Vec<String> {
    let mut found = Vec::new();
    let (one, other) = (&a.configuration.0, &b.configuration.0);
    for key in one.keys().chain(other.keys()).collect::<BTreeSet<_>>() {
        let value = |of: Option<&String>| of.map_or("not given", String::as_str).to_owned();
        if !IMMATERIAL.contains(&key.as_str()) {
            found.extend(differs(key, &value(one.get(key)), &value(other.get(key))));
        }
    }
    found.extend(differs("loop", &a.r#loop, &b.r#loop));
    found.extend(differs("departures", &a.departures.to_string(), &b.departures.to_string()));
    for (name, run) in [("first", a), ("second", b)] {
        if !run.valid {
            found.push(format!("the {name} run is not valid: its figures do not mean what they say"));
        }
    }
    found
}

/// What differs and may be meant to.
pub(super) fn notes(a: &Saved, b: &Saved) -> Vec<String> {
    let program = |of: &Saved| {
        let revision = of.program.revision.as_deref().unwrap_or("unknown");
        format!("{}, revision {revision}", of.program.version)
    };
    let host = |of: &Saved| {
        let known = |fact: &Option<String>| fact.clone().unwrap_or_else(|| "unknown".to_owned());
        let gib = of.host.memory_bytes.map_or("unknown".to_owned(), |bytes| format!("{} GiB", bytes >> 30));
        format!("{}, {} cores, {}, {gib}", known(&of.host.cpu), of.host.cores, known(&of.host.kernel))
    };
    let seconds = |of: &Saved| of.configuration.0.get("seconds").cloned().unwrap_or_default();
    [
        differs("server", &a.server, &b.server),
        differs("server's cores", &a.server_cores.to_string(), &b.server_cores.to_string()),
        differs("seathold-load", &program(a), &program(b)),
        differs("host", &host(a), &host(b)),
        differs("seconds", &seconds(a), &seconds(b)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn differs(key: &str, a: &str, b: &str) -> Option<String> {
    (a != b).then(|| format!("{key}: {a} in the first, {b} in the second"))
}
