//! Buyers of the real server, who remember what they were told; and the judgement whether the ledger bears it out.

use crate::serving::DATE;
use seathold::audit::Audit;
use seathold::catalog::{Catalog, ImportOptions};
use seathold::ledger::redis::RedisReader;
use seathold_client::{Answer, Call, Client, CompletionQueue, Error, Refusal, ReserveRequest};
use seathold_protocol::request::Target;
use seathold_protocol::reservation::State;
use seathold_protocol::{AccountId, Class, DepartureId, PassengerId, ReservationId};
use std::collections::HashMap;
use std::path::Path;
use std::thread;

/// Requests in flight.
const IN_FLIGHT: usize = 128;

/// One train of the day.
#[derive(Clone, Copy)]
struct OnSale {
    departure: DepartureId,
    class: Class,
    segments: u8,
}

/// Buyers who ask in the midst of a fault and are not waited for.
pub(crate) struct Strangers {
    on_sale: OnSale,
    next: u64,
}

impl Strangers {
    pub(crate) fn request(&mut self) -> ReserveRequest {
        self.next += 1;
        request(&self.on_sale, self.next)
    }
}

/// Everybody who bought in one test.
pub(crate) struct Crowd {
    departures: Vec<OnSale>,
    /// What each reservation was told to be last.
    told: HashMap<ReservationId, (Target, State)>,
    next: u64,
    /// Requests of the last rush that were answered with a reservation.
    pub(crate) accepted: u64,
}

impl Crowd {
    /// Opens the sale of every departure.
    pub(crate) fn new(client: &Client) -> Self {
        let departures = departures();
        for on_sale in &departures {
            client.open(on_sale.departure, 0).unwrap();
        }
        Self { departures, told: HashMap::new(), next: 1, accepted: 0 }
    }

    pub(crate) fn strangers(&self) -> Strangers {
        Strangers { on_sale: self.departures[0], next: 1 << 32 }
    }

    fn request(&self, buyer: u64) -> ReserveRequest {
        request(&self.departures[buyer as usize % self.departures.len()], buyer)
    }

    /// So many requests; three of four that get a hold confirm it. In the middle, with requests in flight, `fault`.
    pub(crate) fn rush(&mut self, client: &Client, requests: u64, fault: impl FnOnce()) {
        let mut fault = Some(fault);
        let goes_on = |ended| {
            if ended >= requests / 2
                && let Some(fault) = fault.take()
            {
                fault();
            }
            ended < requests
        };
        self.ask(client, goes_on, |target, buyer| {
            (!buyer.is_multiple_of(4)).then_some(Call::Confirm(target))
        });
    }

    /// Requests on every train as long as `fault` takes; whoever gets a hold gives it back.
    pub(crate) fn come_and_go(&mut self, client: &Client, fault: impl FnOnce() + Send) {
        thread::scope(|scope| {
            let fault = scope.spawn(fault);
            self.ask(client, |_| !fault.is_finished(), |target, _| Some(Call::Cancel(target)));
            fault.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        });
    }

    /// Asks for places while it `goes_on`, which is told how many answers there were, and does what comes `next` with
    /// each hold.
    fn ask(
        &mut self,
        client: &Client,
        mut goes_on: impl FnMut(u64) -> bool,
        next: impl Fn(Target, u64) -> Option<Call>,
    ) {
        let queue = CompletionQueue::new(2 * IN_FLIGHT);
        let mut ended = 0;
        self.accepted = 0;
        loop {
            let goes_on = goes_on(ended);
            while goes_on && queue.open() < IN_FLIGHT {
                let buyer = self.next;
                self.next += 1;
                client.submit(Call::Reserve(self.request(buyer)), buyer << 1, &queue).unwrap();
            }
            if queue.open() == 0 {
                return;
            }
            let Some(completion) = queue.recv() else { continue };
            ended += 1;
            let buyer = completion.tag >> 1;
            let target = self.request(buyer).target();
            match completion.result {
                Ok(Answer::Reservation(reservation)) => {
                    self.accepted += 1;
                    self.told.insert(target.id, (target, reservation.state));
                    if completion.tag & 1 == 0
                        && let Some(call) = next(target, buyer)
                    {
                        client.submit(call, buyer << 1 | 1, &queue).unwrap();
                    }
                }
                Err(
                    Error::NotDone { .. } | Error::Unknown { .. } | Error::Refused(Refusal::SoldOut { .. }),
                ) => {}
                other => panic!("buyer {buyer} was told {other:?}"),
            }
        }
    }

    /// Reads the ledger: it must hold, and bear out what every buyer was told.
    pub(crate) fn judge_ledger(&self, url: &str) {
        let audit = audit(url);
        assert!(self.told.len() > 200, "only {} reservations were made", self.told.len());
        for (target, state) in self.told.values() {
            let record = audit.reservation(target.departure, target.id);
            let record = record.unwrap_or_else(|| panic!("{} was told {state:?} and is lost", target.id));
            assert!(
                record.state == *state || state.may_become(record.state),
                "{target:?} was told {state:?}"
            );
        }
    }
}

fn audit(url: &str) -> Audit {
    let mut reader = RedisReader::open(&url.parse().unwrap()).unwrap();
    let mut audit = Audit::new(reader.partitions(), reader.is_trimmed());
    let read = reader.for_each(|batch| {
        audit.follow(&batch);
        Ok(())
    });
    read.unwrap();
    let report = audit.finish();
    assert!(report.passes(), "{:?}", report.listed);
    audit
}

fn request(on_sale: &OnSale, buyer: u64) -> ReserveRequest {
    let passengers: Vec<_> = (0..1 + buyer % 3).map(|at| PassengerId(buyer * 16 + at)).collect();
    let trip = (0, 1 + (buyer % u64::from(on_sale.segments)) as u8);
    let (id, account) = (ReservationId(u128::from(buyer)), AccountId(buyer));
    ReserveRequest::new(id, on_sale.departure, account, on_sale.class, trip, &passengers).unwrap()
}

fn departures() -> Vec<OnSale> {
    let feed = Path::new(env!("CARGO_MANIFEST_DIR")).join("feeds/sample");
    let rules = feed.join("rules.toml");
    let options = ImportOptions { gtfs: feed, rules, dates: DATE.parse().unwrap(), lenient: false };
    let catalog = Catalog::import(&options).unwrap();
    let on_sale = |index| OnSale {
        departure: catalog.id(index),
        class: catalog.seat_plan(index).classes[0].class,
        segments: catalog.segments(index),
    };
    catalog.indices().map(on_sale).collect()
}
