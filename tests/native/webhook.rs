//! Webhooks: the events for the operator's server, their order, and what happens if that server or
//! Signalbox fails.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use signalbox::io::{Answer, Core, Post, Recipient};
use signalbox::room::Config;
use signalbox::room::config::Webhook;
use signalbox::socket;

use crate::peer::{Peer, RoomServer, high_rates, server_of, server_on};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const URL: &str = "https://example.com/hook";
const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;

fn webhook_server(chat: bool, server: socket::Config) -> RoomServer {
    let config = Config {
        limits: high_rates(),
        webhook: Some(Webhook {
            url: URL.to_owned(),
            secret: SECRET.to_owned(),
            chat,
        }),
        ..Config::default()
    };
    let mut server = server_on(config, server);
    server.skip_to(SECOND);
    server
}

pub fn server() -> RoomServer {
    webhook_server(false, socket::Config::default())
}

#[expect(clippy::unnecessary_wraps, reason = "callers write an answer in place")]
pub fn status(status: u16) -> Result<Answer, String> {
    Ok(Answer {
        status,
        body: String::new(),
    })
}

/// The event in a request to the operator's server. Asserts that its signature is valid.
fn read(post: &Post) -> Value {
    assert_eq!(post.to, Recipient::Server(URL.to_owned()));
    let [("x-signalbox-signature", signature)] = &post.headers[..] else {
        panic!("other headers: {:?}", post.headers);
    };
    let (time, signature) = signature.split_once(",v1=").expect("a signature");
    let time = time.strip_prefix("t=").expect("a time");
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{time}.{}", post.body).as_bytes());
    let byte = |at: usize| u8::from_str_radix(&signature[2 * at..2 * at + 2], 16).unwrap();
    assert_eq!(signature.len(), 64);
    mac.verify_slice(&(0..32).map(byte).collect::<Vec<_>>())
        .expect("the signature of this body");
    serde_json::from_str(&post.body).expect("JSON")
}

/// Accepts all pending events as the operator's server, and returns them.
pub fn accept_all(server: &mut RoomServer) -> Vec<Value> {
    let mut events = Vec::new();
    while !server.posts.is_empty() {
        assert_eq!(server.posts.len(), 1, "one at a time");
        events.push(read(&server.answer_post(status(204))));
    }
    events
}

/// The events without their common fields.
fn brief(events: &[Value]) -> Vec<Value> {
    let brief = events.iter().map(|event| {
        let mut event = event.clone();
        for field in ["id", "stream", "seq", "ts", "room"] {
            event.as_object_mut().unwrap().remove(field).expect(field);
        }
        event
    });
    brief.collect()
}

/// The receiver fails until this time, or until no event is pending. Returns the number of
/// attempts.
fn fail_until(server: &mut RoomServer, end: u64) -> usize {
    let mut attempts = 0;
    while waiting(server) > 0 {
        if server.posts.is_empty() {
            let deadline = server.core.deadline().expect("events wait").as_millis();
            if deadline > end {
                server.until(end);
                break;
            }
            server.until(deadline);
        } else {
            attempts += 1;
            server.answer_post(status(500));
        }
    }
    attempts
}

fn waiting(server: &RoomServer) -> usize {
    let stored = server.platform.stored();
    let keys = stored.keys();
    keys.filter(|key| key.starts_with("webhook/event/")).count()
}

#[test]
fn joins_leaves_hosts_and_the_end_are_told() {
    let mut server = server();
    let [a, b] = std::array::from_fn(|_| Peer::connect(&mut server));
    assert!(server.posts.is_empty(), "nobody joined");
    a.join(&mut server, "Ada");
    a.join(&mut server, "Ada again");
    b.join(&mut server, "Bob");
    a.emit(&mut server, json!(["chat-message", "not told"]));
    let events = accept_all(&mut server);
    let stream = events[0]["stream"].as_str().expect("a stream").to_owned();
    let ada = json!({ "id": a.id, "name": "Ada" });
    assert_eq!(
        events[0],
        json!({
            "id": format!("{stream}-1"), "stream": stream, "seq": 1, "ts": SECOND, "room": "room",
            "event": "join", "peer": ada, "peers": 1,
        })
    );
    let bob = json!({ "id": b.id, "name": "Bob" });
    assert_eq!(
        brief(&events[1..]),
        [
            json!({ "event": "host", "peer": { "id": a.id } }),
            json!({ "event": "join", "peer": bob, "peers": 2 }),
        ]
    );
    a.emit(&mut server, json!(["room:leave"]));
    b.vanish_for_good(&mut server);
    let events = accept_all(&mut server);
    assert_eq!(
        brief(&events),
        [
            json!({ "event": "leave", "peer": { "id": a.id }, "reason": "left", "peers": 1 }),
            json!({ "event": "host", "peer": { "id": b.id } }),
            json!({ "event": "leave", "peer": { "id": b.id }, "reason": "timeout", "peers": 0 }),
            json!({ "event": "empty" }),
        ]
    );
    assert_eq!(events[3]["seq"], 7);
    assert_eq!(events[3]["id"], format!("{stream}-7"));
    assert_eq!(waiting(&server), 0);
}

