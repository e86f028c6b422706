//! OPEN and CLOSE: an operator's word on the sale, kept in the log like every other change.

use super::{Answer, Draft, Outcome, Shard};
use seathold_protocol::batch::Stamp;
use seathold_protocol::record::SaleRecord;
use seathold_protocol::reply::{Sale, SaleReply};
use seathold_protocol::status::Status;

impl Shard {
    /// Opens the sale whatever its opening time, and puts `percent` of the places up for sale (0: as many as now).
    /// Places are never taken off the sale again.
    pub(super) fn open(&mut self, percent: u8, now: Stamp, draft: &mut Draft) -> Outcome {
        if percent > 100 || (percent != 0 && percent < self.released_percent) {
            return Outcome::at_once(Status::BadRelease, u64::from(self.released_percent));
        }
        let percent = if percent == 0 { self.released_percent } else { percent };
        self.decide(Sale::Opened, percent, now, draft)
    }

    /// Closes the sale. Holds go on and can be confirmed.
    pub(super) fn close(&mut self, now: Stamp, draft: &mut Draft) -> Outcome {
        self.decide(Sale::Closed, self.released_percent, now, draft)
    }

    /// The operator's word, if there was any, and how much of the departure is for sale.
    pub fn sale(&self) -> SaleReply {
        SaleReply { departure: self.departure, sale: self.sale, released_percent: self.released_percent }
    }

    fn decide(&mut self, sale: Sale, percent: u8, now: Stamp, draft: &mut Draft) -> Outcome {
        if (sale, percent) != (self.sale, self.released_percent) {
            self.set_sale(sale, percent);
            self.sale_version = self.next_version(now, draft);
            self.log_sale(draft);
        }
        Outcome { answer: Answer::Sale(self.sale()), rests_on: self.sale_logged_in }
    }

    pub(super) fn set_sale(&mut self, sale: Sale, percent: u8) {
        self.sale = sale;
        if percent > self.released_percent {
            self.released_percent = percent;
            let classes = self.inventory.layout().classes().len();
            for class in 0..classes {
                self.inventory.release(class, percent, &self.published);
            }
        }
    }

    pub(super) fn log_sale(&mut self, draft: &mut Draft) {
        let SaleReply { departure, sale, released_percent } = self.sale();
        let record = SaleRecord { version: self.sale_version, departure, sale, released_percent };
        draft.push(|payload| record.encode(payload));
        self.sale_logged_in = draft.sequence;
    }
}
