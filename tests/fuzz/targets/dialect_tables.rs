//! Random valid tables, which use everything that a table can contain.

use serde_json::{Map, Value, json};

use super::bytes::Bytes;

pub const EVENTS: [&str; 9] = [
    "join", "join", "leave", "name", "set", "a", "b", "c", "unheard",
];
pub const ROOMS: [&str; 2] = ["r", "s"];

/// Values that are valid in every part of a table.
const VALUES: [&str; 42] = [
    "$id",
    "$alias",
    "$room",
    "$rooms",
    "$rooms.0",
    "$rooms.length",
    "$data",
    "$data.a",
    "$data.a.length",
    "$data.a.list.1",
    "$members",
    "$members.id",
    "$members.id.length",
    "$members.alias",
    "$members.data",
    "$members.data.a",
    "$members.rooms",
    "$members.length",
    "$members.1.data.a",
    "$others",
    "$others.0",
    "$first",
    "$first.rooms",
    "$first.room.members",
    "$room.members.length",
    "$room.others",
    "$room.first.alias",
    "$everyone",
    "$everyone.alias",
    "$allRooms",
    "$allRooms.length",
    "$it",
    "$it.id",
    "$it.data.a",
    "$room(it).members",
    "$socket(it).alias",
    "$query.n",
    "$auth.n",
    "$auth.n.a",
    "$now",
    "${data.a} of ${room}",
    "<${it}>",
];

/// Values that are valid only in the actions of an event.
const OF_EVENTS: [&str; 16] = [
    "$0",
    "$0",
    "$0",
    "$1",
    "$0.a",
    "$0.a.a",
    "$0.list",
    "$0[0]",
    "$0.length",
    "$args",
    "$args.length",
    "$event",
    "${0.a} by ${id}",
    "$socket(0).data",
    "$socket(0.a).alias",
    "$room(0).others",
];

/// The names of rooms and sockets.
const NAMES: [&str; 6] = ["r", "s", "$data.a", "$it", "$alias", "$query.n"];
const NAMES_OF_EVENTS: [&str; 4] = ["$0", "$0", "$0.a", "k${0}"];

const WORDS: [&str; 5] = ["sender", "others", "all", "everyone", "broadcast"];

/// A part of a table: when its actions run.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Connect,
    Event,
    Disconnect,
}

struct Author<'a, 'b> {
    bytes: &'a mut Bytes<'b>,
    part: Part,
    /// Whether the table has rooms.
    joins: bool,
    /// Whether the table may have a `to` with a name that can belong to a room or to a socket.
    mixes: bool,
}

/// A table. Each has events that take aliases and keep data, and most have events that join and leave rooms.
pub fn table(bytes: &mut Bytes) -> Value {
    let (joins, mixes) = (!bytes.chance(4), !bytes.chance(3));
    let mut author = Author {
        bytes,
        part: Part::Event,
        joins,
        mixes,
    };
    let mut on = Map::new();
    on.insert("name".to_owned(), json!([{"alias": "$0"}]));
    on.insert("set".to_owned(), json!([{"set": {"a": "$0"}}]));
    if joins {
        on.insert("join".to_owned(), json!([{"join": "$0"}]));
        on.insert("leave".to_owned(), json!([{"leave": "$0"}]));
    }
    for event in ["a", "b", "c"] {
        on.insert(event.to_owned(), author.actions(0));
    }
    if author.bytes.chance(3) {
        on.insert("*".to_owned(), author.actions(0));
    }
    for (part, name) in [(Part::Connect, "connect"), (Part::Disconnect, "disconnect")] {
        author.part = part;
        if author.bytes.chance(2) {
            on.insert(name.to_owned(), author.actions(0));
        }
    }
    json!({ "on": on })
}

impl Author<'_, '_> {
    fn actions(&mut self, depth: usize) -> Value {
        let count = 1 + self.bytes.below(if depth == 0 { 4 } else { 2 });
        (0..count).map(|_| self.action(depth)).collect()
    }

    fn action(&mut self, depth: usize) -> Value {
        let mut action = Map::new();
        let mut put = |name: &str, value: Value| drop(action.insert(name.to_owned(), value));
        if self.bytes.chance(3) {
            put("when", self.condition(0));
            if self.bytes.chance(2) && depth < 2 {
                put("else", self.actions(depth + 1));
            }
        }
        if self.bytes.chance(4) {
            put("each", self.list());
        }
        let is_in = self.bytes.chance(4);
        if is_in {
            put("in", self.name());
        }
        let joins = self.joins && self.bytes.chance(5);
        if joins {
            put("join", self.names());
        }
        let emits = self.bytes.chance(2);
        if self.joins && self.bytes.chance(6) {
            // A table is invalid if an action leaves the client's own room and emits to the others in it.
            let own = !emits && self.bytes.chance(2);
            put("leave", if own { json!(true) } else { self.names_left() });
        }
        if self.bytes.chance(8) {
            put("alias", self.name());
        }
        if self.bytes.chance(6) {
            put("set", self.fields());
        }
        if emits {
            put("emit", json!(*self.bytes.pick(&["x", "y", "n${data.a}"])));
            if self.bytes.chance(6) {
                put("volatile", json!(self.bytes.chance(2)));
            }
            if !self.bytes.chance(4) {
                put("to", self.to());
            }
            put("args", self.args());
        }
        if self.part == Part::Event && self.bytes.chance(6) {
            put("ack", self.args());
        }
        if depth < 2 && self.bytes.chance(6) {
            put("do", self.actions(depth + 1));
        }
        if self.part == Part::Connect && self.bytes.chance(8) {
            put("refuse", json!(*self.bytes.pick(&["no", "no ${query.n}"])));
            if self.bytes.chance(2) {
                put("data", self.template(0));
            }
        } else if self.bytes.chance(8) {
            put("stop", json!(true));
        }
        let verbs = [
            "join", "leave", "alias", "set", "emit", "ack", "do", "else", "refuse", "stop",
        ];
        if !verbs.iter().any(|verb| action.contains_key(*verb)) {
            action.insert("emit".to_owned(), json!("z"));
            action.insert("to".to_owned(), json!(*self.bytes.pick(&WORDS)));
        }
        Value::Object(action)
    }

