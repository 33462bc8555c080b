//! Rate limits of a socket.

use serde_json::json;
use signalbox::room::Config;

use crate::peer::{Hall, Peer, hall_with};
use crate::support::Done;

fn deployed<const N: usize>() -> (Hall, [Peer; N]) {
    let mut hall = hall_with(Config::default());
    let peers = std::array::from_fn(|_| Peer::connect(&mut hall));
    (hall, peers)
}

/// Each bucket allows its burst, refuses the next event with the time to wait, and refills. Other
/// buckets are not affected.
#[test]
fn each_kind_of_event_has_its_rate() {
    let cases = [
        (json!(["signal", { "data": 1 }]), 200, 50),
        (json!(["offer", { "sdp": "x", "type": "offer" }]), 200, 50),
        (json!(["candidate", null]), 200, 50),
        (json!(["chat-message", "hi"]), 10, 1000),
        (json!(["chat:history"]), 10, 1000),
        (json!(["room:join"]), 10, 1000),
        (json!(["peer:update", {}]), 10, 1000),
        (json!(["ice:get"]), 10, 1000),
        (json!(["no such event"]), 10, 1000),
    ];
    for (event, burst, retry) in &cases {
        let (mut hall, [a]) = deployed();
        for time in [0, 20_000] {
            hall.late(time);
            for n in 0..*burst {
                let reply = a.call(&mut hall, event);
                assert_ne!(reply["error"]["code"], "rate-limited", "{event} number {n}");
            }
            let reply = a.call(&mut hall, event);
            let error = json!([reply["error"]["code"], reply["error"]["retryAfterMs"]]);
            assert_eq!(error, json!(["rate-limited", retry]), "{event}");
        }
        hall.late(hall.now() + retry - 1);
        assert_eq!(a.refusal(&mut hall, event), "rate-limited");
        hall.late(hall.now() + 1);
        assert_ne!(a.call(&mut hall, event)["error"]["code"], "rate-limited");
        let others = cases.iter().filter(|other| other.2 != *retry);
        for (other, ..) in others {
            assert_ne!(a.call(&mut hall, other)["error"]["code"], "rate-limited");
        }
    }
}

/// One socket's rate is not another's.
#[test]
fn one_sockets_rate_does_not_limit_others() {
    let (mut hall, [a, b]) = deployed();
    for _ in 0..50 {
        a.emit(&mut hall, json!(["chat-message", "spam"]));
    }
    let heard = a.heard(&mut hall);
    let errors = heard.iter().filter(|event| event[0] == "room:error");
    assert_eq!(errors.count(), 40);
    assert_eq!(b.heard(&mut hall).len(), 10);
    assert_eq!(b.call(&mut hall, json!(["chat-message", "hi"]))["ok"], true);
    assert_eq!(a.heard(&mut hall).len(), 1);
}

/// A client that continues is disconnected; the number of refusals is limited.
#[test]
fn persistent_abuse_ends_the_session() {
    let (mut hall, [a, b]) = deployed();
    a.join(&mut hall, "a");
    b.join(&mut hall, "b");
    a.heard(&mut hall);
    for n in 0.. {
        if !hall.connections.contains_key(&a.connection()) {
            assert_eq!(n, 211, "10 and 200, and one more");
            break;
        }
        hall.text(a.connection(), r#"42["chat-message","spam"]"#);
    }
    let told = hall.take_of(a.connection());
    assert!(
        matches!(&told[told.len() - 2..], [Done::Sent(_, frame), Done::Closed(_, None)] if frame == "41")
    );
    let heard = b.heard(&mut hall);
    assert_eq!(
        heard
            .iter()
            .filter(|event| event[0] == "chat-message")
            .count(),
        10
    );
    let left = json!(["peer:left", { "id": a.id, "reason": "kicked" }]);
    assert!(heard.contains(&left), "{heard:?}");
    assert!(!a.reconnect(&mut hall).recovered);
}

/// Leaving and returning does not reset the rates, on the same connection or another, except from
/// another address.
#[test]
fn a_new_socket_continues_the_rates_of_the_last() {
    let (mut hall, [a]) = deployed();
    let spam = r#"421["chat-message","spam"]"#;
    let answers = |hall: &mut Hall, connection: u64| {
        let sent = hall.take_of(connection).into_iter();
        let frames = sent.filter_map(|done| match done {
            Done::Sent(_, frame) => frame.starts_with("431").then_some(frame),
            _ => None,
        });
        let limited = |frame: String| frame.contains("rate-limited");
        frames.map(limited).collect::<Vec<_>>()
    };
    for _ in 0..10 {
        hall.text(a.connection(), spam);
    }
    assert_eq!(answers(&mut hall, a.connection()), [false; 10]);
    for packet in ["41", "40", spam] {
        hall.text(a.connection(), packet);
    }
    assert_eq!(answers(&mut hall, a.connection()), [true]);
    hall.text(a.connection(), "41");
    "198.51.100.7".clone_into(&mut hall.address);
    let other = Peer::connect(&mut hall);
    hall.text(other.connection(), spam);
    assert_eq!(answers(&mut hall, other.connection()), [false]);
    "192.0.2.1".clone_into(&mut hall.address);
    let again = Peer::connect(&mut hall);
    hall.text(again.connection(), spam);
    assert_eq!(answers(&mut hall, again.connection()), [true]);
}
