//! The Worker that is deployed, and its Durable Object: one room.

#![cfg(target_arch = "wasm32")]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use signalbox::durable_object;
use signalbox::edge::{Endpoint, Shell, config, serve};
use signalbox::engine::Engine;
use signalbox::room::{self, RoomName};
use signalbox::settings::{Invalid, Settings};
use signalbox::socket::{Host, Server};
use worker::{
    Context, Env, RateLimiter, Request, Response, ResponseBuilder, Result, State, console_warn,
    event, wasm_bindgen,
};

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    static SETTINGS: OnceLock<std::result::Result<Settings, Vec<Invalid>>> = OnceLock::new();
    let settings = match SETTINGS.get_or_init(|| read_settings(&env)) {
        Ok(settings) => settings,
        Err(invalid) => return config::misconfigured(invalid),
    };
    if request.path() == "/healthz" {
        return health();
    }
    let endpoint = Endpoint {
        path: "socket.io",
        rooms: env.durable_object("ROOM")?,
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
    Ok(ResponseBuilder::new()
        .with_header("content-type", "application/json")?
        .with_header("cache-control", "no-store")?
        .fixed(body.into()))
}

/// The settings.
fn read_settings(env: &Env) -> std::result::Result<Settings, Vec<Invalid>> {
    config::settings(env, Settings::default())
}

/// The limit of handshakes, if there is one.
fn handshakes(env: &Env) -> Option<RateLimiter> {
    static WARNED: AtomicBool = AtomicBool::new(false);
    let limit = env.rate_limiter("HANDSHAKES").ok();
    if limit.is_none() && !WARNED.swap(true, Ordering::Relaxed) {
        console_warn!("[[ratelimits]] in wrangler.toml has no HANDSHAKES: there is no limit");
    }
    limit
}

durable_object! {
    /// The Durable Object of one room.
    pub struct Room(Host<room::Room>) = room;
}

fn room(state: State, env: &Env) -> Shell<Host<room::Room>> {
    let name = state.id().name().unwrap_or_default();
    // The Worker names objects by rooms only.
    let name = RoomName::parse(&name).unwrap_or_else(|_| RoomName::lobby());
    // With wrong settings the Worker lets nobody in.
    let settings = read_settings(env).unwrap_or_default();
    Shell::new(state, settings.engine.absorb_pongs, |runtime| {
        let room = room::Room::new(name, settings.room, runtime.clone());
        let engine = Engine::new(settings.engine, runtime);
        Host::new(Server::new(settings.socket, engine), room)
    })
}
