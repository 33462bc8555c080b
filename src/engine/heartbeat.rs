//! The heartbeat: when to ping, and when to give a silent client up.
//!
//! ```text
//! open ──pingInterval──▶ ping ──pong──▶ …          expires = last pong + pingInterval + pingTimeout
//! ```
//!
//! A ping goes out every `pingInterval`, pong or not: where the platform absorbs the pongs, they
//! are not seen here until somebody asks. An extra ping harms nobody.

use crate::time::Timestamp;

use super::Config;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heartbeat {
    pub(super) ping_at: Timestamp,
    pub(super) expires: Timestamp,
    awaited: Awaited,
}

/// What would prove the client alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// Nothing is awaited: no ping was sent since the last pong.
    Nothing,
    /// The pong or, once, any packet.
    Packet,
    /// The pong.
    Pong,
}

impl Heartbeat {
    pub(super) fn start(now: Timestamp, config: &Config) -> Self {
        Self {
            ping_at: now + config.ping_interval,
            expires: now + config.ping_interval + config.ping_timeout,
            awaited: Awaited::Nothing,
        }
    }

    /// As it was when memory was lost.
    pub(super) const fn resume(ping_at: Timestamp, expires: Timestamp) -> Self {
        Self {
            ping_at,
            expires,
            awaited: Awaited::Packet,
        }
    }

    /// A ping goes out.
    pub(super) fn pinged(&mut self, now: Timestamp, config: &Config) {
        self.ping_at = now + config.ping_interval;
        if self.awaited == Awaited::Nothing {
            self.awaited = Awaited::Packet;
        }
    }

    /// A pong arrived.
    pub(super) fn pong(&mut self, now: Timestamp, config: &Config) {
        *self = Self::start(now, config);
    }

    /// The platform absorbed a pong at `then`.
    pub(super) fn absorbed(&mut self, then: Timestamp, config: &Config) {
        let expires = then + config.ping_interval + config.ping_timeout;
        if expires > self.expires {
            self.expires = expires;
            self.awaited = Awaited::Packet;
        }
    }

    /// Another packet arrived: while a pong is awaited it counts for one, once.
    pub(super) fn packet(&mut self, now: Timestamp, config: &Config) {
        if self.awaited == Awaited::Packet {
            self.awaited = Awaited::Pong;
            self.expires = self.expires.max(now + config.ping_timeout);
        }
    }
}
