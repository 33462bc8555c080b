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

/// How many values one statement may have.
const MAX_VALUES: usize = 100;

/// What the core may ask of a Durable Object.
pub struct Runtime {
    pub(super) state: State,
    sql: Sql,
    /// The open sockets, parked requests included, by their number.
    pub(super) sockets: RefCell<Map<u64, Socket>>,
    /// What is yet to be kept.
    unkept: RefCell<Vec<Record>>,
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
            unkept: RefCell::default(),
        }
    }

    /// The time, by the platform's clock.
    pub(super) fn now() -> Timestamp {
        timestamp(Date::now())
    }

    pub(super) fn socket(&self, number: u64) -> Option<Socket> {
        self.sockets.borrow().get(&number).cloned()
    }

    /// Takes a record to be kept at the next [`Runtime::flush`], or an attachment at once.
    pub(super) fn save(&self, record: Record) {
        let Record::Attached(connection, text) = record else {
            self.unkept.borrow_mut().push(record);
            return;
        };
        if let Some(socket) = self.socket(connection.number()) {
            log_failure(socket.attach(&text));
        }
    }

    /// Keeps what was taken to be kept: of each record, how it was last. Each statement costs as
    /// much as many rows do.
    pub(super) fn flush(&self) {
        let mut last = Map::default();
        for record in self.unkept.take() {
            match record {
                Record::Stored { key, value } => last.insert(key, Some(value)),
                Record::Deleted { key } => last.insert(key, None),
                Record::Attached(..) => {}
            }
        }
        let (mut stored, mut deleted) = (Vec::new(), Vec::new());
        for (key, value) in last.iter() {
            let key = JsValue::from_str(key);
            match value {
                Some(value) => stored.extend([key, JsValue::from_str(value)]),
                None => deleted.push(key),
            }
        }
        let insert = "INSERT OR REPLACE INTO records (key, value) VALUES ";
        self.write(insert, "(?, ?)", "", &stored);
        self.write("DELETE FROM records WHERE key IN (", "?", ")", &deleted);
    }

    /// Runs a statement for all values, `row` being there for as many times as they fill it.
    fn write(&self, start: &str, row: &str, end: &str, values: &[JsValue]) {
        let width = row.matches('?').count();
        for values in values.chunks(MAX_VALUES) {
            let rows = vec![row; values.len() / width];
            let statement = [start, &rows.join(","), end].concat();
            log_failure(self.sql.exec(&statement, values.to_vec()));
        }
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

fn log_failure<T>(done: Result<T>) {
    if let Err(error) = done {
        log_error("a record was not kept:", &error);
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
