//! The arrows between the parts of Seathold point down only: this test reads the source and holds each module to the
//! row that it has in the table. It stands apart from the compiler's view because one crate lets any module use any.

use std::collections::BTreeSet;

use crate::paths::paths_from;
use crate::source::{Fault, code_only, expect_none, line_of, read, repository_files, word_offsets};

/// The SDK is a crate of its own, and inside the server only the demo may call it.
const CLIENT: &str = "seathold_client";

/// Each module of `src/`, lowest first, and the modules that it may use besides `seathold-protocol`, which all may.
///
/// `engine` decides and `net` moves bytes; they meet in `reactor` alone.
const ARROWS: [(&str, &[&str]); 14] = [
    ("sys", &[]),
    ("counters", &[]),
    ("catalog", &[]),
    ("inventory", &[]),
    ("shard", &["catalog", "inventory"]),
    ("engine", &["catalog", "counters", "inventory", "shard"]),
    ("ledger", &["sys"]),
    ("net", &["sys"]),
    ("mesh", &["engine", "shard", "sys"]),
    ("reactor", &["catalog", "counters", "engine", "inventory", "ledger", "mesh", "net", "shard", "sys"]),
    ("admin", &["counters", "ledger"]),
    // A bug of inventory or shard must not hide itself from the audit.
    ("audit", &[]),
    (
        "server",
        &[
            "admin",
            "catalog",
            "counters",
            "engine",
            "inventory",
            "ledger",
            "mesh",
            "net",
            "reactor",
            "shard",
            "sys",
        ],
    ),
    ("demo", &["audit", "catalog", "inventory", "ledger", CLIENT]),
];

/// Folders whose code takes the time and its buffers as arguments, so that a simulation can drive it.
const PURE: [&str; 5] = ["src/inventory", "src/shard", "src/engine", "src/audit", "protocol/src"];

/// What a pure folder must not name: sockets, files, threads and clocks. `std::time` as a whole would bring the
/// clock in by another name; `std::time::Duration` is a plain value and free to use.
const IMPURE: [&str; 12] = [
    "std::net",
    "std::os",
    "std::fs",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::time::UNIX_EPOCH",
    "fail",
    "mio",
    "socket2",
    "rustix",
];

/// Crates that SDKs are built from, and the crates of this workspace that each may depend on.
const BELOW_THE_SERVER: [(&str, &[&str]); 2] =
    [("protocol/Cargo.toml", &[]), ("protocol/client/Cargo.toml", &["seathold-protocol"])];

#[test]
fn arrows_point_down_only() {
    expect_none(each_rust_file("src/", arrows));
}

#[test]
fn pure_code_sees_no_socket_file_thread_or_clock() {
    let faults = PURE.iter().flat_map(|folder| each_rust_file(&format!("{folder}/"), impurities));
    expect_none(faults.collect());
}

#[test]
fn sdks_do_not_depend_on_the_server() {
    let faults = BELOW_THE_SERVER.iter().flat_map(|(path, allowed)| dependencies(path, &read(path), allowed));
    expect_none(faults.collect());
}

#[test]
fn the_table_itself_points_down_only() {
    for (index, (module, uses)) in ARROWS.iter().enumerate() {
        for used in uses.iter().filter(|&&used| used != CLIENT) {
            let below = ARROWS[..index].iter().any(|(name, _)| name == used);
            assert!(
                below,
                "`{module}` uses `{used}`, which is not in a row above it: that is a circle or a typo"
            );
        }
    }
}

#[test]
fn engine_and_net_never_see_each_other() {
    assert!(!reach("engine").contains("net"), "engine reaches net: {:?}", reach("engine"));
    assert!(!reach("net").contains("engine"), "net reaches engine: {:?}", reach("net"));
}

/// Every module that `module` can come to by the table, over any number of steps.
fn reach(module: &str) -> BTreeSet<&'static str> {
    let uses = ARROWS.iter().find(|(name, _)| *name == module).map_or(&[][..], |(_, uses)| uses);
    uses.iter().flat_map(|used| reach(used).into_iter().chain([*used])).collect()
}

fn each_rust_file(folder: &str, rule: fn(&str, &str) -> Vec<Fault>) -> Vec<Fault> {
    let in_folder = |path: &String| path.starts_with(folder) && path.ends_with(".rs");
    let files: Vec<String> = repository_files().into_iter().filter(in_folder).collect();
    assert!(!files.is_empty(), "{folder} holds no source: correct the table in tests/house/layering.rs");
    files.iter().flat_map(|path| rule(path, &read(path))).collect()
}

