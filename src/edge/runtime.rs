//! The platform for the core: the storage, the connections and the clock of a Durable Object.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use worker::Env;
use worker::js_sys::{self, Array, Date, Reflect, Uint8Array};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::{JsFuture, future_to_promise};
use worker::web_sys::console;

use super::entropy;
use super::platform::{Kv, Metrics, Objects, Placed, Result, Socket, State, binding, log_error};
use crate::io::{ConnectionId, Platform, Point, Record};
use crate::journal::{self, Bounds, Journal, Put, Row};
use crate::map::Map;
use crate::settings::Place;
use crate::socket::Object;
use crate::time::Timestamp;

/// Implements [`Platform`] for a Durable Object.
pub struct Runtime {
    pub(super) state: State,
    /// The platform's namespace of this Durable Object class, if there is a binding `ROOM`.
    objects: Option<Objects>,
    place: Place,
    metrics: Option<Metrics>,
    kv: Kv,
    /// The open connections by number, including those on which parked requests wait for an answer.
    pub(super) sockets: RefCell<Map<u64, Socket>>,
    /// The journal, with uncommitted changes; `None` before the first read.
    journal: RefCell<Option<Journal>>,
    halted: Cell<bool>,
    /// Whether the next commit must remove all traces of deleted values.
    purging: Cell<bool>,
    /// Whether everything was deleted, and the alarm with it.
    erased: Cell<bool>,
}

impl Runtime {
    pub(super) fn new(state: State, env: &Env, place: Place) -> Self {
        let kv = state.storage().kv();
        Self {
            state,
            objects: binding(env, "ROOM"),
            place,
            metrics: binding(env, "METRICS"),
            kv,
            sockets: RefCell::default(),
            journal: RefCell::default(),
            halted: Cell::new(false),
            purging: Cell::new(false),
            erased: Cell::new(false),
        }
    }

