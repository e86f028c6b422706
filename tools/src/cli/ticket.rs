//! A reservation as it is printed, with the commands that can follow.

use super::connection::ServerOptions;
use super::dates::ServiceDate;
use super::spans::spoken;
use super::stops;
use super::train::Departure;
use seathold_client::{Reservation, Seat, State, StopIndex, Together};
use serde::{Serialize, Serializer};
use std::fmt;

/// A reservation with what is known around it.
pub(super) struct Ticket<'a> {
    reservation: Reservation,
    account: u64,
    departure: Option<&'a Departure>,
    url_option: String,
}

impl<'a> Ticket<'a> {
    /// Of a departure whose names are known if it was resolved.
    pub(super) fn new(
        reservation: Reservation,
        account: u64,
        departure: Option<&'a Departure>,
        server: &ServerOptions,
    ) -> Self {
        Self { reservation, account, departure, url_option: server.url_option() }
    }

    fn stop(&self, at: StopIndex) -> String {
        let stop = self.departure.and_then(|departure| departure.stop(at));
        stop.map_or_else(|| format!("stop {at}"), stops::label)
    }

    fn train(&self) -> String {
        let date = ServiceDate::from(self.reservation.departure.day());
        match self.departure {
            Some(departure) => departure.name.to_string(),
            None => format!("departure {} on {date}", self.reservation.departure),
        }
    }

    /// The command for this reservation.
    fn command(&self, verb: &str) -> String {
        let Reservation { id, departure, .. } = self.reservation;
        format!(
            "seathold-cli {verb} {id} --departure {departure} --account {}{}",
            self.account, self.url_option
        )
    }

    /// What can follow, with the verb for it.
    fn next(&self) -> &'static [(&'static str, &'static str)] {
        match self.reservation.state {
            State::Held => &[("confirm it", "confirm"), ("give it up", "cancel")],
            State::Confirmed => &[("give it up", "refund")],
            State::Cancelled | State::Expired | State::Refunded => &[],
        }
    }

    fn has_letter_wishes_met(&self) -> usize {
        self.reservation.met.letters.count_ones() as usize
    }
}

fn together_name(together: Together) -> &'static str {
    match together {
        Together::Anywhere => "anywhere",
        Together::Coach => "coach",
        Together::Row => "row",
    }
}

impl fmt::Display for Ticket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reservation = &self.reservation;
        let party = match reservation.party {
            1 => "1 place".to_owned(),
            party => format!("{party} places"),
        };
        let (from, to) = (self.stop(reservation.from), self.stop(reservation.to));
        writeln!(
            f,
            "{}: {party} {}, {from} to {to}, {}",
            reservation.state.name(),
            reservation.class,
            self.train()
        )?;
        write!(f, "  id         {}", reservation.id)?;
        let seats: Vec<_> = reservation.seats().iter().flatten().map(seat_label).collect();
        if seats.is_empty() {
            write!(f, "\n  seats      without numbers")?;
        } else {
            write!(f, "\n  seats      {}", seats.join(", "))?;
            if seats.len() > 1 {
                let closeness = match reservation.met.together {
                    Together::Row => "in one row",
                    Together::Coach => "in one coach",
                    Together::Anywhere => "apart",
                };
                write!(f, "; {closeness}")?;
            }
        }
        if self.has_letter_wishes_met() > 0 {
            write!(f, "; letters as wished: {}", self.has_letter_wishes_met())?;
        }
        if reservation.state == State::Held {
            write!(f, "\n  time left  {}", spoken(reservation.remaining_ms.into()))?;
        }
        for (what, verb) in self.next() {
            write!(f, "\n  {what:<10} {}", self.command(verb))?;
        }
        Ok(())
    }
}

fn seat_label(seat: &Seat) -> String {
    format!("coach {} {}{}", seat.coach, seat.row, char::from(seat.letter))
}

