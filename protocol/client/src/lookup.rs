//! Names to addresses.
//!
//! The system's resolver blocks, for many seconds when a name server is away. A name is therefore looked up on a thread
//! that lives as long as the lookup; an address needs none. A lookup that nobody waits for any longer ends unheard.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::address::Address;
use crate::doorbell::Doorbell;

/// One lookup under way.
#[derive(Debug)]
pub(crate) struct Lookup {
    found: Receiver<Vec<SocketAddr>>,
}

impl Lookup {
    /// Begins. The thread rings when it has ended.
    pub(crate) fn begin(address: &Address, doorbell: &Arc<Doorbell>) -> Self {
        let (to, found) = bounded(1);
        if let Ok(ip) = address.host.parse::<IpAddr>() {
            to.send(vec![SocketAddr::new(ip, address.port)]).expect("the receiver is here");
        } else {
            let (address, doorbell) = (address.clone(), Arc::clone(doorbell));
            let spawned = thread::Builder::new()
                .name("seathold-lookup".to_owned())
                .spawn(move || look_up(&address, &to, &doorbell));
            // Without a thread the sender is gone, which reads as a lookup that found nothing.
            drop(spawned);
        }
        Self { found }
    }

    /// Whether `found` has something to say that it was not asked for yet.
    pub(crate) fn is_over(&self) -> bool {
        !self.found.is_empty()
    }

    /// What was found, when it is known; empty if nothing was.
    pub(crate) fn found(&self) -> Option<Vec<SocketAddr>> {
        match self.found.try_recv() {
            Ok(addresses) => Some(addresses),
            Err(crossbeam_channel::TryRecvError::Disconnected) => Some(Vec::new()),
            Err(crossbeam_channel::TryRecvError::Empty) => None,
        }
    }
}

fn look_up(address: &Address, to: &Sender<Vec<SocketAddr>>, doorbell: &Doorbell) {
    let found = (address.host.as_str(), address.port).to_socket_addrs();
    to.send(found.map(Iterator::collect).unwrap_or_default()).ok();
    doorbell.ring();
}
