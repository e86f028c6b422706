//! The ports: one that all cores share, one of each core's own.

use super::StartError;
use crate::net::{Listener, bind, probe};
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
    // Cores share the port with each other, but not with another server of this user.
    probe(listen).map_err(|error| StartError::Listen { address: listen, error })?;
    let first = bind_at(listen, true)?;
    let address = first.address()?;
    let base = match (core_ports, listen.port()) {
        (Some(base), _) => base,
        (None, 0) => 0,
        (None, port) => port.saturating_add(1),
    };
    if base != 0 && usize::from(base) + cores > usize::from(u16::MAX) + 1 {
        return Err(StartError::Usage(format!(
            "{cores} cores need {cores} ports from {base} on, and those would go past 65535: choose a lower --core-ports, or \
             0 for free ones"
        )));
    }
    let mut shared = Some(first);
    let one = |core: usize| {
        let shared = shared.take().map_or_else(|| bind_at(address, true), Ok)?;
        let port = if base == 0 { 0 } else { base + core as u16 };
        Ok(Listeners { shared, own: bind_at(SocketAddr::new(listen.ip(), port), false)? })
    };
    (0..cores).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SO_REUSEPORT would let two servers share the port, and each client reach one of them by chance.
    #[test]
    fn a_port_that_another_server_has_is_refused_although_cores_share_it() {
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let ours = bind_all(any_port, Some(0), 2).unwrap();
        let taken = ours[0].shared.address().unwrap();
        assert_eq!(ours[1].shared.address().unwrap(), taken);
        let refused = bind_all(taken, Some(0), 2).err();
        assert!(matches!(refused, Some(StartError::Listen { address, .. }) if address == taken));
    }
}
