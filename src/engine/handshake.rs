//! The handshake: what the open packet tells the client.

use serde::Serialize;

use super::Config;
use super::sid::Sid;
use crate::time::millis;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Handshake<'a> {
    sid: String,
    upgrades: &'a [&'a str],
    ping_interval: u64,
    ping_timeout: u64,
    max_payload: usize,
}

/// The JSON of the open packet. `upgrades` is what the session may still upgrade to.
pub(super) fn handshake(sid: Sid, upgrades: &[&str], config: &Config) -> String {
    let handshake = Handshake {
        sid: sid.reveal(),
        upgrades,
        ping_interval: millis(config.ping_interval),
        ping_timeout: millis(config.ping_timeout),
        max_payload: config.max_payload,
    };
    // A struct of strings and numbers always serializes.
    serde_json::to_string(&handshake).unwrap_or_default()
}
