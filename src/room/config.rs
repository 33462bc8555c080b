//! The room's settings.

use serde::Serialize;

pub use super::token::{TokenSecret, Tokens};
use crate::rate::Rate;

/// The room's settings.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// What may be sent, and how much of it.
    pub limits: Limits,
    /// What peers are told of ICE servers.
    pub ice: Ice,
    /// Who may come in by a token, or must.
    pub tokens: Tokens,
    /// The server that is told of the room's events, if there is one.
    pub webhook: Option<Webhook>,
    /// Whether the [index](crate::index) lists the room while it has peers.
    pub listed: bool,
}

/// A server that is told of a room's events.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Its URL.
    pub url: String,
    /// What the events are signed with.
    pub secret: String,
    /// Whether it is told of chat messages, too.
    pub chat: bool,
}

/// Limits, as peers are told of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// The largest frame, in bytes.
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
    /// How many sockets may connect.
    pub sockets: usize,
    /// How many chat messages are kept.
    pub history: usize,
    /// How many signals may wait for a peer that is away.
    pub waiting: usize,
    /// How often one socket may do what.
    pub rates: Rates,
}

/// Rates, by what is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rates {
    /// Offers, answers, candidates and other signals.
    pub signal: Rate,
    /// Chat messages.
    pub chat: Rate,
    /// All else.
    pub control: Rate,
    /// Being told that it was too much: who exceeds this, too, is disconnected.
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

/// ICE servers, and where relays come from.
#[derive(Clone, Debug)]
pub struct Ice {
    /// Told to every peer: each an `RTCIceServer` in JSON.
    pub servers: Vec<String>,
    /// What they are told of besides.
    pub relay: Option<Relay>,
    /// For how many seconds credentials of the relay are good.
    pub ttl: u64,
}

/// Who relays media where there is no direct path.
#[derive(Clone, Debug)]
pub enum Relay {
    /// A TURN server that shares a secret with the room, such as coturn with `use-auth-secret`.
    Coturn {
        /// Its URLs.
        urls: Vec<String>,
        /// The secret.
        secret: String,
    },
    /// Cloudflare, whose API hands out credentials.
    Cloudflare {
        /// What to ask.
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
