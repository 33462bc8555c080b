//! Transcripts: what clients do, and what each of them is to get. The checker plays one against a table,
//! and the tests play those in `dialects/transcripts/`, here and with stock clients.
//!
//! A transcript is a list of steps:
//!
//! ```json
//! [
//!   {"connect": "ann", "gets": {"ann": [["me", "$ann"]]}},
//!   {"connect": "bob", "query": "name=Bob", "auth": {"x": 1}, "gets": {"bob": [["me", "$bob"]]}},
//!   {"by": "ann", "emit": ["call", {"to": "$bob"}], "ack": ["ok"], "gets": {"bob": [["called", {"from": "$ann"}]]}},
//!   {"disconnect": "ann", "gets": {"bob": [["left", "$ann"]]}},
//!   {"connect": "eve", "refused": "go away"}
//! ]
//! ```
//!
//! `gets` has all events of everybody, in their order; a client that is not named gets none. A text that is
//! `$` and a client's name is that client's id. Any other text that begins with `$` stands for a value
//! that the server made up: the first time for any value, from then on for the same.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use super::{Dialect, Table};
use crate::engine::Handshake;
use crate::io::{ConnectionId, Platform};
use crate::room::RoomName;
use crate::room::config::Config;
use crate::socket::{Ack, App, Args, Command, DisconnectReason, Event, Json, Namespace, SocketId};
use crate::store::Store;
use crate::time::Timestamp;

/// Plays a transcript against a table. Returns the number of steps.
///
/// # Errors
///
/// The step, counted from 1, that did not go as written, and how it went.
pub fn play(table: Table, transcript: &str) -> Result<usize, String> {
    let steps: Vec<Value> = serde_json::from_str(transcript)
        .map_err(|error| format!("this is no transcript: {error}"))?;
    let mut stage = Stage::new(table);
    for (at, step) in steps.iter().enumerate() {
        let number = at.saturating_add(1);
        stage
            .step(step)
            .map_err(|message| format!("step {number}: {message}"))?;
    }
    Ok(steps.len())
}

/// Random numbers that are the same in every run, and no storage.
struct Desk(Cell<u64>);

impl Platform for Desk {
    fn mint(&self) -> [u8; 15] {
        let number = self.0.get().saturating_add(1);
        self.0.set(number);
        let mut bytes = [0x5a; 15];
        for (byte, digit) in bytes.iter_mut().zip(number.to_be_bytes()) {
            *byte = digit;
        }
        bytes
    }

    fn last_auto_response(&self, _: ConnectionId) -> Option<Timestamp> {
        None
    }

    fn load(&self, _: &str) -> Result<Vec<(String, String)>, String> {
        Ok(Vec::new())
    }

    fn log(&self, _: &str) {}
}

struct Stage {
    dialect: Dialect,
    store: Rc<Store>,
    namespace: Namespace,
    /// What the names stand for: clients by their ids, and values that the server made up.
    known: BTreeMap<String, Value>,
    clients: BTreeMap<SocketId, String>,
    /// What happened in a step.
    got: BTreeMap<String, Vec<Value>>,
    ack: Option<Value>,
    refused: Option<String>,
}

impl Stage {
    fn new(table: Table) -> Self {
        let store = Store::new(Rc::new(Desk(Cell::new(0))));
        let namespace = table.namespace().clone();
        Self {
            dialect: Dialect::new(
                "transcript".to_owned(),
                RoomName::lobby(),
                Rc::new(table),
                Config::default(),
                Rc::clone(&store),
            ),
            store,
            namespace,
            known: BTreeMap::new(),
            clients: BTreeMap::new(),
            got: BTreeMap::new(),
            ack: None,
            refused: None,
        }
    }

    fn step(&mut self, step: &Value) -> Result<(), String> {
        let keys = step.as_object().ok_or("a step is an object")?.keys();
        let known = [
            "connect",
            "query",
            "auth",
            "by",
            "emit",
            "ack",
            "disconnect",
            "refused",
            "gets",
        ];
        if let Some(key) = keys.map(String::as_str).find(|key| !known.contains(key)) {
            return Err(format!(
                "a step has no {key:?}: there are {}",
                known.join(", ")
            ));
        }
        self.got.clear();
        (self.ack, self.refused) = (None, None);
        let text = |key: &str| step.get(key).and_then(Value::as_str);
        if let Some(name) = text("connect") {
            self.connect(name, text("query").unwrap_or_default(), step.get("auth"));
        } else if let Some(name) = text("by") {
            self.emit(name, step)?;
        } else if let Some(name) = text("disconnect") {
            self.disconnect(name)?;
        } else {
            return Err("a step has connect, by with emit, or disconnect".to_owned());
        }
        self.compare(step)
    }

    fn connect(&mut self, name: &str, query: &str, auth: Option<&Value>) {
        let socket = SocketId::new(self.store.platform().mint());
        self.known
            .insert(name.to_owned(), Value::String(socket.to_string()));
        self.clients.insert(socket, name.to_owned());
        let handshake = Handshake {
            address: "192.0.2.1".to_owned(),
            query: query.to_owned(),
            ..Handshake::default()
        };
        self.tell(Event::Connect {
            socket,
            namespace: self.namespace.clone(),
            auth: auth.map(Json::of),
            handshake: Rc::new(handshake),
        });
    }

