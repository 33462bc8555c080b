//! The Worker and the Durable Object of an application that uses handlers.

use std::rc::Rc;

use worker::Env;
use worker::web_sys::{Request, Response};

use super::config;
use super::http::{Endpoint, serve};
use super::limit::Limits;
use super::object::Shell;
use super::platform::{Result, State, binding};
use crate::handlers::{Handlers, Io};
use crate::settings::{Invalid, Settings};
use crate::socket::Runner;

/// The object that runs the handlers of `add`, with the environment's settings.
/// [`durable_object!`](crate::durable_object) makes a class of it.
///
/// # Errors
///
/// If the platform fails.
pub fn object(state: State, env: &Env, add: fn(&mut Io)) -> Result<Rc<Shell<Runner<Handlers>>>> {
    // If settings are invalid, the Worker refuses all clients anyway.
    let defaults = defaults();
    let settings = settings(env).as_ref().unwrap_or(&defaults);
    let variables_of = env.clone();
    Ok(config::object(state, env, settings, |room, store| {
        let variables = move |name: &str| config::variable(&variables_of, name);
        Handlers::with_variables(add, room.limits.rates, store, variables)
    }))
}

/// Serves a request: forwards it to its room's object. `class` is the name that `wrangler.toml`
/// binds to the object's class. [`fetch!`](crate::fetch) makes the Worker's `fetch` of it.
///
/// # Errors
///
/// If the platform fails. Clients' errors are answered.
pub async fn fetch(request: Request, env: &Env, class: &str) -> Result<Response> {
    let settings = match settings(env) {
        Ok(settings) => settings,
        Err(invalid) => return config::misconfigured(invalid),
    };
    let endpoint = Endpoint {
        path: "socket.io",
        rooms: binding(env, class).ok_or("wrangler.toml does not bind the class")?,
        dialects: None,
        settings,
        limits: Limits::of(env),
    };
    serve(request, &endpoint).await
}

/// The settings. They are read only once: otherwise each object that wakes would wait until they are read.
fn settings(env: &Env) -> &'static std::result::Result<Settings, Vec<Invalid>> {
    static SETTINGS: config::Once = config::Once::new();
    SETTINGS.get_or_init(|| config::settings(env, defaults()))
}

/// The settings for variables that are not set.
fn defaults() -> Settings {
    let mut settings = Settings::default();
    settings.engine.keep_headers = true;
    settings
}
