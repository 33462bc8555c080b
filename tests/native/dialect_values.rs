//! The valid forms of tables.

use serde_json::{Value, json};
use signalbox::dialect::transcript::play;

use crate::dialect::table;

/// Plays steps against a table with these events.
fn plays(on: &Value, steps: &Value) {
    let json = json!({ "on": on }).to_string();
    if let Err(error) = play(table(&json), &steps.to_string()) {
        panic!("{on}: {error}");
    }
}

/// Two clients, ann and bob, in a room r; cat is in no room.
fn in_room(on: &Value, steps: Value) {
    let mut on = on.clone();
    on["enter"] = json!([{"join": "r"}]);
    let mut all = json!([
        {"connect": "ann"}, {"connect": "bob"}, {"connect": "cat"},
        {"by": "ann", "emit": ["enter"]}, {"by": "bob", "emit": ["enter"]},
    ]);
    let (Value::Array(all_steps), Value::Array(steps)) = (&mut all, steps) else {
        panic!("steps are lists");
    };
    all_steps.extend(steps);
    plays(&on, &all);
}

#[test]
fn receivers() {
    let x = json!([["x"]]);
    let missing =
        json!([["room:error", {"code": "unknown-peer", "message": "$message", "event": "go"}]]);
    for (action, gets_in, gets_out) in [
        (json!({}), json!({"ann": x}), json!({"cat": x})),
        (
            json!({"to": "sender"}),
            json!({"ann": x}),
            json!({"cat": x}),
        ),
        (json!({"to": "others"}), json!({"bob": x}), json!({})),
        (json!({"to": "all"}), json!({"ann": x, "bob": x}), json!({})),
        (
            json!({"to": "everyone"}),
            json!({"ann": x, "bob": x, "cat": x}),
            json!({"ann": x, "bob": x, "cat": x}),
        ),
        (
            json!({"to": "broadcast"}),
            json!({"bob": x, "cat": x}),
            json!({"ann": x, "bob": x}),
        ),
        (
            json!({"to": "r"}),
            json!({"bob": x}),
            json!({"ann": x, "bob": x}),
        ),
        (
            json!({"to": {"room": "r"}}),
            json!({"bob": x}),
            json!({"ann": x, "bob": x}),
        ),
        (
            json!({"to": "all", "in": "r"}),
            json!({"ann": x, "bob": x}),
            json!({"ann": x, "bob": x}),
        ),
        (
            json!({"to": "others", "in": "r"}),
            json!({"bob": x}),
            json!({"ann": x, "bob": x}),
        ),
        (
            json!({"to": "$members.0"}),
            json!({"ann": x}),
            json!({"cat": missing}),
        ),
        (
            json!({"to": "$members"}),
            json!({"ann": x, "bob": x}),
            json!({}),
        ),
        (
            json!({"to": ["$everyone.0", "r", "$id"]}),
            json!({"ann": x, "bob": x}),
            json!({"ann": x, "bob": x, "cat": x}),
        ),
        (json!({"to": "$0"}), json!({"bob": x}), json!({"bob": x})),
        (
            json!({"to": {"peer": "$0"}}),
            json!({"bob": x}),
            json!({"bob": x}),
        ),
        (json!({"to": "$args"}), json!({"bob": x}), json!({"bob": x})),
        (
            json!({"each": "$members", "to": "$it"}),
            json!({"ann": x, "bob": x}),
            json!({}),
        ),
    ] {
        let mut emit = action.clone();
        emit["emit"] = json!("x");
        in_room(
            &json!({ "go": [emit] }),
            json!([
                {"by": "ann", "emit": ["go", "$bob"], "gets": gets_in},
                {"by": "cat", "emit": ["go", "$bob"], "gets": gets_out},
            ]),
        );
    }
}

