//! Connections: made, lost, refused and followed.

use std::thread;

use seathold_client::{Answer, BuildError, Call, Client, CompletionQueue, Error, Fault, FrameError};
use seathold_protocol::frame::Opcode;
use seathold_protocol::reply::Welcome;

use super::scripted::{ClosedPort, Server, departure_of, reserve, until, welcome};
use super::{at_the_door, client, ended, is_held};

#[test]
fn hello_carries_the_name_and_the_token_and_build_waits_for_welcome() {
    let server = Server::start();
    let builder = Client::builder(&server.url()).client_name("shop/7").operator_token("hush");
    let building = thread::spawn(move || builder.build());
    let mut door = server.welcome(&welcome(0, &[0]));
    for text in ["shop/7", "hush"] {
        assert!(door.hello.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
    }
    let client = building.join().unwrap().expect("welcomed");
    assert_eq!(client.counters().connects, 1);
    let asking = thread::spawn(move || client.ping());
    let asked = door.read();
    assert_eq!(asked.opcode, Opcode::Ping);
    door.pong(&asked);
    assert!(asking.join().unwrap().is_ok());
}

#[test]
fn a_name_is_looked_up() {
    let server = Server::start();
    let queue = CompletionQueue::new(1);
    let client = client(&format!("seathold://localhost:{}", server.port()));
    client.submit(Call::Ping, 1, &queue).unwrap();
    let mut door = server.welcome(&welcome(0, &[0]));
    let asked = door.read();
    door.pong(&asked);
    assert_eq!(ended(&queue).result, Ok(Answer::Pong));
}

#[test]
fn each_departure_is_asked_for_at_its_owners_port() {
    let (server, cores) = (Server::start(), [Server::start(), Server::start()]);
    let ports = [cores[0].port(), cores[1].port()];
    let (client, queue) = (client(&server.url()), CompletionQueue::new(4));
    let _door = server.welcome(&welcome(0, &ports));
    let mut peers = [cores[0].welcome(&welcome(0, &ports)), cores[1].welcome(&welcome(1, &ports))];
    until("the cores are reached", || client.counters().connects == 3);
    for core in [1, 0] {
        client.submit(reserve(7, departure_of(core, 2)), u64::from(core), &queue).unwrap();
        let peer = &mut peers[usize::from(core)];
        let asked = peer.read();
        assert!(asked.first);
        peer.hold(&asked);
        let completion = ended(&queue);
        assert!(is_held(&completion) && completion.tag == u64::from(core), "{completion:?}");
    }
}

#[test]
fn the_plain_port_stands_in_for_a_core_port_that_is_closed() {
    let server = Server::start();
    let (client, queue) = (client(&server.url()), CompletionQueue::new(1));
    let closed = ClosedPort::take();
    let mut door = server.welcome(&welcome(0, &[closed.port()]));
    until("the core is tried", || client.counters().connections_lost > 0);
    client.submit(reserve(7, departure_of(0, 1)), 1, &queue).unwrap();
    let asked = door.read();
    door.hold(&asked);
    assert!(is_held(&ended(&queue)));
    assert_eq!(client.counters().through_another_core, 1);
}

#[test]
fn a_server_that_restarts_finds_its_requests_again() {
    let (server, client, mut door) = at_the_door();
    let queue = CompletionQueue::new(10);
    for id in 0..10 {
        client.submit(reserve(id, departure_of(0, 1)), id as u64, &queue).unwrap();
    }
    door.read();
    let address = server.address();
    drop((door, server));
    until("the server is missed", || client.counters().connections_lost >= 2);
    let server = Server::at(address);
    let mut door = server.welcome(&welcome(0, &[0]));
    for _ in 0..10 {
        let asked = door.read();
        door.hold(&asked);
        assert!(is_held(&ended(&queue)));
    }
}

#[test]
fn building_fails_with_why_the_server_is_not_reached() {
    let closed = ClosedPort::take();
    let refused = Client::connect(&closed.url()).unwrap_err();
    let fault = Fault::Io(std::io::ErrorKind::ConnectionRefused);
    assert!(matches!(&refused, BuildError::NotReached { fault: why, .. } if *why == fault), "{refused}");
    let unheard_of = Client::connect("seathold://no-such-host.invalid:1").unwrap_err();
    assert!(unheard_of.to_string().contains("no-such-host.invalid"), "{unheard_of}");
}

#[test]
fn garbage_instead_of_welcome_closes_the_connection() {
    let server = Server::start();
    let builder = Client::builder(&server.url());
    let building = thread::spawn(move || builder.build());
    let mut door = server.accept();
    door.write(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    door.read_end();
    let length = u32::from_le_bytes(*b"HTTP");
    let error = building.join().unwrap().unwrap_err();
    let BuildError::NotReached { fault, .. } = error else { panic!("{error}") };
    assert_eq!(fault, Fault::BadFrame(FrameError::TooLong(length)));
}

#[test]
fn an_oversized_frame_and_a_broken_body_close_the_connection() {
    let (server, client, mut door) = at_the_door();
    let queue = CompletionQueue::new(1);
    client.submit(Call::Stats, 1, &queue).unwrap();
    door.read();
    door.write(&65_537_u32.to_le_bytes());
    door.read_end();

    let mut door = server.welcome(&welcome(0, &[0]));
    let asked = door.read();
    let mut broken = vec![17, 0, 0, 0, Opcode::Stats as u8 | 0x80, 0, 0, 0];
    broken.extend_from_slice(&asked.correlation.to_le_bytes());
    broken.push(9);
    door.write(&broken);
    door.read_end();

    let mut door = server.welcome(&welcome(0, &[0]));
    door.read();
    drop((door, server));
    drop(client);
    let fault = match ended(&queue).result {
        Err(Error::Unknown { attempts: 3, fault: Some(fault) }) => fault,
        other => panic!("{other:?}"),
    };
    assert!(matches!(fault, Fault::BadReply(_) | Fault::Closed | Fault::Io(_)), "{fault:?}");
}

#[test]
fn credit_is_kept_and_replies_may_come_in_any_order() {
    let server = Server::start();
    let (client, queue) = (client(&server.url()), CompletionQueue::new(5));
    let mut door = server.welcome(&Welcome { credit: 2, ..welcome(0, &[0]) });
    for tag in 0..5 {
        client.submit(reserve(u128::from(tag), departure_of(0, 1)), tag, &queue).unwrap();
    }
    let (first, second) = (door.read(), door.read());
    assert!(!door.has_more());
    door.hold(&second);
    let third = door.read();
    assert!(!door.has_more());
    door.hold(&third);
    door.hold(&first);
    let tags: Vec<_> = (0..3).map(|_| ended(&queue).tag).collect();
    assert_eq!(tags, [1, 2, 0]);
}

#[test]
fn dropping_the_last_handle_stops_the_thread_and_ends_what_is_open() {
    let (_server, client, mut door) = at_the_door();
    let queue = CompletionQueue::new(1);
    let clone = client.clone();
    client.submit(Call::Ping, 1, &queue).unwrap();
    door.read();
    drop(client);
    assert_eq!(queue.try_recv(), None, "a handle is left");
    drop(clone);
    assert!(matches!(queue.try_recv().unwrap().result, Err(Error::Unknown { attempts: 1, .. })));
    door.read_end();
}
