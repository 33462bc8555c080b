//! The form of tables: what can be said, and what is said about mistakes.

use serde_json::{Value, json};
use signalbox::dialect::transcript::play;
use signalbox::dialect::{ACTION_KEYS, CONDITION_KEYS, TABLE_KEYS, limits};

use crate::dialect::{errors, table};

/// The errors of a table with these events.
fn errors_of(on: &Value) -> Vec<String> {
    errors(&json!({ "on": on }).to_string())
}

/// An error names its place and, if something is near, what may have been meant.
#[test]
fn mistakes_are_named_with_their_places() {
    for (on, error) in [
        (
            json!({"call-user": [{"emit": "call", "to": "$target"}]}),
            "on.call-user[0].to: there is no $target; did you mean $0.target?",
        ),
        (
            json!({"x": [{"join": "$0"}, {"emit": "y", "to": "$memebrs"}]}),
            "on.x[1].to: there is no $memebrs; did you mean $members?",
        ),
        (
            json!({"x": [{"emit": "y", "args": [{"a": ["$socket.id"]}]}]}),
            "on.x[0].args[0].a[0]: there is no $socket; did you mean $id?",
        ),
        (
            json!({"x": [{"emit": "y", "to": "$data.to"}]}),
            "on.x[0].to: no action sets $data.to; did you mean $0.to?",
        ),
        (
            json!({"x": [{"set": {"name": "$0"}}, {"emit": "y", "args": ["$data.nmae"]}]}),
            "on.x[1].args[0]: no action sets $data.nmae; did you mean $data.name?",
        ),
        (
            json!({"x": [{"emit": "y", "to": "other"}]}),
            "on.x[0].to: nobody joins a room named \"other\"; did you mean \"others\"?",
        ),
        (
            json!({"x": [{"emit": "y", "to": "room"}]}),
            "on.x[0].to: nobody joins a room named \"room\"; did you mean \"$0.room\"?",
        ),
        (
            json!({"x": [{"emti": "y"}]}),
            "on.x[0].emti: an action has no \"emti\"; did you mean \"emit\"?",
        ),
        (
            json!({"x": [{"when": {"member": 2}, "join": "$0"}]}),
            "on.x[0].when.member: a condition has no \"member\"; did you mean \"members\"?",
        ),
        (
            json!({"x": [{"when": {"members": "two"}, "join": "$0"}]}),
            "on.x[0].when.members: \"two\" is no number: write 2, or \">= 2\"",
        ),
        (
            json!({"x": [{"emit": "y", "args": ["$0 has joined"]}]}),
            "on.x[0].args[0]: $0 has joined is no path: to put a value into a text, write ${0}; write $$ for the sign itself",
        ),
        (
            json!({"x": [{"emit": "y", "args": ["${0 has"]}]}),
            "on.x[0].args[0]: ${ is not closed by }",
        ),
        (
            json!({"x": [{"emit": "connect"}]}),
            "on.x[0].emit: \"connect\" cannot be sent: it has a meaning of its own",
        ),
        (
            json!({"x": [{"args": ["$0"], "join": "$0"}]}),
            "on.x[0].args: args belongs to emit",
        ),
        (
            json!({"x": [{"when": "$0"}]}),
            "on.x[0]: this does nothing: an action has one of join, leave, alias, set, emit, ack, do, else, refuse, stop",
        ),
        (
            json!({"connect": [{"join": "$0"}]}),
            "on.connect[0].join: connect has no arguments: $0 is nothing here",
        ),
        (
            json!({"x": [{"refuse": "no"}]}),
            "on.x[0].refuse: only a connection is refused: refuse stands in on.connect",
        ),
        (
            json!({"disconnect": [{"ack": []}]}),
            "on.disconnect[0].ack: only events are acknowledged",
        ),
        (
            json!({"x": [{"emit": "y", "args": ["$alias"]}]}),
            "on.x[0].args[0]: no action gives an alias: {\"alias\": \"$0\"} does",
        ),
        (
            json!({"x": [{"emit": "y", "args": ["$auth.token"]}]}),
            "on.x[0].args[0]: $auth.token is a secret of the client and is not passed on",
        ),
        (
            json!({"x": [{"emit": "y", "args": ["$query"]}]}),
            "on.x[0].args[0]: $query stands for no value alone: name a field, as $query.x",
        ),
        (
            json!({"x": [{"emit": "y", "args": [{"$each": "$members", "$value": {"$each": "$rooms"}}]}]}),
            "on.x[0].args[0]: $each cannot stand in another $each",
        ),
        (
            json!({"x": "y"}),
            "on.x: this is a list of actions, such as [{\"join\": \"$0\"}]",
        ),
    ] {
        assert_eq!(errors_of(&on), [error], "{on}");
    }
}

