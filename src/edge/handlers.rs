//! A Worker and its Durable Object for an application of handlers.

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
use crate::socket::Host;

/// The object that runs the handlers which `add` adds, with the settings of the environment.
/// [`durable_object!`](crate::durable_object) makes it a class.
///
/// # Errors
///
/// When the platform fails.
pub fn object(state: State, env: &Env, add: fn(&mut Io)) -> Result<Rc<Shell<Host<Handlers>>>> {
    // With wrong settings the Worker lets nobody in.
    let settings = config::settings(env, defaults()).unwrap_or_else(|_| defaults());
    let variables_of = env.clone();
    Ok(config::object(state, env, settings, |room, store| {
        let variables = move |name: &str| config::variable(&variables_of, name);
        Handlers::with_variables(add, room.limits.rates, store, variables)
    }))
}

/// Serves a request: hands it to the object of its room, of the class that `wrangler.toml` binds to this
/// name. [`fetch!`](crate::fetch) makes it the Worker's.
///
/// # Errors
///
/// When the platform fails; what a client does wrong is answered.
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

/// The settings that the environment does not name.
fn defaults() -> Settings {
    let mut settings = Settings::default();
    settings.engine.keep_headers = true;
    settings
}
