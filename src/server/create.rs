//! `create-ledger`: a new ledger in Redis. A directory needs none of this: it shows by its other files what it is.

use super::StartError;
use crate::ledger::LedgerUrl;
use crate::ledger::redis;
use clap::Args;
use jiff::Timestamp;
use seathold_protocol::limits::PARTITIONS_DEFAULT;

/// Options of `seathold create-ledger`.
#[derive(Clone, Debug, Args)]
pub struct CreateOptions {
    /// Where: redis://HOST:PORT (also rediss, redis+sentinel, redis+cluster)
    #[arg(long, env = "SEATHOLD_LEDGER", hide_env_values = true, value_name = "URL")]
    pub ledger: LedgerUrl,
    /// How many partitions it has, for ever; a server uses as many cores as there are partitions at most
    #[arg(long, default_value_t = PARTITIONS_DEFAULT, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub partitions: u16,
}

/// Creates an empty ledger. One that is there already stays as it is.
pub fn create_ledger(options: &CreateOptions) -> Result<(), StartError> {
    match &options.ledger {
        LedgerUrl::Redis(url) => {
            let created = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            Ok(redis::create(url, options.partitions, &created)?)
        }
        LedgerUrl::File(_) => Err(StartError::Usage(
            "a file: ledger needs no creation: `seathold serve` makes it in an empty directory".to_owned(),
        )),
        LedgerUrl::Memory => Err(StartError::Usage(
            "a memory: ledger lives and ends with its server; there is nothing to create".to_owned(),
        )),
    }
}
