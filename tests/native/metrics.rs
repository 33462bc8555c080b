//! Data points for operators.

use serde_json::json;

use crate::peer::{Hall, Peer, hall_of};

/// The points since the last call, without the number of peers.
fn points(hall: &Hall) -> Vec<(String, String, f64)> {
    let points = hall.platform.points.take().into_iter();
    points
        .map(|(event, detail, value, _)| (event, detail, value))
        .collect()
}

fn point(event: &str, detail: &str, value: f64) -> (String, String, f64) {
    (event.to_owned(), detail.to_owned(), value)
}

#[test]
fn joins_leaves_refusals_and_kicks_are_counted() {
    let (mut hall, [a, b, c]) = hall_of();
    a.join(&mut hall, "a");
    b.join(&mut hall, "b");
    assert_eq!(
        hall.platform.points.borrow()[1],
        ("join".to_owned(), String::new(), 0.0, 2.0)
    );
    points(&hall);
    a.call(
        &mut hall,
        json!(["host:password", { "password": "sesame" }]),
    );
    points(&hall);
    c.call(&mut hall, json!(["room:join", { "password": "x" }]));
    assert_eq!(points(&hall), [point("refusal", "bad-password", 0.0)]);
    a.call(&mut hall, json!(["host:kick", { "id": b.id }]));
    assert_eq!(
        points(&hall),
        [point("kick", "kicked", 0.0), point("leave", "kicked", 0.0)]
    );
    a.vanish_for_good(&mut hall);
    assert_eq!(
        points(&hall),
        [point("away", "", 0.0), point("leave", "timeout", 0.0)]
    );
}

/// Each event is a point, even if the log is limited.
#[test]
fn more_is_counted_than_logged() {
    let (mut hall, [a]) = hall_of();
    for _ in 0..300 {
        a.call(&mut hall, json!(["room:join", {}]));
        a.call(&mut hall, json!(["room:leave"]));
    }
    assert_eq!(points(&hall).len(), 600);
    assert_eq!(hall.platform.lines.borrow().len(), 200);
}

#[test]
fn recoveries_are_measured() {
    let (mut hall, [a, _]) = hall_of();
    a.join(&mut hall, "a");
    points(&hall);
    a.vanish(&mut hall);
    hall.until(hall.now() + 1_234);
    assert!(a.reconnect(&mut hall).recovered);
    assert_eq!(
        points(&hall),
        [point("away", "", 0.0), point("back", "", 1_234.0)]
    );
}

#[test]
fn relayed_signals_are_counted() {
    let (mut hall, [a, b, _]): (Hall, [Peer; 3]) = hall_of();
    a.emit(&mut hall, json!(["offer", { "type": "offer", "sdp": "x" }]));
    b.emit(
        &mut hall,
        json!(["answer", { "to": a.id, "description": { "type": "answer", "sdp": "x" } }]),
    );
    b.emit(
        &mut hall,
        json!(["answer", { "to": "nobody", "description": {} }]),
    );
    assert_eq!(
        points(&hall),
        [
            point("signal", "offer", 2.0),
            point("signal", "answer", 1.0)
        ]
    );
}
