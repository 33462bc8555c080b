//! A client of Engine.IO, as the model of sessions knows it.

use std::collections::VecDeque;

/// How long an upgrade may take (K-3).
const UPGRADE_TIMEOUT: u64 = 10_000;

/// Bytes, and as a payload has them.
pub const BINARY: [(&[u8], &str); 3] = [(&[], "b"), (&[1, 2, 3], "bAQID"), (&[0xFF], "b/w==")];

pub struct Client {
    pub sid: String,
    pub link: Link,
    /// The pending poll, and when it was sent.
    pub poll: Option<u64>,
    pub polled: u64,
    /// Whether that may be answered without a message.
    pub released: bool,
    /// Whether it has a ping to answer.
    pub pinged: bool,
    /// The messages it must still get, in order, as a payload has them.
    pub owed: VecDeque<String>,
}

#[derive(Clone, Copy, Debug)]
pub enum Link {
    Polling,
    Probing {
        probe: u64,
        probed: bool,
        since: u64,
    },
    WebSocket(u64),
}

impl Client {
    pub fn new(sid: String, link: Link) -> Self {
        Self {
            sid,
            link,
            poll: None,
            polled: 0,
            released: false,
            pinged: false,
            owed: VecDeque::new(),
        }
    }

    pub fn connection(&self) -> Option<u64> {
        match self.link {
            Link::Polling => None,
            Link::Probing { probe, .. } => Some(probe),
            Link::WebSocket(connection) => Some(connection),
        }
    }

    /// Whether it probes, and for too long.
    pub fn probe_is_late(&self, now: u64) -> bool {
        matches!(self.link, Link::Probing { since, .. } if since + UPGRADE_TIMEOUT <= now)
    }

    /// Returns how many messages this was.
    pub fn gets(&mut self, part: &str) -> usize {
        if part == "2" {
            self.pinged = true;
            return 0;
        }
        assert_eq!(self.owed.pop_front().as_deref(), Some(part));
        1
    }
}
