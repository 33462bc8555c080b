//! The deployed Worker, and its Durable Object: one room, in the room's own protocol or in a dialect, or
//! the index of rooms.

#![cfg(target_arch = "wasm32")]

use std::rc::Rc;

use signalbox::dialect::Dialect;
use signalbox::durable_object;
use signalbox::edge::{
    Endpoint, Limits, Objects, Result, Shell, State, binding, config, error, path, serve,
};
use signalbox::index::{self, Index};
use signalbox::room::{self, RoomName};
use signalbox::settings::{Invalid, Settings};
use signalbox::socket::{App, Command, Event, Runner};
use signalbox::time::Timestamp;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys::{Request, Response};
use worker::{Env, wasm_bindgen};

/// Answers a request.
///
/// # Errors
///
/// If the platform fails, or if `ROOM` is not bound. Then the platform answers the request.
#[wasm_bindgen(
    wasm_bindgen = worker::wasm_bindgen,
    wasm_bindgen_futures = worker::wasm_bindgen_futures,
    js_sys = worker::js_sys
)]
pub async fn fetch(request: Request, env: Env) -> Result<Response> {
    let settings = match settings(&env) {
        Ok(settings) => settings,
        Err(invalid) => return config::misconfigured(invalid),
    };
    let rooms: Option<Objects> = binding(&env, "ROOM");
    if path(&request) == "/healthz" {
        let missing = rooms.is_none().then_some(NO_ROOMS);
        return config::health(&env, env!("CARGO_PKG_VERSION"), missing);
    }
    let endpoint = Endpoint {
        path: "socket.io",
        rooms: rooms.ok_or(NO_ROOMS)?,
        dialects: Some(&settings.dialects),
        settings,
        limits: Limits::of(&env),
    };
    serve(request, &endpoint).await
}

const NO_ROOMS: &str = "[[durable_objects.bindings]] in wrangler.toml has no ROOM";

/// The settings. They are read once, because an object that wakes would wait for it.
fn settings(env: &Env) -> &'static std::result::Result<Settings, Vec<Invalid>> {
    static SETTINGS: config::Once = config::Once::new();
    SETTINGS.get_or_init(|| config::settings(env, Settings::default()))
}

durable_object! {
    /// The Durable Object: one room, or the index of rooms.
    pub struct Room(Runner<Served>) = room;
}

/// The application of an object.
pub enum Served {
    /// A room with its own protocol.
    Room(Box<room::Room>),
    /// A room with a dialect.
    Dialect(Box<Dialect>),
    /// The index of rooms.
    Index(Index),
}

impl App for Served {
    fn event(&mut self, now: Timestamp, event: Event, out: &mut Vec<Command>) {
        match self {
            Self::Room(room) => room.event(now, event, out),
            Self::Dialect(dialect) => dialect.event(now, event, out),
            Self::Index(index) => index.event(now, event, out),
        }
    }

    fn wake(&mut self, now: Timestamp, out: &mut Vec<Command>) {
        match self {
            Self::Room(room) => room.wake(now, out),
            Self::Dialect(dialect) => dialect.wake(now, out),
            Self::Index(index) => index.wake(now, out),
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        match self {
            Self::Room(room) => room.deadline(),
            Self::Dialect(dialect) => dialect.deadline(),
            Self::Index(index) => index.deadline(),
        }
    }

    fn is_busy(&self) -> bool {
        match self {
            Self::Room(room) => room.is_busy(),
            Self::Dialect(dialect) => dialect.is_busy(),
            Self::Index(index) => index.is_busy(),
        }
    }

    fn reset(&mut self) {
        match self {
            Self::Room(room) => room.reset(),
            Self::Dialect(dialect) => dialect.reset(),
            Self::Index(index) => index.reset(),
        }
    }
}

fn room(state: State, env: &Env) -> Result<Rc<Shell<Runner<Served>>>> {
    let object = state.object_name()?;
    let (dialect, name) = match object.split_once(':') {
        Some((dialect, name)) => (Some(dialect), name),
        None => (None, object.as_str()),
    };
    // Invalid settings have no effect here: with them, the Worker refuses every client.
    let defaults = Settings::default();
    let settings = settings(env).as_ref().unwrap_or(&defaults);
    if object == index::NAME {
        return Ok(config::object(state, env, settings, |_, store| {
            Served::Index(Index::new(store))
        }));
    }
    let name = RoomName::parse(name)
        .map_err(|invalid| error(&format!("the object {object:?} is not a room: {invalid}")))?;
    let table = match dialect {
        None => None,
        Some(dialect) => {
            let table = settings.dialects.table(dialect);
            let table = table.ok_or_else(|| error(&settings.dialects.unknown(dialect)))?;
            Some((dialect.to_owned(), Rc::new(table)))
        }
    };
    Ok(config::object(
        state,
        env,
        settings,
        |config, store| match table {
            None => Served::Room(room::Room::new(name, config, store).into()),
            Some((dialect, table)) => {
                Served::Dialect(Dialect::new(dialect, name, table, config, store).into())
            }
        },
    ))
}
