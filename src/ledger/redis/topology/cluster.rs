//! Asks the nodes of a cluster who has which slots.

use super::{Access, Lost, Map, Node, SLOTS, ask};
use redis::{Value, cmd, from_redis_value_ref};
use std::time::Instant;

/// The map of the first node that is in touch with the cluster; else of the first that has one, which may be old.
pub(super) fn find<'a>(
    access: &Access,
    nodes: impl Iterator<Item = &'a Node>,
    until: Instant,
) -> Result<Map, Lost> {
    let mut reasons = Vec::new();
    let mut tried = Vec::new();
    let mut doubtful = None;
    for node in nodes {
        if tried.contains(&node) || Instant::now() > until {
            continue;
        }
        tried.push(node);
        match map_of(access, node) {
            Ok((map, true)) => return Ok(map),
            Ok((map, false)) => doubtful = doubtful.or(Some(map)),
            Err(Lost(reason)) => reasons.push(reason),
        }
    }
    doubtful.ok_or_else(|| {
        Lost(format!("no node of the cluster tells who has the slots: {}", reasons.join("; ")))
    })
}

/// What a node has as the map, and whether the cluster is up in its eyes. One that was cut off says that it is down.
fn map_of(access: &Access, node: &Node) -> Result<(Map, bool), Lost> {
    let mut link = access.connect(node)?;
    let map = map(&ask(&mut link, node, cmd("CLUSTER").arg("SLOTS"))?, node);
    if map.primaries.is_empty() {
        return Err(Lost(format!(
            "{node} names no node with slots; check that it is in the cluster and what its nodes announce as their host"
        )));
    }
    // Not every user may ask.
    let is_up = ask(&mut link, node, cmd("CLUSTER").arg("INFO")).map_or(true, |info| is_up(&info));
    Ok((map, is_up))
}

/// `[[first, last, primary, replica…]…]` with each node as `[host, port, id…]`. The host is nothing where a node does not
/// know its own or is told not to tell: then it is the one by which it was `asked`.
pub(super) fn map(reply: &Value, asked: &Node) -> Map {
    let mut map = Map { primaries: Vec::new(), members: vec![asked.clone()] };
    for range in sequence(reply) {
        let [first, last, primary, replicas @ ..] = sequence(range) else { continue };
        let (Some(first), Some(last)) = (number(first), number(last)) else { continue };
        if first > last || last >= SLOTS {
            continue;
        }
        let primary = node(primary, asked);
        map.members.extend(replicas.iter().filter_map(|replica| node(replica, asked)));
        map.members.extend(primary.clone());
        map.primaries.extend(primary.map(|primary| (first..=last, primary)));
    }
    map
}

fn node(node: &Value, asked: &Node) -> Option<Node> {
    let [host, port, ..] = sequence(node) else { return None };
    let host = match from_redis_value_ref::<Option<String>>(host).ok()? {
        None => asked.host.clone(),
        Some(host) if host.is_empty() => asked.host.clone(),
        // It is to be named, and has no name.
        Some(host) if host == "?" => return None,
        Some(host) => host,
    };
    Some(Node { host, port: number(port)? })
}

/// The redis crate itself would cut off what is too much for it.
fn number(value: &Value) -> Option<u16> {
    u16::try_from(from_redis_value_ref::<i64>(value).ok()?).ok()
}

fn sequence(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        _ => &[],
    }
}

pub(super) fn is_up(info: &Value) -> bool {
    from_redis_value_ref::<String>(info).is_ok_and(|info| info.lines().any(|line| line == "cluster_state:ok"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn server(host: Value, port: i64) -> Value {
        let metadata = Value::Map(vec![(text("hostname"), text("c1.example.org"))]);
        Value::Array(vec![host, Value::Int(port), text("09dbe9720cda62f7865eabc5fd8857c5d2678366"), metadata])
    }

    fn range(first: i64, last: i64, servers: Vec<Value>) -> Value {
        Value::Array([vec![Value::Int(first), Value::Int(last)], servers].concat())
    }

    fn at(host: &str, port: u16) -> Node {
        Node { host: host.to_owned(), port }
    }

    #[test]
    fn slots_belong_to_the_first_of_each_range() {
        let reply = Value::Array(vec![
            range(0, 5460, vec![server(text("10.0.0.1"), 7000), server(text("10.0.0.4"), 7003)]),
            range(5461, 10922, vec![server(text("c2.example.org"), 7001)]),
            range(10923, 10923, vec![server(text("10.0.0.1"), 7000)]),
            range(10924, 16383, vec![server(text("::1"), 7002)]),
        ]);
        let Map { primaries, members } = map(&reply, &at("seed", 7000));
        let expected = [
            (0..=5460, at("10.0.0.1", 7000)),
            (5461..=10922, at("c2.example.org", 7001)),
            (10923..=10923, at("10.0.0.1", 7000)),
            (10924..=16383, at("::1", 7002)),
        ];
        assert_eq!(primaries, expected);
        assert_eq!(members[0], at("seed", 7000), "who answered is asked first the next time");
        assert!(members.contains(&at("10.0.0.4", 7003)), "{members:?}");
    }

    #[test]
    fn a_node_without_a_host_is_where_it_was_asked_and_one_unknown_is_left_out() {
        let reply = Value::Array(vec![
            range(0, 1, vec![server(text(""), 7000)]),
            range(2, 3, vec![server(Value::Nil, 7001)]),
            range(4, 5, vec![server(text("?"), 7002), server(text("10.0.0.4"), 7003)]),
        ]);
        let Map { primaries, members } = map(&reply, &at("seed", 6379));
        assert_eq!(primaries, [(0..=1, at("seed", 7000)), (2..=3, at("seed", 7001))]);
        assert_eq!(members, [at("seed", 6379), at("seed", 7000), at("seed", 7001), at("10.0.0.4", 7003)]);
    }

    #[test]
    fn what_is_no_map_names_no_primary() {
        let broken = [
            Value::Nil,
            Value::Okay,
            Value::Array(vec![]),
            Value::Array(vec![Value::Int(1)]),
            Value::Array(vec![range(0, 1, vec![])]),
            Value::Array(vec![range(0, 16384, vec![server(text("h"), 1)])]),
            Value::Array(vec![range(-1, 5, vec![server(text("h"), 1)])]),
            Value::Array(vec![range(0, 1, vec![server(text("h"), 65536)])]),
            Value::Array(vec![range(0, 1, vec![Value::Array(vec![text("h")])])]),
        ];
        for reply in broken {
            assert_eq!(map(&reply, &at("seed", 1)).primaries, [], "{reply:?}");
        }
    }

    #[test]
    fn the_state_is_a_line_of_its_own() {
        assert!(is_up(&text("cluster_state:ok\r\ncluster_slots_assigned:16384\r\n")));
        assert!(!is_up(&text("cluster_state:fail\r\ncluster_slots_ok:0\r\n")));
        assert!(!is_up(&Value::Nil));
    }
}
