//! Strikes at random moments under load: SIGKILL, SIGKILL again while the server starts, SIGSTOP and SIGCONT. With a disk whose
//! power can be cut, each SIGKILL comes with a loss of power.

use crate::buyers::Buyers;
use crate::check::{Checked, check};
use crate::crowd::Crowd;
use crate::healing::heal;
use crate::history::History;
use crate::segment::tear;
use crate::timetable::Timetable;
use crate::{ChaosError, Disk, Server, Setup};
use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rustix::process::Signal;
use serde::Serialize;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two strikes the server does so many requests at least and at most.
const REQUESTS: std::ops::Range<u64> = 50..1_500;

/// A strike comes up to so long after the last of them: anywhere in a turn, a write or a sync.
const MOMENT_US: std::ops::Range<u64> = 0..5_000;

/// A start is struck up to so long after it began.
const START_US: std::ops::Range<u64> = 0..300_000;

/// How long a pause is: longer than a hasty buyer waits.
const PAUSE_MS: std::ops::Range<u64> = 100..300;

/// How a server ends by itself whose disk fails.
const EXIT_IO: i32 = 74;

/// What to strike, and how often.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Draws the moments, and the buyers.
    pub seed: u64,
    /// How often to kill the server under load.
    pub kills: u64,
    /// After this moment nothing more is begun.
    pub until: Option<Instant>,
}

/// What was struck, and what came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Struck {
    /// SIGKILLs under load.
    pub kills: u64,
    /// SIGKILLs of a server that was not ready yet.
    pub kills_at_start: u64,
    /// Of both, those with a loss of power.
    pub power_losses: u64,
    /// Of these, those that left a torn write behind.
    pub torn_writes: u64,
    /// SIGSTOPs under load.
    pub pauses: u64,
    /// From each SIGKILL to the next ready server, in milliseconds.
    pub recovery_ms: Vec<u64>,
    /// What the check of the history says.
    pub checked: Checked,
}

impl Struck {
    /// Adds what another run struck.
    pub(crate) fn add(&mut self, other: Self) {
        self.kills += other.kills;
        self.kills_at_start += other.kills_at_start;
        self.power_losses += other.power_losses;
        self.torn_writes += other.torn_writes;
        self.pauses += other.pauses;
        self.recovery_ms.extend(other.recovery_ms);
        self.checked.add(other.checked);
    }
}

/// Strikes a fresh server as planned, lets it heal, and checks. `disk` has its ledger, if the power is to go with each kill; `tell`
/// hears how many kills are done.
pub fn strike(
    setup: Setup,
    plan: Plan,
    disk: Option<&Disk>,
    mut tell: impl FnMut(u64),
) -> Result<Struck, ChaosError> {
    let timetable = Arc::new(Timetable::load()?);
    let buyers = Buyers::new(plan.seed, timetable);
    let mut server = Server::start(setup)?;
    buyers.timetable().open(&server.client()?)?;
    let crowd = Crowd::start(&server, buyers.clone(), 0)?;
    let mut random = Xoshiro256PlusPlus::seed_from_u64(plan.seed);
    let mut struck = Struck::default();
    while struck.kills < plan.kills && plan.until.is_none_or(|until| Instant::now() < until) {
        let waited = crowd.wait_for(random.random_range(REQUESTS));
        waited.map_err(|error| with_log(error, &server))?;
        std::thread::sleep(Duration::from_micros(random.random_range(MOMENT_US)));
        if random.random_ratio(1, 6) {
            pause(&server, Duration::from_millis(random.random_range(PAUSE_MS)))?;
            struck.pauses += 1;
            continue;
        }
        let began = Instant::now();
        struck.kill(&mut server, disk, &mut random)?;
        struck.kills += 1;
        server.begin_again()?;
        if random.random_ratio(1, 6) {
            std::thread::sleep(Duration::from_micros(random.random_range(START_US)));
            struck.kill(&mut server, disk, &mut random)?;
            struck.kills_at_start += 1;
            server.begin_again()?;
        }
        server.wait_until_ready()?;
        struck.recovery_ms.push(began.elapsed().as_millis() as u64);
        tell(struck.kills);
    }
    let waited = crowd.wait_for(REQUESTS.start);
    waited.map_err(|error| with_log(error, &server))?;
    let history = crowd.finish()?;
    struck.checked = conclude(server, &buyers, history)?;
    Ok(struck)
}

/// The end of every run: the server heals, stops as told, and the whole is checked.
pub fn conclude(mut server: Server, buyers: &Buyers, mut history: History) -> Result<Checked, ChaosError> {
    let (mut records, found) = heal(&server, buyers, &mut history)?;
    let status = server.terminate()?;
    records.read_on()?;
    let mut checked = check(&history, buyers, &mut records);
    checked.violations.extend(found);
    if !status.success() {
        checked
            .violated(format!("told to stop, the server ended with {status} and said:\n{}", server.said()));
    }
    Ok(checked)
}

fn pause(server: &Server, time: Duration) -> Result<(), ChaosError> {
    server.pause()?;
    std::thread::sleep(time);
    server.go_on()
}

impl Struck {
    fn kill(
        &mut self,
        server: &mut Server,
        disk: Option<&Disk>,
        random: &mut impl Rng,
    ) -> Result<(), ChaosError> {
        let Some(disk) = disk else { return died_of_it(server.kill()?, None) };
        disk.cut_power()?;
        died_of_it(server.kill()?, Some(EXIT_IO))?;
        disk.switch_off()?;
        disk.switch_on()?;
        self.power_losses += 1;
        if random.random() && tear(server.ledger(), random)? {
            self.torn_writes += 1;
        }
        Ok(())
    }
}

/// A server that ended by itself before it was killed has a bug, or met another fault than the one that was meant.
pub(crate) fn died_of_it(status: ExitStatus, or_with: Option<i32>) -> Result<(), ChaosError> {
    if status.signal() == Some(Signal::KILL.as_raw()) || status.code().is_some() && status.code() == or_with {
        return Ok(());
    }
    Err(ChaosError::NoFault(format!("the server ended with {status} before it was killed")))
}

fn with_log(error: ChaosError, server: &Server) -> ChaosError {
    match error {
        ChaosError::Late { what, .. } => ChaosError::Late { what, said: server.said() },
        other => other,
    }
}
