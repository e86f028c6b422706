//! The URL of a ledger in Redis: which servers it is on, how to log in, and what its keys begin with.
//!
//! ```text
//! redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE][?OPTIONS]          rediss://… with TLS
//! redis+sentinel://[…@]HOST[:PORT],HOST[:PORT]/NAME[/DATABASE][?OPTIONS]   rediss+sentinel://… with TLS
//! redis+cluster://[…@]HOST[:PORT],HOST[:PORT][?OPTIONS]               rediss+cluster://… with TLS
//! ```
//!
//! Options are `prefix`, `password_file` and `ca`, and with Sentinel `sentinel_user` and `sentinel_password_file`.
//! Outside the host anything can be written as `%` and two hex digits.

mod error;
mod percent;
#[cfg(test)]
mod tests;
mod text;

pub use self::error::RedisUrlError;
use self::percent::Encoded;
use super::Node;
use std::fmt;
use std::path::PathBuf;

/// What keys begin with when the URL does not say.
const PREFIX_DEFAULT: &str = "seathold";

/// Where a ledger in Redis is. Neither its `Display` nor its `Debug` shows the password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    pub(super) servers: Servers,
    pub(super) tls: bool,
    pub(super) login: Option<Login>,
    /// 0 in a cluster, which has no other.
    pub(super) database: u32,
    /// What its keys begin with: 1 to 64 of letters, digits, `_`, `.` and `-`.
    pub(super) prefix: String,
    /// Certificates (PEM) that a server's must be signed by, instead of the system's.
    pub(super) ca: Option<PathBuf>,
}

/// Whom to ask where the primaries are.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Servers {
    /// There is one.
    Alone(Node),
    /// The sentinels know it.
    Sentinel {
        sentinels: Vec<Node>,
        /// What they call it.
        name: String,
        /// How to log in to the sentinels themselves.
        login: Option<Login>,
    },
    /// Any node of the cluster knows them. These are asked first.
    Cluster(Vec<Node>),
}

/// What a server wants to know of who connects.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    /// The server's default user if none.
    pub(super) user: Option<String>,
    pub(super) password: Password,
}

/// Where the password is from.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Password {
    /// The URL.
    Text(String),
    /// A file, read once at the start.
    File(PathBuf),
}

impl Servers {
    /// What the scheme has behind `redis` or `rediss`.
    fn suffix(&self) -> &'static str {
        match self {
            Self::Alone(_) => "",
            Self::Sentinel { .. } => "+sentinel",
            Self::Cluster(_) => "+cluster",
        }
    }

    fn nodes(&self) -> &[Node] {
        match self {
            Self::Alone(node) => std::slice::from_ref(node),
            Self::Sentinel { sentinels: nodes, .. } | Self::Cluster(nodes) => nodes,
        }
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}://", if self.tls { "rediss" } else { "redis" }, self.servers.suffix())?;
        if let Some(Login { user, password }) = &self.login {
            let user = user.as_deref().unwrap_or_default();
            match password {
                Password::Text(_) => write!(f, "{}:***@", Encoded(user))?,
                Password::File(_) if user.is_empty() => {}
                Password::File(_) => write!(f, "{}@", Encoded(user))?,
            }
        }
        let nodes: Vec<String> = self.servers.nodes().iter().map(Node::to_string).collect();
        f.write_str(&nodes.join(","))?;
        if let Servers::Sentinel { name, .. } = &self.servers {
            write!(f, "/{}", Encoded(name))?;
        }
        if self.database != 0 {
            write!(f, "/{}", self.database)?;
        }
        let mut separator = '?';
        for (name, value) in self.options() {
            write!(f, "{separator}{name}={}", Encoded(&value))?;
            separator = '&';
        }
        Ok(())
    }
}

impl RedisUrl {
    /// The options that are not as by default.
    fn options(&self) -> Vec<(&'static str, String)> {
        let mut options = Vec::new();
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        if self.prefix != PREFIX_DEFAULT {
            options.push(("prefix", self.prefix.clone()));
        }
        if let Some(Login { password: Password::File(file), .. }) = &self.login {
            options.push(("password_file", path(file)));
        }
        options.extend(self.ca.iter().map(|file| ("ca", path(file))));
        if let Servers::Sentinel { login: Some(Login { user, password }), .. } = &self.servers {
            options.extend(user.iter().map(|user| ("sentinel_user", user.clone())));
            if let Password::File(file) = password {
                options.push(("sentinel_password_file", path(file)));
            }
        }
        options
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
    }
}
