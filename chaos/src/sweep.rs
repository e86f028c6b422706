//! Kills one life of a server after the other at calls on the way to durability: a list of them on one ledger, or every kind at
//! every occurrence, each on a ledger of its own.

use crate::buyers::Buyers;
use crate::crowd::Crowd;
use crate::disk_calls::{DiskCall, KillAt, can_trace};
use crate::full::full_ledger;
use crate::strikes::{Struck, conclude, died_of_it};
use crate::timetable::Timetable;
use crate::{ChaosError, Server, Setup, until};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// A server that has done so many requests is not killed any more: the call was not made so often.
const REQUESTS: u64 = 400;

/// What a run checks behind its last kill.
const REQUESTS_AFTER: u64 = 50;

/// Begins a life of the server for each kill, which must strike, and starts it as it was at the end.
pub fn strike_each(server: &mut Server, kills: &[KillAt]) -> Result<(), ChaosError> {
    let plain = Setup { through: Vec::new(), ..server.setup().clone() };
    for kill in kills {
        server.begin_again_as(kill.on(&plain))?;
        let status = server.ended();
        let status = status.map_err(|error| ChaosError::NoFault(format!("{kill:?}: {error}")))?;
        died_of_it(status, None)
            .map_err(|error| ChaosError::NoFault(format!("{kill:?}: {error}: {}", server.said())))?;
    }
    server.start_again_as(plain)
}

/// Kills at every occurrence of every kind up to the `most`th, in the first start and under load. `tell` hears how many kills
/// are done. With a violation it stops, and its ledger is kept in the directory that comes back.
pub(crate) fn sweep(
    program: &Path,
    seed: u64,
    most: u32,
    mut tell: impl FnMut(u64),
) -> Result<(Struck, Option<TempDir>), ChaosError> {
    if !can_trace() {
        return Err(ChaosError::NoFault("strace is not installed, or may not trace here".to_owned()));
    }
    let timetable = Arc::new(Timetable::load()?);
    let mut all = Struck::default();
    for (call, under_load) in DiskCall::ALL.into_iter().flat_map(|call| [(call, false), (call, true)]) {
        for nth in 1..=most {
            let directory = TempDir::with_prefix("seathold-chaos-")?;
            let setup = Setup::new(program, &directory.path().join("ledger"));
            let buyers =
                Buyers::new(seed.wrapping_add(all.kills + all.kills_at_start), Arc::clone(&timetable));
            let Some(struck) = strike_once(setup, &buyers, call.nth(nth), under_load)? else { break };
            let broken = !struck.checked.violations.is_empty();
            all.add(struck);
            tell(all.kills + all.kills_at_start);
            if broken {
                return Ok((all, Some(directory)));
            }
        }
    }
    Ok((all, None))
}

/// One kill on a ledger of its own; `None` if the call is not made so often.
fn strike_once(
    setup: Setup,
    buyers: &Buyers,
    kill: KillAt,
    under_load: bool,
) -> Result<Option<Struck>, ChaosError> {
    let mut struck = Struck::default();
    let (server, crowd) = if under_load {
        let mut server = full_ledger(setup.clone(), buyers)?;
        server.begin_again_as(kill.on(&setup))?;
        let crowd = Crowd::start(&server, buyers.clone(), 0)?;
        let look =
            || server.has_ended().transpose().map(Some).or_else(|| (crowd.done() > REQUESTS).then_some(None));
        let Some(status) = until("a kill", look)?.transpose()? else { return Ok(None) };
        died_of_it(status, None)?;
        struck.kills = 1;
        server.start_again_as(setup)?;
        (server, crowd)
    } else {
        let mut server = Server::begin(kill.on(&setup))?;
        match server.wait_until_ready() {
            Ok(()) => return Ok(None),
            Err(ChaosError::NotStarted { status, .. }) => died_of_it(status, None)?,
            Err(error) => return Err(error),
        }
        struck.kills_at_start = 1;
        server.start_again_as(setup)?;
        buyers.timetable().open(&server.client()?)?;
        let crowd = Crowd::start(&server, buyers.clone(), 0)?;
        (server, crowd)
    };
    crowd.wait_for(REQUESTS_AFTER)?;
    struck.checked = conclude(server, buyers, crowd.finish()?)?;
    Ok(Some(struck))
}
