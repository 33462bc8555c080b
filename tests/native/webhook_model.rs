//! Webhooks under random events: a receiver's view of the room is the room's state.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::peer::{Peer, RoomServer};
use crate::random::Random;
use crate::webhook::{accept_all, server, status};

/// A receiver that knows the room only by its events.
#[derive(Default)]
struct Receiver {
    /// The events by id.
    events: BTreeMap<String, Value>,
    last: u64,
    peers: BTreeSet<String>,
    host: Option<String>,
    empties: usize,
    duplicates: usize,
}

impl Receiver {
    fn take(&mut self, event: &Value) {
        let id = event["id"].as_str().expect("an id").to_owned();
        let seq = event["seq"].as_u64().expect("a number");
        if let Some(known) = self.events.get(&id) {
            assert_eq!(known, event, "an id has one event");
            assert_eq!(seq, self.last, "only the last event may be repeated");
            self.duplicates += 1;
            return;
        }
        assert_eq!(seq, self.last + 1, "no event is missing");
        self.last = seq;
        self.events.insert(id, event.clone());
        let peer = event["peer"]["id"].as_str().unwrap_or_default().to_owned();
        match event["event"].as_str().expect("a name") {
            "join" => assert!(self.peers.insert(peer), "joins once"),
            "leave" => {
                assert!(self.peers.remove(&peer), "leaves after it joined");
                self.host.take_if(|host| *host == peer);
            }
            "host" => {
                assert!(self.peers.contains(&peer), "the host is here");
                assert_ne!(self.host.replace(peer.clone()), Some(peer));
            }
            "empty" => {
                assert!(self.peers.is_empty());
                self.empties += 1;
            }
            other => panic!("an unknown event: {other}"),
        }
        if let Some(count) = event["peers"].as_u64() {
            assert_eq!(count, self.peers.len() as u64);
        }
    }

    /// Delivers the oldest pending event, if there is one.
    fn receive(&mut self, server: &RoomServer) -> bool {
        assert!(server.posts.len() <= 1, "one at a time");
        let event = server
            .posts
            .first()
            .map(|post| serde_json::from_str(&post.body).expect("JSON"));
        event.inspect(|event| self.take(event)).is_some()
    }
}

/// A client: its connection is open, or lost.
struct Client {
    peer: Peer,
    open: bool,
}

fn pick(random: &mut Random, clients: &[Client], open: bool) -> Option<usize> {
    let found: Vec<usize> = (0..clients.len())
        .filter(|at| clients[*at].open == open)
        .collect();
    (!found.is_empty()).then(|| found[usize::try_from(random.next()).unwrap() % found.len()])
}

fn play(seed: u64) -> Receiver {
    let mut random = Random::new(seed);
    let mut server = server();
    let mut receiver = Receiver::default();
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..300 {
        match random.next() % 16 {
            0 | 1 if clients.len() < 6 => {
                let peer = Peer::connect(&mut server);
                peer.join(&mut server, "x");
                clients.push(Client { peer, open: true });
            }
            2 | 3 => {
                if let Some(at) = pick(&mut random, &clients, true) {
                    let event = [json!(["room:leave"]), json!(["room:join", {}])];
                    let event = &event[usize::try_from(random.next() % 2).unwrap()];
                    if random.next().is_multiple_of(2) {
                        clients[at].peer.call(&mut server, event);
                    } else {
                        clients[at].peer.emit(&mut server, event);
                    }
                }
            }
            4 => {
                if let Some(at) = pick(&mut random, &clients, true) {
                    clients[at].peer.vanish(&mut server);
                    clients[at].open = false;
                }
            }
            5 | 6 => {
                if let Some(at) = pick(&mut random, &clients, false) {
                    let peer = clients[at].peer.reconnect(&mut server);
                    clients[at] = Client { peer, open: true };
                }
            }
            7 => {
                if let Some(at) = pick(&mut random, &clients, false) {
                    clients.remove(at); // it leaves for good
                }
            }
            8 => {
                server.until(server.now() + random.next() % 40_000);
                // All answers but the last are overdue.
                server.posts.drain(..server.posts.len().saturating_sub(1));
            }
            9 => {
                if random.next().is_multiple_of(2) {
                    receiver.receive(&server);
                }
                server.lose_memory();
            }
            10 if random.next().is_multiple_of(3) => {
                if random.next().is_multiple_of(2) {
                    receiver.receive(&server);
                }
                server.kill();
                for client in &mut clients {
                    client.open = false;
                }
            }
            11 if !server.posts.is_empty() => {
                let failed = [status(503), Err("lost".to_owned())];
                if random.next().is_multiple_of(2) {
                    receiver.receive(&server); // the answer is lost
                }
                server.answer_post(failed[usize::try_from(random.next() % 2).unwrap()].clone());
            }
            _ => {
                if receiver.receive(&server) {
                    server.answer_post(status(200));
                }
            }
        }
        for client in clients.iter().filter(|client| client.open) {
            client.peer.heard(&mut server); // it answers pings
        }
    }
    for _ in 0..10 {
        for event in accept_all(&mut server) {
            receiver.take(&event);
        }
        for client in clients.iter().filter(|client| client.open) {
            client.peer.heard(&mut server);
        }
        server.until(server.now() + 40_000);
    }
    let room = server.operate("", "", "").1;
    let peers = room["peers"].as_array().expect("peers").iter();
    let peers: BTreeSet<String> = peers
        .map(|peer| peer["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(receiver.peers, peers, "seed {seed}");
    if !peers.is_empty() {
        assert_eq!(
            receiver.host.as_deref(),
            room["host"].as_str(),
            "seed {seed}"
        );
    }
    receiver
}

#[test]
fn a_receiver_knows_the_room() {
    let (mut events, mut duplicates, mut empties) = (0, 0, 0);
    for seed in 0..12 {
        let receiver = play(seed);
        events += receiver.last;
        duplicates += receiver.duplicates;
        empties += receiver.empties;
    }
    println!("{events} events, {duplicates} of them more than once, {empties} rooms that emptied");
    assert!(events > 400 && duplicates > 40 && empties > 10);
}
