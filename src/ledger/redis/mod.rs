//! The log in Redis: a stream per partition, an entry per batch, a script that appends only behind the tail it expects.

mod link;
mod node;

pub use self::link::Lost;
pub use self::node::Node;