    fn emit(&mut self, name: &str, step: &Value) -> Result<(), String> {
        let from = self.client(name)?;
        let emit = step.get("emit").and_then(Value::as_array);
        let (event, args) = emit
            .and_then(|emit| emit.split_first())
            .ok_or("emit is a list")?;
        let event = event.as_str().ok_or("emit begins with the event's name")?;
        let args = args.iter().map(|arg| Json::of(&self.filled(arg)));
        // As they would arrive.
        let list = Json::list(&args.collect::<Vec<_>>());
        let values = list.elements().unwrap_or_default();
        self.tell(Event::Emit {
            from,
            name: event.to_owned(),
            args: Args::new(values),
            ack: step.get("ack").map(|_| Ack::new(from, 1)),
        });
        Ok(())
    }

    fn disconnect(&mut self, name: &str) -> Result<(), String> {
        let socket = self.client(name)?;
        self.clients.remove(&socket);
        self.tell(Event::Disconnect {
            socket,
            reason: DisconnectReason::ClientNamespaceDisconnect,
        });
        Ok(())
    }

    fn client(&self, name: &str) -> Result<SocketId, String> {
        let mut clients = self.clients.iter();
        let found = clients.find(|(_, known)| *known == name);
        let (id, _) = found.ok_or_else(|| format!("{name:?} is not connected"))?;
        Ok(*id)
    }

    fn tell(&mut self, event: Event) {
        let mut commands = Vec::new();
        self.dialect
            .event(Timestamp::from_millis(1_000), event, &mut commands);
        for command in commands {
            match command {
                Command::Emit { to, name, args, .. } => {
                    let mut event = vec![Value::String(name)];
                    event.extend(args.values.iter().map(|arg| arg.read().unwrap_or_default()));
                    for id in to {
                        if let Some(name) = self.clients.get(&id) {
                            let got = self.got.entry(name.clone()).or_default();
                            got.push(Value::Array(event.clone()));
                        }
                    }
                }
                Command::Acknowledge(_, args) => {
                    let args = args.values.iter().map(|arg| arg.read().unwrap_or_default());
                    self.ack = Some(Value::Array(args.collect()));
                }
                Command::Refuse {
                    socket, message, ..
                } => {
                    self.clients.remove(&socket);
                    self.refused = Some(message);
                }
                _ => {}
            }
        }
    }

    /// Compares what happened with what the step says.
    fn compare(&mut self, step: &Value) -> Result<(), String> {
        let nothing = Value::Array(Vec::new());
        let gets = step.get("gets").unwrap_or(&Value::Null);
        let names = gets.as_object().into_iter().flat_map(serde_json::Map::keys);
        let mut names: Vec<String> = names.cloned().collect();
        if let Some(name) = names.iter().find(|name| !self.known.contains_key(*name)) {
            return Err(format!("{name:?} is in gets and never connected"));
        }
        names.extend(self.got.keys().cloned());
        names.sort();
        names.dedup();
        for name in names {
            let expected = gets.get(&name).unwrap_or(&nothing);
            let got = Value::Array(self.got.remove(&name).unwrap_or_default());
            if !self.matches(expected, &got) {
                return Err(format!(
                    "{name} got {got}, and was to get {}",
                    self.filled(expected)
                ));
            }
        }
        if let Some(expected) = step.get("ack") {
            let got = self.ack.take().unwrap_or_default();
            if !self.matches(expected, &got) {
                return Err(format!(
                    "the ack was {got}, and was to be {}",
                    self.filled(expected)
                ));
            }
        }
        let expected = step.get("refused").and_then(Value::as_str);
        if self.refused.as_deref() != expected {
            return Err(format!(
                "the refusal was {:?}, and was to be {expected:?}",
                self.refused
            ));
        }
        Ok(())
    }

    /// A value with what its names stand for, as far as that is known.
    fn filled(&self, value: &Value) -> Value {
        let name = |text: &str| text.strip_prefix('$').and_then(|name| self.known.get(name));
        match value {
            Value::String(text) => name(text).unwrap_or(value).clone(),
            Value::Array(items) => items.iter().map(|item| self.filled(item)).collect(),
            Value::Object(fields) => {
                let field = |(key, value): (&String, &Value)| {
                    let key = name(key).and_then(Value::as_str).unwrap_or(key);
                    (key.to_owned(), self.filled(value))
                };
                Value::Object(fields.iter().map(field).collect())
            }
            value => value.clone(),
        }
    }

    /// Whether a value is as expected. Names that stand for nothing yet stand for what is found.
    fn matches(&mut self, expected: &Value, got: &Value) -> bool {
        match (self.filled(expected), got) {
            (Value::String(text), got) if text != *got && text.starts_with('$') => {
                let name = text.trim_start_matches('$').to_owned();
                self.known.insert(name, got.clone());
                true
            }
            (Value::Array(expected), Value::Array(got)) => {
                let mut pairs = expected.iter().zip(got);
                expected.len() == got.len() && pairs.all(|(a, b)| self.matches(a, b))
            }
            (Value::Object(expected), Value::Object(got)) => {
                let mut fields = expected.iter();
                expected.len() == got.len()
                    && fields.all(|(key, a)| got.get(key).is_some_and(|b| self.matches(a, b)))
            }
            (expected, got) => expected == *got,
        }
    }
}
