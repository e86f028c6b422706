//! From bytes to requests, and the answers that a core gives by itself.

use super::Reactor;
use crate::counters::Counter;
use crate::net::{CREDIT, Connection, ConnectionKey, Fill, Frames};
use crate::shard::Command;
use seathold_protocol::frame::{self, Frame, Opcode};
use seathold_protocol::limits::{REPLY_BYTES_MAX, REQUEST_BYTES_MAX};
use seathold_protocol::reply::{Refusal, Reply, Welcome};
use seathold_protocol::request::{Hello, Mistake, Request, VERSION};
use seathold_protocol::status::Status;

/// Whether a connection goes on.
enum Next {
    Serve,
    Close(Counter),
}

impl Reactor {
    /// Serves every connection that has something, each once: one read, and the requests that it has credit for. Those that
    /// the turn does not come to are the first of the next.
    pub(super) fn serve(&mut self, frames: &mut Frames) {
        for read in 0..self.to_serve.len() {
            if !self.may_read(read) {
                self.counters.bump(Counter::TurnsCutShort);
                break;
            }
            let key = self.to_serve.pop_front().expect("as many as were counted");
            let next = self.serve_one(key, frames);
            self.admission.look(self.clock.monotonic_ns());
            match next {
                Next::Close(reason) => {
                    self.counters.bump(reason);
                    self.close(key);
                }
                Next::Serve if self.admission.is_closed() => self.write_out(key),
                Next::Serve => {}
            }
        }
    }

    fn serve_one(&mut self, key: ConnectionKey, frames: &mut Frames) -> Next {
        let Some(connection) = self.connections.get(key) else { return Next::Serve };
        connection.queued_to_serve = false;
        if !connection.has_room() {
            return Next::Serve;
        }
        let (end, read) = match connection.fill(frames) {
            Ok((fill, read)) => (fill, read),
            Err(_) => return Next::Close(Counter::ConnectionsReset),
        };
        self.counters.add(Counter::BytesRead, read as u64);
        let blocked = loop {
            let Some(connection) = self.connections.get(key) else { return Next::Serve };
            if !connection.has_room() {
                break true;
            }
            match frames.next_frame() {
                Ok(Some(frame)) => self.serve_frame(key, &frame),
                Ok(None) => break false,
                Err(_) => return Next::Close(Counter::BrokenFrames),
            }
        };
        self.queue_to_flush(key);
        let now_ms = self.now.boot_ms;
        let Some(connection) = self.connections.get(key) else { return Next::Serve };
        connection.keep(frames, blocked, now_ms);
        match end {
            // It may still read: what it asked is answered first. Blocked requests come up again with their credit.
            Fill::Closed if !blocked => {
                connection.closing = true;
                self.counters.bump(Counter::ConnectionsLeft);
                Next::Serve
            }
            Fill::More if !blocked => {
                self.queue_to_serve(key);
                Next::Serve
            }
            Fill::Closed | Fill::More | Fill::Drained => Next::Serve,
        }
    }

