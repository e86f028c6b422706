//! The whole client over real sockets, against a scripted server.
//!
//! The rules about retries, credit and deadlines are tested in virtual time inside the crate; here it is the thread,
//! the sockets and the wiring.

mod calls;
mod connections;
mod scripted;

use std::time::Duration;

use seathold_client::{Answer, Builder, Client, Completion, CompletionQueue, State};

use scripted::{Peer, Server, welcome};

/// Nothing here should come near it.
const LONG: Duration = Duration::from_secs(10);

fn client(url: &str) -> Client {
    builder(url).build_unconnected().expect("good settings")
}

fn builder(url: &str) -> Builder {
    Client::builder(url).timeout(LONG).backoff(Duration::from_millis(1), Duration::from_millis(5))
}

fn ended(queue: &CompletionQueue) -> Completion {
    queue.recv_timeout(LONG).expect("the call ends")
}

fn is_held(completion: &Completion) -> bool {
    matches!(&completion.result, Ok(Answer::Reservation(held)) if held.state == State::Held)
}

/// A server with the door alone, a client at it, and the server's end.
fn at_the_door() -> (Server, Client, Peer) {
    let server = Server::start();
    let client = client(&server.url());
    let peer = server.welcome(&welcome(0, &[0]));
    (server, client, peer)
}
