//! What a server says of an append: the one table of error classes.
//!
//! A judgement is about one try. That the second try was refused tells nothing of the first: a batch whose outcome was
//! once unknown stays unknown until the same batch was asked for again and was taken, or was in already. A connection
//! that breaks and a reply that does not come (`Lost`) have no row, because they always leave the outcome unknown.

mod table;

use self::table::{Verdict, row};
use super::node::Node;
use super::tail::Tail;
use redis::{ServerError, Value};

/// What became of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Nothing was written, and this try will write nothing later.
    NotExecuted,
    /// It ran, but nobody says that it lasts: nothing is acknowledged for it.
    Executed,
    /// It may have been written, or not.
    Unknown,
}

/// What is to be done before the same is asked again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing: it passes by itself.
    Wait,
    /// Load the append step into this server.
    LoadScript,
    /// Look for the primary; this server is none, or not of this partition.
    FindPrimary,
    /// Ask this node, now and from now on.
    Retarget(Node),
    /// Ask this node for this once, with ASKING before it.
    Ask(Node),
    /// Ask with the step that may run above the memory limit, if the batch gives something back; else wait.
    FreeMemory,
    /// Tell the operator, who has to change something, and wait.
    Operator,
    /// Drop the connection and ask the same on a new one: only that settles what became of it.
    Settle,
}

/// What an error means for the append that it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whether it was written.
    pub class: Class,
    /// What to do next.
    pub remedy: Remedy,
    /// What it means, what an operator can do, and the server's own words. Begins in lower case, to stand behind the
    /// server's address.
    pub sentence: String,
}

/// Judges the error that answers one call of the append step.
pub fn classify(refusal: &ServerError) -> Judgement {
    let said = Said::new(refusal);
    let row = row(said.code, said.text);
    let (class, remedy) = match &row.verdict {
        // The step hands on what its first write was refused with; whatever else is raised inside it, and by a command
        // that can fail behind that write, may come behind it.
        _ if said.raised && !row.precedes_writes => (Class::Unknown, Remedy::Settle),
        Verdict::NotExecuted(remedy) => (Class::NotExecuted, remedy.clone()),
        Verdict::Moved => (Class::NotExecuted, said.node().map_or(Remedy::FindPrimary, Remedy::Retarget)),
        Verdict::Asked => (Class::NotExecuted, said.node().map_or(Remedy::Wait, Remedy::Ask)),
        Verdict::Executed => (Class::Executed, Remedy::Settle),
        Verdict::Unknown => (Class::Unknown, Remedy::Settle),
    };
    Judgement { class, remedy, sentence: format!("{} ({} {})", row.sentence, said.code, said.text) }
}

/// What the append step itself answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The batch was appended.
    Fresh,
    /// It was in already, and at the tail.
    Already,
    /// The tail is another one than the batch expects; `None` where the key is missing. Nothing was written.
    Other(Option<Tail>),
}

/// Reads the append step's reply: `{0, tail}`, `{1, tail}` or `{2, tail}`. `None` for anything else, which leaves the
/// outcome unknown.
pub fn taken(reply: &Value) -> Option<Taken> {
    let Value::Array(words) = reply else { return None };
    let [Value::Int(how), Value::BulkString(tail)] = &words[..] else { return None };
    let tail = std::str::from_utf8(tail).ok()?;
    match (how, tail.parse::<Tail>()) {
        (0, Ok(_)) => Some(Taken::Fresh),
        (1, Ok(_)) => Some(Taken::Already),
        (2, Ok(tail)) => Some(Taken::Other(Some(tail))),
        (2, Err(())) if tail.is_empty() => Some(Taken::Other(None)),
        _ => None,
    }
}

/// An error as the server worded it.
struct Said<'a> {
    code: &'a str,
    text: &'a str,
    /// A command raised it inside the step, which did not catch it.
    raised: bool,
}

impl<'a> Said<'a> {
    fn new(refusal: &'a ServerError) -> Self {
        let (code, text) = (refusal.code(), refusal.details().unwrap_or_default().trim_end());
        // Redis 7 appends ` script: <digest>, on @user_script:7.`, or `@user_function:7.`; Valkey leaves out the digest.
        let raised = text.contains(" script: ") && text.contains("on @user_");
        // Redis 6.2 puts where it was caught before what a script catches and hands on: `@user_script: 7: -OOM ...`.
        let caught = (code == "@user_script:").then(|| text.split_once(": ")).flatten();
        let (code, text) = match caught.map(|(_, error)| (error, error.strip_prefix('-'))) {
            None => (code, text),
            Some((_, Some(error))) => error.split_once(' ').unwrap_or((error, "")),
            Some((error, None)) => ("ERR", error),
        };
        // What EXEC itself is refused with stands behind its own code.
        let (code, text) = match text.strip_prefix("Transaction discarded because of: ") {
            Some(error) if code == "EXECABORT" => error.split_once(' ').unwrap_or((error, "")),
            _ => (code, text),
        };
        Self { code, text, raised }
    }

    /// The node that MOVED or ASK names: `<slot> <host>:<port>`. The host is empty or `?` where the cluster is told not to
    /// name its nodes.
    fn node(&self) -> Option<Node> {
        let (slot, address) = self.text.split_once(' ')?;
        slot.parse::<u16>().ok()?;
        let (host, port) = address.rsplit_once(':')?;
        let port = port.parse().ok().filter(|port| *port != 0)?;
        (!matches!(host, "" | "?")).then(|| Node { host: host.to_owned(), port })
    }
}

#[cfg(test)]
mod tests;
