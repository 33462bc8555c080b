//! The engine's settings.

use std::time::Duration;

/// The engine's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// How often the server pings.
    pub ping_interval: Duration,
    /// How long the client may take to answer a ping, from the time when the ping was due.
    pub ping_timeout: Duration,
    /// How long an upgrade may take.
    pub upgrade_timeout: Duration,
    /// The largest packet that is read, in bytes: a WebSocket frame, or a packet in a request's
    /// body.
    pub max_payload: usize,
    /// How many bytes may be queued for a client that does not poll, before its session is closed.
    pub max_queued: usize,
    /// How many bytes may be queued in all sessions together. Beyond this the session with the
    /// oldest queued packet is closed.
    pub max_queued_in_all: usize,
    /// The maximum number of sessions, including those of lost clients that have not yet expired.
    /// Further handshakes are refused, and the client is told to try again later.
    pub max_sessions: usize,
    /// How much earlier than its due time a ping may be sent, together with other pings. The default
    /// is half of `ping_interval`.
    pub ping_slack: Option<Duration>,
    /// Whether revision 3 is spoken beside revision 4.
    pub revision_3: bool,
    /// Whether the platform answers the clients' pongs, as [`AUTO_RESPONSE`](super::AUTO_RESPONSE)
    /// says, without waking the object. If so, the engine asks the platform when it last answered a
    /// pong, before a session on a WebSocket expires.
    pub absorb_pongs: bool,
    /// Whether the [`Headers`](crate::io::Headers) of a handshake are stored with its session.
    pub keep_headers: bool,
}

impl Config {
    /// The largest request body that is read, in bytes: engine.io's `maxHttpBufferSize`. Some
    /// clients post their whole queue in one body and do not split it by `max_payload`.
    #[must_use]
    pub fn max_body(&self) -> usize {
        self.max_payload.max(1_000_000)
    }
}

impl Default for Config {
    /// A hibernating room wakes once in 45 s. The timeouts allow a late alarm without closing
    /// sessions.
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(45),
            ping_timeout: Duration::from_secs(75),
            upgrade_timeout: Duration::from_secs(10),
            max_payload: 131_072,
            max_queued: 524_288,
            max_queued_in_all: 8_388_608,
            max_sessions: 1_000,
            ping_slack: None,
            revision_3: true,
            absorb_pongs: true,
            keep_headers: false,
        }
    }
}
