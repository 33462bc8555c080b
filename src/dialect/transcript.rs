//! Transcripts: what clients do, and what each client must get. The checker plays a transcript against a
//! table. The tests play those in `dialects/transcripts/`, by this module and with stock clients.
//!
//! A transcript is a list of steps:
//!
//! ```json
//! [
//!   {"connect": "ann", "gets": {"ann": [["me", "$ann"]]}},
//!   {"connect": "bob", "query": "name=Bob", "auth": {"x": 1}, "gets": {"bob": [["me", "$bob"]]}},
//!   {"by": "ann", "emit": ["call", {"to": "$bob"}], "ack": ["ok"], "gets": {"bob": [["called", {"from": "$ann"}]]}},
//!   {"by": "ann", "emit": ["file", {"$bytes": "00ff"}], "ack": null, "gets": {"bob": [["file", {"$bytes": "00ff"}]]}},
//!   {"lose": "bob"},
//!   {"by": "ann", "emit": ["call", {"to": "$bob"}]},
//!   {"recover": "bob", "gets": {"bob": [["called", {"from": "$ann"}]]}},
//!   {"disconnect": "ann", "gets": {"bob": [["left", "$ann"]]}},
//!   {"connect": "eve", "refused": "go away", "data": {"code": 1}}
//! ]
//! ```
//!
//! `gets` lists all events that each client gets, in their order. A client that it does not name must get
//! none. `$ann` is the id of the client `ann`. Any other text that begins with `$` is a variable: it matches
//! any value at its first use, and the same value after that.
//!
//! With `"ack": null` the client asks for an ack and must not get one. `lose` ends a client's connection.
//! `recover` restores it, and the client gets the events that it missed.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::{Dialect, Table};
use crate::engine::Handshake;
use crate::room::RoomName;
use crate::room::config::Config;
use crate::socket::{Ack, Args, Json, Namespace, SocketId};
use crate::stage::{Client, Stage};

/// Plays a transcript against a table. Returns the number of steps.
///
/// # Errors
///
/// The number of the first step that failed, counted from 1, and the difference.
pub fn play(table: Table, transcript: &str) -> Result<usize, String> {
    let steps: Vec<Value> = serde_json::from_str(transcript)
        .map_err(|error| format!("this is no transcript: {error}"))?;
    let mut play = Play::new(table);
    for (at, step) in steps.iter().enumerate() {
        let number = at.saturating_add(1);
        play.step(step)
            .map_err(|message| format!("step {number}: {message}"))?;
    }
    Ok(steps.len())
}

/// The keys of a step.
const KEYS: [&str; 12] = [
    "connect",
    "query",
    "auth",
    "refused",
    "data",
    "by",
    "emit",
    "ack",
    "lose",
    "recover",
    "disconnect",
    "gets",
];

/// The field of an object that stands for binary data, as hexadecimal digits.
const BYTES: &str = "$bytes";

struct Play {
    stage: Stage<Dialect>,
    namespace: Namespace,
    /// The values of variables, and the ids of clients.
    known: BTreeMap<String, Value>,
    clients: BTreeMap<String, SocketId>,
    /// The results of the current step.
    ack: Option<Args>,
    refused: Option<Value>,
}

impl Play {
    fn new(table: Table) -> Self {
        let namespace = table.namespace().clone();
        let table = Rc::new(table);
        Self {
            stage: Stage::new(move |store| {
                let name = "transcript".to_owned();
                let table = Rc::clone(&table);
                Dialect::new(name, RoomName::lobby(), table, Config::default(), store)
            }),
            namespace,
            known: BTreeMap::new(),
            clients: BTreeMap::new(),
            ack: None,
            refused: None,
        }
    }

