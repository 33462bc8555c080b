//! The index of rooms, and the rooms' messages to it.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::{Value, json};
use signalbox::engine::{self, Engine};
use signalbox::index::{Index, NAME};
use signalbox::io::{Answer, Core, Post, Recipient};
use signalbox::room::{Config, Room, RoomName};
use signalbox::socket::{self, Runner, Server};
use signalbox::store::Store;

use crate::peer::{Peer, RoomServer, high_rates, server_of};
use crate::random::Random;
use crate::support::Script;
use crate::webhook::status;

const JSON: &str = "application/json";
const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;

/// A room with this name, which the index lists.
fn listed(name: &'static str) -> RoomServer {
    Script::new(move |store: Rc<Store>| {
        let engine = Engine::new(engine::Config::default(), Rc::clone(&store));
        let server = Server::new(socket::Config::default(), engine);
        let config = Config {
            limits: high_rates(),
            listed: true,
            ..Config::default()
        };
        Runner::new(
            server,
            Room::new(RoomName::parse(name).unwrap(), config, store),
        )
    })
}

pub fn listed_server() -> RoomServer {
    listed("room")
}

fn index() -> Script<Runner<Index>> {
    Script::new(|store: Rc<Store>| {
        let engine = Engine::new(engine::Config::default(), Rc::clone(&store));
        let server = Server::new(socket::Config::default(), engine);
        Runner::new(server, Index::new(store))
    })
}

/// Sends a room's message to the index. Returns the answer.
fn tell(index: &mut Script<Runner<Index>>, post: &Post) -> Answer {
    let Recipient::Object { name, action } = &post.to else {
        panic!("not for an object: {post:?}");
    };
    assert_eq!(name, NAME);
    let (status, body) = index.operate(action, JSON, &post.body);
    let body = body.to_string();
    Answer { status, body }
}

fn page(index: &mut Script<Runner<Index>>, query: &Value) -> Value {
    let (status, page) = index.operate("list", JSON, query.to_string());
    assert_eq!(status, 200);
    page
}

fn names(page: &Value) -> Vec<&str> {
    let rooms = page["rooms"].as_array().expect("rooms").iter();
    rooms.map(|room| room["name"].as_str().unwrap()).collect()
}

/// The pending messages to the index: whether the room is open, and when it last opened.
fn told(server: &RoomServer) -> Vec<(bool, u64)> {
    let posts = server.posts.iter().map(|post| {
        let told: Value = serde_json::from_str(&post.body).expect("JSON");
        assert_eq!(told["room"], "room");
        (
            told["open"].as_bool().unwrap(),
            told["since"].as_u64().unwrap(),
        )
    });
    posts.collect()
}

/// A room tells the index of its first join and its last leave, and of nothing in between.
#[test]
fn a_room_tells_that_it_opens_and_closes() {
    let mut server = listed_server();
    server.skip_to(SECOND);
    let [a, b] = std::array::from_fn(|_| Peer::connect(&mut server));
    assert!(server.posts.is_empty(), "nobody joined");
    a.join(&mut server, "a");
    assert_eq!(told(&server), [(true, SECOND)]);
    server.answer_post(status(200));
    b.join(&mut server, "b");
    a.emit(&mut server, json!(["room:leave"]));
    assert!(server.posts.is_empty(), "the room is still open");
    server.until(20 * SECOND);
    b.emit(&mut server, json!(["room:leave"]));
    assert_eq!(told(&server), [(false, SECOND)]);
    server.answer_post(status(200));
    server.until(server.now() + SECOND).kill();
    server.until(server.now() + HOUR);
    assert!(server.posts.is_empty(), "the index is told once");
}

#[test]
fn a_room_without_an_index_tells_nothing() {
    let (mut server, [a]) = server_of();
    a.join(&mut server, "a");
    assert!(server.posts.is_empty());
    assert!(!server.platform.stored().contains_key("listing"));
}

