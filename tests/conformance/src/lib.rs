//! The Worker for the protocols' conformance tests: it echoes Engine.IO messages at `/engine.io/` and
//! Socket.IO events at `/socket.io/`. Its heartbeats are fast, so that tests do not wait long.
//! `npm run start:conformance` serves it.
//!
//! It is also an example of an application with its own settings, built on Signalbox:
//!
//! 1. A crate with `crate-type = ["cdylib"]` that depends on `signalbox` and `worker`.
//! 2. An application: handlers, as in `echo.rs`. Or, on Engine.IO alone, any
//!    [`io::Core`](signalbox::io::Core), as in `raw.rs`.
//! 3. A function that puts the application into a [`Shell`], and [`durable_object!`], which makes a class of it.
//! 4. A `fetch` that passes requests to [`serve`], with the binding of the class.
//! 5. A `wrangler.toml` that binds the class. `scripts/build.mjs` shows how it is built.
//!
//! With the settings of the deployed Worker, steps 3 and 4 are two lines: see `examples/chat/`.

#![cfg(target_arch = "wasm32")]

mod echo;
mod raw;
mod settings;

use std::rc::Rc;

use signalbox::admission::Origins;
use signalbox::dialect::Dialects;
use signalbox::durable_object;
use signalbox::edge::{Endpoint, Limits, Result, Shell, State, binding, config, path, serve};
use signalbox::engine::Engine;
use signalbox::handlers::Handlers;
use signalbox::room;
use signalbox::settings::{Invalid, Place, Settings};
use signalbox::socket::Runner;
use signalbox::store::Store;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys::{Request, Response};
use worker::{Env, wasm_bindgen};

use echo::echo;
use raw::Raw;

/// The settings that the tests assume, unless a variable changes them.
fn read_settings(env: &Env) -> std::result::Result<Settings, Vec<Invalid>> {
    let defaults = Settings {
        engine: settings::conformance(),
        socket: settings::without_recovery(),
        room: room::Config::default(),
        dialects: Dialects::default(),
        origins: Origins::Any,
        api_token: None,
        place: Place::default(),
    };
    config::settings(env, defaults)
}

/// Answers a request.
///
/// # Errors
///
/// If the platform fails, or if the class is not bound. Then the platform answers the request.
#[wasm_bindgen(
    wasm_bindgen = worker::wasm_bindgen,
    wasm_bindgen_futures = worker::wasm_bindgen_futures,
    js_sys = worker::js_sys
)]
pub async fn fetch(request: Request, env: Env) -> Result<Response> {
    static SETTINGS: config::Once = config::Once::new();
    let settings = match SETTINGS.get_or_init(|| read_settings(&env)) {
        Ok(settings) => settings,
        Err(invalid) => return config::misconfigured(invalid),
    };
    let (path, class) = if path(&request).split('/').any(|part| part == "engine.io") {
        ("engine.io", "ENGINE")
    } else {
        ("socket.io", "SOCKET")
    };
    let endpoint = Endpoint {
        path,
        rooms: binding(&env, class).ok_or("wrangler.toml does not bind the class")?,
        dialects: None,
        settings,
        limits: Limits::default(),
    };
    serve(request, &endpoint).await
}

durable_object! {
    /// Echoes Engine.IO messages.
    pub struct EngineEcho(Raw) = engine_echo;
}

fn engine_echo(state: State, env: &Env) -> Result<Rc<Shell<Raw>>> {
    let config = read_settings(env).unwrap_or_default().engine;
    Ok(Shell::new(
        state,
        env,
        Place::default(),
        config.absorb_pongs,
        |runtime| Raw::new(Engine::new(config, Store::new(runtime))),
    ))
}

durable_object! {
    /// Echoes Socket.IO events.
    pub struct SocketEcho(Runner<Handlers>) = socket_echo;
}

fn socket_echo(state: State, env: &Env) -> Result<Rc<Shell<Runner<Handlers>>>> {
    let settings = read_settings(env).unwrap_or_default();
    Ok(config::object(state, env, &settings, |_, store| {
        Handlers::new(echo, settings::unlimited(), store)
    }))
}