    fn serve_frame(&mut self, key: ConnectionKey, frame: &Frame<'_>) {
        let connection = self.connections.get(key).expect("the caller has it");
        connection.progressed();
        let correlation = frame.header.correlation;
        if !connection.greeted {
            return self.greet(key, frame);
        }
        let request = match Request::decode(frame) {
            Ok(request) => request,
            Err(Mistake { status, detail }) => {
                return self.refuse(key, frame.header.opcode, correlation, Refusal { status, detail });
            }
        };
        match request {
            Request::Ping(echo) => {
                self.counters.bump(Counter::Pinged);
                Reply::Pong(echo).encode(correlation, connection.outbound());
            }
            Request::Reserve(reserve) => {
                self.route(key, correlation, Opcode::Reserve, Command::Reserve(reserve));
            }
            Request::Confirm(target) => {
                self.route(key, correlation, Opcode::Confirm, Command::Confirm(target));
            }
            Request::Cancel(target) => self.route(key, correlation, Opcode::Cancel, Command::Cancel(target)),
            Request::Refund(target) => self.route(key, correlation, Opcode::Refund, Command::Refund(target)),
            Request::Lookup(target) => self.route(key, correlation, Opcode::Lookup, Command::Lookup(target)),
            Request::Availability(asked) => match self.shared.board.availability(&asked, self.now) {
                Ok(told) => {
                    self.counters.bump(Counter::AvailabilityTold);
                    told.head.write(correlation, told.classes(), connection.outbound());
                }
                Err(refusal) => self.refuse(key, Opcode::Availability as u8, correlation, refusal),
            },
            Request::Resolve(train, day) => {
                let told = self.shared.board.resolve(train, day, self.now).map(Reply::Resolved);
                self.reply(key, correlation, Opcode::Resolve, Counter::Resolved, told);
            }
            Request::Hello(_) => {
                let refusal = Refusal { status: Status::HelloRepeated, detail: 0 };
                self.refuse(key, Opcode::Hello as u8, correlation, refusal);
            }
            Request::Open(..) | Request::Close(_) | Request::Stats if !connection.operator => {
                let refusal = Refusal { status: Status::Forbidden, detail: 0 };
                self.refuse(key, frame.header.opcode, correlation, refusal);
            }
            Request::Open(departure, percent) => {
                self.route(key, correlation, Opcode::Open, Command::Open(departure, percent));
            }
            Request::Close(departure) => {
                self.route(key, correlation, Opcode::Close, Command::Close(departure));
            }
            Request::Stats => {
                let told = Ok(Reply::Stats(self.shared.stats()));
                self.reply(key, correlation, Opcode::Stats, Counter::StatsTold, told);
            }
        }
    }

    /// The first frame: HELLO, or the end.
    fn greet(&mut self, key: ConnectionKey, frame: &Frame<'_>) {
        let correlation = frame.header.correlation;
        let told = if frame.header.opcode == Opcode::Hello as u8 {
            Request::decode(frame)
        } else {
            Err(Mistake { status: Status::HelloExpected, detail: 0 })
        };
        match told {
            Ok(Request::Hello(hello)) => self.welcome(key, correlation, &hello),
            Ok(_) => unreachable!("a frame with HELLO's opcode is a HELLO"),
            Err(Mistake { status, detail }) => {
                self.refuse(key, frame.header.opcode, correlation, Refusal { status, detail });
                self.connections.get(key).expect("the caller has it").closing = true;
            }
        }
    }

    fn welcome(&mut self, key: ConnectionKey, correlation: u64, hello: &Hello<'_>) {
        let shared = &self.shared;
        let connection: &mut Connection = self.connections.get(key).expect("the caller has it");
        connection.greeted = true;
        connection.operator = match &shared.operator_token {
            Some(token) => token == hello.token,
            None => connection.local,
        };
        let welcome = Welcome {
            version: VERSION,
            core: self.core as u8,
            operator: connection.operator,
            credit: CREDIT,
            request_bytes_max: REQUEST_BYTES_MAX as u32,
            reply_bytes_max: REPLY_BYTES_MAX as u32,
            core_ports: shared.core_ports.clone(),
            partition_cores: shared.partition_cores.clone(),
            server: concat!("seathold/", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        Reply::Welcome(welcome).encode(correlation, connection.outbound());
    }

    fn reply(
        &mut self,
        key: ConnectionKey,
        correlation: u64,
        opcode: Opcode,
        counter: Counter,
        told: Result<Reply<'_>, Refusal>,
    ) {
        match told {
            Ok(reply) => {
                self.counters.bump(counter);
                let connection = self.connections.get(key).expect("the caller has it");
                reply.encode(correlation, connection.outbound());
            }
            Err(refusal) => self.refuse(key, opcode as u8, correlation, refusal),
        }
    }

    pub(super) fn refuse(&mut self, key: ConnectionKey, opcode: u8, correlation: u64, refusal: Refusal) {
        self.counters.count_refusal(refusal.status);
        let connection = self.connections.get(key).expect("the caller has it");
        frame::write_refusal(connection.outbound(), opcode, correlation, refusal.status, refusal.detail);
    }
}