/// A room repeats a message until the index confirms it: after a failure, after the loss of memory
/// and after a kill, even with no clients. Its storage is kept until then.
#[test]
fn a_room_repeats_unconfirmed_messages_to_the_index() {
    let mut server = listed_server();
    let a = Peer::connect(&mut server);
    a.join(&mut server, "a");
    for failed in [status(503), Err("lost".to_owned()), status(507)] {
        server.answer_post(failed);
        assert!(server.posts.is_empty());
        server.until(server.now() + 10 * SECOND);
        assert_eq!(told(&server), [(true, 0)]);
    }
    server.lose_memory();
    server.until(server.now() + SECOND);
    assert_eq!(told(&server), [(true, 0)]);
    server.answer_post(status(200));
    a.heard(&mut server);
    server.until(server.now() + 10 * SECOND);
    server.operate("close", "", "");
    assert_eq!(told(&server), [(false, 0)]);
    server.kill();
    assert!(!server.platform.stored().is_empty());
    server.until(server.now() + SECOND);
    assert_eq!(told(&server), [(false, 0)]);
    server.answer_post(status(200));
    server.until(server.now() + 25 * HOUR);
    assert!(server.platform.stored().is_empty());
    assert_eq!(server.core.deadline(), None);
}

/// A room that opens and closes repeatedly sends at most one message in ten seconds.
#[test]
fn a_room_sends_few_messages_to_the_index() {
    let mut server = listed_server();
    let a = Peer::connect(&mut server);
    for n in 0..1_000 {
        server.until(server.now() + 50);
        let event = if n % 2 == 0 {
            "room:join"
        } else {
            "room:leave"
        };
        a.call(&mut server, json!([event, {}]));
        while !server.posts.is_empty() {
            server.answer_post(status(200));
        }
    }
    assert!(
        (4..=6).contains(&server.all_posts.len()),
        "{:?}",
        server.all_posts
    );
}

#[test]
fn pages_of_rooms() {
    let mut index = index();
    for n in 0..250 {
        let told = json!({ "room": format!("room-{n:03}"), "open": true, "since": n });
        assert_eq!(index.operate("tell", JSON, told.to_string()).0, 200);
    }
    let first = page(&mut index, &json!({}));
    assert_eq!(first["count"], 250);
    assert_eq!(names(&first).len(), 50);
    assert_eq!(first["rooms"][7], json!({ "name": "room-007", "since": 7 }));
    let mut all = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = page(&mut index, &json!({ "after": after, "limit": 40 }));
        all.extend(names(&page).into_iter().map(str::to_owned));
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
        index.kill();
    }
    let expected: Vec<String> = (0..250).map(|n| format!("room-{n:03}")).collect();
    assert_eq!(all, expected);
    for (limit, len) in [(0, 1), (1, 1), (100, 100), (1_000_000, 100)] {
        let page = page(&mut index, &json!({ "limit": limit }));
        assert_eq!(names(&page).len(), len, "{limit}");
    }
    assert_eq!(
        names(&page(&mut index, &json!({ "after": "zzz" }))),
        [""; 0]
    );
}

/// A late message does not close a room that has opened again.
#[test]
fn a_late_message_does_not_close_a_room_that_opened_again() {
    let mut index = index();
    let mut tell = |open: bool, since: u64| {
        let told = json!({ "room": "x", "open": open, "since": since });
        index.operate("tell", JSON, told.to_string());
        page(&mut index, &json!({}))["count"].clone()
    };
    assert_eq!(tell(true, 1), 1);
    assert_eq!(tell(true, 1), 1);
    assert_eq!(tell(true, 2), 1);
    assert_eq!(tell(false, 1), 1);
    assert_eq!(tell(false, 2), 0);
    assert_eq!(tell(false, 2), 0);
}

