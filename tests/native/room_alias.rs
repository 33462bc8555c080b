//! Aliases: who may take which, and when somebody else gets it.

use serde_json::json;

use crate::peer::hall_of;
use crate::support::id;

/// Ids are nobody's aliases: neither of those who are here nor of those who were or will be.
#[test]
fn an_id_cannot_be_taken_as_an_alias() {
    let (mut hall, [a, b, c]) = hall_of();
    b.vanish_for_good(&mut hall);
    for alias in [&a.id, &b.id, &id(999)] {
        assert_eq!(c.refusal(&mut hall, &json!(["join", alias])), "id-taken");
        let spaced = json!(["join", format!(" {alias} ")]);
        assert_eq!(c.refusal(&mut hall, &spaced), "id-taken");
    }
    let late = json!(["chat-message", { "message": "for b alone", "to": b.id }]);
    assert_eq!(a.refusal(&mut hall, &late), "unknown-peer");
    assert!(c.heard(&mut hall).is_empty());
}

/// Other texts of 20 characters are aliases like any other, and so is one's own id.
#[test]
fn what_looks_like_an_id_and_is_none_can_be_taken() {
    let (mut hall, [a, b]) = hall_of();
    for alias in ["abcdefghijklmnopqrst", "user-00000000000000_", &a.id] {
        let reply = a.call(&mut hall, json!(["join", alias]));
        assert_eq!(reply, json!({ "ok": true }), "{alias}");
        b.emit(&mut hall, json!(["signal", { "to": alias, "data": 1 }]));
        let heard = a.heard(&mut hall).pop();
        assert_eq!(heard.expect("a signal")[0], "signal");
    }
}
