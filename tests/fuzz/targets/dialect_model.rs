//! Plays random events on random tables. What each client hears, each ack and each error must be what a naive
//! interpreter expects, even if memory is lost.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use signalbox::dialect::Table;

use super::bytes::Bytes;
use super::dialect_naive::{End, Model, What};
use super::dialect_tables::{EVENTS, ROOMS, table};
use crate::dialect_client::{DialectServer, dialect_server};
use crate::support::{Done, WEBSOCKET};

const ADDRESSES: [&str; 2] = ["192.0.2.1", "192.0.2.2"];
const MOST_CLIENTS: usize = 5;

/// What clients heard, and the errors among it.
#[derive(Default)]
pub struct Heard {
    pub events: usize,
    pub codes: BTreeSet<String>,
}

struct Client {
    id: String,
    connection: u64,
    /// Whether it cannot be recovered.
    is_strict: bool,
}

/// Plays random events on a random table.
pub fn dialect_model(bytes: &[u8]) -> Heard {
    let mut bytes = Bytes::new(bytes);
    let table = table(&mut bytes);
    let text = table.to_string();
    if let Err(errors) = Table::parse(&text) {
        panic!("{errors:?}\n{text}");
    }
    let mut stage = Stage {
        server: dialect_server(&text),
        model: Model::new(table),
        clients: Vec::new(),
        gone: Vec::new(),
        heard: Heard::default(),
    };
    while !bytes.is_empty() {
        if stage.step(&mut bytes).is_err() {
            break; // a bound may have been reached, which the model does not know
        }
    }
    stage.heard
}

struct Stage {
    server: DialectServer,
    model: Model,
    clients: Vec<Client>,
    /// The ids of the sockets that disconnected.
    gone: Vec<String>,
    heard: Heard,
}

/// The model does not know what clients hear.
struct Unknown;

impl Stage {
    fn step(&mut self, bytes: &mut Bytes) -> Result<(), Unknown> {
        let count = self.clients.len();
        match bytes.below(16) {
            _ if count == 0 => self.connect(bytes)?,
            0 | 1 if count < MOST_CLIENTS => self.connect(bytes)?,
            2 => drop(self.server.lose_memory()),
            3 => self.disconnect(bytes.below(count))?,
            _ => self.event(bytes)?,
        }
        for at in 0..self.clients.len() {
            let heard = self.listen(at);
            let Client { id, .. } = &self.clients[at];
            let due = self.model.take_due(id);
            assert_eq!(heard, due, "{id}\n{}", self.model.table);
        }
        Ok(())
    }

    /// What a client heard since the last call. Of an error, only the code is kept.
    fn listen(&mut self, at: usize) -> Vec<Value> {
        let done = self
            .server
            .take_for(self.clients[at].connection)
            .into_iter();
        let frames = done.filter_map(|done| match done {
            Done::Sent(_, frame) => Some(frame),
            _ => None,
        });
        frames.filter_map(|frame| self.read(&frame)).collect()
    }

