//! Asks the sentinels where the primary is. They are asked one after the other, because one that was cut off may name a
//! server that is none any more.

use super::{Access, Lost, Node, ask};
use redis::{Value, cmd, from_redis_value_ref};
use std::time::Instant;

/// The primary of the servers called `name`: named by a sentinel, and one by its own word.
pub(super) fn find(access: &Access, sentinels: &[Node], name: &str, until: Instant) -> Result<Node, Lost> {
    let mut reasons = Vec::new();
    let mut tried = Vec::new();
    for sentinel in sentinels.iter().take_while(|_| Instant::now() <= until) {
        let verified = named_by(access, sentinel, name).and_then(|node| {
            // In the first moments of a fail-over they all name the server that is gone, and each attempt takes its time.
            if tried.contains(&node) {
                return Err(Lost(format!("the sentinel at {sentinel} names {node} too")));
            }
            tried.push(node.clone());
            verified(access, node)
        });
        match verified {
            Ok(node) => return Ok(node),
            Err(Lost(reason)) => reasons.push(reason),
        }
    }
    Err(Lost(format!("no sentinel leads to the primary of {name}: {}", reasons.join("; "))))
}

fn named_by(access: &Access, sentinel: &Node, name: &str) -> Result<Node, Lost> {
    let mut link = access.connect_sentinel(sentinel)?;
    let reply = ask(&mut link, sentinel, cmd("SENTINEL").arg("get-master-addr-by-name").arg(name))?;
    address(&reply).ok_or_else(|| {
        Lost(format!(
            "the sentinel at {sentinel} knows no servers called {name}; check the name in --ledger by SENTINEL MASTERS"
        ))
    })
}

fn verified(access: &Access, node: Node) -> Result<Node, Lost> {
    let role = ask(&mut access.connect(&node)?, &node, &cmd("ROLE"))?;
    if is_primary(&role) {
        Ok(node)
    } else {
        Err(Lost(format!("{node} is named as primary and says that it is none")))
    }
}

/// Nothing if the sentinel does not know the name.
pub(super) fn address(reply: &Value) -> Option<Node> {
    let (host, port) = from_redis_value_ref::<Option<(String, u16)>>(reply).ok()??;
    Some(Node { host, port })
}

pub(super) fn is_primary(role: &Value) -> bool {
    let Value::Array(parts) = role else { return false };
    parts
        .first()
        .and_then(|role| from_redis_value_ref::<String>(role).ok())
        .is_some_and(|role| role == "master")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        let named = Value::Array(vec![text("10.0.0.7"), text("6380")]);
        assert_eq!(address(&named), Some(Node { host: "10.0.0.7".to_owned(), port: 6380 }));
        for unknown in [Value::Nil, Value::Array(vec![text("h")]), Value::Array(vec![text("h"), text("x")])] {
            assert_eq!(address(&unknown), None, "{unknown:?}");
        }
    }

    #[test]
    fn a_primary_is_one_by_its_own_word() {
        let primary = [text("master"), Value::Int(3), Value::Array(vec![])];
        assert!(is_primary(&Value::Array(primary.to_vec())));
        let replica = [text("slave"), text("10.0.0.7"), Value::Int(6379), text("connected"), Value::Int(3)];
        for other in [Value::Array(replica.to_vec()), Value::Array(vec![]), Value::Nil, text("master")] {
            assert!(!is_primary(&other), "{other:?}");
        }
    }
}
