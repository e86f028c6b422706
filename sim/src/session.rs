//! A client's end of its connections: one at a time, given up when an answer does not come, and what is open on it.

use crate::known::Wish;
use crate::network::{LinkId, Network, Way};
use seathold_protocol::frame;
use seathold_protocol::limits::REPLY_BYTES_MAX;
use seathold_protocol::reply::Reply;
use seathold_protocol::request::{Availability, Hello, Request, VERSION};
use std::collections::BTreeMap;

/// Bytes that a client reads at once.
const READ_BYTES: usize = 65_536;

/// What an open request asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked {
    Hello,
    Of(usize, Wish),
    Availability(Availability),
    /// One of many to fill a queue: any answer will do.
    Flood,
    /// Another's reservation, under its id.
    Theft,
}

/// One client.
#[derive(Default)]
pub(crate) struct Session {
    pub(crate) link: Option<LinkId>,
    rest: Vec<u8>,
    /// What was asked and when, by correlation.
    pub(crate) open: BTreeMap<u64, (Asked, u64)>,
    next: u64,
}

impl Session {
    pub(crate) fn connect(&mut self, net: &mut Network, node: usize, core: usize) {
        self.rest.clear();
        self.link = Some(net.connect(node, core));
        let hello = Hello { version_min: VERSION, version_max: VERSION, client: "sim", token: "" };
        let mut bytes = Vec::new();
        self.ask(Asked::Hello, &Request::Hello(hello), net.now_ms, &mut bytes);
        self.send(net, &bytes);
    }

    /// Encodes a request behind those that leave together.
    pub(crate) fn ask(&mut self, asked: Asked, request: &Request<'_>, now_ms: u64, out: &mut Vec<u8>) {
        self.next += 1;
        self.open.insert(self.next, (asked, now_ms));
        request.encode(self.next, out);
    }

    pub(crate) fn send(&mut self, net: &mut Network, bytes: &[u8]) {
        let link = self.link.expect("whoever sends is connected");
        net.send(link, Way::Up, bytes);
    }

    /// What has come, each reply with what it answers. The connection is gone afterwards if it has ended.
    pub(crate) fn receive(
        &mut self,
        net: &mut Network,
        mut each: impl FnMut(Asked, &Reply<'_>) -> Result<(), String>,
    ) -> Result<bool, String> {
        let Some(link) = self.link else { return Ok(false) };
        let ended = net.read(link, Way::Down, READ_BYTES, &mut self.rest);
        let mut start = 0;
        while let Some(frame) =
            frame::split(&self.rest[start..], REPLY_BYTES_MAX).map_err(|error| error.to_string())?
        {
            start += frame.bytes();
            let reply = Reply::decode(&frame).map_err(|error| format!("a reply cannot be read: {error}"))?;
            let open = self.open.remove(&frame.header.correlation);
            let (asked, _) = open.ok_or_else(|| format!("I5: {reply:?} answers nothing that is open"))?;
            each(asked, &reply)?;
        }
        self.rest.drain(..start);
        Ok(ended)
    }

    /// When the oldest open request was asked.
    pub(crate) fn waits_since(&self) -> Option<u64> {
        self.open.values().map(|(_, asked_ms)| *asked_ms).min()
    }

    /// Gives the connection up; what was open on it.
    pub(crate) fn give_up(&mut self, net: &mut Network) -> impl Iterator<Item = Asked> + use<> {
        if let Some(link) = self.link.take() {
            net.close(link, Way::Up);
        }
        std::mem::take(&mut self.open).into_values().map(|(asked, _)| asked)
    }
}
