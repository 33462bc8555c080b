//! Clients of a dialect, each on its own `WebSocket`.

use std::rc::Rc;

use serde_json::{Value, json};
use signalbox::dialect::{Dialect, Table};
use signalbox::engine::{self, Engine};
use signalbox::room::{Config, RoomName};
use signalbox::socket::{self, App, Runner, Server};
use signalbox::store::Store;

use crate::peer::high_rates;
use crate::support::{Done, Script, WEBSOCKET};

pub type DialectServer = Script<Runner<Dialect>>;

/// Reads the table. Panics with its errors.
pub fn table(json: &str) -> Table {
    Table::parse(json).unwrap_or_else(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("{}", errors.join("\n"))
    })
}

/// A server for this table, with rates that no test exceeds by accident.
pub fn dialect_server(json: &str) -> DialectServer {
    let config = Config {
        limits: high_rates(),
        ..Config::default()
    };
    dialect_server_with(json, config)
}

pub fn dialect_server_with(json: &str, config: Config) -> DialectServer {
    let json = json.to_owned();
    table(&json); // its errors are shown at once
    Script::new(move |store: Rc<Store>| {
        let engine = Engine::new(engine::Config::default(), Rc::clone(&store));
        let server = Server::new(socket::Config::default(), engine);
        let name = RoomName::parse("place").unwrap();
        let table = Rc::new(table(&json));
        let dialect = Dialect::new("test".to_owned(), name, table, config.clone(), store);
        Runner::new(server, dialect)
    })
}

pub struct Client {
    pub id: String,
    pub pid: Option<String>,
    pub connection: u64,
}

impl Client {
    /// A client that gets events with exactly the arguments that were sent, and cannot be recovered.
    pub fn connect<A: App>(server: &mut Script<Runner<A>>) -> Self {
        Self::connect_with(server, "strict=1", &json!({}))
    }

    /// A client with this query in its URL, and this `auth`.
    pub fn connect_with<A: App>(server: &mut Script<Runner<A>>, query: &str, auth: &Value) -> Self {
        Self::try_connect(server, query, auth)
            .unwrap_or_else(|refusal| panic!("refused: {refusal}"))
    }

    /// Like `connect_with`, but the client may be refused. Packets that it gets while it connects are skipped.
    pub fn try_connect<A: App>(
        server: &mut Script<Runner<A>>,
        query: &str,
        auth: &Value,
    ) -> Result<Self, Value> {
        let connection = server.upgrade(&format!("{WEBSOCKET}&{query}"));
        let first = server.take_for(connection);
        assert!(
            matches!(first[..], [Done::Accepted(_), Done::Sent(..)]),
            "{first:?}"
        );
        server.text(connection, format!("40{auth}"));
        let reply = match server.sent_to(connection)[..] {
            [reply, ..] => reply.to_owned(),
            [] => panic!("no answer"),
        };
        let (kind, json) = reply.split_at(2);
        let json: Value = serde_json::from_str(json).unwrap();
        if kind == "44" {
            return Err(json);
        }
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        server.take_for(connection);
        Ok(Self {
            id: text("sid").unwrap(),
            pid: text("pid"),
            connection,
        })
    }

    /// Sends an event: its name and its arguments.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers write an event in the call"
    )]
    pub fn emit<A: App>(&self, server: &mut Script<Runner<A>>, event: impl ToString) {
        server.text(self.connection, format!("42{}", event.to_string()));
    }

    /// Sends an event, and returns its ack if there is one. Earlier packets are skipped.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers write an event in the call"
    )]
    pub fn call<A: App>(
        &self,
        server: &mut Script<Runner<A>>,
        event: impl ToString,
    ) -> Option<Value> {
        server.text(self.connection, format!("427{}", event.to_string()));
        let done = server.take_for(self.connection).into_iter();
        let ack = |done| match done {
            Done::Sent(_, frame) => frame.strip_prefix("437").map(str::to_owned),
            _ => None,
        };
        let mut acks = done.filter_map(ack);
        acks.next().map(|ack| serde_json::from_str(&ack).unwrap())
    }

    /// The events since the last call, as they were written.
    pub fn heard_raw<A: App>(&self, server: &mut Script<Runner<A>>) -> Vec<String> {
        let done = server.take_for(self.connection).into_iter();
        let event = |done| match done {
            Done::Sent(_, frame) => frame.strip_prefix("42").map(str::to_owned),
            _ => None,
        };
        done.filter_map(event).collect()
    }

    /// The events since the last call.
    pub fn heard<A: App>(&self, server: &mut Script<Runner<A>>) -> Vec<Value> {
        let events = self.heard_raw(server);
        let read = |event: &String| serde_json::from_str(event).unwrap();
        events.iter().map(read).collect()
    }

    /// The code of the error, which must be the only event.
    pub fn error<A: App>(&self, server: &mut Script<Runner<A>>) -> String {
        match &self.heard(server)[..] {
            [event] if event[0] == "room:error" => {
                assert_ne!(event[1]["message"], "");
                event[1]["code"].as_str().unwrap().to_owned()
            }
            other => panic!("not one error: {other:?}"),
        }
    }
}
