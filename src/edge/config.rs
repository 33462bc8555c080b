//! Settings from the environment: `[vars]` in `wrangler.toml`.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use worker::{Env, console_error};

use crate::engine;
use crate::room;
use crate::socket::{self, Recovery};

/// The engine's settings: `config`, with what the environment names in place of its own.
#[must_use]
pub fn engine(env: &Env, mut config: engine::Config) -> engine::Config {
    config.ping_interval = millis(env, "PING_INTERVAL_MS", config.ping_interval);
    config.ping_timeout = millis(env, "PING_TIMEOUT_MS", config.ping_timeout);
    config.max_payload = var(env, "MAX_PAYLOAD", config.max_payload);
    config.max_sessions = var(env, "MAX_SESSIONS", config.max_sessions);
    config
}

/// The server's settings.
#[must_use]
pub fn server(env: &Env) -> socket::Config {
    let mut config = socket::Config::default();
    let mut recovery = Recovery::default();
    recovery.window = millis(env, "RECOVERY_MS", recovery.window);
    config.recovery = (!recovery.window.is_zero()).then_some(recovery);
    config
}

/// The room's settings.
#[must_use]
pub fn room(env: &Env, max_payload: usize) -> room::Config {
    let mut config = room::Config::default();
    config.limits.max_payload = max_payload;
    config.limits.peers = var(env, "MAX_PEERS", config.limits.peers);
    config.limits.sockets = var(env, "MAX_SOCKETS", config.limits.sockets);
    if let Some(servers) = text(env, "ICE_SERVERS") {
        match serde_json::from_str(&servers) {
            Ok(servers) => config.ice.ice_servers = servers,
            Err(error) => console_error!(
                "ICE_SERVERS in wrangler.toml: {error}; it is a JSON list of RTCIceServer"
            ),
        }
    }
    config
}

fn millis(env: &Env, name: &str, default: Duration) -> Duration {
    let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(var(env, name, default))
}

fn var<T: FromStr + Display>(env: &Env, name: &str, default: T) -> T {
    let Some(text) = text(env, name) else {
        return default;
    };
    text.parse().unwrap_or_else(|_| {
        console_error!(
            "{name} in wrangler.toml is {text:?}: it is a whole number; using {default}"
        );
        default
    })
}

fn text(env: &Env, name: &str) -> Option<String> {
    env.var(name).ok().map(|value| value.to_string())
}
