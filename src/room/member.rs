//! A member: one socket in the room, joined or not.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::chat::Receipt;
use super::config::Rates;
use super::contract::{Media, Peer, names};
use super::counters::Partner;
use super::signal;
use super::token::Pass;
use crate::rate::Bucket;
use crate::socket::SocketId;
use crate::time::Timestamp;

/// One socket in the room.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Member {
    /// Its join ordinal. It gets one when it first needs it, and keeps it.
    pub(super) n: Option<u64>,
    /// The alias that it took with `join`.
    pub(super) alias: Option<String>,
    /// Its data as a peer. `None` before `room:join`.
    pub(super) profile: Option<Profile>,
    /// The secret that lets its client join again in spite of lock and password, even as another
    /// socket. Made when it first joins.
    pub(super) rejoin: Option<String>,
    /// The argument of its `room:join`, while it waits for the host to admit it.
    pub(super) knocking: Option<Joining>,
    /// The time of its knock.
    pub(super) knocked_at: Timestamp,
    /// Whether the host denied it.
    pub(super) denied: bool,
    /// The content of its token.
    pub(super) pass: Option<Pass>,
    /// The address of its client.
    pub(super) address: String,
    /// The time when it connected.
    pub(super) came_at: Timestamp,
    /// The room's sequence number at that time.
    pub(super) came_seq: u64,
    /// Whether its client wants events with exactly the arguments that were sent.
    pub(super) strict: bool,
    /// The one peer with which it last exchanged an offer or answer.
    pub(super) partner: Option<Partner>,
    /// The receipts of its latest messages, by their `mid`.
    pub(super) receipts: Vec<(String, Receipt)>,
    /// The time when it lost its connection, if it is away.
    pub(super) away_since: Option<Timestamp>,
    /// Whether it lost its connection because its page was left. Then it is unlikely to reconnect.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) left_page: bool,
    /// The amount of data that waits for it while it is away.
    #[serde(skip)]
    pub(super) waiting: Backlog,
    #[serde(skip)]
    pub(super) buckets: Buckets,
}

/// The argument of `room:join`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Joining {
    pub(super) name: Option<String>,
    pub(super) media: Option<Media>,
    #[serde(skip_serializing)]
    pub(super) password: Option<String>,
    /// The secret of an earlier join of this client.
    #[serde(skip_serializing)]
    pub(super) rejoin: Option<String>,
}

/// The amount of data that waits for a member that is away.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    count: usize,
    bytes: usize,
}

impl Backlog {
    /// Adds an event, and returns whether it may wait. The first one always may.
    pub(super) fn take(&mut self, size: usize, count: usize, bytes: usize) -> bool {
        let sum = self.bytes.saturating_add(size);
        let fits = self.count < count && (self.count == 0 || sum <= bytes);
        if fits {
            self.count = self.count.saturating_add(1);
            self.bytes = sum;
        }
        fits
    }
}

/// The token buckets of a member. They are not stored: after a loss of memory they are full again.
#[derive(Clone, Debug, Default)]
pub(super) struct Buckets {
    signal: Bucket,
    chat: Bucket,
    control: Bucket,
    patience: Bucket,
    /// From these two no token is taken. They have the time when operators were last told that the member exceeded
    /// a limit that it shares with others.
    password: Bucket,
    waiting: Bucket,
}

impl Buckets {
    /// Takes a token for an event, from the bucket of its kind.
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        event: &str,
        rates: &Rates,
    ) -> Result<(), Excess> {
        let (kind, bucket, rate) = match event {
            names::CHAT_MESSAGE => ("chat", &mut self.chat, rates.chat),
            _ if signal::Kind::of(event).is_some() || event == names::PEER_OUTCOME => {
                ("signal", &mut self.signal, rates.signal)
            }
            _ => ("control", &mut self.control, rates.control),
        };
        bucket.take(now, rate).map_err(|retry_after| Excess {
            kind,
            retry_after,
            should_report: bucket.should_report(now),
        })
    }

    /// Whether operators have not been told recently that the member exceeded a shared limit.
    pub(super) fn should_report(&mut self, now: Timestamp, kind: &str) -> bool {
        let bucket = match kind {
            "password" => &mut self.password,
            _ => &mut self.waiting,
        };
        bucket.should_report(now)
    }

    /// Whether the member may get one more error about its rate.
    pub(super) fn may_exceed(&mut self, now: Timestamp, rates: &Rates) -> bool {
        self.patience.take(now, rates.patience).is_ok()
    }
}

/// An exceeded rate.
pub(super) struct Excess {
    /// The kind of events.
    pub(super) kind: &'static str,
    pub(super) retry_after: Duration,
    /// Whether operators have not been told recently.
    pub(super) should_report: bool,
}

/// The data that a peer shows to others.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Profile {
    pub(super) name: Option<String>,
    pub(super) media: Media,
    pub(super) hand: bool,
    pub(super) joined_at: Timestamp,
}

impl Member {
    /// The subject of its token.
    pub(super) fn subject(&self) -> Option<&str> {
        self.pass.as_ref()?.sub.as_deref()
    }

    /// The reference in its token, by which operators identify it.
    pub(super) fn reference(&self) -> Option<&str> {
        self.pass.as_ref()?.reference.as_deref()
    }

    /// The name in its token.
    pub(super) fn pass_name(&self) -> Option<&str> {
        self.pass.as_ref()?.name.as_deref()
    }

    /// Whether its token makes it host.
    pub(super) fn is_host_by_token(&self) -> bool {
        self.pass.as_ref().is_some_and(|pass| pass.host)
    }

    /// Whether its connection is lost.
    pub(super) fn is_away(&self) -> bool {
        self.away_since.is_some()
    }

    /// Whether it is a peer that sends audio, video or a screen.
    pub(super) fn has_media(&self) -> bool {
        let profile = self.profile.as_ref();
        profile.is_some_and(|profile| profile.media.is_any())
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.profile.as_ref()?.name.as_deref()
    }

    /// Its data as other peers see them. `None` unless it has joined.
    pub(super) fn peer(&self, id: SocketId, host: Option<SocketId>) -> Option<Peer<'_>> {
        let profile = self.profile.as_ref()?;
        Some(Peer {
            id,
            n: self.n.unwrap_or_default(),
            name: profile.name.as_deref(),
            host: host == Some(id),
            media: profile.media,
            hand: profile.hand,
            away: self.is_away(),
            joined_at: profile.joined_at,
        })
    }
}
