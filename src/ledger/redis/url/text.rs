//! Reads a Redis URL from the text that an operator wrote.

use super::percent::decode;
use super::{Login, Node, PREFIX_DEFAULT, Password, RedisUrl, RedisUrlError, Servers};
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::str::FromStr;

/// Where Redis listens when the URL does not say.
const PORT_DEFAULT: u16 = 6379;

/// Where a sentinel does.
const SENTINEL_PORT_DEFAULT: u16 = 26379;

/// Of a prefix. It is in every key, and keys are sent with every batch.
const PREFIX_BYTES_MAX: usize = 64;

/// The kinds of URL, each with and without TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Alone,
    Sentinel,
    Cluster,
}

impl FromStr for RedisUrl {
    type Err = RedisUrlError;

    fn from_str(text: &str) -> Result<Self, RedisUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(RedisUrlError::Scheme)?;
        let (kind, tls) = kind(scheme).ok_or(RedisUrlError::Scheme)?;
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, servers) =
            authority.rsplit_once('@').map_or((None, authority), |(login, servers)| (Some(login), servers));
        let nodes = nodes(servers, kind)?;
        let mut options = Options::parse(options)?;
        let prefix = options.prefix()?;
        let ca = options.path("ca", "/etc/seathold/ca.pem")?;
        let password_file = options.path("password_file", "/etc/seathold/password")?;
        let (user, password) = login.map_or(Ok((None, None)), user_and_password)?;
        let login = join(user, password, password_file)?;
        let (servers, database) = match kind {
            Kind::Alone => (alone(nodes)?, path),
            Kind::Sentinel => sentinel(nodes, path, &mut options)?,
            Kind::Cluster if path.is_empty() => (Servers::Cluster(nodes), ""),
            Kind::Cluster => return Err(RedisUrlError::DatabaseOfCluster),
        };
        options.end()?;
        if ca.is_some() && !tls {
            return Err(RedisUrlError::CaWithoutTls);
        }
        Ok(Self { servers, tls, login, database: number(database)?, prefix, ca })
    }
}

fn kind(scheme: &str) -> Option<(Kind, bool)> {
    let (base, kind) = match scheme.split_once('+') {
        None => (scheme, Kind::Alone),
        Some((base, "sentinel")) => (base, Kind::Sentinel),
        Some((base, "cluster")) => (base, Kind::Cluster),
        Some(_) => return None,
    };
    matches!(base, "redis" | "rediss").then_some((kind, base == "rediss"))
}

fn nodes(servers: &str, kind: Kind) -> Result<Vec<Node>, RedisUrlError> {
    let port_default = if kind == Kind::Sentinel { SENTINEL_PORT_DEFAULT } else { PORT_DEFAULT };
    let servers = servers.split(',').enumerate();
    servers
        .map(|(index, server)| node(server, port_default).ok_or(RedisUrlError::Server(index + 1)))
        .collect()
}

fn node(text: &str, port_default: u16) -> Option<Node> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            (host, port)
        }
        None => {
            let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            (Some(host).filter(|host| !host.is_empty() && host.bytes().all(is_name))?, port)
        }
    };
    let port = match port.strip_prefix(':') {
        Some(digits) if digits.starts_with('+') => return None,
        Some(digits) => digits.parse().ok().filter(|&port| port != 0)?,
        None if port.is_empty() => port_default,
        None => return None,
    };
    Some(Node { host: host.to_owned(), port })
}

fn alone(nodes: Vec<Node>) -> Result<Servers, RedisUrlError> {
    let [node] = <[Node; 1]>::try_from(nodes).map_err(|_| RedisUrlError::SeveralServers)?;
    Ok(Servers::Alone(node))
}

