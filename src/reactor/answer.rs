//! From answers to bytes: each answer to its connection or its core, then to the socket.

use super::Reactor;
use crate::counters::Counter;
use crate::engine::Answered;
use crate::net::ConnectionKey;
use crate::shard::Answer;
use crate::sys::point;
use seathold_protocol::frame;
use seathold_protocol::reply::Reply;

impl Reactor {
    /// Hands out what the engine may tell.
    pub(super) fn hand_out_answers(&mut self) {
        while let Some(answered) = self.engine.next_answer() {
            if usize::from(answered.origin.core) == self.core {
                self.tell(answered);
            } else {
                self.mailbox.answer(answered);
            }
        }
    }

    /// Encodes an answer for its connection, unless that is gone.
    pub(super) fn tell(&mut self, answered: Answered) {
        let origin = answered.origin;
        let key = ConnectionKey(origin.connection);
        let Some(connection) = self.connections.get(key) else {
            self.counters.bump(Counter::AnswersUndelivered);
            return;
        };
        connection.finish();
        let out = connection.outbound();
        match answered.answer {
            Answer::Reservation(reservation) => {
                Reply::Reservation(origin.opcode, reservation).encode(origin.correlation, out);
            }
            Answer::Sale(sale) => Reply::Sale(origin.opcode, sale).encode(origin.correlation, out),
            Answer::Refused(refusal) => frame::write_refusal(
                out,
                origin.opcode as u8,
                origin.correlation,
                refusal.status,
                refusal.detail,
            ),
        }
        let waiting = connection.readable || connection.has_rest();
        self.queue_to_flush(key);
        if waiting {
            self.queue_to_serve(key);
        }
    }

    /// Writes what every connection has to be told, once.
    pub(super) fn flush(&mut self) {
        let mut keys = std::mem::take(&mut self.to_flush);
        for key in keys.drain(..) {
            let Some(connection) = self.connections.get(key) else { continue };
            connection.queued_to_flush = false;
            self.write_out(key);
        }
        self.to_flush = keys;
    }

    /// Writes what one connection has to be told so far.
    pub(super) fn write_out(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connections.get(key) else { return };
        point("reactor::answers");
        match connection.flush(self.now.boot_ms) {
            Ok(written) => {
                let done = connection.closing && connection.is_settled();
                let resume = connection.has_room() && (connection.readable || connection.has_rest());
                self.counters.add(Counter::BytesWritten, written as u64);
                if done {
                    self.close(key);
                } else if resume && written > 0 {
                    self.queue_to_serve(key);
                }
            }
            Err(_) => {
                self.counters.bump(Counter::ConnectionsReset);
                self.close(key);
            }
        }
    }

    pub(super) fn queue_to_flush(&mut self, key: ConnectionKey) {
        if let Some(connection) = self.connections.get(key)
            && !connection.queued_to_flush
        {
            connection.queued_to_flush = true;
            self.to_flush.push(key);
        }
    }

    pub(super) fn queue_to_serve(&mut self, key: ConnectionKey) {
        if let Some(connection) = self.connections.get(key)
            && !connection.queued_to_serve
        {
            connection.queued_to_serve = true;
            self.to_serve.push_back(key);
        }
    }
}
