//! What cores send each other: asks to the owner of a departure, answers back.

use super::Bell;
use crate::engine::{Answered, Ask};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use std::io;
use std::sync::Arc;

/// Asks that a core may have out at one peer, at most. Room for the answers is reserved with them. Two thousand are
/// what a core does in several turns; above it the client is told BUSY.
pub const ASKS_PER_PEER: usize = 2048;

/// Asks that all peers together may have out at one core. Its queues are allocated when the server starts, 3 MB of them
/// for this many; with more than four cores the peers share them evenly.
const ASKS_PER_CORE: usize = 8192;

struct Peer {
    asks: Sender<Ask>,
    answers: Sender<(usize, Answered)>,
    bell: Arc<Bell>,
    /// Asks whose answer has not come.
    out: usize,
    /// Something was put into its queues in this turn.
    dirty: bool,
}

/// One core's end of the mesh.
pub struct Mailbox {
    core: usize,
    asks_per_peer: usize,
    peers: Vec<Peer>,
    asks: Receiver<Ask>,
    answers: Receiver<(usize, Answered)>,
}

/// Connects the cores that these bells wake, each with each.
pub fn connect(bells: &[Arc<Bell>]) -> Vec<Mailbox> {
    let asks_per_peer = (ASKS_PER_CORE / bells.len()).min(ASKS_PER_PEER);
    let capacity = asks_per_peer * bells.len();
    let asks: Vec<_> = bells.iter().map(|_| bounded(capacity)).collect();
    let answers: Vec<_> = bells.iter().map(|_| bounded(capacity)).collect();
    let peer = |core: usize| Peer {
        asks: asks[core].0.clone(),
        answers: answers[core].0.clone(),
        bell: Arc::clone(&bells[core]),
        out: 0,
        dirty: false,
    };
    let mailbox = |core: usize| Mailbox {
        core,
        asks_per_peer,
        peers: (0..bells.len()).map(peer).collect(),
        asks: asks[core].1.clone(),
        answers: answers[core].1.clone(),
    };
    (0..bells.len()).map(mailbox).collect()
}

impl Mailbox {
    /// Sends an ask to the core that owns the departure; false when that core has its fill of this one's asks.
    pub fn ask(&mut self, owner: usize, ask: Ask) -> bool {
        let peer = &mut self.peers[owner];
        let out_max =
            if ask.command.can_be_put_off() { self.asks_per_peer * 3 / 4 } else { self.asks_per_peer };
        if peer.out >= out_max {
            return false;
        }
        peer.out += 1;
        peer.dirty = true;
        peer.asks.try_send(ask).expect("the queue has room for the asks of every peer");
        true
    }

    /// Sends an answer to the core that asked.
    pub fn answer(&mut self, answered: Answered) {
        let peer = &mut self.peers[usize::from(answered.origin.core)];
        peer.dirty = true;
        // A peer that is gone has stopped without its answers, because the ledger had no room.
        if let Err(TrySendError::Full(_)) = peer.answers.try_send((self.core, answered)) {
            panic!("room for the answer was reserved with the ask");
        }
    }

    /// The next ask of another core.
    pub fn next_ask(&mut self) -> Option<Ask> {
        self.asks.try_recv().ok()
    }

    /// The next answer of another core.
    pub fn next_answer(&mut self) -> Option<Answered> {
        let (owner, answered) = self.answers.try_recv().ok()?;
        let out = &mut self.peers[owner].out;
        *out = out.checked_sub(1).expect("an answer follows an ask");
        Some(answered)
    }

    /// Whether nothing waits to be taken.
    pub fn is_empty(&self) -> bool {
        self.asks.is_empty() && self.answers.is_empty()
    }

    /// Asks of this core whose answer has not come.
    pub fn asks_out(&self) -> usize {
        self.peers.iter().map(|peer| peer.out).sum()
    }

    /// Rings the bell of every peer that got something in this turn.
    pub fn ring_peers(&mut self) -> io::Result<()> {
        for peer in self.peers.iter_mut().filter(|peer| peer.dirty) {
            peer.dirty = false;
            peer.bell.ring()?;
        }
        Ok(())
    }
}