/// All mistakes are told at once.
#[test]
fn all_mistakes_are_told() {
    let on = json!({"x": [{"emit": "y", "to": "$a.b"}, {"jion": "$0"}], "z": [{"emit": "y", "args": ["$c"]}]});
    let said = errors_of(&on);
    assert!(said.len() >= 3, "{said:?}");
    assert_eq!(said[0], "on.x[0].to: there is no $a; did you mean $0.a.b?");
}

#[test]
fn what_is_no_table() {
    for (json, error) in [
        (
            "",
            "this is not JSON: EOF while parsing a value at line 1 column 0",
        ),
        (
            "{\n  \"on\": {\n    x\n",
            "this is not JSON: key must be a string at line 3 column 5",
        ),
        (
            "[]",
            "a table is an object: {\"on\": {\"<event>\": [<actions>]}}",
        ),
        (
            "{}",
            "a table needs \"on\": an object with a list of actions for each event",
        ),
        (
            "{\"no\": {}}",
            "no: a table has no \"no\"; did you mean \"on\"?",
        ),
        (
            "{\"on\": {}, \"namespace\": \"x\"}",
            "namespace: a namespace is a text that begins with /",
        ),
        (
            "{\"on\": {\"x\": [{\"join\": \"$0\"}], \"x\": [{\"join\": \"$0\"}]}}",
            "on.x: this event stands here twice: put all actions in one list",
        ),
        (
            "{\"on\": {\"disconnect\": [], \"newListener\": []}}",
            "on.newListener: no client can send this event: it has a meaning of its own",
        ),
    ] {
        assert_eq!(errors(json), [error], "{json}");
    }
}

/// A table is bounded in bytes, in actions and in depth.
#[test]
fn a_table_is_bounded() {
    let long = json!({ "about": "x".repeat(limits::TABLE_BYTES), "on": {} });
    assert_eq!(
        errors(&long.to_string()),
        ["a table has at most 65536 bytes"]
    );
    let actions = vec![json!({"stop": true}); limits::TABLE_ACTIONS + 1];
    let said = errors_of(&json!({ "x": actions }));
    assert_eq!(said, ["on.x[512]: a table has at most 512 actions"]);
    let mut nested = [json!({"stop": true}), json!("$0"), json!("$0"), json!("$0")];
    for _ in 0..=limits::TABLE_DEPTH {
        let [action, condition, value, list] = nested;
        nested = [
            json!({"do": [action]}),
            json!({"not": condition}),
            json!({"a": value}),
            json!([list]),
        ];
    }
    let [action, condition, value, list] = nested;
    for action in [
        action,
        json!({"when": condition, "stop": true}),
        json!({"emit": "y", "args": [value]}),
        json!({"emit": "y", "args": [list]}),
    ] {
        let said = errors_of(&json!({ "x": [action] }));
        assert!(
            said[0].ends_with("this is nested deeper than 8 levels"),
            "{said:?}"
        );
    }
}

