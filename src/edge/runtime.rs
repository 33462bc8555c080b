//! The Durable Object as the core sees it: its storage, its sockets, its clock.

use std::cell::RefCell;

use worker::js_sys::Date;
use worker::wasm_bindgen::JsValue;
use worker::web_sys::console;

use super::entropy;
use super::platform::{Result, Row, Socket, Sql, State, log_error};
use crate::io::{ConnectionId, Platform, Record};
use crate::map::Map;
use crate::time::Timestamp;

const SCHEMA: &str =
    "CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID";

/// What the core may ask of a Durable Object.
pub struct Runtime {
    pub(super) state: State,
    sql: Sql,
    /// The open sockets, parked requests included, by their number.
    pub(super) sockets: RefCell<Map<u64, Socket>>,
    /// What is to be kept soon.
    soon: RefCell<Vec<Record>>,
}

impl Runtime {
    pub(super) fn new(state: State) -> Self {
        let sql = state.storage().sql();
        if let Err(error) = sql.exec(SCHEMA, Vec::new()) {
            log_error("the storage cannot be prepared:", &error);
        }
        Self {
            state,
            sql,
            sockets: RefCell::default(),
            soon: RefCell::default(),
        }
    }

    /// The time, by the platform's clock.
    pub(super) fn now() -> Timestamp {
        timestamp(Date::now())
    }

    pub(super) fn socket(&self, number: u64) -> Option<Socket> {
        self.sockets.borrow().get(&number).cloned()
    }

    /// Takes a record to be kept at the next [`Runtime::flush`].
    pub(super) fn save_soon(&self, record: Record) {
        self.soon.borrow_mut().push(record);
    }

    /// Keeps what is to be kept soon.
    pub(super) fn flush(&self) {
        for record in self.soon.take() {
            self.keep(record);
        }
    }

    pub(super) fn save(&self, record: Record) {
        if !matches!(record, Record::Attached(..)) {
            self.flush();
        }
        self.keep(record);
    }

    fn keep(&self, record: Record) {
        let done = match record {
            Record::Attached(connection, text) => match self.socket(connection.number()) {
                Some(socket) => socket.attach(&text),
                None => return,
            },
            Record::Stored { key, value } => self.exec(
                "INSERT OR REPLACE INTO records (key, value) VALUES (?, ?)",
                &[&key, &value],
            ),
            Record::Deleted { key } => self.exec("DELETE FROM records WHERE key = ?", &[&key]),
        };
        if let Err(error) = done {
            log_error("a record was not kept:", &error);
        }
    }

    fn exec(&self, statement: &str, values: &[&str]) -> Result<()> {
        let values = values.iter().map(|value| JsValue::from_str(value));
        self.sql.exec(statement, values.collect()).map(drop)
    }

    fn rows(&self, prefix: &str) -> Result<Vec<Row>> {
        let range = [prefix, &format!("{prefix}\u{10FFFF}")].map(JsValue::from_str);
        let cursor = self.sql.exec(
            "SELECT key, value FROM records WHERE key >= ? AND key < ? ORDER BY key",
            range.into(),
        )?;
        cursor.rows()
    }
}

impl Platform for Runtime {
    fn mint(&self) -> [u8; 15] {
        entropy::mint()
    }

    fn last_auto_response(&self, connection: ConnectionId) -> Option<Timestamp> {
        let socket = self.socket(connection.number())?;
        let date = self.state.auto_response_timestamp(&socket).ok()??;
        Some(timestamp(date.get_time()))
    }

    fn load(&self, prefix: &str) -> Vec<(String, String)> {
        self.flush();
        match self.rows(prefix) {
            Ok(rows) => rows.iter().map(|row| (row.key(), row.value())).collect(),
            Err(error) => {
                log_error("what is stored cannot be read:", &error);
                Vec::new()
            }
        }
    }

    fn log(&self, line: &str) {
        console::log_1(&JsValue::from_str(line));
    }
}

/// A date after 1970, in milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is a whole, positive number"
)]
pub(super) fn timestamp(millis: f64) -> Timestamp {
    Timestamp::from_millis(millis as u64)
}
