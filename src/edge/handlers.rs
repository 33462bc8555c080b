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
use crate::settings::Settings;
use crate::socket::Runner;

/// The object that runs the handlers of `add`, with the environment's settings.
/// [`durable_object!`](crate::durable_object) makes a class of it.
///
/// # Errors
///
/// If the platform fails.
pub fn object(state: State, env: &Env, add: fn(&mut Io)) -> Result<Rc<Shell<Runner<Handlers>>>> {
    // If settings are invalid, the Worker refuses all clients anyway.
    let settings = config::settings(env, defaults()).unwrap_or_else(|_| defaults());
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
    static SETTINGS: config::Once = config::Once::new();
    let settings = SETTINGS.get_or_init(|| config::settings(env, defaults()));
    let settings = match settings {
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

/// The settings for variables that are not set.
fn defaults() -> Settings {
    let mut settings = Settings::default();
    settings.engine.keep_headers = true;
    settings
}