#[derive(Serialize)]
struct TicketJson<'a> {
    id: String,
    departure: String,
    train: Option<&'a str>,
    date: ServiceDate,
    account: u64,
    state: &'static str,
    class: String,
    from: StopIndex,
    to: StopIndex,
    from_code: Option<&'a str>,
    to_code: Option<&'a str>,
    party: u8,
    seats: Vec<Option<SeatJson>>,
    together: &'static str,
    letters_met: Vec<bool>,
    remaining_ms: u32,
}

#[derive(Serialize)]
struct SeatJson {
    coach: u8,
    row: u16,
    letter: char,
}

impl Serialize for Ticket<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let reservation = &self.reservation;
        let seat = |seat: &Seat| SeatJson { coach: seat.coach, row: seat.row, letter: seat.letter.into() };
        let code =
            |at| self.departure.and_then(|departure| departure.stop(at)).map(|stop| stop.code.as_str());
        let json = TicketJson {
            id: reservation.id.to_string(),
            departure: reservation.departure.to_string(),
            train: self.departure.map(|departure| departure.name.train.as_str()),
            date: reservation.departure.day().into(),
            account: self.account,
            state: reservation.state.name(),
            class: reservation.class.to_string(),
            from: reservation.from,
            to: reservation.to,
            from_code: code(reservation.from),
            to_code: code(reservation.to),
            party: reservation.party,
            seats: reservation.seats().iter().map(|place| place.as_ref().map(seat)).collect(),
            together: together_name(reservation.met.together),
            letters_met: (0..reservation.party).map(|at| reservation.met.letters >> at & 1 == 1).collect(),
            remaining_ms: reservation.remaining_ms,
        };
        json.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seathold_client::{Class, DepartureId, Met, ReservationId};

    fn ticket(state: State) -> Ticket<'static> {
        let mut seats = [None; 9];
        seats[0] = Some(Seat { coach: 3, row: 12, letter: b'A' });
        seats[1] = Some(Seat { coach: 3, row: 12, letter: b'B' });
        let reservation = Reservation {
            id: ReservationId(0xabc),
            departure: DepartureId(0x1_50f7),
            state,
            class: Class(3),
            from: 0,
            to: 4,
            party: 2,
            remaining_ms: 599_000,
            met: Met { together: Together::Row, letters: 1 },
            seats,
        };
        Ticket { reservation, account: 7, departure: None, url_option: String::new() }
    }

    #[test]
    fn a_hold_says_what_to_type_next() {
        let expected = "\
held: 2 places second, stop 0 to stop 4, departure 00000000000150f7 on 2026-10-01
  id         00000000000000000000000000000abc
  seats      coach 3 12A, coach 3 12B; in one row; letters as wished: 1
  time left  9 min 59 s
  confirm it seathold-cli confirm 00000000000000000000000000000abc --departure 00000000000150f7 --account 7
  give it up seathold-cli cancel 00000000000000000000000000000abc --departure 00000000000150f7 --account 7";
        assert_eq!(ticket(State::Held).to_string(), expected);
    }

    #[test]
    fn the_end_of_a_reservation_offers_nothing() {
        let text = ticket(State::Expired).to_string();
        assert!(text.starts_with("expired: 2 places"), "{text}");
        assert!(!text.contains("seathold-cli") && !text.contains("time left"), "{text}");
        assert!(ticket(State::Confirmed).to_string().contains("seathold-cli refund"));
    }

    #[test]
    fn json_has_every_field() {
        let json = serde_json::to_string(&ticket(State::Held)).unwrap();
        let expected = r#"{"id":"00000000000000000000000000000abc","departure":"00000000000150f7","train":null,"date":"2026-10-01","account":7,"state":"held","class":"second","from":0,"to":4,"from_code":null,"to_code":null,"party":2,"seats":[{"coach":3,"row":12,"letter":"A"},{"coach":3,"row":12,"letter":"B"}],"together":"row","letters_met":[true,false],"remaining_ms":599000}"#;
        assert_eq!(json, expected);
    }
}
