//! The ports: one that all cores share, one of each core's own.

use super::StartError;
use crate::net::{Listener, bind};
use std::net::SocketAddr;

/// A core's two listeners.
pub(super) struct Listeners {
    pub(super) shared: Listener,
    pub(super) own: Listener,
}

/// Binds everything before anything is served, so that a taken port stops the start.
pub(super) fn bind_all(
    listen: SocketAddr,
    core_ports: Option<u16>,
    cores: usize,
) -> Result<Vec<Listeners>, StartError> {
    let bind_at = |address: SocketAddr, shared: bool| {
        bind(address, shared).map_err(|error| StartError::Listen { address, error })
    };
    let first = bind_at(listen, true)?;
    let address = first.address()?;
    let base = match (core_ports, listen.port()) {
        (Some(base), _) => base,
        (None, 0) => 0,
        (None, port) => port.saturating_add(1),
    };
    if base != 0 && usize::from(base) + cores > usize::from(u16::MAX) + 1 {
        let error = std::io::Error::other("the cores' ports would go past 65535");
        return Err(StartError::Listen { address: SocketAddr::new(listen.ip(), base), error });
    }
    let mut shared = Some(first);
    let one = |core: usize| {
        let shared = shared.take().map_or_else(|| bind_at(address, true), Ok)?;
        let port = if base == 0 { 0 } else { base + core as u16 };
        Ok(Listeners { shared, own: bind_at(SocketAddr::new(listen.ip(), port), false)? })
    };
    (0..cores).map(one).collect()
}