    /// The platform's namespace of this Durable Object class, and the location of its objects.
    pub(super) fn objects(&self) -> Option<Placed<'_>> {
        let place = &self.place;
        let objects = self.objects.as_ref()?;
        Some(Placed { objects, place })
    }

    /// The current time of the platform's clock.
    pub(super) fn now() -> Timestamp {
        timestamp(Date::now())
    }

    pub(super) fn socket(&self, number: u64) -> Option<Socket> {
        self.sockets.borrow().get(&number).cloned()
    }

    /// Takes records for the next [`Runtime::commit`].
    pub(super) fn keep(self: &Rc<Self>, records: Vec<Record>) {
        let mut journal = self.journal.borrow_mut();
        let Some(journal) = &mut *journal else {
            return; // the journal could not be opened, and the object is ending
        };
        for record in records {
            let set = match record {
                Record::Stored { key, value } => journal.set(key, Some(value)),
                Record::Deleted { key } => journal.set(key, None),
                Record::Purged => {
                    self.purging.set(true);
                    Ok(())
                }
                Record::Erased => {
                    let erased = std::mem::take(journal);
                    if !erased.is_blank() {
                        self.erase();
                    }
                    Ok(())
                }
            };
            if let Err(error) = set {
                return self.halt(&format!("a record cannot be stored: {error}"));
            }
        }
    }

    /// Commits the records. Returns how many rows and bytes were written; `None` if the commit
    /// failed: then nothing of it is stored, and the object is ending. The platform holds later
    /// messages back until the write is confirmed.
    pub(super) fn commit(&self) -> Option<(usize, usize)> {
        if self.halted.get() {
            return None;
        }
        let puts = match &mut *self.journal.borrow_mut() {
            Some(journal) if self.purging.take() => journal.purge(|row| self.row(row)),
            Some(journal) => journal.commit(|row| self.row(row)),
            None => return None, // the journal could not be opened
        };
        let puts = match puts {
            Ok(puts) => puts,
            Err(error) => {
                self.halt(&format!("the changes cannot be stored: {error}"));
                return None;
            }
        };
        if let Err(error) = self.write(&puts) {
            log_error("a row cannot be written:", &error);
            self.halt("the storage cannot be written");
            return None;
        }
        let bytes = puts.iter().map(|put| put.bytes.len()).sum();
        Some((puts.len(), bytes))
    }

    /// Writes all rows of a commit, or none.
    fn write(&self, puts: &[Put]) -> Result<()> {
        let write = || {
            puts.iter().try_for_each(|put| {
                let bytes = Uint8Array::from(&*put.bytes);
                self.kv.put(&put.row.to_string(), &bytes)
            })
        };
        match puts {
            [] | [_] => write(),
            // Without a transaction, a failed row would leave half of the commit in the journal.
            _ => self.state.storage().transaction(&mut || write()),
        }
    }

    /// Deletes everything that is stored, and the alarm. Later messages wait for the deletion.
    fn erase(self: &Rc<Self>) {
        let deleted = match self.state.storage().delete_all() {
            Ok(deleted) => deleted,
            Err(error) => return self.halt_unerased(&error),
        };
        self.erased.set(true);
        let runtime = Rc::clone(self);
        let erased = future_to_promise(async move {
            if let Err(error) = JsFuture::from(deleted).await {
                runtime.halt_unerased(&error);
            }
            Ok(JsValue::UNDEFINED)
        });
        let _ = self.state.wait_until(&erased); // it runs in the background
    }

    /// Ends the object: its memory assumes an empty storage, but the deletion failed.
    fn halt_unerased(&self, error: &JsValue) {
        log_error("the storage cannot be deleted:", error);
        self.halt("the storage cannot be deleted");
    }

    /// Whether the alarm was deleted since the last call.
    pub(super) fn take_erased(&self) -> bool {
        self.erased.take()
    }

    /// Reads a row of the journal.
    fn row(&self, row: Row) -> Option<Vec<u8>> {
        let bytes = self.kv.get(&row.to_string()).ok()?;
        bytes.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
    }

    /// Runs `then` on the journal, which is first read from storage if needed.
    fn opened<T>(&self, then: impl FnOnce(&Journal) -> T) -> std::result::Result<T, String> {
        let mut journal = self.journal.borrow_mut();
        let journal = match &mut *journal {
            Some(journal) => journal,
            closed => closed.insert(self.open()?),
        };
        Ok(then(journal))
    }

    /// Reads all rows of the journal.
    fn open(&self) -> std::result::Result<Journal, String> {
        let list = self.kv.list(journal::PREFIX).map_err(|error| {
            log_error("the storage cannot be read:", &error);
            "the storage cannot be read".to_owned()
        })?;
        let mut rows = Vec::new();
        for entry in list {
            let entry: Array = entry.into();
            let key = entry.get(0).as_string().unwrap_or_default();
            let value = entry.get(1);
            let bytes = value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec);
            rows.push((key, bytes.unwrap_or_default()));
        }
        Journal::open(Bounds::default(), rows).map_err(|corrupt| corrupt.to_string())
    }

    /// Ends the object: to continue would rely on damaged or missing records. The next request
    /// makes a new object from the stored records.
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
        let loaded = self.opened(|journal| journal.load(prefix, |row| self.row(row)))?;
        loaded.map_err(|corrupt| corrupt.to_string())
    }

    fn is_blank(&self) -> bool {
        self.opened(Journal::is_blank).unwrap_or(false)
    }

    fn log(&self, line: &str) {
        console::log_1(&JsValue::from_str(line));
    }

    fn is_measuring(&self) -> bool {
        self.metrics.is_some()
    }

    fn measure(&self, point: &Point) {
        if let Some(metrics) = &self.metrics
            && let Err(error) = write(metrics, point)
        {
            log_error("a data point cannot be written:", &error);
        }
    }
}

/// Writes a data point, with the columns of `docs/metrics.md`.
fn write(metrics: &Metrics, point: &Point) -> Result<()> {
    let texts = [point.event, point.room, point.detail].map(JsValue::from_str);
    let numbers = [point.value, point.peers].map(JsValue::from_f64);
    let data = js_sys::Object::new();
    Reflect::set(&data, &"indexes".into(), &Array::of1(&point.event.into()))?;
    Reflect::set(&data, &"blobs".into(), &texts.iter().collect::<Array>())?;
    Reflect::set(&data, &"doubles".into(), &numbers.iter().collect::<Array>())?;
    metrics.write(&data)
}

/// Converts the milliseconds of a JavaScript date after 1970 to a [`Timestamp`].
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is a whole, positive number"
)]
pub(super) fn timestamp(millis: f64) -> Timestamp {
    Timestamp::from_millis(millis as u64)
}
