//! The Worker that is deployed, and its Durable Object: one room, or one dialect in it.

#![cfg(target_arch = "wasm32")]

use std::rc::Rc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use signalbox::dialect::Dialect;
use signalbox::durable_object;
use signalbox::edge::{
    Endpoint, RateLimiter, Result, Shell, State, binding, config, error, path, serve,
};
use signalbox::engine::Engine;
use signalbox::index::{self, Index};
use signalbox::room::{self, RoomName};
use signalbox::settings::{Invalid, Settings};
use signalbox::socket::{App, Command, Event, Host, Server};
use signalbox::store::Store;
use signalbox::time::Timestamp;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys::{Headers, Request, Response, ResponseInit};
use worker::{Env, console_warn, wasm_bindgen};

/// A request.
///
/// # Errors
///
/// When the platform fails; it then answers itself.
#[wasm_bindgen(
    wasm_bindgen = worker::wasm_bindgen,
    wasm_bindgen_futures = worker::wasm_bindgen_futures,
    js_sys = worker::js_sys
)]
pub async fn fetch(request: Request, env: Env) -> Result<Response> {
    static SETTINGS: OnceLock<std::result::Result<Settings, Vec<Invalid>>> = OnceLock::new();
    let settings = match SETTINGS.get_or_init(|| read_settings(&env)) {
        Ok(settings) => settings,
        Err(invalid) => return config::misconfigured(invalid),
    };
    if path(&request) == "/healthz" {
        return health();
    }
    let endpoint = Endpoint {
        path: "socket.io",
        rooms: binding(&env, "ROOM").ok_or("wrangler.toml binds no ROOM")?,
        dialects: Some(&settings.dialects),
        settings,
        handshakes: handshakes(&env),
    };
    serve(request, &endpoint).await
}

/// Says that the Worker runs and that its settings are right.
fn health() -> Result<Response> {
    let body = concat!(
        r#"{"ok":true,"version":""#,
        env!("CARGO_PKG_VERSION"),
        r#""}"#
    );
    let headers = Headers::new()?;
    headers.set("content-type", "application/json")?;
    headers.set("cache-control", "no-store")?;
    let init = ResponseInit::new();
    init.set_headers(&headers);
    Response::new_with_opt_str_and_init(Some(body), &init)
}

/// The settings.
fn read_settings(env: &Env) -> std::result::Result<Settings, Vec<Invalid>> {
    config::settings(env, Settings::default())
}

/// The limit of handshakes, if there is one.
fn handshakes(env: &Env) -> Option<RateLimiter> {
    static WARNED: AtomicBool = AtomicBool::new(false);
    let limit = binding(env, "HANDSHAKES");
    if limit.is_none() && !WARNED.swap(true, Ordering::Relaxed) {
        console_warn!("[[ratelimits]] in wrangler.toml has no HANDSHAKES: there is no limit");
    }
    limit
}

durable_object! {
    /// The Durable Object of one room, or of one dialect in it.
    pub struct Room(Host<Served>) = room;
}

/// What an object serves.
pub enum Served {
    /// The native room.
    Room(Box<room::Room>),
    /// A dialect.
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

fn room(state: State, env: &Env) -> Result<Rc<Shell<Host<Served>>>> {
    let object = state.object_name()?;
    let (dialect, name) = match object.split_once(':') {
        Some((dialect, name)) => (Some(dialect), name),
        None => (None, object.as_str()),
    };
    if object == index::NAME {
        return Ok(rooms_index(state, env));
    }
    let name = RoomName::parse(name)
        .map_err(|invalid| error(&format!("the object {object:?} is no room: {invalid}")))?;
    // With wrong settings the Worker lets nobody in.
    let settings = read_settings(env).unwrap_or_default();
    let table = match dialect {
        None => None,
        Some(dialect) => {
            let table = settings.dialects.table(dialect);
            let table = table.ok_or_else(|| error(&settings.dialects.unknown(dialect)))?;
            Some((dialect.to_owned(), Rc::new(table)))
        }
    };
    let absorb_pongs = settings.engine.absorb_pongs;
    Ok(Shell::new(state, env, absorb_pongs, |runtime| {
        let store = Store::new(runtime);
        let served = match table {
            None => {
                let room = room::Room::new(name, settings.room, Rc::clone(&store));
                Served::Room(room.into())
            }
            Some((dialect, table)) => {
                let dialect = Dialect::new(dialect, name, table, settings.room, Rc::clone(&store));
                Served::Dialect(dialect.into())
            }
        };
        let engine = Engine::new(settings.engine, store);
        Host::new(Server::new(settings.socket, engine), served)
    }))
}

fn rooms_index(state: State, env: &Env) -> Rc<Shell<Host<Served>>> {
    let settings = read_settings(env).unwrap_or_default();
    Shell::new(state, env, settings.engine.absorb_pongs, |runtime| {
        let store = Store::new(runtime);
        let index = Index::new(Rc::clone(&store));
        let engine = Engine::new(settings.engine, store);
        Host::new(Server::new(settings.socket, engine), Served::Index(index))
    })
}
