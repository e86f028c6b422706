//! A wall clock that jumps while the server runs and between two starts, without a reboot: holds do not notice (I7, I8), and opening
//! times follow it.
//!
//! The clock is that of the one process. Every reading goes through `clock_gettime` of the vDSO, a page of code that the kernel maps
//! into each process; here the server's own copy of it is overwritten from outside, in /proc/PID/mem.

use crate::rig::{Rig, setup};
use rustix::fs::OFlags;
use seathold_chaos::{Crowd, DATE, Event, Outcome, Server, Setup, Step, until};
use seathold_client::{
    AccountId, Client, Day, Error, PassengerId, Reason, Refusal, Reservation, ReserveRequest, Resolved,
    new_reservation_id,
};
use seathold_protocol::reservation::State;
use std::ffi::OsString;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;

/// When 2026-12-01 begins: two weeks before the sale of the night trains of `DATE`.
const BEFORE_THE_SALE_S: i64 = 1_796_083_200;

/// A train whose sale opens 90 days before, and closes half an hour before it leaves.
const TRAIN: &str = "N 51";

/// What the clock tells may be so much later than what it told before, for two calls of a loaded machine.
const SLACK_MS: u64 = 20_000;

/// A turn of the server may have begun so long before the request that it does.
const TURN_MS: u64 = 100;

/// How long one buyer holds: longer than the test takes, and less than the clock jumps.
const HOLD_MS: u32 = 600_000;

/// Asks the kernel, and adds the eight bytes behind it to the seconds of CLOCK_REALTIME:
/// `mov eax, 228; syscall; test edi, edi; jne 1f; mov rcx, [rip + 6]; add [rsi], rcx; 1: ret; nop; nop`.
const CLOCK_GETTIME: [u8; 24] = [
    0xb8, 0xe4, 0x00, 0x00, 0x00, 0x0f, 0x05, 0x85, 0xff, 0x75, 0x0a, 0x48, 0x8b, 0x0d, 0x06, 0x00, 0x00,
    0x00, 0x48, 0x01, 0x0e, 0xc3, 0x90, 0x90,
];

/// Makes servers wait before their first line of code, so that their clock can be taken there.
struct Gate {
    directory: TempDir,
}

/// The wall clock of one life of a server.
struct WallClock {
    memory: File,
    /// Where the seconds are that it is ahead.
    ahead_at: u64,
}

impl Gate {
    /// None where no clock can be taken; says so under `name`.
    fn new(name: &str) -> Option<Self> {
        let has_nm = Command::new("nm").arg("--version").output().is_ok_and(|nm| nm.status.success());
        if !cfg!(target_arch = "x86_64") || !has_nm || !may_write_code() {
            eprintln!("left out: {name}: it takes x86_64, nm of the binutils and a writable /proc/PID/mem");
            return None;
        }
        let gate = Self { directory: TempDir::new().unwrap() };
        assert!(Command::new("mkfifo").arg(gate.path()).status().unwrap().success());
        Some(gate)
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("gate")
    }

    /// A server that waits at the gate: the dynamic linker takes the pipe for a library, and waits for its first byte. That there is
    /// none, it mentions and goes on.
    fn through(&self, mut setup: Setup) -> Setup {
        let mut preload = OsString::from("LD_PRELOAD=");
        preload.push(self.path());
        setup.through = ["env".into(), preload].into();
        setup
    }

    /// Takes the clock of a server that was started, and lets it go on; its wall clock is `ahead_s` ahead from its first reading on.
    fn pass(&self, server: &mut Server, ahead_s: i64) -> WallClock {
        let open = || {
            // There is no opening it before the other side is there, and no waiting for that either.
            let nonblock = OFlags::NONBLOCK.bits() as i32;
            File::options().write(true).custom_flags(nonblock).open(self.path()).ok()
        };
        let waits = until("the server at the gate", open).unwrap_or_else(|error| panic!("{error}"));
        let clock = WallClock::take(server, &self.directory.path().join("vdso"));
        clock.write(ahead_s);
        drop(waits);
        server.wait_until_ready().unwrap_or_else(|error| panic!("{error}"));
        clock
    }
}

