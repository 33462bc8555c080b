//! When to send something that another server must accept, and when to send it again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::io::Answer;
use crate::time::Timestamp;

/// If a request has no answer after this time, it is sent again: this object may have been killed before the answer
/// came. The time is longer than the default ping interval: while there are clients, the alarm of their pings wakes
/// the object earlier, and no other alarm has to be set.
const LEASE: Duration = Duration::from_secs(60);

/// After a failure the request is sent again after this time, then after twice the time, and so on.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(3600);

/// The attempts to send requests, one after another.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Attempts {
    /// How often sending has failed since it last succeeded.
    failures: u32,
    /// When to send next.
    retry_at: Timestamp,
    /// The number of the pending request, and when it was sent.
    #[serde(skip)]
    in_flight: Option<(u64, Timestamp)>,
}

impl Attempts {
    /// Whether a request may be sent now.
    pub(super) fn may_start(&self, now: Timestamp) -> bool {
        self.deadline() <= now
    }

    /// When a request may be sent, unless an answer comes earlier.
    pub(super) fn deadline(&self) -> Timestamp {
        match self.in_flight {
            Some((_, since)) => since + LEASE,
            None => self.retry_at,
        }
    }

    /// The request with this number is sent.
    pub(super) fn start(&mut self, now: Timestamp, number: u64) {
        self.in_flight = Some((number, now));
    }

    /// The request is no longer pending. Returns whether it was.
    pub(super) fn end(&mut self, number: u64) -> bool {
        self.in_flight
            .take_if(|(sent, _)| *sent == number)
            .is_some()
    }

    /// The last request succeeded; the next one is not sent within `pause`. Returns whether the state
    /// has to be stored.
    pub(super) fn succeeded(&mut self, now: Timestamp, pause: Duration) -> bool {
        let changes = self.failures > 0 || !pause.is_zero();
        self.failures = 0;
        self.retry_at = now + pause;
        changes
    }

    /// The last request failed. Returns whether the previous one had succeeded.
    pub(super) fn failed(&mut self, now: Timestamp) -> bool {
        let delay = FIRST_RETRY.saturating_mul(2_u32.saturating_pow(self.failures));
        self.retry_at = now + delay.min(LONGEST_RETRY);
        self.failures = self.failures.saturating_add(1);
        self.failures == 1
    }
}

/// Why the request failed; `None` if it succeeded.
pub(super) fn failure(answer: Result<Answer, String>) -> Option<String> {
    match answer {
        Ok(answer) if (200..300).contains(&answer.status) => None,
        Ok(answer) => Some(format!("it answered with {}", answer.status)),
        Err(reason) => Some(reason),
    }
}
