//! A seat plan as a rules file writes it, and its way to the plan that is sold from.

use seathold_protocol::Class;
use seathold_protocol::plan::{Block, ClassPlan, SeatPlan, Stock};
use serde::Deserialize;

use super::text::{Letters, Runs};

/// `[plans.NAME]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenPlan {
    class: Vec<WrittenClass>,
}

/// `[[plans.NAME.class]]`: exactly one of `seats`, `places` and `standing_percent`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenClass {
    name: String,
    seats: Option<Vec<WrittenSeats>>,
    places: Option<u32>,
    standing_percent: Option<u32>,
    /// The class whose seats `standing_percent` is a share of; all seats if absent.
    of: Option<String>,
}

/// Equal rows in some coaches.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSeats {
    coaches: Runs,
    rows: Runs,
    letters: Letters,
}

impl WrittenPlan {
    /// The plan, or a sentence on what cannot be sold from.
    pub(super) fn build(&self) -> Result<SeatPlan, String> {
        let mut classes = Vec::with_capacity(self.class.len());
        for written in &self.class {
            let name = &written.name;
            let class = Class::from_name(name).ok_or_else(|| {
                let known: Vec<_> = Class::NAMES.iter().map(|(_, known)| *known).collect();
                format!(
                    "there is no class {name:?}: there are {} and class-64 to class-255",
                    known.join(", ")
                )
            })?;
            if written.of.is_some() && written.standing_percent.is_none() {
                return Err(format!("class {name}: `of` belongs to standing_percent"));
            }
            let stock = match (&written.seats, written.places, written.standing_percent) {
                (Some(seats), None, None) => Stock::Seats(blocks(seats)?),
                (None, Some(places), None) => Stock::Places(places),
                (None, None, Some(percent)) => {
                    Stock::Places(standing(&classes, percent, written.of.as_deref())?)
                }
                _ => return Err(format!("class {name} needs one of seats, places and standing_percent")),
            };
            classes.push(ClassPlan { class, stock });
        }
        let plan = SeatPlan { classes };
        plan.validate().map_err(|error| error.to_string())?;
        Ok(plan)
    }
}

/// One block for each coach and run of rows, coach by coach.
fn blocks(written: &[WrittenSeats]) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    for seats in written {
        for coach in seats.coaches.0.iter().cloned().flatten() {
            let coach = u8::try_from(coach).map_err(|_| format!("there is no coach {coach}: 0 to 255"))?;
            for run in &seats.rows.0 {
                let rows = u32::from(run.end() - run.start()) + 1;
                let rows = u16::try_from(rows).map_err(|_| format!("coach {coach} has {rows} rows"))?;
                blocks.push(Block { coach, first_row: *run.start(), rows, letters: seats.letters.0.clone() });
            }
        }
    }
    Ok(blocks)
}

/// Standing places as a share of the seats that stand before them in the plan, rounded down.
fn standing(classes: &[ClassPlan], percent: u32, of: Option<&str>) -> Result<u32, String> {
    if !(1..=100).contains(&percent) {
        return Err(format!("standing_percent is {percent}; allowed are 1 to 100"));
    }
    let of_class = of.map(|name| Class::from_name(name).ok_or(name)).transpose();
    let of_class = of_class.map_err(|name| format!("standing_percent is of {name:?}, which is no class"))?;
    let seats = classes
        .iter()
        .filter(|plan| of_class.is_none_or(|of| of == plan.class))
        .filter(|plan| matches!(plan.stock, Stock::Seats(_)));
    match seats.map(ClassPlan::capacity).sum::<u32>() {
        0 => Err(format!("standing_percent needs {} with seats above it", of.unwrap_or("a class"))),
        seats => Ok(seats * percent / 100),
    }
}