    fn read(&mut self, frame: &str) -> Option<Value> {
        if let Some(ack) = frame.strip_prefix("437") {
            return Some(json!({"ack": serde_json::from_str::<Value>(ack).unwrap()}));
        }
        let mut event: Value = serde_json::from_str(frame.strip_prefix("42")?).unwrap();
        self.heard.events += 1;
        if event[0] == "room:error" {
            let code = event[1]["code"].as_str().unwrap().to_owned();
            self.heard.codes.insert(code.clone());
            return Some(json!(["room:error", code]));
        }
        // Only clients that can be recovered get an offset.
        let is_offset = |text: &str| text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit());
        let args = event.as_array_mut().unwrap();
        if args.last().and_then(Value::as_str).is_some_and(is_offset) {
            args.pop();
        }
        Some(event)
    }

    fn connect(&mut self, bytes: &mut Bytes) -> Result<(), Unknown> {
        (*bytes.pick(&ADDRESSES)).clone_into(&mut self.server.address);
        let query = ["n=r", "n=x%20y", "m=1"][bytes.below(3)];
        let auth = [json!({}), json!({"n": "r"}), json!({"n": {"a": 1}})][bytes.below(3)].clone();
        let is_strict = bytes.chance(2);
        let strict = if is_strict { "&strict=1" } else { "" };
        let connection = self.server.upgrade(&format!("{WEBSOCKET}&{query}{strict}"));
        self.server.take_for(connection);
        self.server.text(connection, format!("40{auth}"));
        let first = match self.server.sent_to(connection)[..] {
            [first, ..] => first.to_owned(),
            [] => panic!("no answer"),
        };
        let (kind, reply) = first.split_at(2);
        let reply: Value = serde_json::from_str(reply).unwrap();
        let id = reply["sid"].as_str().unwrap_or("refused").to_owned();
        let n = match query {
            "n=r" => json!("r"),
            "n=x%20y" => json!("x y"),
            _ => Value::Null,
        };
        self.model
            .connect(&id, &self.server.address, n, auth["n"].clone());
        let end = self.model.run(&id, What::Connect);
        if let End::Refused(message, data) = end.map_err(|_| Unknown)? {
            assert_eq!(kind, "44", "{}", self.model.table);
            assert_eq!(reply["message"], message);
            // A refused client gets no id. The model calls it "refused", so `data` with this word is not compared.
            let data = data.unwrap_or_default();
            if !data.to_string().contains(&id) {
                assert_eq!(reply["data"], data);
            }
            self.model.forget(&id);
            self.server.take_for(connection);
        } else {
            assert_eq!(kind, "40", "{}", self.model.table);
            self.clients.push(Client {
                id,
                connection,
                is_strict,
            });
        }
        Ok(())
    }

    /// A client's connection is lost. A strict client disconnects; any other is away and does not return.
    fn disconnect(&mut self, who: usize) -> Result<(), Unknown> {
        self.listen(who);
        let Client {
            id,
            connection,
            is_strict,
        } = self.clients.remove(who);
        self.server.lost(connection);
        self.server.take_for(connection);
        if !is_strict {
            self.model.set_away(&id);
            return Ok(());
        }
        self.model
            .run(&id, What::Disconnect("transport close"))
            .map_err(|_| Unknown)?;
        self.model.forget(&id);
        self.gone.push(id);
        Ok(())
    }

    fn event(&mut self, bytes: &mut Bytes) -> Result<(), Unknown> {
        let name = *bytes.pick(&EVENTS);
        let args: Vec<Value> = (0..bytes.below(3)).map(|_| self.value(bytes, 0)).collect();
        let wants_ack = bytes.chance(2);
        let Client { id, connection, .. } = &self.clients[bytes.below(self.clients.len())];
        let mut event = vec![json!(name)];
        event.extend(args.iter().cloned());
        let ack = if wants_ack { "7" } else { "" };
        let frame = format!("42{ack}{}", Value::Array(event));
        self.server.text(*connection, frame);
        let what = What::Event {
            name: name.to_owned(),
            args,
            wants_ack,
        };
        self.model.run(id, what).map_err(|_| Unknown)?;
        Ok(())
    }

    fn value(&self, bytes: &mut Bytes, depth: usize) -> Value {
        match bytes.below(if depth > 2 { 9 } else { 12 }) {
            0 => Value::Null,
            1 => json!(bytes.below(3)),
            2 | 3 => json!(*bytes.pick(&ROOMS)),
            4 => json!(["x", "", "offer"][bytes.below(3)]),
            5 => json!(bytes.chance(2)),
            6 | 7 if !self.clients.is_empty() => {
                json!(self.clients[bytes.below(self.clients.len())].id)
            }
            8 if !self.gone.is_empty() => json!(self.gone[bytes.below(self.gone.len())]),
            9 => json!([self.value(bytes, depth + 1), self.value(bytes, depth + 1)]),
            10 if bytes.chance(8) => json!(vec![1; bytes.below(300)]),
            10.. => {
                json!({"a": self.value(bytes, depth + 1), "id": "r", "list": [self.value(bytes, depth + 1), "r"]})
            }
            _ => json!("r"),
        }
    }
}
