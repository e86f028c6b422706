//! One simulated core: what the reactor does between bytes and its engine, in the reactor's order, over the simulated network.
//! The engine, the mesh, the codec and the limits are the real ones; connections, which hold sockets, are stood in for.

use crate::branch::{Branch, Counts};
use crate::journal::Journal;
use crate::network::{LinkId, Network, Way};
use crate::run::Bug;
use crate::shadow::{Room, Shadow};
use seathold::engine::{Answered, Ask, Board, Engine, GROUP, Origin};
use seathold::ledger::{Commit, Health, Notice};
use seathold::mesh::Mailbox;
use seathold::net::{CREDIT, OUTBOUND_BYTES_PAUSE, READ_BYTES};
use seathold::shard::{Answer, Command};
use seathold_protocol::batch::Stamp;
use seathold_protocol::frame::{self, Frame, Opcode};
use seathold_protocol::limits::{REPLY_BYTES_MAX, REQUEST_BYTES_MAX};
use seathold_protocol::reply::{Refusal, Reply, Welcome};
use seathold_protocol::request::{Mistake, Request, VERSION};
use seathold_protocol::status::Status;
use std::collections::VecDeque;

/// What BUSY tells when the owner's inbox is full.
const MESH_RETRY_MS: u64 = 5;

/// One connection, seen by its core.
struct Connection {
    link: LinkId,
    rest: Vec<u8>,
    outbound: Vec<u8>,
    in_flight: u32,
    greeted: bool,
    /// The client closed its end: what it asked is answered first.
    closing: bool,
}

/// Connections by slot. A slot is used again; its generation is not.
#[derive(Default)]
struct Table {
    slots: Vec<Option<(u32, Connection)>>,
    generation: u32,
    bug: Bug,
}

/// What the cores of a process share, and what watches them.
pub(crate) struct Around<'a> {
    pub(crate) node: usize,
    pub(crate) now: Stamp,
    pub(crate) partition_cores: &'a [u8],
    pub(crate) board: &'a Board,
    pub(crate) net: &'a mut Network,
    pub(crate) shadow: &'a mut Shadow,
    pub(crate) journal: &'a mut Journal,
    pub(crate) counts: &'a mut Counts,
}

/// One core.
pub(crate) struct Front {
    core: usize,
    pub(crate) engine: Engine,
    mailbox: Mailbox,
    connections: Table,
    asks: Vec<Ask>,
    pub(crate) notices: VecDeque<Notice>,
    full: bool,
}

impl Table {
    fn insert(&mut self, connection: Connection, counts: &mut Counts) -> u64 {
        self.generation += 1;
        let free = self.slots.iter().position(Option::is_none);
        let slot = free.unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        if free.is_some() {
            counts.bump(Branch::SlotReused);
        }
        self.slots[slot] = Some((self.generation, connection));
        u64::from(self.generation) << 32 | slot as u64
    }

    fn get(&mut self, key: u64) -> Option<&mut Connection> {
        let (generation, connection) = self.slots.get_mut(key as u32 as usize)?.as_mut()?;
        let same = u64::from(*generation) == key >> 32 || self.bug == Bug::ForgetGeneration;
        same.then_some(connection)
    }

    fn keys(&self) -> Vec<u64> {
        let used = self.slots.iter().enumerate();
        used.filter_map(|(slot, used)| Some(u64::from(used.as_ref()?.0) << 32 | slot as u64)).collect()
    }
}

impl Connection {
    fn has_room(&self) -> bool {
        self.in_flight < CREDIT && self.outbound.len() < OUTBOUND_BYTES_PAUSE && !self.closing
    }
}

impl Front {
    pub(crate) fn new(core: usize, engine: Engine, mailbox: Mailbox, bug: Bug) -> Self {
        Self {
            core,
            engine,
            mailbox,
            connections: Table { bug, ..Table::default() },
            asks: Vec::with_capacity(GROUP),
            notices: VecDeque::new(),
            full: false,
        }
    }

