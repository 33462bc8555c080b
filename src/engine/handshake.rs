//! The handshake: the content of the open packet.

use serde::{Deserialize, Serialize};

use super::sid::Sid;
use super::{Config, Revision};
use crate::io::Headers;
use crate::time::millis;

/// How much of a handshake's query is kept, in bytes. A longer query of a URL is cut between parameters.
const QUERY_BYTES: usize = 2048;

/// The request that opened a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handshake {
    /// The client's address, if the platform tells it, else empty.
    pub address: String,
    /// The URL's query, without the question mark, still percent-encoded: up to 2,048 bytes, cut
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

    /// Whether the query may get these parameters, which a client added for a namespace. They are not cut:
    /// an earlier parameter of the same name would count instead of one that is cut off.
    pub(crate) fn has_space_for(&self, parameters: &str) -> bool {
        let rest = QUERY_BYTES.saturating_sub(self.query.len());
        parameters.len() < rest // with the `&` before them
    }

    /// A copy with the parameters that a client added for a namespace.
    pub(crate) fn with(&self, parameters: &str) -> Self {
        Self {
            query: [&self.query, "&", parameters].concat(),
            ..self.clone()
        }
    }

    /// The last parameter with this name, still percent-encoded.
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

/// The JSON of the open packet. `upgrades` names the transports that the session may upgrade to.
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
