//! The Durable Object as the core sees it: its storage, its sockets, its clock.

use std::cell::{Cell, RefCell};

use worker::js_sys::{Array, Date};
use worker::wasm_bindgen::JsValue;
use worker::web_sys::console;

use super::entropy;
use super::platform::{Kv, Result, Socket, State, log_error};
use crate::io::{ConnectionId, Platform, Record};
use crate::map::Map;
use crate::socket::Object;
use crate::time::Timestamp;

/// What the core may ask of a Durable Object.
pub struct Runtime {
    pub(super) state: State,
    kv: Kv,
    /// The open sockets, parked requests included, by their number.
    pub(super) sockets: RefCell<Map<u64, Socket>>,
    /// What is yet to be committed: values or, with `None`, deletions.
    uncommitted: RefCell<Map<String, Option<String>>>,
    halted: Cell<bool>,
}

impl Runtime {
    pub(super) fn new(state: State) -> Self {
        let kv = state.storage().kv();
        Self {
            state,
            kv,
            sockets: RefCell::default(),
            uncommitted: RefCell::default(),
            halted: Cell::new(false),
        }
    }

    /// The time, by the platform's clock.
    pub(super) fn now() -> Timestamp {
        timestamp(Date::now())
    }

    pub(super) fn socket(&self, number: u64) -> Option<Socket> {
        self.sockets.borrow().get(&number).cloned()
    }

    /// Takes records to be committed at the next [`Runtime::commit`].
    pub(super) fn add(&self, records: Vec<Record>) {
        let mut uncommitted = self.uncommitted.borrow_mut();
        for record in records {
            match record {
                Record::Stored { key, value } => uncommitted.insert(key, Some(value)),
                Record::Deleted { key } => uncommitted.insert(key, None),
            }
        }
    }

    /// Writes what is to be committed. All writes before the next `await` are one transaction of the
    /// platform, which holds what is sent after them back until they are confirmed. `false` if that
    /// failed: the object is then at its end.
    pub(super) fn commit(&self) -> bool {
        if self.halted.get() {
            return false;
        }
        for (key, value) in self.uncommitted.take() {
            let written = match value {
                Some(value) => self.kv.put(&key, &JsValue::from_str(&value)),
                None => self.kv.delete(&key).map(drop),
            };
            if let Err(error) = written {
                log_error("a record cannot be written:", &error);
                self.halt("the storage cannot be written");
                return false;
            }
        }
        true
    }

    /// Ends the object: what it would do next would rest on records that are damaged or missing. The
    /// next request makes it anew, from what is stored.
    pub(super) fn halt(&self, reason: &str) {
        self.halted.set(true);
        let room = self.state.object_name().ok();
        let line = Object::new()
            .with("event", "halt")
            .with("room", &room)
            .with("reason", reason)
            .json();
        console::error_1(&JsValue::from_str(line.as_str()));
        if let Err(error) = self.state.abort_soon(reason) {
            log_error("the object cannot be ended:", &error);
        }
    }

    pub(super) fn is_halted(&self) -> bool {
        self.halted.get()
    }

    fn entries(&self, prefix: &str) -> Result<Vec<(String, String)>> {
        let mut rows = Vec::new();
        for entry in self.kv.list(prefix)? {
            let entry: Array = entry.into();
            let text = |index| entry.get(index).as_string();
            match (text(0), text(1)) {
                (Some(key), Some(value)) => rows.push((key, value)),
                _ => return Err("a stored value is no text".into()),
            }
        }
        Ok(rows)
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

    fn load(&self, prefix: &str) -> std::result::Result<Vec<(String, String)>, String> {
        if !self.commit() {
            return Err("the storage cannot be written".to_owned());
        }
        self.entries(prefix).map_err(|error| {
            log_error("the storage cannot be read:", &error);
            "the storage cannot be read".to_owned()
        })
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
