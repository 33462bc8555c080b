//! The room's settings.

use serde::Serialize;

pub use super::token::{TokenSecret, Tokens};
use crate::rate::Rate;

/// The room's settings.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The limits of what peers send.
    pub limits: Limits,
    /// The ICE servers that peers get.
    pub ice: Ice,
    /// Whether clients may or must have a token, and how it is checked.
    pub tokens: Tokens,
    /// The server that gets the room's events, if there is one.
    pub webhook: Option<Webhook>,
    /// Whether the [index](crate::index) lists the room while it has peers.
    pub listed: bool,
}

/// A server that gets a room's events.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Its URL.
    pub url: String,
    /// The key that signs the events.
    pub secret: String,
    /// Whether it gets chat messages, too.
    pub chat: bool,
}

/// The limits, in the form in which peers get them: `Limits` in `public/contract.d.ts` has the same
/// fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// The largest packet, in bytes: a frame, or a part of a POST.
    pub max_payload: usize,
    /// The largest session description, in bytes.
    pub description: usize,
    /// The largest candidate, in bytes.
    pub candidate: usize,
    /// The longest chat message, in characters.
    pub chat: usize,
    /// The longest name or alias, in characters.
    pub name: usize,
    /// The longest password, in characters.
    pub password: usize,
    /// How many wrong passwords one address may give in a minute.
    pub wrong_passwords: usize,
    /// How many peers may join with media.
    pub peers: usize,
    /// How many sockets may be inside. The same number may be outside.
    pub sockets: usize,
    /// How many chat messages are kept.
    pub history: usize,
    /// How many signals and private messages may wait for a socket that is away.
    pub waiting: usize,
    /// How many events one socket may send.
    pub rates: Rates,
}

/// Rates, by the kind of event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rates {
    /// Offers, answers, candidates and other signals.
    pub signal: Rate,
    /// Chat messages.
    pub chat: Rate,
    /// All other events.
    pub control: Rate,
    /// Events that are refused because they exceed one of the rates above. A client with more of them is
    /// disconnected.
    #[serde(skip)]
    pub patience: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        let rate = |burst, per_second| Rate { burst, per_second };
        Self {
            signal: rate(200, 20),
            chat: rate(10, 1),
            control: rate(10, 1),
            patience: rate(200, 20),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_payload: 131_072,
            description: 65_536,
            candidate: 2048,
            chat: 4000,
            name: 64,
            password: 128,
            wrong_passwords: 5,
            peers: 8,
            sockets: 100,
            history: 200,
            waiting: 64,
            rates: Rates::default(),
        }
    }
}

/// ICE servers, and the source of relays.
#[derive(Clone, Debug)]
pub struct Ice {
    /// The servers for every peer. Each is an `RTCIceServer` in JSON.
    pub servers: Vec<String>,
    /// The source of relays, if there is one.
    pub relay: Option<Relay>,
    /// The lifetime of the relay's credentials, in seconds.
    pub ttl: u64,
}

/// The source of relays, which forward media where two peers have no direct path.
#[derive(Clone, Debug)]
pub enum Relay {
    /// A TURN server that shares a secret with the room, such as coturn with `use-auth-secret`.
    Coturn {
        /// Its URLs.
        urls: Vec<String>,
        /// The secret.
        secret: String,
    },
    /// Cloudflare, whose API issues credentials.
    Cloudflare {
        /// The URL of the API.
        url: String,
        /// The API's token: a secret.
        token: String,
    },
}

impl Default for Ice {
    fn default() -> Self {
        Self {
            servers: vec![r#"{"urls":"stun:stun.cloudflare.com:3478"}"#.to_owned()],
            relay: None,
            ttl: 3600,
        }
    }
}
