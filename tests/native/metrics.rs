//! Data points for operators.

use serde_json::json;

use crate::peer::{Peer, RoomServer, server_of};

/// The points since the last call, without the number of peers.
fn points(server: &RoomServer) -> Vec<(String, String, f64)> {
    let points = server.platform.points.take().into_iter();
    points
        .map(|(event, detail, value, _)| (event, detail, value))
        .collect()
}

fn point(event: &str, detail: &str, value: f64) -> (String, String, f64) {
    (event.to_owned(), detail.to_owned(), value)
}

#[test]
fn joins_leaves_refusals_and_kicks_are_counted() {
    let (mut server, [a, b, c]) = server_of();
    a.join(&mut server, "a");
    b.join(&mut server, "b");
    assert_eq!(
        server.platform.points.borrow()[1],
        ("join".to_owned(), String::new(), 0.0, 2.0)
    );
    points(&server);
    a.call(
        &mut server,
        json!(["host:password", { "password": "sesame" }]),
    );
    points(&server);
    c.call(&mut server, json!(["room:join", { "password": "x" }]));
    assert_eq!(points(&server), [point("refusal", "bad-password", 0.0)]);
    a.call(&mut server, json!(["host:kick", { "id": b.id }]));
    assert_eq!(
        points(&server),
        [point("kick", "kicked", 0.0), point("leave", "kicked", 0.0)]
    );
    a.vanish_for_good(&mut server);
    assert_eq!(
        points(&server),
        [point("away", "", 0.0), point("leave", "timeout", 0.0)]
    );
}

/// Each event is a point, even if the log is limited.
#[test]
fn more_is_counted_than_logged() {
    let (mut server, [a]) = server_of();
    for _ in 0..300 {
        a.call(&mut server, json!(["room:join", {}]));
        a.call(&mut server, json!(["room:leave"]));
    }
    assert_eq!(points(&server).len(), 600);
    assert_eq!(server.platform.lines.borrow().len(), 200);
}

#[test]
fn recoveries_are_measured() {
    let (mut server, [a, _]) = server_of();
    a.join(&mut server, "a");
    points(&server);
    a.vanish(&mut server);
    server.until(server.now() + 1_234);
    assert!(a.reconnect(&mut server).recovered);
    assert_eq!(
        points(&server),
        [point("away", "", 0.0), point("back", "", 1_234.0)]
    );
}

#[test]
fn relayed_signals_are_counted() {
    let (mut server, [a, b, _]): (RoomServer, [Peer; 3]) = server_of();
    a.emit(
        &mut server,
        json!(["offer", { "type": "offer", "sdp": "x" }]),
    );
    b.emit(
        &mut server,
        json!(["answer", { "to": a.id, "description": { "type": "answer", "sdp": "x" } }]),
    );
    b.emit(
        &mut server,
        json!(["answer", { "to": "nobody", "description": {} }]),
    );
    assert_eq!(
        points(&server),
        [
            point("signal", "offer", 2.0),
            point("signal", "answer", 1.0)
        ]
    );
}

/// A peer's report is a point. Nobody else is told, and nothing is stored.
#[test]
fn reported_outcomes_are_counted() {
    let (mut server, [a, b]) = server_of();
    let report = |outcome: &str, ms: u64| json!(["peer:outcome", { "outcome": outcome, "ms": ms }]);
    assert_eq!(
        a.refusal(&mut server, &report("direct", 1)),
        "not-joined",
        "only a peer has connections to others"
    );
    a.join(&mut server, "a");
    b.join(&mut server, "b");
    points(&server);
    a.heard(&mut server);
    let rows = server.rows_written;
    let most = u64::from(u32::MAX);
    for (outcome, ms) in [
        ("direct", 0),
        ("relayed", 850),
        ("failed", 20_000),
        ("ended", most),
    ] {
        assert_eq!(
            a.call(&mut server, report(outcome, ms)),
            json!({ "ok": true })
        );
        #[expect(
            clippy::cast_precision_loss,
            reason = "it is below 2 to the power of 32"
        )]
        let expected = point("outcome", outcome, ms as f64);
        assert_eq!(points(&server), [expected]);
    }
    for wrong in [
        json!(null),
        json!("direct"),
        json!({}),
        json!({ "outcome": "direct" }),
        json!({ "ms": 1 }),
        json!({ "outcome": "Direct", "ms": 1 }),
        json!({ "outcome": "x".repeat(10_000), "ms": 1 }),
        json!({ "outcome": "direct", "ms": -1 }),
        json!({ "outcome": "direct", "ms": 1.5 }),
        json!({ "outcome": "direct", "ms": most + 1 }),
        json!({ "outcome": "direct", "ms": "1" }),
    ] {
        let event = json!(["peer:outcome", wrong]);
        assert_eq!(a.refusal(&mut server, &event), "bad-payload", "{wrong}");
    }
    assert_eq!(points(&server), [], "no refused report is counted");
    assert!(a.heard(&mut server).is_empty() && b.heard(&mut server).is_empty());
    assert_eq!(server.rows_written, rows);
}
