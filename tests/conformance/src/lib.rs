//! The Worker against which the protocols' conformance tests run: an echo of Engine.IO messages at
//! `/engine.io/`, one of Socket.IO events at `/socket.io/`, with heartbeats so fast that tests need
//! not wait for them. `npm run start:conformance` serves it.
//!
//! It is also how an application with settings of its own is built on Signalbox:
//!
//! 1. A crate, `crate-type = ["cdylib"]`, that depends on `signalbox` and on `worker`.
//! 2. An application: handlers, as in `echo.rs`. Or, on Engine.IO alone, any
//!    [`io::Core`](signalbox::io::Core), as in `raw.rs`.
//! 3. A function that puts it into a [`Shell`], and a class that [`durable_object!`] makes of that.
//! 4. A `fetch` that gives requests to [`serve`], with the class's binding.
//! 5. A `wrangler.toml` that binds the class. `scripts/build.mjs` shows how it is built.
//!
//! With the settings that are deployed, steps 3 and 4 are two lines: see `examples/chat/`.

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
use signalbox::socket::Host;
use signalbox::store::Store;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys::{Request, Response};
use worker::{Env, wasm_bindgen};

use echo::echo;
use raw::Raw;

/// What the tests assume, unless the environment says otherwise.
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
    pub struct SocketEcho(Host<Handlers>) = socket_echo;
}

fn socket_echo(state: State, env: &Env) -> Result<Rc<Shell<Host<Handlers>>>> {
    let settings = read_settings(env).unwrap_or_default();
    Ok(config::object(state, env, settings, |_, store| {
        Handlers::new(echo, settings::unlimited(), store)
    }))
}
