//! The handshake: what the open packet tells the client.

use serde::{Deserialize, Serialize};

use super::sid::Sid;
use super::{Config, Revision};
use crate::io::Headers;
use crate::time::millis;

/// The longest query that is kept of a handshake, in bytes; of a longer one, the parameters that fit.
const QUERY_BYTES: usize = 2048;

/// How a session was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handshake {
    /// The client's address, as the platform tells it; empty if it does not.
    pub address: String,
    /// The URL's query, without the question mark, still percent-encoded: its first 2,048 bytes, cut
    /// between parameters.
    pub query: String,
    /// The headers, if [`Config::keep_headers`] is set.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub headers: Headers,
}

impl Handshake {
    pub(super) fn new(address: String, mut query: String, headers: Headers) -> Self {
        while query.len() > QUERY_BYTES {
            query.truncate(query.rfind('&').unwrap_or_default());
        }
        Self {
            address,
            query,
            headers: headers.bounded(),
        }
    }

    /// The same, with the parameters that a client added for a namespace.
    pub(crate) fn with(&self, parameters: &str) -> Self {
        let query = [&self.query, "&", parameters].concat();
        Self::new(self.address.clone(), query, self.headers.clone())
    }

    /// The last parameter of this name, still percent-encoded.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.query.split('&').rev();
        parameters.find_map(|parameter| parameter.strip_prefix(name)?.strip_prefix('='))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Open<'a> {
    sid: String,
    upgrades: &'a [&'a str],
    ping_interval: u64,
    ping_timeout: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_payload: Option<usize>,
}

/// The JSON of the open packet. `upgrades` is what the session may still upgrade to.
pub(super) fn open_packet(
    sid: Sid,
    upgrades: &[&str],
    config: &Config,
    revision: Revision,
) -> String {
    let open = Open {
        sid: sid.reveal(),
        upgrades,
        ping_interval: millis(config.ping_interval),
        ping_timeout: millis(config.ping_timeout),
        max_payload: (revision == Revision::Four).then_some(config.max_payload),
    };
    // A struct of strings and numbers always serializes.
    serde_json::to_string(&open).unwrap_or_default()
}