/// Uses of other modules that the table does not allow to the module that `path` belongs to.
fn arrows(path: &str, text: &str) -> Vec<Fault> {
    let inside = path.trim_start_matches("src/").trim_end_matches(".rs");
    let module = inside.split('/').next().expect("splitting yields one part at least");
    if matches!(inside, "lib" | "main") {
        return Vec::new();
    }
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == module) else {
        let advice = format!("give the new module `{module}` its row in ARROWS, tests/house/layering.rs");
        return vec![fault(path, 1, &advice)];
    };
    let code = code_only(text);
    let mut faults = Vec::new();
    for (line, used) in modules_used(inside, &code) {
        if used == module || allowed.contains(&&*used) {
            continue;
        }
        let advice = if used == CLIENT || ARROWS.iter().any(|(name, _)| *name == used) {
            format!("`{module}` may not use `{used}`: pass a value in, or move this to a module above both")
        } else {
            format!("`{used}` is no module of src/: write the path through the module that it belongs to")
        };
        faults.push(fault(path, line, &advice));
    }
    faults
}

/// The top-level modules that a file of `src/` names, with the line of each.
fn modules_used(inside: &str, code: &str) -> Vec<(usize, String)> {
    let mut used = Vec::new();
    for root in ["crate", "seathold"] {
        for (line, path) in paths_from(root, code) {
            used.push((line, path.split("::").nth(1).unwrap_or_default().to_owned()));
        }
    }
    used.extend(word_offsets(code, CLIENT).map(|at| (line_of(code, at), CLIENT.to_owned())));
    // `super::super::` reaches the root of the crate from a file that lies two modules deep.
    let depth = inside.trim_end_matches("/mod").split('/').count();
    for (line, path) in paths_from("super", code) {
        let steps = path.split("::").take_while(|part| *part == "super").count();
        let next = path.split("::").nth(steps).unwrap_or_default();
        if steps >= depth && ARROWS.iter().any(|(name, _)| *name == next) {
            used.push((line, next.to_owned()));
        }
    }
    used
}

/// What a pure file names of the world outside.
fn impurities(path: &str, text: &str) -> Vec<Fault> {
    let code = code_only(text);
    let mut faults = Vec::new();
    let roots: BTreeSet<&str> = IMPURE.iter().map(|name| name.split("::").next().unwrap_or(name)).collect();
    for (line, named) in roots.iter().flat_map(|root| paths_from(root, &code)) {
        let forbidden = |name: &&str| named == *name || named.starts_with(&format!("{name}::"));
        let whole = matches!(&*named, "std" | "std::*" | "std::time" | "std::time::*" | "std::time::self");
        if whole || IMPURE.iter().any(forbidden) {
            let advice =
                format!("pure code may not name `{named}`: take the time, bytes or values as arguments");
            faults.push(fault(path, line, &advice));
        }
    }
    faults
}

/// Dependencies, of any kind and for any target, on a crate of this workspace that is not in `allowed`.
fn dependencies(path: &str, manifest: &str, allowed: &[&str]) -> Vec<Fault> {
    let table: toml::Table = manifest.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut names = BTreeSet::new();
    collect_dependencies(&table, &mut names);
    let ours = |name: &String| name == "seathold" || name.starts_with("seathold-");
    let forbidden = names.into_iter().filter(|name| ours(name) && !allowed.contains(&name.as_str()));
    let told = |name: String| {
        let line = manifest.lines().position(|line| line.contains(&name)).map_or(1, |index| index + 1);
        fault(path, line, &format!("remove the dependency on `{name}`: SDKs are built without the server"))
    };
    forbidden.map(told).collect()
}

fn collect_dependencies(table: &toml::Table, names: &mut BTreeSet<String>) {
    for (key, value) in table {
        let Some(inner) = value.as_table() else { continue };
        if !key.ends_with("dependencies") {
            collect_dependencies(inner, names);
            continue;
        }
        for (name, details) in inner {
            let renamed = details.get("package").and_then(toml::Value::as_str);
            names.insert(renamed.unwrap_or(name).to_owned());
        }
    }
}

fn fault(path: &str, line: usize, advice: &str) -> Fault {
    Fault { path: path.into(), line, advice: advice.into() }
}

/// Each rule on made-up sources: it must see the violation, and only that.
mod rules {
    use super::*;