impl WallClock {
    fn take(server: &Server, copy: &Path) -> Self {
        let Range { start, end } = vdso(&server.proc("maps")).unwrap();
        let memory = File::options().read(true).write(true).open(server.proc("mem")).unwrap();
        let mut vdso = vec![0; (end - start) as usize];
        memory.read_exact_at(&mut vdso, start).unwrap();
        std::fs::write(copy, vdso).unwrap();
        let symbols = Command::new("nm").args(["-D", "-S"]).arg(copy).output().unwrap();
        let symbols = String::from_utf8(symbols.stdout).unwrap();
        let symbol = symbols.lines().find(|line| line.contains(" T __vdso_clock_gettime")).unwrap();
        let mut words = symbol.split(' ').map_while(|word| u64::from_str_radix(word, 16).ok());
        let (at, bytes) = (start + words.next().unwrap(), words.next().unwrap());
        assert!(bytes >= 32 && at.is_multiple_of(8), "{symbol}");
        memory.write_all_at(&CLOCK_GETTIME, at).unwrap();
        Self { memory, ahead_at: at + CLOCK_GETTIME.len() as u64 }
    }

    fn write(&self, ahead_s: i64) {
        self.memory.write_all_at(&ahead_s.to_le_bytes(), self.ahead_at).unwrap();
    }

    /// The clock jumps: from now on it is so many seconds ahead, or behind. Paused, the server reads no half of a number.
    fn jump(&self, server: &Server, ahead_s: i64) {
        server.pause().unwrap();
        self.write(ahead_s);
        server.go_on().unwrap();
    }
}

/// Where a process has its vDSO.
fn vdso(maps: &Path) -> Option<Range<u64>> {
    let maps = std::fs::read_to_string(maps).ok()?;
    let (start, rest) = maps.lines().find(|line| line.ends_with("[vdso]"))?.split_once('-')?;
    let hex = |digits| u64::from_str_radix(digits, 16).ok();
    Some(hex(start)?..hex(rest.split(' ').next()?)?)
}

/// Tried on this process, with the bytes that are there already.
fn may_write_code() -> bool {
    let Some(vdso) = vdso(Path::new("/proc/self/maps")) else { return false };
    let mut bytes = [0; 8];
    let memory = File::options().read(true).write(true).open("/proc/self/mem");
    memory.is_ok_and(|memory| {
        memory.read_exact_at(&mut bytes, vdso.start).is_ok()
            && memory.write_all_at(&bytes, vdso.start).is_ok()
    })
}

/// How far ahead a clock is that is at `BEFORE_THE_SALE_S` now.
fn before_the_sale() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    BEFORE_THE_SALE_S - now.as_secs() as i64
}

fn sale(client: &Client) -> Resolved {
    let date: jiff::civil::Date = DATE.parse().unwrap();
    let day = date.since(jiff::civil::date(1970, 1, 1)).unwrap().get_days();
    client.resolve(TRAIN, Day(day as u16)).unwrap()
}

fn opens_in_ms(client: &Client) -> u64 {
    sale(client).opens_in_ms
}

fn reserve(client: &Client) -> Result<Reservation, Error> {
    let train = sale(client);
    let class = train.classes[0].class;
    let passengers = [PassengerId(1)];
    let id = new_reservation_id();
    client.reserve(ReserveRequest::new(id, train.departure, AccountId(1), class, (0, 1), &passengers)?)
}

#[track_caller]
fn assert_not_open(told: Result<Reservation, Error>) {
    assert!(matches!(told, Err(Error::NotDone { reason: Reason::NotOpen, .. })), "{told:?}");
}

/// `told` is `expected`, or up to SLACK_MS below.
#[track_caller]
fn assert_left(told: u64, expected: u64) {
    assert!(told <= expected && told + SLACK_MS >= expected, "{told} ms are told, and {expected} are left");
}

