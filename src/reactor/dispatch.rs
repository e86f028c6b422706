//! From requests to the engine that owns their departure: on another core through the mesh, on this one as far as the turn
//! has time for it.

use super::Reactor;
use crate::counters::Counter;
use crate::engine::{Answered, Ask, GROUP, Origin};
use crate::net::ConnectionKey;
use crate::shard::{Answer, Command};
use seathold_protocol::frame::Opcode;
use seathold_protocol::reply::Refusal;
use seathold_protocol::status::Status;

/// Commands that wait for the engine above which no connection is read: some fifty milliseconds of its work. Those of other
/// cores are taken all the same, and are no more than the mesh has room for.
const WAITING_MAX: usize = 16_384;

/// What BUSY tells a client when the owner's inbox is full: a few of its turns.
const MESH_RETRY_MS: u64 = 5;

/// What BUSY tells a client when requests wait too long: many turns, so that who asks again does not add to the crowd.
const CROWD_RETRY_MS: u64 = 50;

const CROWDED: Refusal = Refusal { status: Status::Busy, detail: CROWD_RETRY_MS };

impl Reactor {
    /// Gives a command to the core that owns its departure, which says by itself whether it is crowded. Another core's departure
    /// may be refused at the door; this core's own engine looks for itself. In a crowd, who asks for what is sold out is told so.
    pub(super) fn route(&mut self, key: ConnectionKey, correlation: u64, opcode: Opcode, command: Command) {
        let origin = Origin { core: self.core as u8, opcode, connection: key.0, correlation };
        let owner = self.shared.owner(command.departure());
        let crowded = owner == self.core && !self.admits(&command);
        if let Command::Reserve(reserve) = &command
            && (crowded || owner != self.core)
            && let Some(refusal) = self.shared.board.sold_out(reserve, self.now)
        {
            self.counters.bump(Counter::RefusedAtTheDoor);
            return self.refuse(key, opcode as u8, correlation, refusal);
        }
        if crowded {
            self.counters.bump(Counter::RefusedForWaiting);
            return self.refuse(key, opcode as u8, correlation, CROWDED);
        }
        self.connections.get(key).expect("the caller has it").begin();
        if owner == self.core {
            self.submit(Ask { origin, command });
        } else if self.mailbox.ask(owner, Ask { origin, command }) {
            self.counters.bump(Counter::Forwarded);
        } else {
            self.connections.get(key).expect("the caller has it").finish();
            let refusal = Refusal { status: Status::Busy, detail: MESH_RETRY_MS };
            self.refuse(key, opcode as u8, correlation, refusal);
        }
    }

    /// Takes what another core asks.
    pub(super) fn take_ask(&mut self, ask: Ask) {
        if !self.admits(&ask.command) {
            self.counters.bump(Counter::RefusedForWaiting);
            self.counters.count_refusal(CROWDED.status);
            self.mailbox.answer(Answered { origin: ask.origin, answer: Answer::Refused(CROWDED) });
        } else {
            self.submit(ask);
        }
    }

    /// Whether another connection may be read in this turn, after so many: the first one however long the engine took, or what
    /// other cores ask could keep a core from its own.
    pub(super) fn may_read(&self, read: usize) -> bool {
        self.waiting.len() < WAITING_MAX && (read == 0 || !self.admission.ends_turn())
    }

    /// Whether a command may wait for the engine.
    fn admits(&self, command: &Command) -> bool {
        !command.can_be_put_off() || self.admission.admits(self.waiting.len())
    }

    /// Gives a command to this core's engine, together with others.
    fn submit(&mut self, ask: Ask) {
        self.waiting.push_back(ask);
        self.work_in_groups_of(GROUP);
    }

    /// Has the engine do what waits, and less than a group of it, too, while the turn has time for it.
    pub(super) fn work(&mut self) {
        self.work_in_groups_of(1);
    }

    fn work_in_groups_of(&mut self, least: usize) {
        while self.waiting.len() >= least && !self.admission.is_closed() {
            let (front, _) = self.waiting.as_slices();
            let group = &front[..front.len().min(GROUP)];
            self.engine.submit_group(group, self.now);
            let done = group.len();
            self.waiting.drain(..done);
            self.admission.did(done, self.clock.monotonic_ns());
        }
    }
}