/// The schema for editors knows what the server knows.
#[test]
fn the_schema_has_the_same_keys() {
    let schema = include_str!("../../dialects/schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let keys = |definition: &Value| -> Vec<String> {
        let mut keys: Vec<_> = definition["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        keys.sort();
        keys
    };
    for (definition, known) in [
        (&schema, &TABLE_KEYS[..]),
        (&schema["definitions"]["action"], &ACTION_KEYS[..]),
        (
            &schema["definitions"]["condition"]["oneOf"][2],
            &CONDITION_KEYS[..],
        ),
    ] {
        let mut known = known.to_vec();
        known.sort_unstable();
        assert_eq!(keys(definition), known);
    }
}

/// Plays steps against a table with these events.
fn plays(on: &Value, steps: &Value) {
    let json = json!({ "on": on }).to_string();
    if let Err(error) = play(table(&json), &steps.to_string()) {
        panic!("{on}: {error}");
    }
}

/// Two clients, ann and bob, in a room r; cat in none.
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
    for (action, gets_in, gets_out) in [
        (json!({}), json!({"ann": x}), json!({"cat": x})),
        (
            json!({"to": "sender"}),
            json!({"ann": x}),
            json!({"cat": x}),
        ),
        (
            json!({"to": "others"}),
            json!({"bob": x}),
            json!({"ann": x, "bob": x}),
        ),
        (
            json!({"to": "all"}),
            json!({"ann": x, "bob": x}),
            json!({"ann": x, "bob": x, "cat": x}),
        ),
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
            json!({"to": "$first"}),
            json!({"ann": x}),
            json!({"ann": x}),
        ),
        (
            json!({"to": "$members"}),
            json!({"ann": x, "bob": x}),
            json!({"ann": x, "bob": x, "cat": x}),
        ),
        (
            json!({"to": ["$first", "r", "$id"]}),
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
            json!({"ann": x, "bob": x, "cat": x}),
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
        (json!("$0.to.rooms"), json!(["r"])),
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

/// Rooms, names, data, acks: what a server.js keeps in variables.
#[test]
fn what_servers_keep() {
    plays(
        &json!({
            "login": [
                {"when": {"online": "$0"}, "ack": [{"error": "taken"}], "stop": true},
                {"alias": "$0", "set": {"name": "$0", "id": "$id"}, "ack": [{"ok": true}]},
                {"emit": "users", "to": "everyone", "args": ["$everyone.data"]},
            ],
            "tell": [{"emit": "told", "to": "$0", "args": [{"from": "$alias", "of": "$0.data.name", "text": "$1"}]}],
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

/// A connection is refused by what it says, and nobody hears of it.
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

/// Events that the table does not name have their own list, or an error.
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

/// What is not as written is told with its step.
#[test]
fn transcripts_that_do_not_go_as_written() {
    let json = json!({"on": {"x": [{"emit": "y", "args": ["$0"], "ack": ["$0"]}]}}).to_string();
    for (step, error) in [
        (
            json!({"by": "ann", "emit": ["x", 1]}),
            "ann got [[\"y\",1]], and was to get []",
        ),
        (
            json!({"by": "ann", "emit": ["x", 1], "gets": {"ann": [["y", 2]]}}),
            "ann got [[\"y\",1]], and was to get [[\"y\",2]]",
        ),
        (
            json!({"by": "ann", "emit": ["x", 1], "ack": [2], "gets": {"ann": [["y", 1]]}}),
            "the ack was [1], and was to be [2]",
        ),
        (
            json!({"by": "bob", "emit": ["x"]}),
            "\"bob\" is not connected",
        ),
        (
            json!({"connect": "bob", "refused": "no"}),
            "the refusal was None, and was to be Some(\"no\")",
        ),
        (
            json!({"by": "ann", "emit": ["x"], "get": {}}),
            "a step has no \"get\": there are connect, query, auth, by, emit, ack, disconnect, refused, gets",
        ),
    ] {
        let steps = json!([{"connect": "ann"}, step]).to_string();
        assert_eq!(play(table(&json), &steps), Err(format!("step 2: {error}")));
    }
}