/// Asserts that the wall clock is `ahead_s` ahead of where it was when the sale opened in `opens` ms.
#[track_caller]
fn assert_ahead(client: &Client, ahead_s: i64, opens: u64) {
    assert_left(opens_in_ms(client), opens.strict_sub_signed(ahead_s * 1_000));
}

#[test]
fn opening_times_follow_the_wall_clock() {
    let Some(gate) = Gate::new("opening_times_follow_the_wall_clock") else { return };
    let directory = TempDir::new().unwrap();
    let mut server = Server::begin(gate.through(setup(directory.path()))).unwrap();
    let start = before_the_sale();
    let clock = gate.pass(&mut server, start);
    let client = server.client().unwrap();
    let opens = opens_in_ms(&client);
    assert!(opens > 14 * DAY_S as u64 * 1_000, "the sale opens in {opens} ms, a fortnight before");
    assert_not_open(reserve(&client));
    for ahead_s in [HOUR_S, -HOUR_S] {
        clock.jump(&server, start + ahead_s);
        assert_ahead(&client, ahead_s, opens);
    }
    let open = start + opens as i64 / 1_000 + 1;
    clock.jump(&server, open);
    assert_eq!(opens_in_ms(&client), 0);
    reserve(&client).unwrap();
    clock.jump(&server, open - HOUR_S);
    assert_not_open(reserve(&client));
    clock.jump(&server, open + 100 * DAY_S);
    let closed = reserve(&client);
    assert!(matches!(closed, Err(Error::Refused(Refusal::Closed))), "{closed:?}");
    assert!(server.terminate().unwrap().success());
}

#[test]
fn a_wall_clock_that_jumps_ends_no_hold_early_and_keeps_none() {
    let Some(gate) = Gate::new("a_wall_clock_that_jumps_ends_no_hold_early_and_keeps_none") else { return };
    let directory = TempDir::new().unwrap();
    let mut server = Server::begin(gate.through(setup(directory.path()))).unwrap();
    let start = before_the_sale();
    gate.pass(&mut server, start);
    let mut rig = Rig::around(server, directory, 70);
    let client = rig.server.client().unwrap();
    let opens = opens_in_ms(&client);
    let crowd = Crowd::start(&rig.server, rig.buyers.clone(), 1).unwrap();
    // Buyer 0 holds for longer than the test takes, the others for less.
    let request = rig.buyers.buyer(0).request.hold_ms(HOLD_MS);
    let began = Instant::now();
    let reservation = client.reserve(request).unwrap();
    // The hold began before its answer came.
    let held = Instant::now();
    let mut told = vec![(Step::Reserve, reservation, began, held)];
    let assert_held = || {
        let passed = held.elapsed();
        let found = client.lookup(request.target()).unwrap();
        assert_eq!(found.state, State::Held);
        assert_left(found.remaining_ms.into(), u64::from(HOLD_MS) + TURN_MS - passed.as_millis() as u64);
    };
    for day_s in [DAY_S, -DAY_S] {
        crowd.wait_for(150).unwrap();
        rig.server.kill().unwrap();
        rig.server.begin_again().unwrap();
        let clock = gate.pass(&mut rig.server, start + day_s);
        assert_ahead(&client, day_s, opens);
        assert_held();
        for ahead_s in [day_s + HOUR_S, day_s - HOUR_S] {
            clock.jump(&rig.server, start + ahead_s);
            assert_ahead(&client, ahead_s, opens);
            crowd.wait_for(150).unwrap();
            assert_held();
        }
    }
    let began = Instant::now();
    told.push((Step::Confirm, client.confirm(request.target()).unwrap(), began, Instant::now()));
    let mut history = crowd.finish().unwrap();
    history.events.extend(told.into_iter().map(|(step, told, began, ended)| {
        let outcome = Outcome::Told(told.state, told.seats().to_vec());
        Event { number: 0, step, outcome, attempts: 1, began, ended }
    }));
    history.events.sort_by_key(|event| event.ended);
    rig.conclude_with(history);
}
