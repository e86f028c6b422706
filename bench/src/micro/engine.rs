//! One core's engine with many departures and a ledger that keeps nothing: RESERVE and CONFIRM, each made durable before it
//! is told. What a command meets has left the caches since its departure was last asked.

use super::{plan, reserve, spread, target};
use seathold::catalog::{Catalog, SaleRules};
use seathold::engine::{Ask, Board, Engine, Origin};
use seathold::ledger::{Log, MemoryLog};
use seathold::shard::{Answer, Command};
use seathold_protocol::batch::{Batch, Stamp};
use seathold_protocol::frame::Opcode;
use seathold_protocol::limits::PARTITIONS_DEFAULT;
use seathold_protocol::{Day, DepartureId};
use std::sync::Arc;

const TRAINS: u16 = 20;
const STOPS: [&str; 6] = ["A", "B", "C", "D", "E", "F"];
const COACHES: u8 = 4;

/// Commands of one turn of the core, which ends with a commit.
const TURN: usize = 128;

/// A fleet of departures that are on sale, and what is asked of them.
pub struct Work {
    engine: Engine,
    log: MemoryLog,
    now: Stamp,
    reserves: Vec<Ask>,
    confirms: Vec<Ask>,
    batches: Vec<Batch>,
    spare: Vec<Vec<u8>>,
}

impl Work {
    /// `20 x days` departures of 256 seats over five segments with one reservation each, and `pairs` of RESERVE and CONFIRM
    /// that meet them in no order. No departure may be sold out by them: a few a departure.
    pub fn prepared(days: u16, pairs: u64) -> Self {
        let days = || (0..days).map(Day);
        let names: Vec<_> = (0..TRAINS).map(|train| format!("T {train}")).collect();
        let add = |builder: seathold::catalog::CatalogBuilder, name: &String| {
            builder.train(name, &STOPS, plan(COACHES), SaleRules::OPEN)
        };
        let catalog = Arc::new(names.iter().fold(Catalog::builder(), add).days(days()).build());
        let board = Arc::new(Board::new(Arc::clone(&catalog), PARTITIONS_DEFAULT));
        let departures: Vec<_> =
            names.iter().flat_map(|name| days().map(move |day| DepartureId::new(name, day))).collect();
        let mut work = Self {
            engine: Engine::new(catalog, board, Arc::default(), |_| true),
            log: MemoryLog::new(PARTITIONS_DEFAULT),
            now: Stamp::default(),
            reserves: Vec::new(),
            confirms: Vec::new(),
            batches: Vec::new(),
            spare: Vec::new(),
        };
        let first = |(number, departure): (u64, &DepartureId)| reserving(number, *departure);
        work.reserves = (0..).zip(&departures).map(first).collect();
        work.sell();

        let begin = departures.len() as u64;
        let drawn = |number| departures[(spread(number) % begin) as usize];
        work.reserves = (begin..begin + pairs).map(|number| reserving(number, drawn(number))).collect();
        work.confirms = (begin..begin + pairs)
            .map(|number| ask(Opcode::Confirm, number, Command::Confirm(target(number, drawn(number)))))
            .collect();
        work
    }

    /// Submits every RESERVE and then every CONFIRM, in turns of a core.
    ///
    /// # Panics
    ///
    /// When one is refused or not answered.
    pub fn sell(&mut self) {
        let asks = [std::mem::take(&mut self.reserves), std::mem::take(&mut self.confirms)];
        for asks in &asks {
            let accepted: usize = asks.chunks(TURN).map(|turn| self.turn(turn)).sum();
            assert_eq!(accepted, asks.len());
        }
        [self.reserves, self.confirms] = asks;
    }

    fn turn(&mut self, asks: &[Ask]) -> usize {
        self.engine.submit_group(asks, self.now);
        let (mut covered, mut remaining) = (Vec::new(), Vec::new());
        self.engine.commit(self.now, &mut self.batches, &mut covered, &mut remaining, &mut self.spare);
        let batches: Vec<_> = self.batches.iter().collect();
        self.log.append(&batches).expect("a ledger in memory takes what continues it");
        self.engine.committed(&self.batches);
        self.spare.extend(self.batches.drain(..).map(|batch| batch.payload));
        let answers = std::iter::from_fn(|| self.engine.next_answer());
        answers.filter(|answered| matches!(answered.answer, Answer::Reservation(_))).count()
    }
}

fn reserving(number: u64, departure: DepartureId) -> Ask {
    let from = (number % 3) as u8;
    ask(Opcode::Reserve, number, Command::Reserve(reserve(number, departure, (from, from + 3), 1)))
}

fn ask(opcode: Opcode, correlation: u64, command: Command) -> Ask {
    Ask { origin: Origin { core: 0, opcode, connection: 1, correlation }, command }
}
