//! One departure in an audit: its tables, and the history of its reservations.
//!
//! What a record does wrong is told, and then the record is followed all the same: it is what the ledger says, and the
//! next fault shows only against it.

use super::report::{Places, Report};
use super::table::{Clash, Table};
use seathold_protocol::ReservationId;
use seathold_protocol::batch::Stamp;
use seathold_protocol::plan::{ClassPlan, DeparturePlan};
use seathold_protocol::record::{Record, ReservationRecord, SaleRecord};
use seathold_protocol::reservation::State;
use std::collections::{BTreeMap, HashMap};

/// How long a batch may wait for the log while its successor fills: a full disk that an operator clears. A stamp tells
/// when a batch left, so what it confirms may have been confirmed so much earlier.
const LOG_WAIT_MS_MAX: u64 = 10 * 60_000;

/// When the commands of a batch ran.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// Not before: when the partition's batch before this one left, on the same clock; 0 if that was another boot's.
    pub(super) after_ms: u64,
    /// Not after: when the batch left.
    pub(super) stamp: Stamp,
}

/// A reservation as its newest record tells it.
#[derive(Clone, Copy)]
struct Followed {
    record: ReservationRecord,
    /// On whose clock the record's deadline is.
    boot_id: u128,
    /// Seat-segments of it that the table does not have as its own.
    missed: u64,
}

pub(super) struct Departure {
    plan: DeparturePlan,
    /// By class, in the order of the plan.
    tables: Vec<Table>,
    reservations: HashMap<ReservationId, Followed>,
    /// The newest record of its sale.
    sale: Option<SaleRecord>,
    /// The highest version so far.
    version: u32,
    /// Whether every version above `version` must come in order. In a trimmed log a departure begins with records that
    /// were written again, which cannot be told from new ones by themselves.
    counted: bool,
    /// Seat-segments that were given to a reservation while another had them.
    oversold: u64,
    /// The log may begin in the middle of the departure's history.
    trimmed: bool,
}

impl Departure {
    pub(super) fn new(plan: DeparturePlan, trimmed: bool) -> Self {
        let segments = usize::from(plan.segments());
        let tables = plan.seats.classes.iter().map(|class| Table::new(class, segments)).collect();
        Self {
            plan,
            tables,
            reservations: HashMap::new(),
            sale: None,
            version: 0,
            counted: !trimmed,
            oversold: 0,
            trimmed,
        }
    }

    pub(super) fn reservation(&self, id: ReservationId) -> Option<&ReservationRecord> {
        self.reservations.get(&id).map(|known| &known.record)
    }

    pub(super) fn reservations(&self) -> impl Iterator<Item = &ReservationRecord> {
        self.reservations.values().map(|known| &known.record)
    }

    /// Its highest version so far.
    pub(super) fn version(&self) -> u64 {
        self.version.into()
    }

    /// The share that an operator's last word put on sale; at least 1.
    pub(super) fn released_percent(&self) -> u8 {
        self.sale.map_or(1, |sale| sale.released_percent)
    }

    /// By class and segment: places that nobody has, of those that are for sale when `percent` of each class are.
    pub(super) fn free(&self, percent: u8) -> BTreeMap<String, Vec<u32>> {
        let classes = self.plan.seats.classes.iter().zip(&self.tables);
        let free = |(class, table): (&ClassPlan, &Table)| {
            let capacity = class.capacity();
            let released = (u64::from(capacity) * u64::from(percent)).div_ceil(100) as u32;
            (class.class.to_string(), table.free(released))
        };
        classes.map(free).collect()
    }

    /// Follows one record. What is wrong with it goes into `found`.
    pub(super) fn follow(&mut self, record: &Record, moment: Moment, found: &mut Vec<String>) {
        match record {
            Record::Plan(_, plan) if **plan == self.plan => {}
            Record::Plan(..) => found.push("changes its plan".to_owned()),
            Record::Sale(sale) => self.follow_sale(sale, found),
            Record::Reservation(record) if record.version <= self.version => {
                self.follow_again(record, moment, found);
            }
            Record::Reservation(record) => self.follow_change(record, moment, found),
        }
    }

