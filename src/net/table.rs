//! The connections of one core. A key has the slot and its generation, so that a late answer to a closed connection
//! never reaches the next one in its slot.

use super::{CONNECTIONS_PER_CORE, Connection, Overdue};
use slab::Slab;

/// Names a connection of one core for as long as the process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionKey(pub u64);

impl ConnectionKey {
    fn new(slot: usize, generation: u32) -> Self {
        Self(u64::from(generation) << 32 | slot as u64)
    }

    /// The slot, which is also the connection's token.
    pub fn slot(self) -> usize {
        self.0 as u32 as usize
    }
}

/// Connections by slot.
#[derive(Default)]
pub struct Table {
    connections: Slab<(u32, Connection)>,
    generation: u32,
}

impl Table {
    /// Whether the core has its limit of connections.
    pub fn is_full(&self) -> bool {
        self.connections.len() >= CONNECTIONS_PER_CORE
    }

    /// The slot that the next connection gets.
    pub fn next_slot(&self) -> usize {
        self.connections.vacant_key()
    }

    /// Adds a connection.
    pub fn insert(&mut self, connection: Connection) -> ConnectionKey {
        self.generation = self.generation.wrapping_add(1);
        let slot = self.connections.insert((self.generation, connection));
        ConnectionKey::new(slot, self.generation)
    }

    /// The key of the connection in a slot.
    pub fn key(&self, slot: usize) -> Option<ConnectionKey> {
        self.connections.get(slot).map(|(generation, _)| ConnectionKey::new(slot, *generation))
    }

    /// The connection, unless it is closed.
    pub fn get(&mut self, key: ConnectionKey) -> Option<&mut Connection> {
        let (generation, connection) = self.connections.get_mut(key.slot())?;
        (ConnectionKey::new(key.slot(), *generation) == key).then_some(connection)
    }

    /// Takes a connection out.
    pub fn remove(&mut self, key: ConnectionKey) -> Option<Connection> {
        self.get(key)?;
        Some(self.connections.remove(key.slot()).1)
    }

    /// The keys of all connections.
    pub fn keys(&self) -> impl Iterator<Item = ConnectionKey> {
        self.connections.iter().map(|(slot, (generation, _))| ConnectionKey::new(slot, *generation))
    }

    /// Those that have passed a time limit, and which.
    pub fn overdue(&self, now_ms: u64) -> impl Iterator<Item = (ConnectionKey, Overdue)> {
        let all = self.connections.iter();
        all.filter_map(move |(slot, (generation, connection))| {
            Some((ConnectionKey::new(slot, *generation), connection.overdue(now_ms)?))
        })
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }
}
