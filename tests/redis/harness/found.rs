//! Which real servers this host has, and what becomes of a test whose server it has not.

use std::env;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

/// The two servers that Seathold is tested on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    Redis,
    Valkey,
}

impl Flavor {
    /// The name of its program, and of Debian's package with it.
    fn program(self) -> &'static str {
        match self {
            Self::Redis => "redis-server",
            Self::Valkey => "valkey-server",
        }
    }

    /// Names the program to take instead of the one in PATH.
    fn variable(self) -> &'static str {
        match self {
            Self::Redis => "SEATHOLD_TEST_REDIS",
            Self::Valkey => "SEATHOLD_TEST_VALKEY",
        }
    }
}

/// A server program of this host.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) flavor: Flavor,
    pub(crate) program: PathBuf,
}

impl Found {
    /// What its variable names, else what stands in PATH, else what tools/check has put into target/tools.
    ///
    /// # Panics
    ///
    /// If the variable names no such server: a slip of the pen must not look like a host without a server.
    pub(crate) fn server(flavor: Flavor) -> Option<Self> {
        if let Some(named) = env::var_os(flavor.variable()).filter(|named| !named.is_empty()) {
            let found = Self { flavor, program: named.into() };
            assert!(
                found.runs(),
                "{} is {}: no server of 7.0 or later",
                flavor.variable(),
                found.program.display()
            );
            return Some(found);
        }
        let test = env::current_exe().expect("a test knows its own program");
        let target = test.ancestors().nth(3).expect("it lies in target/<profile>/deps");
        let places = [PathBuf::from(flavor.program()), target.join("tools").join(flavor.program())];
        places.into_iter().map(|program| Self { flavor, program }).find(Self::runs)
    }

    /// Whether it is there and knows what the harness asks of it, which came with 7.0.
    fn runs(&self) -> bool {
        let Ok(output) = Command::new(&self.program).arg("--version").output() else { return false };
        // As in "Redis server v=7.0.15 sha=00000000:0 ...".
        let told = String::from_utf8_lossy(&output.stdout);
        let version = told.split(" v=").nth(1).and_then(|version| version.split('.').next()?.parse().ok());
        version.is_some_and(|major: u32| major >= 7)
    }
}

/// Runs `test` on the server of that flavor. Where there is none, one line on the terminal says that it was skipped, past
/// what the test runner keeps to itself.
///
/// # Panics
///
/// If there is none and nobody would see that line: under nextest, which shows it of failed tests only, and under
/// `SEATHOLD_REQUIRE_REDIS=1`, by which tools/check says that it has found or installed that server.
pub(crate) fn on(flavor: Flavor, name: &str, test: fn(&Found)) {
    if let Some(found) = Found::server(flavor) {
        return test(&found);
    }
    let (program, variable) = (flavor.program(), flavor.variable());
    let none =
        format!("no {program} 7.0 or later on this host (apt install {program}, or name one by {variable})");
    for hidden in ["SEATHOLD_REQUIRE_REDIS", "NEXTEST"] {
        assert!(env::var_os(hidden).is_none(), "{none}; tools/check leaves such tests out and names them");
    }
    let (_, name) = name.split_once("::").expect("the crate stands before the name");
    // Macros of std would write into the test's captured output.
    let _ = writeln!(std::io::stderr(), "SKIPPED {name}: {none}");
}
