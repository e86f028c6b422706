//! Opens connections to the servers of the ledger: within a time, logged in, with TLS where the URL says so.

mod files;
mod reason;
#[cfg(test)]
mod tests;

pub use self::files::AccessError;
use super::url::{Login, Password, Servers};
use super::{Link, Lost, Node, RedisUrl};
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{
    Client, ConnectionAddr, IntoConnectionInfo as _, ProtocolVersion, RedisConnectionInfo, RedisError,
    TlsCertificates,
};
use std::time::Duration;

/// Of each step on the way to a connection: of each address that the host has, and of each reply of the greeting. A
/// server that needs longer for those would not serve a sale. How long the host's name takes is the resolver's to say.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a connection is idle before the other side is asked whether it is still there: a firewall on the way
/// forgets connections that are silent for minutes.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(10);

/// How long what was sent may stay unacknowledged by the other side's kernel before the connection counts as broken.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(10);

/// What the servers list the connection as.
const CLIENT_NAME: &str = "seathold";

/// All that a connection needs besides the node.
#[derive(Clone, Debug)]
pub struct Access {
    /// The authorities to believe, and only those; the system's if none.
    authorities: TlsCertificates,
    tls: bool,
    server: Greeting,
    sentinel: Greeting,
}

/// What is said first on a connection, and what to call the other side.
#[derive(Clone, Debug)]
struct Greeting {
    settings: RedisConnectionInfo,
    peer: &'static str,
    /// Where in the URL an operator looks when the login is refused.
    login: &'static str,
}

impl Access {
    /// Reads the files that the URL names.
    pub fn new(url: &RedisUrl) -> Result<Self, AccessError> {
        if url.tls {
            // Whoever else has set one has set the same: there is no other in this build.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let root_cert = url.ca.as_deref().map(files::authorities).transpose()?;
        let sentinel_login = match &url.servers {
            Servers::Sentinel { login, .. } => login.as_ref(),
            Servers::Alone(_) | Servers::Cluster(_) => None,
        };
        Ok(Self {
            authorities: TlsCertificates { client_tls: None, root_cert },
            tls: url.tls,
            server: Greeting {
                settings: settings(url.login.as_ref())?.set_db(i64::from(url.database)),
                peer: "Redis",
                login: "USER:PASSWORD or password_file",
            },
            sentinel: Greeting {
                settings: settings(sentinel_login)?,
                peer: "the sentinel",
                login: "sentinel_password_file (and sentinel_user)",
            },
        })
    }

    /// Opens a connection to a server that keeps the ledger.
    pub fn connect(&self, node: &Node) -> Result<Link, Lost> {
        self.open(node, &self.server)
    }

    /// Opens a connection to a sentinel.
    pub fn connect_sentinel(&self, node: &Node) -> Result<Link, Lost> {
        self.open(node, &self.sentinel)
    }

    fn open(&self, node: &Node, greeting: &Greeting) -> Result<Link, Lost> {
        let connection = self
            .client(node, greeting)
            .and_then(|client| client.get_connection_with_timeout(CONNECT_TIMEOUT))
            .map_err(|error| self.lost(node, greeting, &error))?;
        let mut link = Link::new(connection);
        // A refusal is no loss: not every user may use CLIENT, and the name only helps to read CLIENT LIST.
        let _refused = link
            .ask(redis::cmd("CLIENT").arg("SETNAME").arg(CLIENT_NAME), CONNECT_TIMEOUT)
            .map_err(|Lost(reason)| Lost(format!("{} at {node} went silent: {reason}", greeting.peer)))?;
        Ok(link)
    }

    fn client(&self, Node { host, port }: &Node, greeting: &Greeting) -> Result<Client, RedisError> {
        let (host, port) = (host.clone(), *port);
        let address = if self.tls {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        let tcp = TcpSettings::default()
            .set_nodelay(true)
            .set_keepalive(TcpKeepalive::new().with_time(KEEPALIVE_AFTER))
            .set_user_timeout(UNACKNOWLEDGED_MAX);
        let info = address
            .into_connection_info()?
            .set_tcp_settings(tcp)
            .set_redis_settings(greeting.settings.clone());
        if self.tls { Client::build_with_tls(info, self.authorities.clone()) } else { Client::open(info) }
    }
}

fn settings(login: Option<&Login>) -> Result<RedisConnectionInfo, AccessError> {
    // The name of the redis crate is nobody's business, and servers before 7.2 count it as an error.
    let settings =
        RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3).set_skip_set_lib_name();
    let Some(Login { user, password }) = login else {
        return Ok(settings);
    };
    let password = match password {
        Password::Text(password) => password.clone(),
        Password::File(path) => files::password(path)?,
    };
    let settings = settings.set_password(password);
    Ok(match user {
        Some(user) => settings.set_username(user),
        None => settings,
    })
}