    fn lines(mut faults: Vec<Fault>) -> Vec<usize> {
        faults.sort();
        faults.iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn an_arrow_that_points_up_is_found_in_every_form() {
        let path = "src/net/connection.rs";
        let upward = [
            "use crate::engine::Turn;",
            "use crate::engine;",
            "use crate::{sys::Clock, engine::{Turn, Reply}};",
            "pub(crate) use crate::engine as brain;",
            "fn f() { crate::engine::run::<u8>() }",
            "fn f() -> Vec<crate::engine::Turn> { g() }",
            "use super::super::engine::Turn;",
            "use super::super::{engine, Buffer};",
            "use seathold::engine;",
            "macro_rules! m { () => { $crate::engine::run() } }",
            "use seathold_client::Client;",
        ];
        for source in upward {
            let faults = arrows(path, &format!("//! x\n{source}\n"));
            assert_eq!(
                faults.len(),
                1 + usize::from(source.contains("{Turn, Reply}")),
                "{source}: {faults:?}"
            );
            assert!(faults.iter().all(|fault| fault.line == 2), "{source}: {faults:?}");
            assert!(faults[0].advice.starts_with("`net` may not use `"), "{source}: {faults:?}");
        }
    }

    #[test]
    fn what_the_table_allows_passes() {
        let source = "//! crate::engine\nuse crate::net::Buffer;\nuse crate::{sys::Clock, net};\nuse super::Turn;\n\
                      use seathold_protocol::engine::X;\npub(crate) fn f(text: &str) -> bool { text == \"crate::engine\" }\n\
                      // crate::engine\nuse other::crate_::engine;\n";
        assert_eq!(arrows("src/net/connection.rs", source), []);
        assert_eq!(arrows("src/main.rs", "use seathold::demo;\n"), []);
        assert_eq!(arrows("src/lib.rs", "pub use crate::demo;\n"), []);
        assert_eq!(arrows("src/demo/buyer.rs", "use seathold_client::Client;\n"), []);
    }

    #[test]
    fn a_group_over_lines_names_the_line_of_each_part() {
        let source = "use crate::{\n    sys,\n    net::{self, Buffer},\n    demo as show,\n};\n";
        assert_eq!(lines(arrows("src/ledger/file.rs", source)), [3, 3, 4]);
    }

    #[test]
    fn an_item_of_the_root_and_a_module_without_a_row_are_told_apart() {
        let item = arrows("src/net/mod.rs", "use crate::*;\n");
        assert!(item[0].advice.starts_with("`*` is no module of src/"), "{item:?}");
        let module = arrows("src/teleport/mod.rs", "//! x\n");
        assert!(module[0].advice.starts_with("give the new module `teleport` its row"), "{module:?}");
    }

    #[test]
    fn an_impure_name_is_found_in_every_form() {
        let impure = [
            "use std::net::TcpStream;",
            "use std::fs;",
            "use std::{fmt, fs::File};",
            "use std::time::{Duration, Instant};",
            "use std::time::{self, Duration};",
            "use std::time;",
            "use std::time::*;",
            "fn f() { let _ = ::std::thread::spawn(g); }",
            "fn f() { let _ = std::time::SystemTime::now(); }",
            "use mio::Poll;",
            "use mio;",
        ];
        for source in impure {
            assert_eq!(lines(impurities("src/shard/mod.rs", &format!("//! x\n{source}\n"))), [2], "{source}");
        }
    }

    #[test]
    fn plain_values_are_pure() {
        let source = "//! std::fs\nuse std::time::Duration;\nuse std::{fmt, collections::BTreeMap};\n\
                      use crate::inventory::net;\nfn mio(std: u8) -> u8 { std }\nuse core::mem;\nfn f() { my::mio::g() }\n";
        assert_eq!(impurities("src/shard/mod.rs", source), []);
    }

    #[test]
    fn a_dependency_on_the_server_is_found_in_every_table() {
        let allowed = ["seathold-protocol"];
        let fine = "[dependencies]\nseathold-protocol.workspace = true\nserde = \"1\"\n";
        assert_eq!(dependencies("Cargo.toml", fine, &allowed), []);
        for table in
            ["dependencies", "dev-dependencies", "build-dependencies", "target.'cfg(unix)'.dependencies"]
        {
            let manifest = format!("[{table}]\nseathold.workspace = true\n");
            assert_eq!(lines(dependencies("Cargo.toml", &manifest, &allowed)), [2], "{table}");
        }
        let renamed = "[dependencies]\nx = { package = \"seathold\", path = \"..\" }\n";
        assert_eq!(lines(dependencies("Cargo.toml", renamed, &allowed)), [2]);
        assert_eq!(lines(dependencies("Cargo.toml", fine, &[])), [2]);
    }
}
