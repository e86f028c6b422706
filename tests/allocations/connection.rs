//! A connection that allocates nothing while it sends a script and reads the replies.

use crate::script::Script;
use seathold_protocol::frame::{self, HEADER_BYTES};
use seathold_protocol::limits::REPLY_BYTES_MAX;
use seathold_protocol::reply::{Reply, Welcome};
use seathold_protocol::request::{Hello, Request, VERSION};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub(crate) struct Connection {
    stream: TcpStream,
    inbound: Box<[u8]>,
    /// Bytes of `inbound` that were read and belong to replies that are not whole.
    filled: usize,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> (Self, Welcome) {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut it = Self { stream, inbound: vec![0; REPLY_BYTES_MAX].into(), filled: 0 };
        let mut hello = Vec::new();
        let request = Hello { version_min: 1, version_max: VERSION, client: "allocations", token: "" };
        Request::Hello(request).encode(0, &mut hello);
        it.stream.write_all(&hello).unwrap();
        let mut welcome = None;
        it.read(|reply| match Reply::decode(reply) {
            Ok(Reply::Welcome(told)) => welcome = Some(told),
            other => panic!("HELLO was answered {other:?}"),
        });
        (it, welcome.expect("the first reply is whole"))
    }

    /// Sends what is in `script`, with so many requests under way at most, and reads what it is answered.
    pub(crate) fn play(&mut self, script: &Script, in_flight: usize) {
        let (mut sent, mut answered) = (0, 0);
        while answered < script.len() {
            let until = script.len().min(answered + in_flight);
            self.stream.write_all(script.frames(sent..until)).unwrap();
            sent = until;
            self.read(|reply| {
                script.check(reply.header.correlation, reply.header.status);
                answered += 1;
            });
        }
    }

    /// Reads until there is a whole reply, and shows every one that is.
    fn read(&mut self, mut show: impl FnMut(&frame::Frame<'_>)) {
        let mut at = 0;
        while at == 0 {
            let read = self.stream.read(&mut self.inbound[self.filled..]).unwrap();
            assert!(read > 0, "the server has closed the connection");
            self.filled += read;
            while let Some(reply) = frame::split(&self.inbound[at..self.filled], REPLY_BYTES_MAX).unwrap() {
                show(&reply);
                at += HEADER_BYTES + reply.body.len();
            }
        }
        self.inbound.copy_within(at..self.filled, 0);
        self.filled -= at;
    }
}
