//! What `--ledger` accepts: `file:DIR`, a Redis URL or `memory:`.

use super::redis::{RedisUrl, RedisUrlError};
use clap::builder::{TypedValueParser, ValueParserFactory};
use clap::error::ErrorKind;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::str::FromStr;

/// Where the ledger is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerUrl {
    /// Segments in this directory.
    File(PathBuf),
    /// Streams in Redis.
    Redis(RedisUrl),
    /// Nowhere: everything is lost when the process ends.
    Memory,
}

/// Why a text names no ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerUrlError {
    /// `redis:` and its kin with something wrong in it.
    #[error(transparent)]
    Redis(#[from] RedisUrlError),
    /// `file:` without a directory.
    #[error("file: needs a directory, for example file:/var/lib/seathold")]
    NoDirectory,
    /// None of them. It is shown as far as it can hold no password.
    #[error(
        "\"{0}\" names no ledger; use file:DIR, redis://HOST:PORT, or memory: to lose everything at exit"
    )]
    Unknown(String),
}

impl FromStr for LedgerUrl {
    type Err = LedgerUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("file", "" | "//")) => Err(LedgerUrlError::NoDirectory),
            Some(("file", path)) => Ok(Self::File(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))),
            Some(("memory", "" | "//")) => Ok(Self::Memory),
            Some((scheme, _)) if scheme.starts_with("redis") => Ok(Self::Redis(text.parse()?)),
            _ => Err(LedgerUrlError::Unknown(without_login(text))),
        }
    }
}

impl std::fmt::Display for LedgerUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Redis(url) => url.fmt(f),
            Self::Memory => f.write_str("memory:"),
        }
    }
}

/// A text without what may be a user and a password.
fn without_login(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((before, after)) => {
            let scheme = before.split_once("://").map_or(String::new(), |(scheme, _)| format!("{scheme}://"));
            format!("{scheme}***@{after}")
        }
        None => text.to_owned(),
    }
}

impl ValueParserFactory for LedgerUrl {
    type Parser = LedgerUrlParser;

    fn value_parser() -> LedgerUrlParser {
        LedgerUrlParser
    }
}

/// Reads a ledger's URL from the command line. Clap itself would repeat the text that it refuses, password and all, to
/// a journal that others read.
#[derive(Clone, Copy, Debug)]
pub struct LedgerUrlParser;

impl TypedValueParser for LedgerUrlParser {
    type Value = LedgerUrl;

    fn parse_ref(
        &self,
        command: &clap::Command,
        option: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<LedgerUrl, clap::Error> {
        value.to_string_lossy().parse().map_err(|error: LedgerUrlError| {
            let option = option.map(|option| format!(" for '{option}'")).unwrap_or_default();
            let sentence = format!("invalid value{option}: {error}\n");
            clap::Error::raw(ErrorKind::ValueValidation, sentence).with_cmd(command)
        })
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
    fn a_redis_url_is_shown_without_its_password() {
        let url: LedgerUrl = "redis+cluster://user:hunter2@r1,r2".parse().unwrap();
        assert_eq!(url.to_string(), "redis+cluster://user:***@r1:6379,r2:6379");
        assert!(!format!("{url:?}").contains("hunter2"));
    }

    #[test]
    fn refuses_the_rest_with_what_to_do() {
        let refusal = |text: &str| text.parse::<LedgerUrl>().unwrap_err();
        assert_eq!(refusal("redis://host:x"), LedgerUrlError::Redis(RedisUrlError::Server(1)));
        assert_eq!(refusal("redis+sentry:"), LedgerUrlError::Redis(RedisUrlError::Scheme));
        assert_eq!(refusal("file:"), LedgerUrlError::NoDirectory);
        assert_eq!(refusal("/var/lib"), LedgerUrlError::Unknown("/var/lib".to_owned()));
        assert_eq!(refusal("memory:x"), LedgerUrlError::Unknown("memory:x".to_owned()));
        assert_eq!(refusal(""), LedgerUrlError::Unknown(String::new()));
    }

    #[test]
    fn no_refusal_repeats_a_password() {
        #[derive(Debug, clap::Parser)]
        struct Options {
            #[arg(long)]
            ledger: LedgerUrl,
        }
        let parse = |url: &str| <Options as clap::Parser>::try_parse_from(["seathold", "--ledger", url]);
        assert_eq!(parse("memory:").unwrap().ledger, LedgerUrl::Memory);
        for url in ["reddis://u:hunter2@r1", "redis://u:hunter2@r1:x", "u:hunter2@r1"] {
            let error = parse(url).expect_err(url);
            assert_eq!(error.kind(), ErrorKind::ValueValidation);
            let said = error.to_string();
            assert!(said.contains("--ledger") && !said.contains("hunter2"), "{said}");
        }
    }
}