    /// Counts the tables against the reservations, and both into the report.
    pub(super) fn recount(&self, report: &mut Report) -> Vec<String> {
        let segments = usize::from(self.plan.segments());
        let mut found = Vec::new();
        for (class, table) in self.plan.seats.classes.iter().zip(&self.tables) {
            let mut places = Places::default();
            let mut missed = 0;
            for known in self.reservations.values().filter(|known| known.record.class == class.class) {
                let record = &known.record;
                let pieces = u64::from(record.party) * u64::from(record.to - record.from);
                match record.state {
                    State::Held => places.held += pieces,
                    State::Confirmed => places.sold += pieces,
                    State::Cancelled | State::Expired | State::Refunded => {}
                }
                missed += known.missed;
            }
            let taken = table.taken();
            if taken + missed != places.held + places.sold {
                found.push(format!(
                    "class {}: {taken} seat-segments are taken, {} held and {} sold",
                    class.class, places.held, places.sold
                ));
            }
            places.free = (u64::from(class.capacity()) * segments as u64).saturating_sub(taken);
            report.seat_segments.add(places);
        }
        if self.trimmed {
            found.extend(self.versions_used_twice());
        }
        report.oversold += self.oversold;
        self.reservations().for_each(|record| report.count(record.state));
        found
    }

    fn follow_sale(&mut self, sale: &SaleRecord, found: &mut Vec<String>) {
        let known = self.sale;
        if sale.version > self.version {
            self.next_version(sale.version, known.is_some(), found);
            self.sale = Some(*sale);
            return;
        }
        match known {
            Some(known) if same_but_for_share(&known, sale) => self.sale = Some(*sale),
            Some(known) if known.version > sale.version => {
                found.push("an old word on the sale is written again".to_owned());
            }
            None if self.trimmed => self.sale = Some(*sale),
            _ => found.push(format!("the sale: version {} is used twice", sale.version)),
        }
    }

    /// A record that is not newer must be the one that is known: state written again.
    fn follow_again(&mut self, record: &ReservationRecord, moment: Moment, found: &mut Vec<String>) {
        let id = record.id;
        match self.reservations.get(&id).copied() {
            Some(known) if same_but_for_clock(&known.record, record) => {
                let here = known.boot_id == moment.stamp.boot_id;
                if here && known.record.deadline_ms != record.deadline_ms {
                    found.push(moved(&known.record, record));
                }
                self.note(record, moment, known.missed);
            }
            Some(known) if known.record.version > record.version => {
                found.push(format!("reservation {id}: an old state is written again"));
            }
            None if self.trimmed => self.adopt(record, moment, found),
            _ => found.push(format!("reservation {id}: version {} is used twice", record.version)),
        }
    }

    fn follow_change(&mut self, record: &ReservationRecord, moment: Moment, found: &mut Vec<String>) {
        let id = record.id;
        let known = self.reservations.get(&id).copied();
        self.next_version(record.version, known.is_some(), found);
        let Some(known) = known else {
            if record.state != State::Held && !self.trimmed {
                found.push(format!("reservation {id} begins as {}", record.state.name()));
            }
            return self.adopt(record, moment, found);
        };
        if !known.record.state.is_live() && record.state == State::Held {
            // Forgotten, and its id used anew.
            return self.adopt(record, moment, found);
        }
        found.extend(wrong_change(&known, record, moment));
        let (was_live, live) = (known.record.state.is_live(), record.state.is_live());
        if was_live && live && known.record.has_contents_of(record) {
            return self.note(record, moment, known.missed);
        }
        if was_live {
            self.give(&known.record);
        }
        self.adopt(record, moment, found);
    }

    /// Goes on to a higher version. `follows` when something of the same id or of the sale is known with a lower one:
    /// then this is the change itself. A trimmed log has lost its oldest part and nothing else, so a change behind a
    /// record that is there is there as it was first written, and so is everything behind that. Only what
    /// comes before the first such change may have gaps: there the versions between may be trimmed away, or be yet to be
    /// written again.
    fn next_version(&mut self, version: u32, follows: bool, found: &mut Vec<String>) {
        let before = std::mem::replace(&mut self.version, version);
        if self.counted && version != before + 1 {
            found.push(format!("version {version} follows version {before}: records are missing"));
        }
        self.counted |= follows;
    }

    /// Takes a record's state, and its places if it is live and has none in the table.
    fn adopt(&mut self, record: &ReservationRecord, moment: Moment, found: &mut Vec<String>) {
        let taken = if record.state.is_live() { self.take(record) } else { Ok(()) };
        let missed = taken.map_or_else(
            |clash| {
                self.oversold += clash.oversold;
                found.push(clash.text);
                clash.missed
            },
            |()| 0,
        );
        self.note(record, moment, missed);
    }