#[test]
fn without_a_url_nothing_is_sent_or_stored() {
    let (mut server, [a]) = server_of();
    a.join(&mut server, "x");
    assert!(server.posts.is_empty());
    let stored = server.platform.stored();
    assert!(!stored.keys().any(|key| key.starts_with("webhook")));
}

/// Chat messages are sent if that is configured, except private ones.
#[test]
fn chat_is_told_if_wanted() {
    let mut server = webhook_server(true, socket::Config::default());
    let [a, b] = std::array::from_fn(|_| Peer::connect(&mut server));
    a.join(&mut server, "Ada");
    a.call(
        &mut server,
        json!(["chat-message", { "message": "private", "to": b.id }]),
    );
    let sent = a.call(&mut server, json!(["chat-message", "hello"]));
    let events = accept_all(&mut server);
    assert_eq!(events.len(), 3);
    let message = json!({ "message": "hello", "id": sent["id"], "seq": sent["seq"], "ts": sent["ts"], "from": a.id, "name": "Ada" });
    assert_eq!(
        brief(&events)[2],
        json!({ "event": "chat", "message": message })
    );
}

/// A closed room is reported as a room that all peers left, and is then deleted.
#[test]
fn a_room_that_an_operator_closes() {
    let mut server = server();
    let a = Peer::connect(&mut server);
    a.join(&mut server, "Ada");
    server.operate("close", "", "");
    let before = server.platform.stored();
    assert!(!before.is_empty(), "events wait");
    let events = accept_all(&mut server);
    let names: Vec<_> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["join", "host", "leave", "empty"]);
    assert_eq!(events[2]["reason"], "closed");
    server.until(server.now() + 30_000);
    assert!(server.platform.stored().is_empty());
    let next = Peer::connect(&mut server);
    next.join(&mut server, "x");
    let again = accept_all(&mut server);
    assert_eq!(again[0]["seq"], 1);
    assert_ne!(
        again[0]["stream"], events[0]["stream"],
        "the new room has a new stream"
    );
}

/// Retries come after 1, 2, 4 seconds and so on, at most an hour. The events stay in order. Only the
/// first failure is logged.
#[test]
fn failed_events_are_sent_again_after_growing_pauses() {
    let mut server = server();
    let a = Peer::connect(&mut server);
    a.join(&mut server, "Ada");
    a.vanish_for_good(&mut server);
    let webhook_lines = |server: &RoomServer| {
        let lines = server.platform.lines.take();
        lines
            .iter()
            .filter(|line| line.contains("\"webhook\""))
            .count()
    };
    let mut wait = SECOND;
    for attempt in 0..20 {
        let failed = [
            status(500),
            status(302),
            status(404),
            Err("no route".to_owned()),
        ];
        let failed = failed[attempt % 4].clone();
        let event = read(&server.answer_post(failed));
        assert_eq!(event["seq"], 1);
        assert_eq!(webhook_lines(&server), usize::from(attempt == 0));
        assert!(server.posts.is_empty());
        let failed_at = server.now();
        if attempt % 3 == 0 {
            server.lose_memory();
        }
        server.until(failed_at + wait - 1);
        assert!(server.posts.is_empty(), "attempt {attempt}");
        server.until(failed_at + wait);
        assert_eq!(server.posts.len(), 1, "attempt {attempt}");
        wait = (wait * 2).min(HOUR);
    }
    let events = accept_all(&mut server);
    let numbers: Vec<_> = events
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert_eq!(webhook_lines(&server), 0);
}

/// A missing answer does not block the queue forever.
#[test]
fn an_answer_that_is_lost_with_memory_or_the_server() {
    for interruption in [
        |server: &mut RoomServer| {
            server.lose_memory();
        },
        |server: &mut RoomServer| {
            server.kill();
        },
    ] {
        let mut server = server();
        let a = Peer::connect(&mut server);
        a.join(&mut server, "Ada");
        let first = read(&server.posts[0]);
        interruption(&mut server);
        server.until(server.now() + 1);
        assert_eq!(read(&server.posts[0]), first);
        server.until(server.now() + 59 * SECOND);
        assert_eq!(server.posts.len(), 1);
        server.until(server.now() + SECOND);
        assert_eq!(server.posts.len(), 2, "its answer is overdue");
        let late = server.answer_post(status(200));
        assert_eq!(read(&late), first);
    }
}

