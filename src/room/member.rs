//! A member: one socket in the room, joined or not.

use serde::{Deserialize, Serialize};

use super::contract::{Media, Peer};
use crate::socket::SocketId;
use crate::time::Timestamp;

/// One socket in the room.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Member {
    /// Its join ordinal, given when first needed and never again.
    pub(super) n: Option<u64>,
    /// What it called itself in `join`.
    pub(super) alias: Option<String>,
    /// What it told in `room:join`.
    pub(super) profile: Option<Profile>,
    /// Whom it last exchanged an offer with.
    pub(super) partner: Option<SocketId>,
    /// Whether its connection is lost.
    pub(super) away: bool,
    /// How many signals wait for it since then.
    #[serde(skip)]
    pub(super) waiting: usize,
}

/// What a peer shows of itself.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Profile {
    pub(super) name: Option<String>,
    pub(super) media: Media,
    pub(super) hand: bool,
    pub(super) joined_at: Timestamp,
}

impl Member {
    pub(super) fn name(&self) -> Option<&str> {
        self.profile.as_ref()?.name.as_deref()
    }

    /// As others see it; `None` unless it joined.
    pub(super) fn peer(&self, id: SocketId, host: Option<SocketId>) -> Option<Peer<'_>> {
        let profile = self.profile.as_ref()?;
        Some(Peer {
            id,
            n: self.n.unwrap_or_default(),
            name: profile.name.as_deref(),
            host: host == Some(id),
            media: profile.media,
            hand: profile.hand,
            away: self.away,
            joined_at: profile.joined_at,
        })
    }
}
