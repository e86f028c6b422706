//! Whether a departure is for sale, and the answer to OPEN and CLOSE.

use crate::codec::{DecodeError, Put, Reader};
use crate::ids::DepartureId;

/// Whether a departure is for sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Sale {
    /// As the rules' opening and closing times say.
    ByRules = 0,
    /// Opened by an operator, whatever the rules' opening time.
    Opened = 1,
    /// Closed by an operator.
    Closed = 2,
}

impl Sale {
    /// The variant with this code.
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::ByRules, Self::Opened, Self::Closed].into_iter().find(|sale| *sale as u8 == code)
    }
}

/// The answer to OPEN and CLOSE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaleReply {
    /// The departure.
    pub departure: DepartureId,
    /// The operator's word from here on.
    pub sale: Sale,
    /// The percent of its places that are for sale: 1 to 100.
    pub released_percent: u8,
}

impl SaleReply {
    pub(super) fn encode(&self, body: &mut Vec<u8>) {
        body.put_u64(self.departure.0);
        body.put_u8(self.sale as u8);
        body.put_u8(self.released_percent);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let departure = DepartureId(body.u64()?);
        let sale = Sale::from_code(body.u8()?).ok_or(DecodeError::BadField("sale"))?;
        let released_percent = body.u8()?;
        if !(1..=100).contains(&released_percent) {
            return Err(DecodeError::BadField("released percent"));
        }
        Ok(Self { departure, sale, released_percent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_1_to_100_percent() {
        for (released_percent, good) in [(0, false), (1, true), (100, true), (101, false)] {
            let reply = SaleReply { departure: DepartureId(1), sale: Sale::Opened, released_percent };
            let mut body = Vec::new();
            reply.encode(&mut body);
            let decoded = SaleReply::decode(&mut Reader::new(&body));
            let expected = if good { Ok(reply) } else { Err(DecodeError::BadField("released percent")) };
            assert_eq!(decoded, expected);
        }
    }
}