    fn note(&mut self, record: &ReservationRecord, moment: Moment, missed: u64) {
        let followed = Followed { record: *record, boot_id: moment.stamp.boot_id, missed };
        self.reservations.insert(record.id, followed);
    }

    fn take(&mut self, record: &ReservationRecord) -> Result<(), Clash> {
        let (id, class) = (record.id, record.class);
        let (from, to, stops) = (record.from, record.to, self.plan.stops.len());
        let text = match self.table(record) {
            Some(table) => return table.take(record),
            None if usize::from(to) < stops => format!("reservation {id} has class {class}, not in the plan"),
            None => format!("reservation {id} goes from stop {from} to {to} of {stops}"),
        };
        let missed = u64::from(record.party) * u64::from(to - from);
        Err(Clash { text, missed, oversold: 0 })
    }

    fn give(&mut self, record: &ReservationRecord) {
        if let Some(table) = self.table(record) {
            table.give(record);
        }
    }

    /// The table of a record's class, if its trip is within the route.
    fn table(&mut self, record: &ReservationRecord) -> Option<&mut Table> {
        if usize::from(record.to) >= self.plan.stops.len() {
            return None;
        }
        let class = self.plan.seats.classes.iter().position(|class| class.class == record.class)?;
        self.tables.get_mut(class)
    }

    /// In a trimmed log old versions come in any order, so whether two records share one shows at the end.
    fn versions_used_twice(&self) -> Vec<String> {
        let mut versions: Vec<u32> = self.reservations().map(|record| record.version).collect();
        versions.extend(self.sale.map(|sale| sale.version));
        versions.sort_unstable();
        let twice = versions.windows(2).filter(|pair| pair[0] == pair[1]);
        twice.map(|pair| format!("version {} is used twice", pair[0])).collect()
    }
}

/// Why a reservation cannot become what the record says, if so.
fn wrong_change(known: &Followed, record: &ReservationRecord, moment: Moment) -> Option<String> {
    let id = record.id;
    let (from, to) = (known.record.state, record.state);
    if !from.may_become(to) {
        return Some(format!("reservation {id} goes from {} to {}", from.name(), to.name()));
    }
    if !known.record.has_contents_of(record) {
        return Some(format!("reservation {id} changes its contents when it becomes {}", to.name()));
    }
    // After a reboot the deadline is told on another clock. Nothing binds the two: the wall clock between them may have
    // been set, backwards too. What can be checked then is that the record keeps the deadline that it tells itself.
    let here = known.boot_id == moment.stamp.boot_id;
    let deadline_ms = if here { known.record.deadline_ms } else { record.deadline_ms };
    let left_ms = moment.stamp.boot_ms;
    match to {
        State::Expired if left_ms < deadline_ms => {
            Some(format!("reservation {id} expires {} ms before its deadline", deadline_ms - left_ms))
        }
        // Exact, however long the batch waited: its commands ran when the batch before it had left.
        State::Confirmed if moment.after_ms >= deadline_ms => Some(format!(
            "reservation {id} is confirmed at least {} ms after its deadline",
            moment.after_ms - deadline_ms
        )),
        State::Confirmed if left_ms.saturating_sub(deadline_ms) > LOG_WAIT_MS_MAX => Some(format!(
            "reservation {id} is confirmed in a batch that left {} ms after its deadline: too late, \
             unless the log could not be written for so long",
            left_ms - deadline_ms
        )),
        _ if record.deadline_ms != deadline_ms => Some(moved(&known.record, record)),
        _ => None,
    }
}

fn moved(known: &ReservationRecord, record: &ReservationRecord) -> String {
    let (id, from, to) = (record.id, known.deadline_ms, record.deadline_ms);
    format!("reservation {id} moves its deadline from {from} to {to} ms after the boot")
}

/// A deadline is told on the clock of its batch's boot.
fn same_but_for_clock(a: &ReservationRecord, b: &ReservationRecord) -> bool {
    ReservationRecord { deadline_ms: 0, ..*a } == ReservationRecord { deadline_ms: 0, ..*b }
}

/// A sale that is written again after a restart tells the share of that time's rules, if that is larger.
fn same_but_for_share(known: &SaleRecord, again: &SaleRecord) -> bool {
    let share = again.released_percent;
    share >= known.released_percent && SaleRecord { released_percent: share, ..*known } == *again
}