/// M-24: the index has at most 10,000 rooms; one more is accepted when another has closed.
#[test]
fn m_24_rooms_of_the_index() {
    let mut index = index();
    let mut tell = |n: usize, open: bool| {
        let told = json!({ "room": n.to_string(), "open": open, "since": 0 });
        index.operate("tell", JSON, told.to_string()).0
    };
    for n in 0..10_000 {
        assert_eq!(tell(n, true), 200);
    }
    assert_eq!(tell(10_000, true), 507);
    assert_eq!(tell(0, true), 200, "it is there already");
    assert_eq!(tell(0, false), 200);
    assert_eq!(tell(10_000, true), 200);
}

/// The index's entries survive the loss of memory while rooms are open. Its storage is deleted with
/// the last room.
#[test]
fn the_index_keeps_its_entries() {
    let mut index = index();
    let told = |open: bool| json!({ "room": "x", "open": open, "since": 0 }).to_string();
    index.operate("tell", JSON, told(true));
    index.until(100 * 24 * HOUR).kill();
    assert_eq!(names(&page(&mut index, &json!({}))), ["x"]);
    index.operate("tell", JSON, told(false));
    index.until(index.now() + 25 * HOUR);
    assert!(index.platform.stored().is_empty());
    for (action, body) in [("tell", "{}"), ("tell", "x"), ("list", "[1]"), ("list", "")] {
        assert_eq!(index.operate(action, JSON, body).0, 400, "{action} {body}");
    }
    assert_eq!(index.operate("emit", JSON, "{}").0, 404);
    assert!(index.platform.stored().is_empty());
}

/// Rooms open and close at random, requests and answers are lost, servers are killed: in the end
/// the index is right.
#[test]
fn the_index_is_right_in_the_end() {
    for seed in 0..8 {
        let mut random = Random::new(seed);
        let mut index = index();
        let mut servers = ["one", "two", "three"].map(|name| (name, listed(name)));
        let mut peers: Vec<Option<Peer>> = vec![None, None, None];
        let settle = |random: &mut Random,
                      index: &mut Script<Runner<Index>>,
                      server: &mut RoomServer,
                      reliable: bool| {
            while let Some(post) = server.posts.first().cloned() {
                let fate = if reliable { 9 } else { random.next() % 10 };
                let answer = if fate == 0 {
                    Err("lost".to_owned())
                } else {
                    Ok(tell(index, &post))
                };
                match fate {
                    1 => server.answer_post(Err("the answer is lost".to_owned())),
                    _ => server.answer_post(answer),
                };
            }
        };
        for _ in 0..200 {
            let at = usize::try_from(random.next()).unwrap() % 3;
            let (_, server) = &mut servers[at];
            match random.next() % 8 {
                0..=2 if peers[at].is_none() => {
                    let peer = Peer::connect(server);
                    peer.join(server, "x");
                    peers[at] = Some(peer);
                }
                0..=2 => {
                    if let Some(peer) = peers[at].take() {
                        peer.vanish_for_good(server);
                    }
                }
                3 => {
                    server.lose_memory();
                }
                4 if random.next().is_multiple_of(3) => {
                    server.kill();
                    peers[at] = None;
                }
                5 => {
                    index.kill();
                }
                6 => {
                    if let Some(peer) = &peers[at] {
                        peer.heard(server);
                    }
                    server.until(server.now() + random.next() % 20_000);
                }
                _ => settle(&mut random, &mut index, server, false),
            }
        }
        for (at, (_, server)) in servers.iter_mut().enumerate() {
            for _ in 0..400 {
                settle(&mut random, &mut index, server, true);
                if let Some(peer) = &peers[at] {
                    peer.heard(server);
                }
                server.until(server.now() + 20_000);
            }
        }
        let open: BTreeSet<&str> = (0..3)
            .filter(|at| peers[*at].is_some())
            .map(|at| servers[at].0)
            .collect();
        let page = page(&mut index, &json!({}));
        assert_eq!(
            names(&page).into_iter().collect::<BTreeSet<_>>(),
            open,
            "seed {seed}"
        );
    }
}
