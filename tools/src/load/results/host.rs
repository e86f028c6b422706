//! The host of the generator, and the generator: figures of two runs are compared only when these are known.

use serde::{Deserialize, Serialize};
use std::fs;
use std::thread;

/// The machine that the generator ran on; the server's too, when its URL is one of this host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Model of the processor, if the system tells.
    pub cpu: Option<String>,
    /// Processors that the generator may use.
    pub cores: usize,
    /// Name and release of the kernel, if the system tells.
    pub kernel: Option<String>,
    /// Bytes of memory, if the system tells.
    pub memory_bytes: Option<u64>,
}

impl Host {
    pub(super) fn this() -> Self {
        let read = |path: &str| fs::read_to_string(path).ok();
        Self {
            cpu: read("/proc/cpuinfo").and_then(|text| field(&text, "model name").map(str::to_owned)),
            cores: thread::available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").map(|release| format!("Linux {}", release.trim())),
            memory_bytes: read("/proc/meminfo").and_then(|text| memory_bytes(&text)),
        }
    }
}

/// The generator itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// Its version.
    pub version: String,
    /// The git revision that it was built from, with `-dirty` after it if the sources differed from that; null if it was
    /// built outside git.
    pub revision: Option<String>,
}

impl Program {
    pub(super) fn this() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: option_env!("SEATHOLD_REVISION").map(str::to_owned),
        }
    }
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}

fn memory_bytes(meminfo: &str) -> Option<u64> {
    let kib = field(meminfo, "MemTotal")?.strip_suffix(" kB")?;
    kib.parse::<u64>().ok()?.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_from_what_linux_tells() {
        let cpuinfo = "processor\t: 0\nmodel name\t: A Processor 9 @ 2 GHz\nflags: x\n";
        assert_eq!(field(cpuinfo, "model name"), Some("A Processor 9 @ 2 GHz"));
        assert_eq!(memory_bytes("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16_777_216));
        assert_eq!(memory_bytes("nothing"), None);
        assert!(Host::this().cores >= 1);
    }
}
