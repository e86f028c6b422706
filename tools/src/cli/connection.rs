//! Which server, as whom, and for how long to wait.

use super::advice;
use super::exit::Exit;
use super::failure::Failure;
use super::spans::parse_span;
use clap::Args;
use seathold_client::{BuildError, Client};
use std::path::{Path, PathBuf};
use std::time::Duration;

const URL_DEFAULT: &str = "seathold://127.0.0.1:7443";
const URL_VARIABLE: &str = "SEATHOLD_URL";

/// The options of every command that asks a server.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Server")]
pub(super) struct ServerOptions {
    /// The server
    #[arg(long, global = true, env = URL_VARIABLE, default_value = URL_DEFAULT, value_name = "URL")]
    url: String,
    /// File with the operator's token [default: none; a server without a token takes its own host for an operator]
    #[arg(long, global = true, env = "SEATHOLD_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How long an answer may take, repeats included
    #[arg(long, global = true, default_value = "5s", value_parser = parse_span, value_name = "SPAN")]
    timeout: Duration,
}

impl ServerOptions {
    /// The server's URL as given.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Connects.
    pub(super) fn connect(&self) -> Result<Client, Failure> {
        let token = self.token_file.as_deref().map_or(Ok(String::new()), read_token)?;
        let client = Client::builder(&self.url)
            .client_name(concat!("seathold-cli/", env!("CARGO_PKG_VERSION")))
            .operator_token(&token)
            .timeout(self.timeout)
            .connect_timeout(self.timeout);
        client.build().map_err(|error| match error {
            BuildError::NotReached { address, fault } => {
                Failure::new(Exit::NotConnected, format!("cannot reach {address}: {}", advice::fault(fault)))
            }
            BuildError::Address(error) => Failure::usage(error.to_string()),
            BuildError::Setting(sentence) => Failure::usage(sentence),
            BuildError::Thread(error) => {
                Failure::new(Exit::NotDone, format!("the client cannot be started: {error}"))
            }
        })
    }

    /// What a command that this tool suggests needs to reach the same server from the same shell.
    pub(super) fn url_option(&self) -> String {
        let known = std::env::var(URL_VARIABLE).unwrap_or_else(|_| URL_DEFAULT.to_owned());
        if self.url == known { String::new() } else { format!(" --url {}", self.url) }
    }
}

fn read_token(path: &Path) -> Result<String, Failure> {
    let token = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read the token from {}: {error}", path.display())))?;
    Ok(token.trim().to_owned())
}
