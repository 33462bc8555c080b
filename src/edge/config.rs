//! Settings from the environment: `[vars]` in `wrangler.toml`.

use std::rc::Rc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use worker::js_sys::{Array, JSON, Object};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::web_sys::Response;
use worker::{Env, console_error, console_warn};

use super::object::Shell;
use super::platform::{Result, State, Version, binding};
use super::responses::{json_error, to_response, with_cors};
use crate::admission::Origins;
use crate::engine::{Engine, Revision};
use crate::io::{self, ContentType};
use crate::room;
use crate::settings::{Invalid, Settings, unknown};
use crate::socket::{self, App, Runner, Server};
use crate::store::Store;

/// The settings of a Worker, or its invalid variables, after the first read.
pub type Once = OnceLock<std::result::Result<Settings, Vec<Invalid>>>;

/// Applies the variables of the environment to `defaults`.
///
/// # Errors
///
/// The invalid variables. They are also logged; [`misconfigured`] makes the response for them.
pub fn settings(env: &Env, defaults: Settings) -> std::result::Result<Settings, Vec<Invalid>> {
    warn_of_unknown(env);
    let settings = defaults.configure(|name| variable(env, name));
    settings.inspect_err(|invalid| {
        for invalid in invalid {
            console_error!("{invalid}: {}", invalid.found);
        }
    })
}

/// The response to every request while settings are invalid. With default values instead, nobody
/// would notice the mistake, and a client could enter although a setting should keep it out.
///
/// # Errors
///
/// If the platform fails.
pub fn misconfigured(invalid: &[Invalid]) -> Result<Response> {
    let messages: Vec<_> = invalid.iter().map(Invalid::to_string).collect();
    let message = format!("this deployment is misconfigured: {}", messages.join("; "));
    with_cors(
        json_error(500, &message)?,
        &Origins::Any,
        None,
        Revision::Four,
    )
}

/// The response of the health check: that the Worker runs with valid settings, the version of the
/// code, and the version of the deployment. `missing` says why it cannot serve.
///
/// # Errors
///
/// If the platform fails.
pub fn health(env: &Env, version: &str, missing: Option<&str>) -> Result<Response> {
    let deployed: Option<Version> = binding(env, "VERSION");
    let body = socket::Object::new()
        .with("ok", &missing.is_none())
        .with("version", version)
        .maybe(
            "deployment",
            deployed.map(|deployed| deployed.id()).as_ref(),
        )
        .maybe("message", missing);
    to_response(&io::Response {
        status: if missing.is_none() { 200 } else { 500 },
        content_type: ContentType::Json,
        body: body.json().as_str().to_owned(),
        cookie: None,
    })
}

/// The object that runs this application with these settings.
pub fn object<A: App + 'static>(
    state: State,
    env: &Env,
    settings: &Settings,
    app: impl FnOnce(room::Config, Rc<Store>) -> A,
) -> Rc<Shell<Runner<A>>> {
    let engine = settings.engine.clone();
    Shell::new(state, env, settings.place, engine.absorb_pongs, |runtime| {
        let store = Store::new(runtime);
        let app = app(settings.room.clone(), Rc::clone(&store));
        let server = Server::new(settings.socket.clone(), Engine::new(engine, store));
        Runner::new(server, app)
    })
}

/// Warns once about variables that are probably misspelt: they have no effect.
fn warn_of_unknown(env: &Env) {
    static WARNED: AtomicBool = AtomicBool::new(false);
    if WARNED.swap(true, Ordering::Relaxed) {
        return;
    }
    let names = Object::keys(env.unchecked_ref::<Object>()).into_iter();
    let names: Vec<_> = names.filter_map(|name| name.as_string()).collect();
    for (name, meant) in unknown(names.iter().map(String::as_str)) {
        console_warn!("there is no variable {name}: did you mean {meant}?");
    }
}

/// A variable as text. TOML may give it as a number, or as a list of texts, which are then joined
/// by commas. Any other value is written as JSON.
pub(super) fn variable(env: &Env, name: &str) -> Option<String> {
    let value: JsValue = binding(env, name)?;
    if let Some(text) = value.as_string() {
        return Some(text);
    }
    if let Some(list) = value.dyn_ref::<Array>()
        && list.iter().all(|item| item.is_string())
    {
        return Some(list.join(",").into());
    }
    JSON::stringify(&value).ok()?.as_string()
}
