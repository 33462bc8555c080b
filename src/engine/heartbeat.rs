//! The heartbeat: when to ping, and when a silent client expires.
//!
//! ```text
//! open ──pingInterval──▶ ping ──pong──▶ …          expires = last pong + pingInterval + pingTimeout
//! ```
//!
//! In revision 3 the client pings, so any of its packets moves `expires`.
//!
//! The next ping is due `pingInterval` after the last ping, or after its pong if the engine saw one. A
//! ping without a pong delays nothing: the platform may absorb pongs, and the engine learns of them
//! only when it asks. An extra ping does no harm.

use crate::time::Timestamp;

use super::{Config, Revision};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heartbeat {
    pub(super) ping_at: Timestamp,
    pub(super) expires: Timestamp,
    awaited: Awaited,
    /// Whether a pong was asked for and has not arrived. Times cannot tell this: the clock may go back.
    challenged: bool,
    /// When the platform last absorbed a pong.
    absorbed_at: Timestamp,
}

/// The packet that the server waits for as a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// None: no ping was sent since the last pong.
    Nothing,
    /// Any packet: this client sends the pings.
    Ping,
    /// A pong. Until it arrives, the first other packet moves `expires`, and the pong is still awaited.
    Packet,
    /// A pong.
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

    /// Restores a heartbeat after the loss of memory.
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

    /// Asks for a pong, which shows that the client is alive.
    pub(super) const fn challenge(&mut self) {
        self.challenged = true;
    }

    /// Whether a pong arrived since the last [challenge](Self::challenge).
    pub(super) const fn is_answered(&self) -> bool {
        !self.challenged
    }

    /// Updates the state after a ping was sent.
    pub(super) fn pinged(&mut self, now: Timestamp, config: &Config) {
        self.ping_at = now + config.ping_interval;
        if self.awaited == Awaited::Nothing {
            self.awaited = Awaited::Packet;
        }
    }

    /// Handles the awaited packet: a pong, or the client's ping.
    pub(super) fn beat(&mut self, now: Timestamp, config: &Config, revision: Revision) {
        *self = Self {
            absorbed_at: self.absorbed_at,
            ..Self::start(now, config, revision)
        };
    }

    /// Handles a pong that the platform absorbed at `then`.
    pub(super) fn absorbed(&mut self, then: Timestamp, config: &Config) {
        let earlier = std::mem::replace(&mut self.absorbed_at, then);
        self.challenged &= earlier == then;
        let expires = then + config.ping_interval + config.ping_timeout;
        if expires > self.expires {
            self.expires = expires;
            self.awaited = Awaited::Packet;
        }
    }

    /// Handles another packet. In revision 4 only the first one while a pong is awaited moves `expires`, and by less
    /// than a pong does. In revision 3 each one does.
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
