//! What `--ledger` accepts: `file:DIR` or `memory:`.

use std::path::PathBuf;
use std::str::FromStr;

/// Where the ledger is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerUrl {
    /// Segments in this directory.
    File(PathBuf),
    /// Nowhere: everything is lost when the process ends.
    Memory,
}

/// Why a text names no ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerUrlError {
    /// A scheme that is planned.
    #[error("the Redis ledger is not built yet; use file:DIR")]
    RedisNotBuilt,
    /// `file:` without a directory.
    #[error("file: needs a directory, for example file:/var/lib/seathold")]
    NoDirectory,
    /// Neither.
    #[error("\"{0}\" names no ledger; use file:DIR, or memory: to lose everything at exit")]
    Unknown(String),
}

impl FromStr for LedgerUrl {
    type Err = LedgerUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("file", "" | "//")) => Err(LedgerUrlError::NoDirectory),
            Some(("file", path)) => Ok(Self::File(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))),
            Some(("memory", "" | "//")) => Ok(Self::Memory),
            Some(("redis" | "rediss" | "redis+sentinel" | "redis+cluster", _)) => {
                Err(LedgerUrlError::RedisNotBuilt)
            }
            _ => Err(LedgerUrlError::Unknown(text.to_owned())),
        }
    }
}

impl std::fmt::Display for LedgerUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Memory => f.write_str("memory:"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_it_says() {
        assert_eq!("file:log".parse(), Ok(LedgerUrl::File("log".into())));
        assert_eq!("file:/var/lib/seathold".parse(), Ok(LedgerUrl::File("/var/lib/seathold".into())));
        assert_eq!("file:///var/lib/seathold".parse(), Ok(LedgerUrl::File("/var/lib/seathold".into())));
        assert_eq!("memory:".parse(), Ok(LedgerUrl::Memory));
        assert_eq!(LedgerUrl::File("a b".into()).to_string().parse(), Ok(LedgerUrl::File("a b".into())));
    }

    #[test]
    fn refuses_the_rest_with_what_to_do() {
        let refusal = |text: &str| text.parse::<LedgerUrl>().unwrap_err();
        assert_eq!(refusal("redis://host:6379"), LedgerUrlError::RedisNotBuilt);
        assert_eq!(refusal("file:"), LedgerUrlError::NoDirectory);
        assert_eq!(refusal("/var/lib"), LedgerUrlError::Unknown("/var/lib".to_owned()));
        assert_eq!(refusal("memory:x"), LedgerUrlError::Unknown("memory:x".to_owned()));
        assert_eq!(refusal(""), LedgerUrlError::Unknown(String::new()));
    }
}
