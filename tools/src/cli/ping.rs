//! `ping`: round trips, one after the other.

use super::connection::ServerOptions;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use clap::Args;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

#[derive(Debug, Args)]
pub(super) struct Ping {
    /// Round trips to make
    #[arg(short, long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
}

impl Ping {
    pub(super) fn run(self, server: &ServerOptions, output: Output) -> Result<Exit, Failure> {
        let client = server.connect()?;
        let trips: Vec<_> = (0..self.count).map(|_| client.ping()).collect::<Result<_, _>>()?;
        output.show(&Pongs::new(server.url(), trips))
    }
}

#[derive(Debug, Serialize)]
struct Pongs<'a> {
    url: &'a str,
    round_trips: usize,
    min_us: u128,
    p50_us: u128,
    max_us: u128,
}

impl<'a> Pongs<'a> {
    /// Of at least one round trip.
    fn new(url: &'a str, mut trips: Vec<Duration>) -> Self {
        trips.sort_unstable();
        let at = |index: usize| trips[index].as_micros();
        let last = trips.len() - 1;
        Self { url, round_trips: trips.len(), min_us: at(0), p50_us: at(last / 2), max_us: at(last) }
    }
}

impl fmt::Display for Pongs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = if self.round_trips == 1 { "round trip" } else { "round trips" };
        write!(
            f,
            "{} answers: {} {times}, min {} us, p50 {} us, max {} us",
            self.url, self.round_trips, self.min_us, self.p50_us, self.max_us
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_the_lower_one_of_two() {
        let trips = [40, 10, 20, 30].map(Duration::from_micros).to_vec();
        let pongs = Pongs::new("seathold://a:1", trips);
        assert_eq!(
            pongs.to_string(),
            "seathold://a:1 answers: 4 round trips, min 10 us, p50 20 us, max 40 us"
        );
    }
}
