//! The errors of tables.

use serde_json::{Value, json};
use signalbox::dialect::{ACTION_KEYS, CONDITION_KEYS, TABLE_KEYS, limits};

use crate::dialect::errors;

/// The errors of a table with these events.
fn errors_of(on: &Value) -> Vec<String> {
    errors(&json!({ "on": on }).to_string())
}

/// An error names the place and, if possible, a similar name.
#[test]
fn errors_name_the_place() {
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
            "on.x[0].emit: \"connect\" cannot be sent: its name is reserved",
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
            "on.connect[0].join: connect has no arguments: $0 has no value here",
        ),
        (
            json!({"x": [{"refuse": "no"}]}),
            "on.x[0].refuse: refuse works only in on.connect",
        ),
        (
            json!({"disconnect": [{"ack": []}]}),
            "on.disconnect[0].ack: only events are acknowledged",
        ),
        (
            json!({"x": [{"emit": "y", "args": ["$alias"]}]}),
            "on.x[0].args[0]: no action sets an alias: add one such as {\"alias\": \"$0\"}",
        ),
        (
            json!({"x": [{"emit": "y", "args": ["$auth.token"]}]}),
            "on.x[0].args[0]: $auth.token is a secret of the client and is not passed on",
        ),
        (
            json!({"x": [{"emit": "y", "args": ["$query"]}]}),
            "on.x[0].args[0]: $query is not a value by itself: name a field, such as $query.x",
        ),
        (
            json!({"x": [{"emit": "y", "args": [{"$each": "$members", "$value": {"$each": "$rooms"}}]}]}),
            "on.x[0].args[0]: $each cannot stand in another $each",
        ),
        (
            json!({"x": "y"}),
            "on.x: this must be a list of actions, such as [{\"join\": \"$0\"}]",
        ),
    ] {
        assert_eq!(errors_of(&on), [error], "{on}");
    }
}

/// Errors of names, of order, of brackets, and of one event under two names.
#[test]
fn errors_of_names_and_order_name_the_place() {
    for (on, error) in [
        (
            json!({"x": [{"join": "$0"}, {"emit": "y", "to": "evryone"}]}),
            "on.x[1].to: \"to\" does not know the word \"evryone\"; did you mean \"everyone\"? \
             Or, if a room has this name, write {\"room\": \"evryone\"}",
        ),
        (
            json!({"x": [{"leave": true, "emit": "left", "to": "others"}, {"join": "$0"}]}),
            "on.x[0].to: leave runs before emit, so the members of the room that was left do not get \
             this event: emit it in an earlier action",
        ),
        (
            json!({"connect": [], "connection": []}),
            "on.connection: this is the same as on.connect: put all actions in one list",
        ),
        (
            json!({"disconnect": [{"stop": true}], "disconnecting": [{"emit": "left", "to": "others"}]}),
            "on.disconnecting: this is the same as on.disconnect: put all actions in one list",
        ),
        (
            json!({"x": [{"emit": "y", "args": ["$socket(0.to.alias"]}]}),
            "on.x[0].args[0]: $socket(0.to.alias has no closing )",
        ),
        (
            json!({"x": [{"emit": "y", "args": ["$room(nobody).members"]}]}),
            "on.x[0].args[0]: there is no $nobody; did you mean $0.nobody?",
        ),
    ] {
        assert_eq!(errors_of(&on), [error], "{on}");
    }
}

/// A constant is an error where only a value of the event is useful: its dollar sign was forgotten.
#[test]
fn constants_in_place_of_values() {
    const CONSTANT: &str =
        "this never changes: use a value that begins with $, such as \"$0.room\"";
    let stop = |when: Value| json!([{"when": when, "stop": true}]);
    for (actions, place) in [
        (stop(json!("0.room")), "when"),
        (stop(json!("$$0")), "when"),
        (stop(json!({"has": "room"})), "when.has"),
        (stop(json!({"has": ["room"]})), "when.has"),
        (stop(json!({"has": {"a": 1}})), "when.has"),
        (stop(json!({"not": "ready"})), "when.not"),
        (stop(json!({"any": ["$0", "ready"]})), "when.any[1]"),
        (stop(json!({"equal": ["0.type", "offer"]})), "when.equal"),
        (stop(json!({"count": 2, "of": "list"})), "when.of"),
        (json!([{"each": "members", "stop": true}]), "each"),
        (json!([{"each": 5, "stop": true}]), "each"),
        (
            json!([{"emit": "y", "args": [{"...": "0", "from": "$id"}]}]),
            "args[0]....",
        ),
        (
            json!([{"emit": "y", "args": [{"$each": "members"}]}]),
            "args[0].$each",
        ),
    ] {
        assert_eq!(
            errors_of(&json!({ "x": actions })),
            [format!("on.x[0].{place}: {CONSTANT}")],
            "{actions}"
        );
    }
}