/// The server is killed after each number of outputs of a join: no number is used for two events.
#[test]
fn a_number_never_stands_for_two_events() {
    for outputs in 0..6 {
        let mut server = server();
        let a = Peer::connect(&mut server);
        server.crash_after(outputs);
        a.emit(&mut server, json!(["room:join", { "name": "Ada" }]));
        server.take();
        server.until(server.now() + 31 * SECOND); // `a` leaves, if it had joined
        let b = Peer::connect(&mut server);
        b.join(&mut server, "Bob");
        server.until(server.now() + SECOND);
        accept_all(&mut server);
        let seen: Vec<Value> = server.all_posts.iter().map(read).collect();
        for event in &seen {
            for other in seen.iter().filter(|other| other["id"] == event["id"]) {
                assert_eq!(event, other, "killed after {outputs} outputs");
            }
        }
        assert!(seen.iter().any(|event| event["peer"]["name"] == "Bob"));
    }
}

/// Pending events are not deleted with the room: its storage is kept until they are delivered, and
/// then for the usual time.
#[test]
fn pending_events_outlive_the_retention() {
    for retention in [0, 3_600] {
        let mut server = webhook_server(
            false,
            socket::Config {
                retention: Some(std::time::Duration::from_secs(retention)),
                ..socket::Config::default()
            },
        );
        let a = Peer::connect(&mut server);
        a.join(&mut server, "Ada");
        a.vanish_for_good(&mut server);
        let end = server.now() + 3 * HOUR;
        fail_until(&mut server, end);
        server.kill();
        fail_until(&mut server, end + 2 * HOUR);
        server.until(server.now() + HOUR).kill();
        server.until(server.now() + SECOND);
        assert_eq!(accept_all(&mut server).len(), 4);
        let told = server.now();
        server.until(told + retention * SECOND);
        assert!(server.platform.stored().is_empty());
        assert_eq!(server.core.deadline(), None);
    }
}

/// M-23: at most 1,000 events, and 1 MB of them, are pending; the oldest are dropped, and the
/// receiver sees a gap in the numbers.
#[test]
fn m_23_events_that_wait() {
    let mut server = webhook_server(true, socket::Config::default());
    let a = Peer::connect(&mut server);
    a.join(&mut server, "Ada");
    for n in 0..1_100 {
        a.emit(&mut server, json!(["chat-message", n.to_string()]));
    }
    assert_eq!(waiting(&server), 1_000);
    let events = accept_all(&mut server);
    // The first event was being sent.
    assert_eq!(events[0]["seq"], 1);
    assert_eq!(events[1]["seq"], 103);
    assert_eq!(events.len(), 1_001);
    let large = "x".repeat(4_000);
    for _ in 0..400 {
        a.emit(&mut server, json!(["chat-message", large]));
    }
    let stored = server.platform.stored();
    let events = stored
        .iter()
        .filter(|(key, _)| key.starts_with("webhook/event/"));
    let bytes: usize = events.map(|(_, event)| event.len()).sum();
    assert!((1_000_000..=1_048_576 + 1_000).contains(&bytes), "{bytes}");
    server.lose_memory();
    assert!(waiting(&server) < 400);
    server.until(server.now() + SECOND);
    let last = accept_all(&mut server);
    assert_eq!(last.last().map(|event| &event["seq"]), Some(&json!(1_502)));
}

/// M-23: an event that is not accepted for a day is dropped. Then the room is not woken for it any more.
#[test]
fn m_23_events_wait_a_day() {
    let mut server = server();
    let a = Peer::connect(&mut server);
    a.join(&mut server, "Ada");
    a.vanish_for_good(&mut server);
    let end = server.now() + DAY + 2 * HOUR;
    let attempts = fail_until(&mut server, end);
    assert_eq!(waiting(&server), 0);
    assert!((30..45).contains(&attempts), "{attempts}");
    let lines = server.platform.lines.borrow().join("\n");
    assert!(lines.contains("events were dropped"), "{lines}");
}

/// An answer to a request that is not pending changes nothing.
#[test]
fn answers_to_unknown_requests() {
    let mut server = server();
    let a = Peer::connect(&mut server);
    a.join(&mut server, "Ada");
    for number in [2, 3, u64::MAX] {
        server.handle(signalbox::io::Input::Posted(number, status(200)));
    }
    assert_eq!(waiting(&server), 2);
    assert_eq!(server.posts.len(), 1);
}
