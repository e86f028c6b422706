//! What a departure has to sell: stops, classes, coaches, rows, letters.
//!
//! The catalogue builds a plan from the rules file, the inventory lays its bitsets out by it, and the ledger
//! records it before a departure's first reservation, so that a log can be audited by itself.

use crate::codec::{DecodeError, Put, Reader};
use crate::ids::{Class, Day};
use crate::limits::{
    BLOCKS_PER_CLASS_MAX, CLASSES_MAX, LETTERS_PER_ROW_MAX, NAME_BYTES_MAX, PLACES_PER_CLASS_MAX,
    SEATS_PER_CLASS_MAX, STOPS_MAX,
};

/// A run of equal rows in one coach, e.g. rows 1 to 17 with the letters A B C D F.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The coach's number as painted on it.
    pub coach: u8,
    /// The first row (or berth number).
    pub first_row: u16,
    /// How many rows, at least 1.
    pub rows: u16,
    /// The letters of a row in the order of the seats, each A to Z, none twice, 1 to `LETTERS_PER_ROW_MAX`.
    pub letters: Vec<u8>,
}

impl Block {
    /// Seats in this block.
    pub fn seats(&self) -> usize {
        usize::from(self.rows) * self.letters.len()
    }

    /// Whether a seat stands in both.
    fn overlaps(&self, other: &Self) -> bool {
        let (a, b) = (u32::from(self.first_row), u32::from(other.first_row));
        self.coach == other.coach
            && a < b + u32::from(other.rows)
            && b < a + u32::from(self.rows)
            && self.letters.iter().any(|letter| other.letters.contains(letter))
    }
}

/// What a class consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stock {
    /// Seats with coach, row and letter, in the order of the blocks, rows and letters.
    Seats(Vec<Block>),
    /// Places without numbers: standing, admission.
    Places(u32),
}

/// One class of a departure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassPlan {
    /// Which.
    pub class: Class,
    /// Of what.
    pub stock: Stock,
}

impl ClassPlan {
    /// Seats or places per segment.
    pub fn capacity(&self) -> u32 {
        match &self.stock {
            Stock::Seats(blocks) => blocks.iter().map(Block::seats).sum::<usize>() as u32,
            Stock::Places(places) => *places,
        }
    }
}

/// The classes of a departure: 1 to `CLASSES_MAX`, no class twice, no seat (coach, row, letter) in two of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatPlan {
    /// In the order in which they are shown.
    pub classes: Vec<ClassPlan>,
}

/// Why a plan cannot be sold from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError(pub String);

impl std::fmt::Display for PlanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PlanError {}

impl SeatPlan {
    /// Checks every limit and that no class and no seat (coach, row, letter) stands twice.
    pub fn validate(&self) -> Result<(), PlanError> {
        let fail = |text: String| Err(PlanError(text));
        if self.classes.is_empty() || self.classes.len() > CLASSES_MAX {
            return fail(format!(
                "a plan has 1 to {CLASSES_MAX} classes, this one has {}",
                self.classes.len()
            ));
        }
        for (at, plan) in self.classes.iter().enumerate() {
            let class = plan.class;
            if class == Class(0) {
                return fail("no class has the code 0".to_owned());
            }
            if self.classes[..at].iter().any(|earlier| earlier.class == class) {
                return fail(format!("class {class} stands twice"));
            }
            match &plan.stock {
                Stock::Places(places) if *places == 0 || *places > PLACES_PER_CLASS_MAX => {
                    return fail(format!(
                        "class {class} has {places} places; allowed are 1 to {PLACES_PER_CLASS_MAX}"
                    ));
                }
                Stock::Places(_) => {}
                Stock::Seats(blocks) => validate_blocks(class, blocks)?,
            }
        }
        validate_seats_once(&self.classes)
    }

    /// Appends the plan, which `validate` must accept.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(self.classes.len() as u8);
        for plan in &self.classes {
            out.put_u8(plan.class.0);
            match &plan.stock {
                Stock::Places(places) => {
                    out.put_u8(0);
                    out.put_u32(*places);
                }
                Stock::Seats(blocks) => {
                    out.put_u8(blocks.len() as u8);
                    for block in blocks {
                        out.put_u8(block.coach);
                        out.put_u16(block.first_row);
                        out.put_u16(block.rows);
                        out.put_u8(block.letters.len() as u8);
                        out.extend_from_slice(&block.letters);
                    }
                }
            }
        }
    }

    /// Reads a plan and validates it.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = usize::from(reader.u8()?);
        if count > CLASSES_MAX {
            return Err(DecodeError::BadField("classes"));
        }
        let mut classes = Vec::with_capacity(count);
        for _ in 0..count {
            let class = Class(reader.u8()?);
            let stock = match usize::from(reader.u8()?) {
                0 => Stock::Places(reader.u32()?),
                blocks => Stock::Seats(decode_blocks(reader, blocks)?),
            };
            classes.push(ClassPlan { class, stock });
        }
        let plan = Self { classes };
        plan.validate().map_err(|_| DecodeError::BadField("seat plan"))?;
        Ok(plan)
    }
}