    /// One turn. `expire`: how many holds may be ended, none if that is held back. Returns what leaves for the ledger.
    pub(crate) fn turn(&mut self, around: &mut Around<'_>, expire: usize) -> Result<Option<Commit>, String> {
        while let Some(link) = around.net.accept(around.node, self.core) {
            let (rest, outbound) = (Vec::new(), Vec::new());
            let connection =
                Connection { link, rest, outbound, in_flight: 0, greeted: false, closing: false };
            self.connections.insert(connection, around.counts);
        }
        for key in self.connections.keys() {
            self.serve(key, around)?;
        }
        self.take_mail(around)?;
        if expire > 0 {
            let due = self.engine.next_deadline().is_some_and(|deadline| deadline <= around.now.boot_ms);
            self.engine.expire(around.now, expire);
            if due {
                around.shadow.expired(&self.engine, around.now, around.board)?;
            }
            self.engine.compact_piece();
        }
        self.hand_out_answers(around)?;
        let mut commit = Commit { core: self.core, ..Commit::default() };
        let Commit { batches, covered, remaining, .. } = &mut commit;
        let leaves = self.engine.commit(around.now, batches, covered, remaining, &mut Vec::new());
        self.flush(around);
        Ok(leaves.then_some(commit))
    }

    /// Whether everything that was asked is answered.
    pub(crate) fn is_idle(&self) -> bool {
        self.engine.is_idle()
            && self.mailbox.is_empty()
            && self.mailbox.asks_out() == 0
            && self.notices.is_empty()
    }

    fn serve(&mut self, key: u64, around: &mut Around<'_>) -> Result<(), String> {
        let connection = self.connections.get(key).expect("its key was just listed");
        if !connection.has_room() {
            around.counts.bump(Branch::CreditUsedUp);
            return Ok(());
        }
        let ended = around.net.read(connection.link, Way::Up, READ_BYTES, &mut connection.rest);
        let bytes = std::mem::take(&mut connection.rest);
        let (mut start, mut blocked) = (0, false);
        loop {
            if !self.connections.get(key).is_some_and(|connection| connection.has_room()) {
                blocked = true;
                break;
            }
            match frame::split(&bytes[start..], REQUEST_BYTES_MAX) {
                Ok(Some(frame)) => {
                    start += frame.bytes();
                    self.serve_frame(key, &frame, around)?;
                }
                Ok(None) => break,
                Err(error) => return Err(format!("a client's stream cannot be cut: {error}")),
            }
        }
        self.submit(around)?;
        let connection = self.connections.get(key).expect("serving closes nothing");
        connection.rest.extend_from_slice(&bytes[start..]);
        if ended && !blocked {
            if !connection.rest.is_empty() {
                around.counts.bump(Branch::BrokenFrame);
            }
            connection.closing = true;
        }
        Ok(())
    }

    fn serve_frame(&mut self, key: u64, frame: &Frame<'_>, around: &mut Around<'_>) -> Result<(), String> {
        let (correlation, opcode) = (frame.header.correlation, frame.header.opcode);
        let request = match Request::decode(frame) {
            Ok(request) => request,
            Err(Mistake { status, .. }) => return Err(format!("a client's request is told {status}")),
        };
        let connection = self.connections.get(key).expect("the caller has it");
        if connection.greeted == matches!(request, Request::Hello(_)) {
            return Err(format!("{request:?} in the wrong place: bytes were lost within a stream"));
        }
        let command = match request {
            Request::Hello(_) => {
                connection.greeted = true;
                let welcome = Welcome {
                    version: VERSION,
                    core: self.core as u8,
                    operator: false,
                    credit: CREDIT,
                    request_bytes_max: REQUEST_BYTES_MAX as u32,
                    reply_bytes_max: REPLY_BYTES_MAX as u32,
                    core_ports: vec![1; 2],
                    partition_cores: around.partition_cores.to_vec(),
                    server: "sim".to_owned(),
                };
                Reply::Welcome(welcome).encode(correlation, &mut connection.outbound);
                return Ok(());
            }
            Request::Availability(asked) => {
                match around.board.availability(&asked, around.now) {
                    Ok(told) => told.head.write(correlation, told.classes(), &mut connection.outbound),
                    Err(refusal) => refuse(connection, opcode, correlation, refusal),
                }
                return around.shadow.compare_free(asked.departure, around.now, around.board);
            }
            Request::Reserve(reserve) => Command::Reserve(reserve),
            Request::Confirm(target) => Command::Confirm(target),
            Request::Cancel(target) => Command::Cancel(target),
            Request::Refund(target) => Command::Refund(target),
            Request::Lookup(target) => Command::Lookup(target),
            other => return Err(format!("no simulated client asks {other:?}")),
        };
        let opcode = Opcode::from_code(opcode).expect("it was decoded");
        self.route(key, correlation, opcode, command, around)
    }

