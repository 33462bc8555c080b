//! Offsets: the position of an event among all that a server sends.

use serde::{Deserialize, Serialize};

use super::args::Json;
use crate::io::numbered;
use crate::time::Timestamp;

/// How many offsets a millisecond has, unless it needs more.
const PER_MILLI: u64 = 1024;

/// At least this many offsets stay unused after a loss of memory: as many as a second has. A killed server may have
/// sent events that it had not stored. No new event may get the offset of one of them, even if the clock was set back.
/// A random number is added, because a server may be killed before it stores an offset. The next server then begins
/// after the same stored offset, and should not begin at the same new one.
const SKIPPED: u64 = 1000 * PER_MILLI;

/// The position of an event among all that a server sends. Offsets grow with time, so they also grow
/// after memory was lost. As texts they sort in the same order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Offset(u64);

impl Offset {
    /// The offset of the next event, if this is the offset of the last one.
    pub(super) fn next(self, now: Timestamp) -> Self {
        self.after(0, now)
    }

    /// The same for the first event after a loss of memory, if this is the newest offset that was stored before.
    pub(super) fn next_after_loss(self, now: Timestamp, random: u16) -> Self {
        self.after(SKIPPED.saturating_add(random.into()), now)
    }

    fn after(self, skipped: u64, now: Timestamp) -> Self {
        let next = self.0.saturating_add(1).saturating_add(skipped);
        let of_now = now.as_millis().saturating_mul(PER_MILLI);
        Self(next.max(of_now))
    }

    /// The text that a client gets as the last argument of an event.
    pub(super) fn json(self) -> Json {
        let mut text = numbered("\"", self.0);
        text.push('"');
        Json::written(text)
    }

    /// The key of the event in the store.
    pub(super) fn key(self, prefix: &str) -> String {
        numbered(prefix, self.0)
    }

    #[allow(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference; on wasm32 a copy is not trivial"
    )]
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// When the event was sent, unless the clock was set back.
    pub(super) fn time(self) -> Timestamp {
        Timestamp::from_millis(self.0 / PER_MILLI)
    }

    /// `None` if no event can have this offset.
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}