fn validate_blocks(class: Class, blocks: &[Block]) -> Result<(), PlanError> {
    let fail = |text: String| Err(PlanError(text));
    if blocks.is_empty() || blocks.len() > BLOCKS_PER_CLASS_MAX {
        let count = blocks.len();
        return fail(format!(
            "class {class} has {count} blocks of rows; allowed are 1 to {BLOCKS_PER_CLASS_MAX}"
        ));
    }
    for block in blocks {
        let letters = &block.letters;
        let coach = block.coach;
        if letters.is_empty() || letters.len() > LETTERS_PER_ROW_MAX {
            return fail(format!(
                "coach {coach} of class {class} needs 1 to {LETTERS_PER_ROW_MAX} letters a row"
            ));
        }
        if letters.iter().enumerate().any(|(i, l)| !l.is_ascii_uppercase() || letters[..i].contains(l)) {
            return fail(format!("coach {coach} of class {class}: letters are A to Z, each once a row"));
        }
        if block.rows == 0 || block.first_row.checked_add(block.rows - 1).is_none() {
            return fail(format!(
                "coach {coach} of class {class}: rows start at 0 and end at 65535, at least one"
            ));
        }
    }
    let seats: usize = blocks.iter().map(Block::seats).sum();
    if seats > SEATS_PER_CLASS_MAX {
        return fail(format!("class {class} has {seats} seats; allowed are {SEATS_PER_CLASS_MAX}"));
    }
    Ok(())
}

/// A seat is painted once in a train, whatever its class.
fn validate_seats_once(classes: &[ClassPlan]) -> Result<(), PlanError> {
    let mut earlier: Vec<&Block> = Vec::new();
    for plan in classes {
        let Stock::Seats(blocks) = &plan.stock else { continue };
        for block in blocks {
            if earlier.iter().any(|earlier| earlier.overlaps(block)) {
                let (class, Block { coach, first_row, .. }) = (plan.class, block);
                return Err(PlanError(format!(
                    "coach {coach} of class {class} has a seat twice (row {first_row} on)"
                )));
            }
            earlier.push(block);
        }
    }
    Ok(())
}

fn decode_blocks(reader: &mut Reader<'_>, count: usize) -> Result<Vec<Block>, DecodeError> {
    if count > BLOCKS_PER_CLASS_MAX {
        return Err(DecodeError::BadField("blocks"));
    }
    let mut blocks = Vec::with_capacity(count);
    for _ in 0..count {
        let coach = reader.u8()?;
        let first_row = reader.u16()?;
        let rows = reader.u16()?;
        let letters = usize::from(reader.u8()?);
        let letters = reader.bytes(letters)?.to_vec();
        blocks.push(Block { coach, first_row, rows, letters });
    }
    Ok(blocks)
}

/// Everything fixed about one departure, as the ledger records it before the first reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeparturePlan {
    /// The train's name, unique on its day; 1 to `NAME_BYTES_MAX` bytes.
    pub train: String,
    /// The service date.
    pub day: Day,
    /// The codes of the stops in order: 2 to `STOPS_MAX`, each 1 to `NAME_BYTES_MAX` bytes. A loop visits a stop twice.
    pub stops: Vec<String>,
    /// What is sold.
    pub seats: SeatPlan,
}

impl DeparturePlan {
    /// Pieces between consecutive stops.
    pub fn segments(&self) -> u8 {
        (self.stops.len() - 1) as u8
    }

    /// Appends the plan.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.put_text(&self.train);
        out.put_u16(self.day.0);
        out.put_u8(self.stops.len() as u8);
        for stop in &self.stops {
            out.put_text(stop);
        }
        self.seats.encode(out);
    }

    /// Reads a plan and validates it.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let name = |reader: &mut Reader<'_>, field| match reader.text(field, NAME_BYTES_MAX)? {
            "" => Err(DecodeError::BadField(field)),
            name => Ok(name.to_owned()),
        };
        let train = name(reader, "train")?;
        let day = Day(reader.u16()?);
        let count = usize::from(reader.u8()?);
        if !(2..=STOPS_MAX).contains(&count) {
            return Err(DecodeError::BadField("stops"));
        }
        let stops = (0..count).map(|_| name(reader, "stop")).collect::<Result<_, _>>()?;
        Ok(Self { train, day, stops, seats: SeatPlan::decode(reader)? })
    }
}

/// One seat, as it is painted on the coach and printed on the ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seat {
    /// The coach's number.
    pub coach: u8,
    /// The row, or the berth's number.
    pub row: u16,
    /// A to Z: across the row from window to window; U, M, L for berths.
    pub letter: u8,
}

impl std::fmt::Display for Seat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}{}", self.coach, self.row, char::from(self.letter))
    }
}

#[cfg(test)]
mod tests;
