//! How many files and connections this process may have open.

use rustix::process::{Resource, getrlimit, setrlimit};
use std::io;

/// Raises the soft limit to the hard one. The soft one is 1,024 in most shells, for
/// the sake of programs that call select(2).
pub fn raise_descriptor_limit() -> io::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}