#[test]
fn values() {
    let sent = json!({"name": "Bob", "n": 7, "list": [1, {"a": null}], "no": null, "to": "$ann"});
    for (template, value) in [
        (json!("$0"), sent.clone()),
        (json!("$0.list"), json!([1, {"a": null}])),
        (json!("$0.list.0"), json!(1)),
        (json!("$0.list[1].a"), json!(null)),
        (json!("$0.list.length"), json!(2)),
        (json!("$0.name.length"), json!(3)),
        (json!("$0.missing.x"), json!(null)),
        (json!("$1"), json!("second")),
        (json!("$9"), json!(null)),
        (json!("$args"), json!([sent, "second"])),
        (json!("$event"), json!("go")),
        (json!("$id"), json!("$bob")),
        (json!("$room"), json!("r")),
        (json!("$rooms"), json!(["r"])),
        (json!("$members"), json!(["$ann", "$bob"])),
        (json!("$members.length"), json!(2)),
        (json!("$members.0"), json!("$ann")),
        (json!("$members.id"), json!(["$ann", "$bob"])),
        (json!("$others"), json!(["$ann"])),
        (json!("$first"), json!("$ann")),
        (json!("$everyone"), json!(["$ann", "$bob", "$cat"])),
        (json!("$everyone.length"), json!(3)),
        (json!("$allRooms"), json!(["r"])),
        (json!("$room.members"), json!(["$ann", "$bob"])),
        (json!("$socket(0.to).rooms"), json!(["r"])),
        (json!("$room(room).members"), json!(["$ann", "$bob"])),
        (json!("$uuid"), json!("$made")),
        (json!("$now"), json!(1_000)),
        (json!("plain"), json!("plain")),
        (json!("$$0"), json!("$0")),
        (
            json!("${0.name} (${0.n}) has joined ${room}"),
            json!("Bob (7) has joined r"),
        ),
        (json!("${0.missing}!"), json!("!")),
        (
            json!({"a": "$0.n", "b": ["$0.missing", 1], "c": "$0.missing"}),
            json!({"a": 7, "b": [null, 1]}),
        ),
        (
            json!({"...": "$0", "name": "Eve", "list": 0, "to": 0, "no": 1}),
            json!({"name": "Eve", "n": 7, "list": 0, "no": 1, "to": 0}),
        ),
        (
            json!({"name": "Eve", "...": "$0.list.1"}),
            json!({"name": "Eve", "a": null}),
        ),
        (
            json!({"$each": "$members", "$value": {"id": "$it"}}),
            json!([{"id": "$ann"}, {"id": "$bob"}]),
        ),
        (json!({"$each": "$members"}), json!(["$ann", "$bob"])),
        // In a list, a missing value becomes `null`.
        (
            json!({"$each": "$members", "$value": "$it.alias"}),
            json!([null, null]),
        ),
        (
            json!({"$each": "$members", "$key": "$it", "$value": "$it.alias"}),
            json!({}),
        ),
        (json!("$members.id.length"), json!(2)),
        (json!("$members.id.1"), json!("$bob")),
        (
            json!({"$each": "$members", "$key": "$it.id", "$value": "$it.room"}),
            json!({"$ann": "r", "$bob": "r"}),
        ),
        (
            json!({"$each": "$0.list", "$key": "k${it}", "$value": "$it"}),
            json!({"k1": 1, "k{\"a\":null}": {"a": null}}),
        ),
    ] {
        in_room(
            &json!({ "go": [{"emit": "x", "args": [template]}] }),
            json!([{"by": "bob", "emit": ["go", sent, "second"], "gets": {"bob": [["x", value]]}}]),
        );
    }
}

#[test]
fn conditions() {
    for (condition, holds) in [
        (json!("$0"), true),
        (json!("$1"), false),
        (json!("$2"), false),
        (json!("$members"), true),
        (json!({"has": "$0"}), true),
        (json!({"not": "$0"}), false),
        (json!({"not": {"not": {"has": "$0"}}}), true),
        (json!(["$0", "$1"]), false),
        (json!({"all": ["$0", {"not": "$1"}]}), true),
        (json!({"any": ["$1", "$0"]}), true),
        (json!({"any": []}), false),
        (json!({"equal": ["$0", "offer"]}), true),
        (json!({"equal": ["$0", "answer"]}), false),
        (json!({"equal": ["$3", "$1"]}), true), // both are missing
        (json!({"equal": ["$id", "$first"]}), true),
        (json!({"equal": ["$members.length", 2]}), true),
        (json!({"members": 2}), true),
        (json!({"members": "2"}), true),
        (json!({"members": "> 2"}), false),
        (json!({"members": ">= 2"}), true),
        (json!({"members": "<2"}), false),
        (json!({"members": "<= 2"}), true),
        (json!({"members": "!= 2"}), false),
        (json!({"members": 0, "of": "$0"}), true),
        (json!({"members": 2, "of": "r"}), true),
        (json!({"count": 2, "of": "$members"}), true),
        (json!({"count": 0, "of": "$1"}), true),
        (json!({"in": "r"}), true),
        (json!({"in": "$0"}), false),
        (json!({"online": "$id"}), true),
        (json!({"online": "$0"}), false),
        (json!({"has": "$0", "members": 3}), false),
    ] {
        in_room(
            &json!({ "go": [{"when": condition, "emit": "yes", "else": [{"emit": "no"}]}] }),
            json!([{
                "by": "ann",
                "emit": ["go", "offer", null, ""],
                "gets": {"ann": [[if holds { "yes" } else { "no" }]]},
            }]),
        );
    }
}