/// The servers, and what the path has of the database.
fn sentinel<'a>(
    sentinels: Vec<Node>,
    path: &'a str,
    options: &mut Options,
) -> Result<(Servers, &'a str), RedisUrlError> {
    let (name, database) = path.split_once('/').unwrap_or((path, ""));
    let name = decode(name).filter(|name| !name.is_empty()).ok_or(RedisUrlError::NoName)?;
    let user = options.text("sentinel_user", "seathold")?;
    let password_file = options.path("sentinel_password_file", "/etc/seathold/sentinel-password")?;
    Ok((Servers::Sentinel { sentinels, name, login: join(user, None, password_file)? }, database))
}

fn number(database: &str) -> Result<u32, RedisUrlError> {
    match database {
        "" => Ok(0),
        signed if signed.starts_with('+') => Err(RedisUrlError::Database),
        digits => digits.parse().map_err(|_| RedisUrlError::Database),
    }
}

/// What stands before the `@`.
fn user_and_password(login: &str) -> Result<(Option<String>, Option<String>), RedisUrlError> {
    let (user, password) =
        login.split_once(':').map_or((login, None), |(user, password)| (user, Some(password)));
    let decoded = |text: &str| decode(text).ok_or(RedisUrlError::Login);
    match (user, password) {
        ("", None) | (_, Some("")) => Err(RedisUrlError::Login),
        ("", Some(password)) => Ok((None, Some(decoded(password)?))),
        (user, password) => Ok((Some(decoded(user)?), password.map(decoded).transpose()?)),
    }
}

fn join(
    user: Option<String>,
    password: Option<String>,
    file: Option<PathBuf>,
) -> Result<Option<Login>, RedisUrlError> {
    let password = match (password, file) {
        (Some(_), Some(_)) => return Err(RedisUrlError::PasswordTwice),
        (Some(password), None) => Password::Text(password),
        (None, Some(file)) => Password::File(file),
        (None, None) if user.is_some() => return Err(RedisUrlError::PasswordMissing),
        (None, None) => return Ok(None),
    };
    Ok(Some(Login { user, password }))
}

/// What follows the `?`: each option is taken out by whoever knows it, and what is left nobody knows.
struct Options(Vec<(String, String)>);

impl Options {
    fn parse(text: &str) -> Result<Self, RedisUrlError> {
        let options = text.split('&').filter(|_| !text.is_empty());
        let parts = options.map(|option| {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            // An empty value is one that no option can have.
            (name.to_owned(), decode(value).unwrap_or_default())
        });
        Ok(Self(parts.collect()))
    }

    fn text(&mut self, name: &'static str, example: &'static str) -> Result<Option<String>, RedisUrlError> {
        let Some(index) = self.0.iter().position(|(other, _)| other == name) else {
            return Ok(None);
        };
        let (_, value) = self.0.remove(index);
        if self.0.iter().any(|(other, _)| other == name) {
            return Err(RedisUrlError::OptionTwice(name));
        }
        if value.is_empty() {
            return Err(RedisUrlError::OptionValue { name, example });
        }
        Ok(Some(value))
    }

    fn path(&mut self, name: &'static str, example: &'static str) -> Result<Option<PathBuf>, RedisUrlError> {
        Ok(self.text(name, example)?.map(PathBuf::from))
    }

    fn prefix(&mut self) -> Result<String, RedisUrlError> {
        const EXAMPLE: &str = "NAME, 1 to 64 of letters, digits, _ . and -";
        let prefix = self.text("prefix", EXAMPLE)?.unwrap_or_else(|| PREFIX_DEFAULT.to_owned());
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if prefix.len() > PREFIX_BYTES_MAX || !prefix.bytes().all(is_plain) {
            return Err(RedisUrlError::OptionValue { name: "prefix", example: EXAMPLE });
        }
        Ok(prefix)
    }

    fn end(self) -> Result<(), RedisUrlError> {
        match self.0.into_iter().next() {
            None => Ok(()),
            // Most likely the end of a password that has a `?`, which must not be shown.
            Some((name, value)) if name.contains('@') || value.contains('@') => Err(RedisUrlError::Login),
            Some((name, _)) => Err(RedisUrlError::UnknownOption(name)),
        }
    }
}
