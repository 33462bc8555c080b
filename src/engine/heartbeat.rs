//! The heartbeat: when to ping, and when to give a silent client up.
//!
//! ```text
//! open ──pingInterval──▶ ping ──pong──▶ …          expires = last pong + pingInterval + pingTimeout
//! ```
//!
//! In revision 3 it is the client that pings, so any of its packets moves `expires`.
//!
//! A ping goes out every `pingInterval`, pong or not: where the platform absorbs the pongs, they
//! are not seen here until somebody asks. An extra ping harms nobody.

use crate::time::Timestamp;

use super::{Config, Revision};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heartbeat {
    pub(super) ping_at: Timestamp,
    pub(super) expires: Timestamp,
    awaited: Awaited,
    /// Whether no pong came since somebody asked for one. Times do not tell: the clock may go back.
    challenged: bool,
    /// When the platform last absorbed a pong.
    absorbed_at: Timestamp,
}

/// What would prove the client alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// Nothing is awaited: no ping was sent since the last pong.
    Nothing,
    /// Any packet, of a client that pings.
    Ping,
    /// The pong or, once, any packet.
    Packet,
    /// The pong.
    Pong,
}

impl Heartbeat {
    pub(super) fn start(now: Timestamp, config: &Config, revision: Revision) -> Self {
        let (ping_at, awaited) = match revision {
            Revision::Four => (now + config.ping_interval, Awaited::Nothing),
            Revision::Three => (Timestamp::NEVER, Awaited::Ping),
        };
        Self {
            ping_at,
            expires: now + config.ping_interval + config.ping_timeout,
            awaited,
            challenged: false,
            absorbed_at: Timestamp::default(),
        }
    }

    /// As it was when memory was lost.
    pub(super) fn resume(ping_at: Timestamp, expires: Timestamp, revision: Revision) -> Self {
        let (ping_at, awaited) = match revision {
            Revision::Four => (ping_at, Awaited::Packet),
            Revision::Three => (Timestamp::NEVER, Awaited::Ping),
        };
        Self {
            ping_at,
            expires,
            awaited,
            challenged: false,
            absorbed_at: Timestamp::default(),
        }
    }

    /// A ping goes out, to see whether a pong comes.
    pub(super) const fn challenge(&mut self) {
        self.challenged = true;
    }

    /// Whether a pong came since the last [challenge](Self::challenge).
    pub(super) const fn is_answered(&self) -> bool {
        !self.challenged
    }

    /// A ping goes out.
    pub(super) fn pinged(&mut self, now: Timestamp, config: &Config) {
        self.ping_at = now + config.ping_interval;
        if self.awaited == Awaited::Nothing {
            self.awaited = Awaited::Packet;
        }
    }

    /// What was awaited arrived: a pong, or a ping of the client's.
    pub(super) fn beat(&mut self, now: Timestamp, config: &Config, revision: Revision) {
        *self = Self {
            absorbed_at: self.absorbed_at,
            ..Self::start(now, config, revision)
        };
    }

    /// The platform absorbed a pong at `then`.
    pub(super) fn absorbed(&mut self, then: Timestamp, config: &Config) {
        let earlier = std::mem::replace(&mut self.absorbed_at, then);
        self.challenged &= earlier == then;
        let expires = then + config.ping_interval + config.ping_timeout;
        if expires > self.expires {
            self.expires = expires;
            self.awaited = Awaited::Packet;
        }
    }

    /// Another packet arrived: while a pong is awaited it counts for one, once.
    pub(super) fn packet(&mut self, now: Timestamp, config: &Config) {
        match self.awaited {
            Awaited::Packet => {
                self.awaited = Awaited::Pong;
                self.expires = self.expires.max(now + config.ping_timeout);
            }
            Awaited::Ping => self.expires = now + config.ping_interval + config.ping_timeout,
            Awaited::Nothing | Awaited::Pong => {}
        }
    }
}
