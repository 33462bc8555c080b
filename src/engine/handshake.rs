//! The handshake: what the open packet tells the client.

use serde::Serialize;

use super::Config;
use super::sid::Sid;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Handshake<'a> {
    sid: String,
    upgrades: &'a [&'a str],
    ping_interval: u128,
    ping_timeout: u128,
    max_payload: usize,
}

/// The JSON of the open packet. `upgrades` is what the session may still upgrade to.
pub(super) fn handshake(sid: Sid, upgrades: &[&str], config: &Config) -> String {
    let handshake = Handshake {
        sid: sid.reveal(),
        upgrades,
        ping_interval: config.ping_interval.as_millis(),
        ping_timeout: config.ping_timeout.as_millis(),
        max_payload: config.max_payload,
    };
    // A struct of strings and numbers always serializes.
    serde_json::to_string(&handshake).unwrap_or_default()
}
