//! The network between clients and cores: bytes that arrive late, in slices, or never. A connection breaks in the middle of
//! a frame, falls silent in one direction while both ends believe in it, or outlives the client that gave it up.

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use std::collections::{BTreeMap, VecDeque};

/// Names one connection for as long as the world exists.
pub(crate) type LinkId = u64;

/// One direction of a connection.
#[derive(Default)]
struct Pipe {
    /// When pieces arrive, in their order.
    flights: VecDeque<(u64, Vec<u8>)>,
    /// Nothing that is sent arrives any more, and nobody is told.
    deaf: bool,
    /// The receiver learns that there will be no more, behind what is under way.
    ended: bool,
}

struct Link {
    node: usize,
    core: usize,
    up: Pipe,
    down: Pipe,
    /// When the server meets it.
    opens_ms: u64,
    accepted: bool,
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To the server.
    Up,
    /// To the client.
    Down,
}

/// All connections.
pub(crate) struct Network {
    random: Xoshiro256PlusPlus,
    links: BTreeMap<LinkId, Link>,
    next: LinkId,
    /// The longest ordinary delay, and of a hundred pieces how many take ten times as long.
    delay_ms: u64,
    late_percent: u32,
    pub(crate) now_ms: u64,
}

impl Network {
    pub(crate) fn new(mut random: Xoshiro256PlusPlus) -> Self {
        let delay_ms = [0, 3, 30][random.random_range(0..3)];
        let late_percent = [0, 5][random.random_range(0..2)];
        Self { random, links: BTreeMap::new(), next: 0, delay_ms, late_percent, now_ms: 0 }
    }

    /// From now on everything arrives, at once. What fell silent stays silent until it is given up.
    pub(crate) fn heal(&mut self) {
        (self.delay_ms, self.late_percent) = (0, 0);
    }

    pub(crate) fn connect(&mut self, node: usize, core: usize) -> LinkId {
        self.next += 1;
        let opens_ms = self.now_ms + self.delay();
        let (up, down) = (Pipe::default(), Pipe::default());
        self.links.insert(self.next, Link { node, core, up, down, opens_ms, accepted: false });
        self.next
    }

    /// The node at the other end.
    pub(crate) fn node_of(&self, id: LinkId) -> Option<usize> {
        self.links.get(&id).map(|link| link.node)
    }

    /// The next connection that reaches a core.
    pub(crate) fn accept(&mut self, node: usize, core: usize) -> Option<LinkId> {
        let now_ms = self.now_ms;
        let waits =
            |link: &Link| !link.accepted && (link.node, link.core) == (node, core) && link.opens_ms <= now_ms;
        let (id, link) = self.links.iter_mut().find(|(_, link)| waits(link))?;
        link.accepted = true;
        Some(*id)
    }

    pub(crate) fn send(&mut self, id: LinkId, way: Way, bytes: &[u8]) {
        let at_ms = self.now_ms + self.delay();
        let Some(link) = self.links.get_mut(&id) else { return };
        let after_ms = link.opens_ms.max(at_ms);
        let pipe = link.pipe(way);
        if bytes.is_empty() || pipe.deaf || pipe.ended {
            return;
        }
        let due_ms = pipe.flights.back().map_or(0, |(due, _)| *due).max(after_ms);
        pipe.flights.push_back((due_ms, bytes.to_vec()));
    }

    /// Appends to `out` what has arrived, up to `bytes_max`, sometimes less. Returns whether the end was met.
    pub(crate) fn read(&mut self, id: LinkId, way: Way, bytes_max: usize, out: &mut Vec<u8>) -> bool {
        let (now_ms, slice) = (self.now_ms, self.delay_ms > 0 && self.random.random_range(0..4) == 0);
        let room = if slice { self.random.random_range(1..=60) } else { bytes_max };
        let Some(link) = self.links.get_mut(&id) else { return true };
        let pipe = link.pipe(way);
        let mut left = room;
        while let Some((due_ms, piece)) = pipe.flights.front_mut() {
            if *due_ms > now_ms || left == 0 {
                return false;
            }
            let count = piece.len().min(left);
            out.extend(piece.drain(..count));
            left -= count;
            if piece.is_empty() {
                pipe.flights.pop_front();
            }
        }
        pipe.ended
    }

    /// One end closes: the other meets the end behind what is under way to it, and sends into nothing.
    pub(crate) fn close(&mut self, id: LinkId, by: Way) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let other = if by == Way::Up { Way::Down } else { Way::Up };
        link.pipe(by).ended = true;
        let back = link.pipe(other);
        (back.deaf, back.ended) = (true, true);
        back.flights.clear();
        if link.up.is_over() && link.down.is_over() {
            self.links.remove(&id);
        }
    }

    /// A connection breaks: of what is under way a part still arrives, ending anywhere in a frame.
    pub(crate) fn cut(&mut self) -> Option<LinkId> {
        let id = self.any()?;
        let random = &mut self.random;
        let link = self.links.get_mut(&id).expect("it was just found");
        for pipe in [&mut link.up, &mut link.down] {
            if let Some((_, piece)) = pipe.flights.back_mut() {
                piece.truncate(random.random_range(0..piece.len()));
                if piece.is_empty() {
                    pipe.flights.pop_back();
                }
            }
            (pipe.deaf, pipe.ended) = (true, true);
        }
        Some(id)
    }

    /// A connection falls silent in one direction. What is under way that way is lost.
    pub(crate) fn deafen(&mut self) -> Option<(LinkId, Way)> {
        let id = self.any()?;
        let way = if self.random.random_bool(0.5) { Way::Up } else { Way::Down };
        let pipe = self.links.get_mut(&id).expect("it was just found").pipe(way);
        pipe.deaf = true;
        pipe.flights.clear();
        Some((id, way))
    }

    /// A node is gone. If its host is gone too, nobody tells the clients.
    pub(crate) fn lose_node(&mut self, node: usize, silently: bool) {
        for link in self.links.values_mut().filter(|link| link.node == node) {
            (link.up.deaf, link.accepted) = (true, true);
            link.up.flights.clear();
            link.down.deaf = true;
            link.down.ended = !silently;
            if silently {
                link.down.flights.clear();
            }
        }
    }

    fn any(&mut self) -> Option<LinkId> {
        let count = self.links.len();
        (count > 0).then(|| {
            let at = self.random.random_range(0..count);
            *self.links.keys().nth(at).expect("fewer than there are")
        })
    }

    fn delay(&mut self) -> u64 {
        if self.delay_ms == 0 {
            return 0;
        }
        let late = self.random.random_range(0..100) < self.late_percent;
        self.random.random_range(0..=self.delay_ms) * if late { 10 } else { 1 }
    }
}

impl Link {
    fn pipe(&mut self, way: Way) -> &mut Pipe {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }
}

impl Pipe {
    fn is_over(&self) -> bool {
        self.ended && self.flights.is_empty()
    }
}