/// Rooms, names, data and acks. A tutorial's server.js has variables for this state.
#[test]
fn rooms_names_data_and_acks() {
    plays(
        &json!({
            "login": [
                {"when": {"online": "$0"}, "ack": [{"error": "taken"}], "stop": true},
                {"alias": "$0", "set": {"name": "$0", "id": "$id"}, "ack": [{"ok": true}]},
                {"emit": "users", "to": "everyone", "args": ["$everyone.data"]},
            ],
            "tell": [{"emit": "told", "to": "$0", "args": [{"from": "$alias", "of": "$socket(0).data.name", "text": "$1"}]}],
            "rename": [{"set": {"name": "$0"}}, {"emit": "users", "args": ["$everyone.data.name"]}],
            "forget": [{"set": {"name": null}}, {"emit": "data", "args": ["$data"]}],
            "go": [{"leave": true, "join": "$0", "emit": "in", "args": ["$rooms"]}],
            "both": [{"join": ["$0", "$1"], "emit": "in", "args": ["$rooms"]}],
            "disconnect": [
                {"emit": "left", "to": "broadcast", "args": ["$alias", "$reason", "$data.name"]},
                {"each": "$rooms", "in": "$it", "emit": "left room", "to": "others", "args": ["$it", "$members"]},
            ],
        }),
        &json!([
            {"connect": "ann"}, {"connect": "bob"},
            {"by": "ann", "emit": ["login", "Ann"], "ack": [{"ok": true}], "gets": {
                "ann": [["users", [{"name": "Ann", "id": "$ann"}]]], "bob": [["users", [{"name": "Ann", "id": "$ann"}]]],
            }},
            {"by": "bob", "emit": ["login", "Ann"], "ack": [{"error": "taken"}]},
            {"by": "bob", "emit": ["login", "Bob"], "ack": [{"ok": true}], "gets": {
                "ann": [["users", [{"name": "Ann", "id": "$ann"}, {"name": "Bob", "id": "$bob"}]]],
                "bob": [["users", [{"name": "Ann", "id": "$ann"}, {"name": "Bob", "id": "$bob"}]]],
            }},
            {"by": "bob", "emit": ["tell", "Ann", "hi"], "gets": {"ann": [["told", {"from": "Bob", "of": "Ann", "text": "hi"}]]}},
            {"by": "bob", "emit": ["rename", "Rob"], "gets": {"bob": [["users", ["Ann", "Rob"]]]}},
            {"by": "bob", "emit": ["forget"], "gets": {"bob": [["data", {"id": "$bob"}]]}},
            {"by": "bob", "emit": ["go", "one"], "gets": {"bob": [["in", ["one"]]]}},
            {"by": "bob", "emit": ["go", "two"], "gets": {"bob": [["in", ["two"]]]}},
            {"by": "bob", "emit": ["both", "three", "four"], "gets": {"bob": [["in", ["two", "three", "four"]]]}},
            {"by": "ann", "emit": ["both", "two", "four"], "gets": {"ann": [["in", ["two", "four"]]]}},
            {"disconnect": "bob", "gets": {"ann": [
                ["left", "Bob", "client namespace disconnect", null],
                ["left room", "two", ["$ann"]],
                ["left room", "four", ["$ann"]],
            ]}},
        ]),
    );
}

/// A table may refuse a connection because of its handshake. Other clients are not told.
#[test]
fn a_connection_is_refused() {
    plays(
        &json!({
            "connect": [
                {"when": {"not": "$query.name"}, "refuse": "who are you?", "data": {"code": 1}},
                {"emit": "new", "to": "everyone", "args": ["$query.name", "$auth.age"]},
                {"when": {"equal": ["$query.name", "Eve"]}, "refuse": "not you, ${query.name}"},
            ],
        }),
        &json!([
            {"connect": "nobody", "refused": "who are you?"},
            {"connect": "ann", "query": "name=An%20n+%C3%A9%", "auth": {"age": 7}, "gets": {"ann": [["new", "An n é%", 7]]}},
            {"connect": "eve", "query": "name=Eve", "refused": "not you, Eve"},
        ]),
    );
}

