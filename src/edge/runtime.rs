//! The Durable Object as the core sees it: its storage, its sockets, its clock.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde::Deserialize;
use worker::js_sys;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{SqlStorage, SqlStorageValue, State, WebSocket, console_error, wasm_bindgen};

use super::entropy;
use crate::io::{ConnectionId, Platform, Record};
use crate::time::Timestamp;

#[wasm_bindgen::prelude::wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
extern "C" {
    #[wasm_bindgen(extends = js_sys::Object)]
    type StateExt;

    #[wasm_bindgen(method, catch, js_name = getWebSocketAutoResponseTimestamp)]
    fn auto_response_timestamp(
        this: &StateExt,
        socket: &worker::web_sys::WebSocket,
    ) -> Result<Option<js_sys::Date>, JsValue>;
}

const SCHEMA: &str =
    "CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID";

/// What the core may ask of a Durable Object.
pub struct Runtime {
    state: StateExt,
    sql: SqlStorage,
    /// The open sockets, parked requests included, by their number.
    pub(super) sockets: RefCell<BTreeMap<u64, WebSocket>>,
    /// What is to be kept soon.
    soon: RefCell<Vec<Record>>,
}

#[derive(Deserialize)]
struct Row {
    key: String,
    value: String,
}

impl Runtime {
    pub(super) fn new(state: &State) -> Self {
        let sql = state.storage().sql();
        if let Err(error) = sql.exec(SCHEMA, None) {
            console_error!("the storage cannot be prepared: {error}");
        }
        let raw: &JsValue = state.as_raw().as_ref();
        Self {
            state: raw.clone().unchecked_into(),
            sql,
            sockets: RefCell::default(),
            soon: RefCell::default(),
        }
    }

    /// The time, by the platform's clock.
    pub(super) fn now() -> Timestamp {
        Timestamp::from_millis(worker::Date::now().as_millis())
    }

    pub(super) fn socket(&self, number: u64) -> Option<WebSocket> {
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
                Some(socket) => socket.serialize_attachment(text),
                None => return,
            },
            Record::Stored { key, value } => self.exec(
                "INSERT OR REPLACE INTO records (key, value) VALUES (?, ?)",
                vec![key, value],
            ),
            Record::Deleted { key } => self.exec("DELETE FROM records WHERE key = ?", vec![key]),
        };
        if let Err(error) = done {
            console_error!("a record was not kept: {error}");
        }
    }

    fn exec(&self, statement: &str, values: Vec<String>) -> worker::Result<()> {
        let values: Vec<_> = values.into_iter().map(SqlStorageValue::String).collect();
        self.sql.exec(statement, values).map(drop)
    }

    fn rows(&self, prefix: &str) -> worker::Result<Vec<Row>> {
        let range = [prefix.to_owned(), format!("{prefix}\u{10FFFF}")];
        let range: Vec<_> = range.into_iter().map(SqlStorageValue::String).collect();
        self.sql
            .exec(
                "SELECT key, value FROM records WHERE key >= ? AND key < ? ORDER BY key",
                range,
            )?
            .to_array()
    }
}

impl Platform for Runtime {
    fn mint(&self) -> [u8; 15] {
        entropy::mint()
    }

    fn last_auto_response(&self, connection: ConnectionId) -> Option<Timestamp> {
        let socket = self.socket(connection.number())?;
        let date = self.state.auto_response_timestamp(socket.as_ref()).ok()??;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a date after 1970 is a whole, positive number of milliseconds"
        )]
        let millis = date.get_time() as u64;
        Some(Timestamp::from_millis(millis))
    }

    fn load(&self, prefix: &str) -> Vec<(String, String)> {
        self.flush();
        match self.rows(prefix) {
            Ok(rows) => rows.into_iter().map(|row| (row.key, row.value)).collect(),
            Err(error) => {
                console_error!("what is stored cannot be read: {error}");
                Vec::new()
            }
        }
    }
}
