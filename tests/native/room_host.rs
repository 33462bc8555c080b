//! Who is host.

use serde_json::{Value, json};

use crate::peer::hall_of;

/// The oldest is who has been here longest, not who came first of all.
#[test]
fn the_host_is_who_has_been_here_longest() {
    let (mut hall, [a, b, c]) = hall_of();
    for (time, peer) in [(1_000, &a), (2_000, &b), (3_000, &c)] {
        hall.until(time);
        peer.join(&mut hall, "x");
    }
    a.call(&mut hall, json!(["room:leave"]));
    hall.until(4_000);
    a.join(&mut hall, "x");
    c.heard(&mut hall);
    b.call(&mut hall, json!(["room:leave"]));
    let state = json!(["room:state", { "host": c.id }]);
    assert_eq!(c.heard(&mut hall).pop(), Some(state));
}

/// An `undefined` payload arrives as `null`, and is none.
#[test]
fn joining_without_a_payload() {
    let (mut hall, [a, b]) = hall_of();
    let joined = a.call(&mut hall, json!(["room:join", null]));
    assert_eq!(joined["self"]["name"], Value::Null);
    assert_eq!(joined["self"]["host"], true);
    assert_eq!(b.call(&mut hall, json!(["chat:history", null]))["ok"], true);
}
