//! Real Redis and Valkey servers for the tests, and the ways to break them.
//!
//! A test that needs a server is a function of the server that it is to start, and is listed:
//!
//! ```ignore
//! on_each_server!(a_batch_is_appended_once);
//!
//! fn a_batch_is_appended_once(found: &Found) {
//!     let server = RedisServer::start(found, Options::default());
//!     server.command(&["PING"]);
//! }
//! ```
//!
//! It becomes the tests `a_batch_is_appended_once::on_redis` and `a_batch_is_appended_once::on_valkey`. Where a server is
//! missing, tools/check leaves out the tests with that ending and names them; [`on`] tells what happens without it.

pub(crate) mod cluster;
mod found;
pub(crate) mod pair;
mod process;
pub(crate) mod proxy;
pub(crate) mod sentinel;
mod server;

use std::thread::park_timeout;
use std::time::{Duration, Instant};

pub(crate) use self::found::{Flavor, Found, on};
pub(crate) use self::server::{Options, RedisServer};

/// Above what any answer takes on a busy host. It ends a test that would wait for ever.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Looks again and again until `holds`, for what a server does on its own and tells nobody.
///
/// # Panics
///
/// With `what` was waited for, if it takes too long.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited {} s in vain until {what}", PATIENCE.as_secs());
        park_timeout(Duration::from_millis(1));
    }
}

/// Makes a test `<name>::on_redis` of each function of a `&Found`, for what does not depend on the flavor, or needs TLS.
macro_rules! on_redis {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn on_redis() {
                let name = concat!(module_path!(), "::on_redis");
                crate::harness::on(crate::harness::Flavor::Redis, name, super::$name);
            }
        }
    )+};
}
pub(crate) use on_redis;

/// Makes two tests, `<name>::on_redis` and `<name>::on_valkey`, of each function of a `&Found`.
macro_rules! on_each_server {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn on_redis() {
                let name = concat!(module_path!(), "::on_redis");
                crate::harness::on(crate::harness::Flavor::Redis, name, super::$name);
            }

            #[test]
            fn on_valkey() {
                let name = concat!(module_path!(), "::on_valkey");
                crate::harness::on(crate::harness::Flavor::Valkey, name, super::$name);
            }
        }
    )+};
}
pub(crate) use on_each_server;
