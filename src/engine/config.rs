//! The engine's settings.

use std::time::Duration;

/// The engine's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// How often the server pings.
    pub ping_interval: Duration,
    /// How long after a ping's time its pong may come.
    pub ping_timeout: Duration,
    /// How long an upgrade may take.
    pub upgrade_timeout: Duration,
    /// The largest packet that is read, in bytes: a frame, or a part of a request's body.
    pub max_payload: usize,
    /// How much may wait for a poll before its client counts as gone, in bytes.
    pub max_queued: usize,
    /// How much may wait for polls in all sessions together, in bytes. Beyond it the session whose
    /// packets have waited longest is ended.
    pub max_queued_in_all: usize,
    /// How many sessions there may be, those included whose clients are gone without a word, until
    /// they expire. One more is refused, and its client told to try again later.
    pub max_sessions: usize,
    /// How much earlier than due a ping may be sent, to go out together with others; if not said,
    /// half of `ping_interval`.
    pub ping_slack: Option<Duration>,
    /// Whether revision 3 is spoken beside revision 4.
    pub revision_3: bool,
    /// Whether the platform answers [`AUTO_RESPONSE`](super::AUTO_RESPONSE); then it is asked before anyone expires.
    pub absorb_pongs: bool,
    /// Whether the [`Headers`](crate::io::Headers) of a handshake are kept with its session.
    pub keep_headers: bool,
}

impl Config {
    /// The largest request body that is read, in bytes: engine.io's `maxHttpBufferSize`. Some
    /// clients post all that waits in one body and do not split it by `max_payload`.
    #[must_use]
    pub fn max_body(&self) -> usize {
        self.max_payload.max(1_000_000)
    }
}

impl Default for Config {
    /// A room asleep is woken once in 45 s, and a late wake-up does not empty it.
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
