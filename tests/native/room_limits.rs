//! Rate limits of a socket.

use serde_json::json;
use signalbox::room::Config;

use crate::peer::{Peer, RoomServer, server_with};
use crate::support::Done;

fn deployed<const N: usize>() -> (RoomServer, [Peer; N]) {
    let mut server = server_with(Config::default());
    let peers = std::array::from_fn(|_| Peer::connect(&mut server));
    (server, peers)
}

/// Each bucket allows its burst, refuses the next event with the time to wait, and refills. Other
/// buckets are not affected.
#[test]
fn each_kind_of_event_has_its_rate() {
    let cases = [
        (json!(["signal", { "data": 1 }]), 200, 50),
        (json!(["offer", { "sdp": "x", "type": "offer" }]), 200, 50),
        (json!(["candidate", null]), 200, 50),
        (json!(["peer:outcome", {}]), 200, 50),
        (json!(["chat-message", "hi"]), 10, 1000),
        (json!(["chat:history"]), 10, 1000),
        (json!(["room:join"]), 10, 1000),
        (json!(["peer:update", {}]), 10, 1000),
        (json!(["ice:get"]), 10, 1000),
        (json!(["no such event"]), 10, 1000),
    ];
    for (event, burst, retry) in &cases {
        let (mut server, [a]) = deployed();
        for time in [0, 20_000] {
            server.skip_to(time);
            for n in 0..*burst {
                let reply = a.call(&mut server, event);
                assert_ne!(reply["error"]["code"], "rate-limited", "{event} number {n}");
            }
            let reply = a.call(&mut server, event);
            let error = json!([reply["error"]["code"], reply["error"]["retryAfterMs"]]);
            assert_eq!(error, json!(["rate-limited", retry]), "{event}");
        }
        server.skip_to(server.now() + retry - 1);
        assert_eq!(a.refusal(&mut server, event), "rate-limited");
        server.skip_to(server.now() + 1);
        assert_ne!(a.call(&mut server, event)["error"]["code"], "rate-limited");
        let others = cases.iter().filter(|other| other.2 != *retry);
        for (other, ..) in others {
            assert_ne!(a.call(&mut server, other)["error"]["code"], "rate-limited");
        }
    }
}

/// Each socket has its own rates.
#[test]
fn one_sockets_rate_does_not_limit_others() {
    let (mut server, [a, b]) = deployed();
    for _ in 0..50 {
        a.emit(&mut server, json!(["chat-message", "spam"]));
    }
    let heard = a.heard(&mut server);
    let errors = heard.iter().filter(|event| event[0] == "room:error");
    assert_eq!(errors.count(), 40);
    assert_eq!(b.heard(&mut server).len(), 10);
    assert_eq!(
        b.call(&mut server, json!(["chat-message", "hi"]))["ok"],
        true
    );
    assert_eq!(a.heard(&mut server).len(), 1);
}

/// After 200 refusals, a client that sends one more event is disconnected.
#[test]
fn persistent_abuse_ends_the_session() {
    let (mut server, [a, b]) = deployed();
    a.join(&mut server, "a");
    b.join(&mut server, "b");
    a.heard(&mut server);
    for n in 0.. {
        if !server.connections.contains_key(&a.connection()) {
            assert_eq!(n, 211, "10 allowed, 200 refused, and one more");
            break;
        }
        server.text(a.connection(), r#"42["chat-message","spam"]"#);
    }
    let told = server.take_for(a.connection());
    assert!(
        matches!(&told[told.len() - 2..], [Done::Sent(_, frame), Done::Closed(_, None)] if frame == "41")
    );
    let heard = b.heard(&mut server);
    assert_eq!(
        heard
            .iter()
            .filter(|event| event[0] == "chat-message")
            .count(),
        10
    );
    let left = json!(["peer:left", { "id": a.id, "reason": "kicked" }]);
    assert!(heard.contains(&left), "{heard:?}");
    assert!(!a.reconnect(&mut server).recovered);
}

/// A client that leaves and returns keeps its rates, on the same connection or another. A socket from
/// another address has rates of its own.
#[test]
fn a_new_socket_continues_the_rates_of_the_last() {
    let (mut server, [a]) = deployed();
    let spam = r#"421["chat-message","spam"]"#;
    let answers = |server: &mut RoomServer, connection: u64| {
        let sent = server.take_for(connection).into_iter();
        let frames = sent.filter_map(|done| match done {
            Done::Sent(_, frame) => frame.starts_with("431").then_some(frame),
            _ => None,
        });
        let limited = |frame: String| frame.contains("rate-limited");
        frames.map(limited).collect::<Vec<_>>()
    };
    for _ in 0..10 {
        server.text(a.connection(), spam);
    }
    assert_eq!(answers(&mut server, a.connection()), [false; 10]);
    for packet in ["41", "40", spam] {
        server.text(a.connection(), packet);
    }
    assert_eq!(answers(&mut server, a.connection()), [true]);
    server.text(a.connection(), "41");
    "198.51.100.7".clone_into(&mut server.address);
    let other = Peer::connect(&mut server);
    server.text(other.connection(), spam);
    assert_eq!(answers(&mut server, other.connection()), [false]);
    "192.0.2.1".clone_into(&mut server.address);
    let again = Peer::connect(&mut server);
    server.text(again.connection(), spam);
    assert_eq!(answers(&mut server, again.connection()), [true]);
}