    fn condition(&mut self, depth: usize) -> Value {
        let of = |author: &mut Self| json!({"members": author.bytes.below(3), "of": author.name()});
        match self.bytes.below(if depth < 2 { 11 } else { 8 }) {
            0 => json!(self.value()),
            1 => json!({"has": self.value()}),
            2 => json!({"equal": [self.value(), self.template(1), self.value()]}),
            3 => json!({"members": *self.bytes.pick(&[">= 1", "2", "!= 1", "< 2"])}),
            4 => of(self),
            5 => json!({"count": "> 1", "of": self.value()}),
            6 => json!({"in": self.name()}),
            7 => json!({"online": self.name()}),
            8 => json!({"not": self.condition(depth + 1)}),
            9 => json!({"any": [self.condition(depth + 1), self.condition(depth + 1)]}),
            _ => {
                json!({"all": [self.condition(depth + 1), self.condition(depth + 1)], "in": self.name()})
            }
        }
    }

    /// A path, or a text with paths.
    fn value(&mut self) -> &'static str {
        let is_of_event = self.part == Part::Event && self.bytes.chance(2);
        let values: &[&str] = if is_of_event { &OF_EVENTS } else { &VALUES };
        self.bytes.pick::<&str>(values)
    }

    fn name(&mut self) -> Value {
        if self.part == Part::Event && !self.bytes.chance(3) {
            return json!(*self.bytes.pick(&NAMES_OF_EVENTS));
        }
        json!(*self.bytes.pick(&NAMES))
    }

    fn names(&mut self) -> Value {
        match self.bytes.below(4) {
            0 => json!([self.name(), self.name()]),
            _ => self.name(),
        }
    }

    /// Rooms to leave, but not `$rooms`: like `true`, it leaves the client's own room, and then the same action may
    /// not emit to the others in that room.
    fn names_left(&mut self) -> Value {
        match self.bytes.below(4) {
            0 => json!("$allRooms"),
            _ => self.names(),
        }
    }

    fn list(&mut self) -> Value {
        match self.bytes.below(4) {
            0 => json!(["r", self.value()]),
            1 => json!("$members"),
            2 => json!("$rooms"),
            _ => json!(self.value()),
        }
    }

    fn to(&mut self) -> Value {
        match self.bytes.below(8) {
            0 => json!({"room": self.name()}),
            1 => json!({"peer": self.name()}),
            2 => json!(
                *self
                    .bytes
                    .pick(&["$members", "$others", "$first", "$id", "$everyone.1"])
            ),
            3 if self.mixes => json!([self.name(), self.value()]),
            4 if self.mixes => json!(self.value()),
            5 if self.mixes => self.name(),
            _ => json!(*self.bytes.pick(&WORDS)),
        }
    }

    fn args(&mut self) -> Value {
        match self.bytes.below(6) {
            0 => json!("$args"),
            1 => self.template(0),
            2 => json!([self.template(0), self.template(0)]),
            _ => json!([self.template(0)]),
        }
    }

    fn fields(&mut self) -> Value {
        match self.bytes.below(5) {
            0 => json!({"a": null}),
            1 => json!({"a": self.template(1), "...": self.value()}),
            2 => json!(if self.part == Part::Event {
                "$0"
            } else {
                "$auth.n"
            }),
            _ => json!({"a": self.template(1)}),
        }
    }

    fn template(&mut self, depth: usize) -> Value {
        match self.bytes.below(if depth > 1 { 7 } else { 11 }) {
            0..5 => json!(self.value()),
            5 => json!(*self.bytes.pick(&["r", "offer", "$$0", "a.b"])),
            6 => json!(self.bytes.below(3)),
            7 => json!([self.template(depth + 1), 1, null]),
            8 => json!({"z": self.template(depth + 1), "id": self.value(), "...": self.value()}),
            9 => {
                json!({"$each": self.list(), "$value": self.flat(), "$key": *self.bytes.pick(&["$it", "$it.id", "k${it}"])})
            }
            _ => json!({"$each": self.list(), "$value": self.flat()}),
        }
    }

    /// A `$value` for `$each`, which must not contain another `$each`.
    fn flat(&mut self) -> Value {
        match self.bytes.below(4) {
            0 => json!("$it"),
            1 => json!({"it": "$it", "z": self.value()}),
            2 => json!(["$it.data", self.value()]),
            _ => json!(self.value()),
        }
    }
}