/// A value of the wrong type is an error where a text or a boolean is required.
#[test]
fn values_of_the_wrong_kind() {
    for (json, error) in [
        (r#"{"about": 5, "on": {}}"#, "about: this must be a text"),
        (
            r#"{"$schema": {}, "on": {}}"#,
            "$schema: this must be a text",
        ),
        (
            r#"{"on": {"x": [{"about": [], "stop": true}]}}"#,
            "on.x[0].about: this must be a text",
        ),
        (
            r#"{"on": {"x": [{"emit": "y", "volatile": "true"}]}}"#,
            "on.x[0].volatile: volatile is true or false",
        ),
    ] {
        assert_eq!(errors(json), [error], "{json}");
    }
}

/// Valid constants: names of rooms and sockets, lists, and one side of a comparison.
#[test]
fn constants_that_are_not_errors() {
    for actions in [
        json!([{"when": {"in": "den"}, "stop": true}]),
        json!([{"when": {"online": "admin"}, "stop": true}, {"alias": "admin"}]),
        json!([{"when": {"equal": ["$0", "offer"]}, "stop": true}]),
        json!([{"when": "${0}", "stop": true}]),
        json!([{"each": ["a", "b"], "join": "$it"}]),
        json!([{"emit": "y", "args": [{"...": {"a": 1}}], "volatile": false}]),
    ] {
        assert_eq!(errors_of(&json!({ "x": actions })), Vec::<String>::new());
    }
}

/// A name that may exist is not an error.
#[test]
fn names_that_may_exist() {
    let to = |to: &str| json!([{"emit": "said", "to": to}]);
    for on in [
        json!({"connect": [{"join": ["lobby", "news"]}], "say": to("lobby"), "tell": to("news")}),
        json!({"connect": [{"join": "lobby"}], "say": to("lobby")}),
        json!({"join": [{"join": "$0"}], "say": to("lobby")}),
        json!({"join": [{"join": ["$0", "x"]}], "say": to("lobby")}),
        json!({"login": [{"alias": "$0"}], "help": to("admin")}),
        json!({"login": [{"alias": "admin"}], "help": to("admin")}),
        json!({"join": [{"join": "$0"}], "say": [{"emit": "said", "to": {"room": "other"}}]}),
    ] {
        assert_eq!(errors_of(&on), Vec::<String>::new(), "{on}");
    }
}

/// A repeated key is an error, because only one of the two would have an effect.
#[test]
fn repeated_keys_and_events() {
    for (json, error) in [
        (r#"{"on": {}, "on": {}}"#, "on: this key stands here twice"),
        (
            r#"{"on": {"*": [], "*": []}}"#,
            "on.*: this event stands here twice: put all actions in one list",
        ),
        (
            r#"{"on": {"disconnect": [], "disconnect": []}}"#,
            "on.disconnect: this event stands here twice: put all actions in one list",
        ),
        (
            r#"{"on": {"x": [{"emit": "a", "emit": "b"}]}}"#,
            "on.x[0].emit: this key stands here twice",
        ),
        (
            r#"{"on": {"x": [{"when": {"in": "a", "in": "b"}, "stop": true}]}}"#,
            "on.x[0].when.in: this key stands here twice",
        ),
        (
            r#"{"on": {"x": [{"emit": "y", "args": [{"a": 1, "a": 2}]}]}}"#,
            "on.x[0].args[0].a: this key stands here twice",
        ),
    ] {
        assert_eq!(errors(json), [error], "{json}");
    }
}

/// All errors are reported at once.
#[test]
fn all_errors_are_reported() {
    let on = json!({"x": [{"emit": "y", "to": "$a.b"}, {"jion": "$0"}], "z": [{"emit": "y", "args": ["$c"]}]});
    let said = errors_of(&on);
    assert!(said.len() >= 3, "{said:?}");
    assert_eq!(said[0], "on.x[0].to: there is no $a; did you mean $0.a.b?");
}

#[test]
fn invalid_tables() {
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
            "namespace: a namespace begins with / and has no comma",
        ),
        (
            "{\"on\": {\"x\": [{\"join\": \"$0\"}], \"x\": [{\"join\": \"$0\"}]}}",
            "on.x: this event stands here twice: put all actions in one list",
        ),
        (
            "{\"on\": {\"disconnect\": [], \"newListener\": []}}",
            "on.newListener: no client can send this event: its name is reserved",
        ),
    ] {
        assert_eq!(errors(json), [error], "{json}");
    }
}

/// A table is limited in bytes, actions and depth.
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

/// The schema for editors has the same names as the server.
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