/// Events that the table does not name run the list of `*`. Without such a list they are errors.
#[test]
fn other_events() {
    plays(
        &json!({"*": [{"emit": "$event", "to": "others", "args": "$args"}]}),
        &json!([
            {"connect": "ann"}, {"connect": "bob"},
            {"by": "ann", "emit": ["anything", 1, {"a": 2}], "gets": {"bob": [["anything", 1, {"a": 2}]]}},
        ]),
    );
    plays(
        &json!({"known": [{"stop": true}]}),
        &json!([
            {"connect": "ann"},
            {"by": "ann", "emit": ["known"]},
            {"by": "ann", "emit": ["unknown"], "gets": {
                "ann": [["room:error", {"code": "unsupported", "message": "$message", "event": "unknown"}]],
            }},
        ]),
    );
}

/// The error of a failed transcript names the step.
#[test]
fn a_failed_transcript_names_the_step() {
    let json = json!({"on": {"x": [{"emit": "y", "args": ["$0"], "ack": ["$0"]}]}}).to_string();
    for (step, error) in [
        (
            json!({"by": "ann", "emit": ["x", 1]}),
            "ann got [[\"y\",1]], expected []",
        ),
        (
            json!({"by": "ann", "emit": ["x", 1], "gets": {"ann": [["y", 2]]}}),
            "ann got [[\"y\",1]], expected [[\"y\",2]]",
        ),
        (
            json!({"by": "ann", "emit": ["x", 1], "ack": [2], "gets": {"ann": [["y", 1]]}}),
            "the ack was [1], expected [2]",
        ),
        (
            json!({"by": "bob", "emit": ["x"]}),
            "\"bob\" is not connected",
        ),
        (
            json!({"by": "ann", "emit": ["x", [{"$bytes": "0+f"}]]}),
            "\"0+f\" in $bytes is not pairs of hexadecimal digits",
        ),
        (
            json!({"by": "ann", "emit": ["x", {"$bytes": "+f"}]}),
            "\"+f\" in $bytes is not pairs of hexadecimal digits",
        ),
        (
            json!({"connect": "bob", "refused": "no"}),
            "the refusal was null, expected \"no\"",
        ),
        (
            json!({"by": "ann", "emit": ["x", 1], "ack": null, "gets": {"ann": [["y", 1]]}}),
            "the ack was [1], expected null",
        ),
        (
            json!({"by": "ann", "emit": ["x"], "get": {}}),
            "a step has no \"get\": there are connect, query, auth, refused, data, by, emit, ack, lose, recover, disconnect, gets",
        ),
    ] {
        let steps = json!([{"connect": "ann"}, step]).to_string();
        assert_eq!(play(table(&json), &steps), Err(format!("step 2: {error}")));
    }
}

/// A variable keeps its first value, also one that begins with `$`, and `$$a` is another variable than `$a`.
#[test]
fn variables_of_a_transcript() {
    let json = json!({"on": {"x": [{"emit": "y", "args": "$args"}]}}).to_string();
    let play = |step: Value| {
        let first =
            json!({"by": "ann", "emit": ["x", "$5", "a"], "gets": {"ann": [["y", "$p", "$$p"]]}});
        let steps = json!([{"connect": "ann"}, first, step]).to_string();
        play(table(&json), &steps)
    };
    let same =
        json!({"by": "ann", "emit": ["x", "$5", "a"], "gets": {"ann": [["y", "$p", "$$p"]]}});
    assert_eq!(play(same), Ok(3));
    let other =
        json!({"by": "ann", "emit": ["x", "$6", "a"], "gets": {"ann": [["y", "$p", "$$p"]]}});
    let error = r#"step 3: ann got [["y","$6","a"]], expected [["y","$5","a"]]"#;
    assert_eq!(play(other), Err(error.to_owned()));
}

/// Transcripts with refusals, missing acks, binary values and clients that reconnect.
#[test]
fn transcripts() {
    plays(
        &json!({
            "connect": [{"when": "$auth.no", "refuse": "go", "data": {"code": "$auth.no"}}],
            "x": [{"emit": "y", "to": "broadcast", "args": [{"a": ["$0"]}]}],
        }),
        &json!([
            {"connect": "eve", "auth": {"no": 7}, "refused": "go", "data": {"code": 7}},
            {"connect": "ann"},
            {"connect": "bob"},
            {"by": "ann", "emit": ["x", {"$bytes": "00fF"}], "ack": null, "gets": {"bob": [["y", {"a": [{"$bytes": "00ff"}]}]]}},
            {"lose": "bob"},
            {"by": "ann", "emit": ["x", 1]},
            {"by": "ann", "emit": ["x", 2]},
            {"recover": "bob", "gets": {"bob": [["y", {"a": [1]}], ["y", {"a": [2]}]]}},
            {"disconnect": "bob"},
        ]),
    );
}