    fn route(
        &mut self,
        key: u64,
        correlation: u64,
        opcode: Opcode,
        command: Command,
        around: &mut Around<'_>,
    ) -> Result<(), String> {
        let origin = Origin { core: self.core as u8, opcode, connection: key, correlation };
        let partition = command.departure().partition(around.partition_cores.len() as u16);
        let owner = usize::from(around.partition_cores[usize::from(partition)]);
        let connection = self.connections.get(key).expect("the caller has it");
        if owner == self.core {
            connection.in_flight += 1;
            self.asks.push(Ask { origin, command });
            return if self.asks.len() == GROUP { self.submit(around) } else { Ok(()) };
        }
        if let Command::Reserve(reserve) = &command
            && let Some(refusal) = around.board.sold_out(reserve, around.now)
        {
            around.counts.bump(Branch::RefusedAtTheDoor);
            refuse(connection, opcode as u8, correlation, refusal);
            return around.shadow.refused_at_the_door(&command, Answer::Refused(refusal));
        }
        if self.mailbox.ask(owner, Ask { origin, command }) {
            connection.in_flight += 1;
            around.counts.bump(Branch::Forwarded);
        } else {
            let refusal = Refusal { status: Status::Busy, detail: MESH_RETRY_MS };
            refuse(connection, opcode as u8, correlation, refusal);
        }
        Ok(())
    }

    /// Gives the engine what has gathered, and the shadow after it.
    fn submit(&mut self, around: &mut Around<'_>) -> Result<(), String> {
        if self.asks.is_empty() {
            return Ok(());
        }
        let room = Room { stalled: self.engine.is_stalled(), full: self.full };
        self.engine.submit_group(&self.asks, around.now);
        around.shadow.submitted(&self.asks, around.now, room, &self.engine, around.board)?;
        self.asks.clear();
        Ok(())
    }

    fn take_mail(&mut self, around: &mut Around<'_>) -> Result<(), String> {
        while let Some(ask) = self.mailbox.next_ask() {
            self.asks.push(ask);
            if self.asks.len() == GROUP {
                self.submit(around)?;
            }
        }
        self.submit(around)?;
        while let Some(answered) = self.mailbox.next_answer() {
            self.tell(&answered, around);
        }
        while let Some(notice) = self.notices.pop_front() {
            match notice {
                Notice::Durable(commit) => self.engine.committed(&commit.batches),
                Notice::Health(health) => {
                    self.engine.set_stalled(health == Health::Stalled);
                    self.full = health == Health::Full;
                    self.engine.set_full(self.full);
                }
                Notice::Fenced { partition, .. } => {
                    self.engine.fence(partition);
                    if usize::from(around.partition_cores[usize::from(partition)]) == self.core {
                        around.shadow.fenced(partition);
                    }
                }
                Notice::Compact(targets) => self.engine.compact(&targets),
            }
        }
        Ok(())
    }

    fn hand_out_answers(&mut self, around: &mut Around<'_>) -> Result<(), String> {
        while let Some(answered) = self.engine.next_answer() {
            around.shadow.answered(&answered)?;
            if usize::from(answered.origin.core) == self.core {
                self.tell(&answered, around);
            } else {
                self.mailbox.answer(answered);
            }
        }
        Ok(())
    }

    fn tell(&mut self, answered: &Answered, around: &mut Around<'_>) {
        let origin = answered.origin;
        let Some(connection) = self.connections.get(origin.connection) else {
            around.counts.bump(Branch::Undelivered);
            around.journal.note(format_args!("nobody is there for {answered:?}"));
            return;
        };
        connection.in_flight -= 1;
        let out = &mut connection.outbound;
        match answered.answer {
            Answer::Reservation(reservation) => {
                Reply::Reservation(origin.opcode, reservation).encode(origin.correlation, out);
            }
            Answer::Sale(sale) => Reply::Sale(origin.opcode, sale).encode(origin.correlation, out),
            Answer::Refused(refusal) => {
                refuse(connection, origin.opcode as u8, origin.correlation, refusal);
            }
        }
    }

    fn flush(&mut self, around: &mut Around<'_>) {
        for key in self.connections.keys() {
            let connection = self.connections.get(key).expect("its key was just listed");
            around.net.send(connection.link, Way::Down, &connection.outbound);
            connection.outbound.clear();
            if connection.closing {
                // A client that is gone is not waited for: what it asked is still answered, to nobody.
                around.net.close(connection.link, Way::Down);
                self.connections.slots[key as u32 as usize] = None;
            }
        }
    }
}

fn refuse(connection: &mut Connection, opcode: u8, correlation: u64, refusal: Refusal) {
    frame::write_refusal(&mut connection.outbound, opcode, correlation, refusal.status, refusal.detail);
}
