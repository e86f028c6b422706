//! Ten thousand requests in flight from one thread.
//!
//! ```sh
//! cargo run --release --example pipelined -- seathold://127.0.0.1:7443 1000000
//! ```

use std::error::Error;
use std::time::Instant;

use seathold_client::{Call, Client, CompletionQueue};

/// Requests in flight.
const WINDOW: u64 = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let url = args.next().unwrap_or_else(|| "seathold://127.0.0.1:7443".to_owned());
    let total: u64 = args.next().map_or(Ok(1_000_000), |count| count.parse())?;

    let client = Client::connect(&url)?;
    let queue = CompletionQueue::new(WINDOW as usize);
    let start = Instant::now();
    let (mut submitted, mut done) = (0, 0);
    while submitted < WINDOW.min(total) {
        client.submit(Call::Ping, submitted, &queue)?;
        submitted += 1;
    }
    while let Some(completion) = queue.recv() {
        completion.result?;
        done += 1;
        if submitted < total {
            client.submit(Call::Ping, submitted, &queue)?;
            submitted += 1;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{done} pings in {seconds:.3} s: {:.0} a second", done as f64 / seconds);
    println!("{:?}", client.counters());
    Ok(())
}
