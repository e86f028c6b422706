//! Why a text is no URL of a ledger in Redis. No sentence shows more of it than the name of an option: a password with
//! a stray `/` or `@` would end up anywhere else.

/// Why a text names no ledger in Redis, and what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedisUrlError {
    /// It begins with something else.
    #[error(
        "a ledger in Redis is redis://HOST:PORT, redis+sentinel://HOST:PORT,HOST:PORT/NAME or \
         redis+cluster://HOST:PORT,HOST:PORT; with TLS it begins with rediss"
    )]
    Scheme,
    /// The server at this place of the list, counted from 1.
    #[error(
        "server {0} of the URL is not HOST or HOST:PORT with a port from 1 to 65535 (IPv6 as [::1]:6379); if there \
         is a password before it, write % as %25, / as %2F, ? as %3F and @ as %40 in it"
    )]
    Server(usize),
    /// More than one without Sentinel or Cluster.
    #[error("redis:// is one server; for several write redis+sentinel://…/NAME or redis+cluster://…")]
    SeveralServers,
    /// What stands before the `@`.
    #[error(
        "the login before the @ is not USER:PASSWORD or :PASSWORD; in user and password write % as %25, / as %2F, \
         ? as %3F, @ as %40 and : as %3A"
    )]
    Login,
    /// A user alone.
    #[error("a user needs a password; add password_file=PATH to the options, or write USER:PASSWORD@")]
    PasswordMissing,
    /// In the URL and in a file.
    #[error("there are two passwords; keep password_file=PATH and take the other one out")]
    PasswordTwice,
    /// A Sentinel URL that names no group of servers.
    #[error(
        "redis+sentinel:// needs the name that the sentinels give the servers: redis+sentinel://HOST:26379/NAME"
    )]
    NoName,
    /// The path.
    #[error(
        "what follows the servers is not the number of a database, as in redis://HOST:6379/0; a / in a password is %2F"
    )]
    Database,
    /// A path where none can be.
    #[error("a cluster has database 0 only; end the servers with ? or nothing instead of a /")]
    DatabaseOfCluster,
    /// One that this kind of URL does not have.
    #[error(
        "\"{0}\" is no option of this URL; there are prefix, password_file and ca, and for redis+sentinel:// also \
         sentinel_user and sentinel_password_file"
    )]
    UnknownOption(String),
    /// Given twice.
    #[error("the option {0} is there twice; keep one")]
    OptionTwice(&'static str),
    /// A value that the option cannot have.
    #[error("the option {name} has no usable value; write {name}={example}")]
    OptionValue {
        /// The option.
        name: &'static str,
        /// A value that it can have.
        example: &'static str,
    },
    /// `ca` without TLS.
    #[error(
        "the option ca is for TLS; write rediss:// (or rediss+sentinel://, rediss+cluster://), or take ca out"
    )]
    CaWithoutTls,
}