    fn step(&mut self, step: &Value) -> Result<(), String> {
        let keys = step.as_object().ok_or("a step is an object")?.keys();
        if let Some(key) = keys.map(String::as_str).find(|key| !KEYS.contains(key)) {
            return Err(format!(
                "a step has no {key:?}: there are {}",
                KEYS.join(", ")
            ));
        }
        (self.ack, self.refused) = (None, None);
        let text = |key: &str| step.get(key).and_then(Value::as_str);
        if let Some(name) = text("connect") {
            self.connect(name, text("query").unwrap_or_default(), step.get("auth"));
        } else if let Some(name) = text("by") {
            self.emit(name, step)?;
        } else if let Some(name) = text("lose") {
            self.stage.lose(self.client(name)?);
        } else if let Some(name) = text("recover") {
            self.stage.recover(self.client(name)?);
        } else if let Some(name) = text("disconnect") {
            self.stage.disconnect(self.client(name)?);
            self.clients.remove(name);
        } else {
            return Err(
                "a step needs connect, by (with emit), lose, recover or disconnect".to_owned(),
            );
        }
        self.compare(step)
    }

    fn connect(&mut self, name: &str, query: &str, auth: Option<&Value>) {
        let handshake = Handshake {
            address: "192.0.2.1".to_owned(),
            query: query.to_owned(),
            ..Handshake::default()
        };
        let connected = self.stage.connect_as(Client {
            namespace: self.namespace.clone(),
            auth: auth.map(Json::of),
            handshake,
        });
        match connected {
            Ok(socket) => {
                self.known
                    .insert(name.to_owned(), json!(socket.to_string()));
                self.clients.insert(name.to_owned(), socket);
            }
            Err(refusal) => self.refused = refusal.read(),
        }
    }

    fn emit(&mut self, name: &str, step: &Value) -> Result<(), String> {
        let from = self.client(name)?;
        let emit = step.get("emit").and_then(Value::as_array);
        let (event, args) = emit
            .and_then(|emit| emit.split_first())
            .ok_or("emit is a list")?;
        let event = event.as_str().ok_or("emit begins with the event's name")?;
        let mut attachments = Vec::new();
        let args: Vec<Value> = args.iter().map(|arg| self.filled(arg)).collect();
        let args = Value::Array(args);
        let args = detached(&args, &mut attachments)?;
        // The form in which they arrive from a client.
        let args = Args {
            values: Json::of(&args).elements().unwrap_or_default(),
            attachments,
        };
        let ack = step.get("ack").map(|_| Ack::new(from, 1));
        self.ack = self.stage.emit_args(from, event, args, ack);
        Ok(())
    }

    fn client(&self, name: &str) -> Result<SocketId, String> {
        let found = self.clients.get(name);
        found
            .copied()
            .ok_or_else(|| format!("{name:?} is not connected"))
    }

    /// Compares the results with the step.
    fn compare(&mut self, step: &Value) -> Result<(), String> {
        let gets = step.get("gets").unwrap_or(&Value::Null);
        let mut named = gets.as_object().into_iter().flat_map(Map::keys);
        if let Some(name) = named.find(|name| !self.clients.contains_key(*name)) {
            return Err(format!("{name:?} is in gets and is not connected"));
        }
        let nothing = json!([]);
        for (name, id) in self.clients.clone() {
            let expected = gets.get(&name).unwrap_or(&nothing);
            let events = self.stage.heard_args(id).into_iter();
            let got = events.map(|(event, args)| attached(&args, Some(event)));
            self.check(&format!("{name} got"), expected, &got.collect())?;
        }
        if let Some(expected) = step.get("ack") {
            let got = self.ack.take().map(|args| attached(&args, None));
            self.check("the ack was", expected, &got.unwrap_or_default())?;
        }
        let refused = self.refused.take().unwrap_or_default();
        let expected = step.get("refused").unwrap_or(&Value::Null);
        self.check("the refusal was", expected, field(&refused, "message"))?;
        if let Some(expected) = step.get("data") {
            self.check("the refusal's data was", expected, field(&refused, "data"))?;
        }
        Ok(())
    }

    fn check(&mut self, what: &str, expected: &Value, got: &Value) -> Result<(), String> {
        if self.matches(expected, got) {
            return Ok(());
        }
        let expected = self.filled(expected);
        Err(format!("{what} {got}, expected {expected}"))
    }

