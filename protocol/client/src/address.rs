//! A server's URL: `seathold://host:port`.
//!
//! The host is kept as it was written, since a name is looked up anew at every reconnect.

use std::fmt;
use std::net::Ipv6Addr;

/// The port of a URL that names none: where `seathold serve` listens unless told otherwise.
pub const PORT_DEFAULT: u16 = 7443;

const SCHEME: &str = "seathold://";

/// Where a server is: the host as written and the shared port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A name, an IPv4 address, or an IPv6 address without its brackets.
    pub host: String,
    /// The port that any core listens on.
    pub port: u16,
}

/// Why a URL names no server. Each is a sentence that says what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It begins with something else.
    #[error("the URL `{0}` does not begin with `seathold://`; write seathold://host:port")]
    Scheme(String),
    /// There is nothing between the scheme and the port.
    #[error("the URL `{0}` names no host; write seathold://host:port")]
    NoHost(String),
    /// The host has a character that no host has.
    #[error("the host `{0}` is neither a name nor an address; an IPv6 address stands in brackets: [::1]")]
    Host(String),
    /// The port is not a number from 1 to 65535.
    #[error("the port `{0}` is not a number from 1 to 65535")]
    Port(String),
    /// There is something after the port.
    #[error("`{0}` after the port means nothing here; write seathold://host:port")]
    Trailing(String),
}

impl std::str::FromStr for Address {
    type Err = AddressError;

    fn from_str(url: &str) -> Result<Self, AddressError> {
        let rest = url.strip_prefix(SCHEME).ok_or_else(|| AddressError::Scheme(url.to_owned()))?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if let Some(at) = rest.find(['/', '?', '#', '@']) {
            return Err(AddressError::Trailing(rest[at..].to_owned()));
        }
        let (host, port) = match rest.strip_prefix('[') {
            Some(bracketed) => {
                let (host, after) =
                    bracketed.split_once(']').ok_or_else(|| AddressError::Host(rest.to_owned()))?;
                host.parse::<Ipv6Addr>().map_err(|_| AddressError::Host(host.to_owned()))?;
                match after.strip_prefix(':') {
                    None if !after.is_empty() => return Err(AddressError::Trailing(after.to_owned())),
                    port => (host, port),
                }
            }
            None => match rest.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            },
        };
        if host.is_empty() {
            return Err(AddressError::NoHost(url.to_owned()));
        }
        let of_a_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
        if !host.bytes().all(of_a_host) {
            return Err(AddressError::Host(host.to_owned()));
        }
        let port = match port {
            None => PORT_DEFAULT,
            Some(text) => match text.parse() {
                Ok(port) if port != 0 => port,
                _ => return Err(AddressError::Port(text.to_owned())),
            },
        };
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "{SCHEME}[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{SCHEME}{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Result<(String, u16), AddressError> {
        url.parse::<Address>().map(|address| (address.host, address.port))
    }

    #[test]
    fn hosts_and_ports_are_read() {
        assert_eq!(parsed("seathold://127.0.0.1:7000"), Ok(("127.0.0.1".into(), 7000)));
        assert_eq!(parsed("seathold://sale.example/"), Ok(("sale.example".into(), PORT_DEFAULT)));
        assert_eq!(parsed("seathold://[::1]:9"), Ok(("::1".into(), 9)));
        assert_eq!("seathold://[::1]:9".parse::<Address>().unwrap().to_string(), "seathold://[::1]:9");
    }

    #[test]
    fn mistakes_are_sentences() {
        assert_eq!(parsed("http://a:1"), Err(AddressError::Scheme("http://a:1".into())));
        assert_eq!(parsed("seathold://:1"), Err(AddressError::NoHost("seathold://:1".into())));
        assert_eq!(parsed("seathold://a b:1"), Err(AddressError::Host("a b".into())));
        assert_eq!(parsed("seathold://[x]:1"), Err(AddressError::Host("x".into())));
        assert_eq!(parsed("seathold://::1:9"), Err(AddressError::NoHost("seathold://::1:9".into())));
        assert_eq!(parsed("seathold://a:0"), Err(AddressError::Port("0".into())));
        assert_eq!(parsed("seathold://a:70000"), Err(AddressError::Port("70000".into())));
        assert_eq!(parsed("seathold://a:1/db"), Err(AddressError::Trailing("/db".into())));
        assert_eq!(parsed("seathold://me@a:1"), Err(AddressError::Trailing("@a:1".into())));
        let text = parsed("seathold://a:x").unwrap_err().to_string();
        assert_eq!(text, "the port `x` is not a number from 1 to 65535");
    }
}
