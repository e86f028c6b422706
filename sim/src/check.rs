//! What must hold in a healed world that has come to rest: the ledger is whole, bears out every answer, and what it leaves free
//! is what the server offers.

use crate::clients::Clients;
use crate::world::World;
use seathold::audit::Audit;
use seathold::catalog::Catalog;
use seathold::engine::Board;
use seathold::ledger::file::FileReader;
use seathold_protocol::batch::Stamp;
use seathold_protocol::request::Availability;
use std::collections::HashMap;

impl World {
    pub(crate) fn check(&mut self) -> Result<(), String> {
        let mut reader = FileReader::open(self.disk.clone()).map_err(|error| error.to_string())?;
        let mut audit = Audit::new(reader.partitions(), reader.is_trimmed());
        let read = reader.for_each(|batch| {
            audit.follow(&batch);
            Ok(())
        });
        read.map_err(|error| error.to_string())?;
        reader.check_tail().map_err(|error| error.to_string())?;
        judge(audit, &self.clients, &self.catalog, &self.running().board, self.now())
    }
}

/// Compares a ledger with the clients and the board.
pub(crate) fn judge(
    mut audit: Audit,
    clients: &Clients,
    catalog: &Catalog,
    board: &Board,
    now: Stamp,
) -> Result<(), String> {
    let report = audit.finish();
    if !report.passes() || report.held > 0 || report.seat_segments.held > 0 {
        return Err(format!("{} holds, {:?}", report.held, report.listed));
    }
    clients.compare(&audit)?;
    let mut taken: HashMap<_, u32> = HashMap::new();
    for record in audit.reservations().filter(|record| record.state.is_live()) {
        for segment in record.from..record.to {
            *taken.entry((record.departure, record.class, segment)).or_default() += u32::from(record.party);
        }
    }
    for index in catalog.indices() {
        let departure = catalog.id(index);
        for class in &catalog.seat_plan(index).classes {
            for segment in 0..catalog.segments(index) {
                let pair = Some((segment, segment + 1));
                let asked = Availability { departure, class: Some(class.class), pair };
                let told = board.availability(&asked, now);
                let told = told.map_err(|refusal| format!("I7: {asked:?} is told {refusal:?}"))?;
                let sold = taken.get(&(departure, class.class, segment)).copied().unwrap_or(0);
                let free: u32 = told.classes().flat_map(|(_, free)| free).sum();
                if free + sold != class.capacity() {
                    return Err(format!(
                        "I7: {free} free and {sold} sold of {} on {asked:?}",
                        class.capacity()
                    ));
                }
            }
        }
    }
    Ok(())
}