    /// The value with the known variables replaced.
    fn filled(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.variable(text).unwrap_or(value).clone(),
            Value::Array(items) => items.iter().map(|item| self.filled(item)).collect(),
            Value::Object(fields) => {
                let field = |(key, value): (&String, &Value)| (self.key(key), self.filled(value));
                Value::Object(fields.iter().map(field).collect())
            }
            value => value.clone(),
        }
    }

    /// The value of the variable that a text stands for, if it stands for a known one.
    fn variable(&self, text: &str) -> Option<&Value> {
        self.known.get(text.strip_prefix('$')?)
    }

    /// The key of a field, whose name may be a variable.
    fn key(&self, key: &str) -> String {
        let value = self.variable(key).and_then(Value::as_str);
        value.unwrap_or(key).to_owned()
    }

    /// Whether a value is as expected. A new variable gets the value that it matches.
    fn matches(&mut self, expected: &Value, got: &Value) -> bool {
        match (expected, got) {
            (Value::String(text), got) if text.starts_with('$') => {
                let name = text.chars().skip(1).collect();
                *self.known.entry(name).or_insert_with(|| got.clone()) == *got
            }
            (Value::Array(expected), Value::Array(got)) => {
                let mut pairs = expected.iter().zip(got);
                expected.len() == got.len() && pairs.all(|(a, b)| self.matches(a, b))
            }
            (Value::Object(expected), Value::Object(got)) => {
                let mut fields = expected.iter();
                expected.len() == got.len()
                    && fields.all(|(key, a)| {
                        let value = got.get(&self.key(key));
                        value.is_some_and(|b| self.matches(a, b))
                    })
            }
            (expected, got) => expected == got,
        }
    }
}

fn field<'a>(object: &'a Value, name: &str) -> &'a Value {
    object.get(name).unwrap_or(&Value::Null)
}

/// The value with its bytes replaced by placeholders, or an error if bytes are not written correctly.
fn detached(value: &Value, attachments: &mut Vec<Rc<[u8]>>) -> Result<Value, String> {
    match value {
        Value::Array(items) => items
            .iter()
            .map(|item| detached(item, attachments))
            .collect(),
        Value::Object(fields) => {
            if let Some(digits) = fields.get(BYTES).and_then(Value::as_str) {
                let bytes = bytes(digits).ok_or_else(|| {
                    format!("{digits:?} in {BYTES} is not pairs of hexadecimal digits")
                })?;
                let number = attachments.len();
                attachments.push(bytes.into());
                return Ok(json!({"_placeholder": true, "num": number}));
            }
            let fields = fields
                .iter()
                .map(|(name, value)| Ok((name.clone(), detached(value, attachments)?)));
            fields.collect::<Result<_, _>>().map(Value::Object)
        }
        value => Ok(value.clone()),
    }
}

/// The event's name, if given, and the arguments, with bytes in place of their placeholders.
fn attached(args: &Args, event: Option<String>) -> Value {
    let values = args.values.iter().map(|arg| {
        let value: Value = arg.read().unwrap_or_default();
        filled_in(value, &args.attachments)
    });
    event.map(Value::String).into_iter().chain(values).collect()
}

fn filled_in(value: Value, attachments: &[Rc<[u8]>]) -> Value {
    if let Some(number) = value
        .get("num")
        .filter(|_| value.get("_placeholder").is_some())
    {
        let number = number
            .as_u64()
            .and_then(|number| usize::try_from(number).ok());
        let bytes = number.and_then(|number| attachments.get(number));
        let digits = bytes.map(|bytes| {
            bytes.iter().fold(String::new(), |mut digits, byte| {
                let _ = write!(digits, "{byte:02x}"); // writing to a string cannot fail
                digits
            })
        });
        return json!({ BYTES: digits });
    }
    match value {
        Value::Array(items) => items
            .into_iter()
            .map(|item| filled_in(item, attachments))
            .collect(),
        Value::Object(fields) => {
            let field = |(name, value)| (name, filled_in(value, attachments));
            Value::Object(fields.into_iter().map(field).collect())
        }
        value => value,
    }
}

/// Pairs of hexadecimal digits as bytes.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    let byte = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(value(*high)? << 4 | value(*low)?).ok(),
        _ => None,
    };
    digits.as_bytes().chunks(2).map(byte).collect()
}
