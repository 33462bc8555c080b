//! The server's settings.

use std::time::Duration;

/// The server's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// How long a client may take to join its first namespace.
    pub connect_timeout: Duration,
    /// Connection state recovery; `None` turns it off.
    pub recovery: Option<Recovery>,
    /// How long stored data outlive the last client; `None` for ever.
    pub retention: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(45),
            recovery: Some(Recovery::default()),
            retention: Some(Duration::from_secs(24 * 3600)),
        }
    }
}

/// The settings of connection state recovery.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// How long a client may be away.
    pub window: Duration,
    /// The maximum number of events in the replay log, for all clients together. The log has a maximum size,
    /// too: as many bytes as may be queued for one client that does not poll.
    pub events: usize,
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(30),
            events: 1000,
        }
    }
}
