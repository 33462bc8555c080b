//! A member: one socket in the room, joined or not.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::chat::Receipt;
use super::config::Rates;
use super::contract::{Media, Peer, names};
use super::ledger::Partner;
use super::signal::Kind;
use super::token::Pass;
use crate::rate::Bucket;
use crate::socket::SocketId;
use crate::time::Timestamp;

/// One socket in the room.
#[expect(
    clippy::struct_excessive_bools,
    reason = "none of them says anything about another"
)]
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Member {
    /// Its join ordinal, given when first needed and never again.
    pub(super) n: Option<u64>,
    /// What it called itself in `join`.
    pub(super) alias: Option<String>,
    /// What it told in `room:join`.
    pub(super) profile: Option<Profile>,
    /// The secret with which it may join again, even as another socket, past lock and password; made
    /// when it first joins.
    pub(super) rejoin: Option<String>,
    /// What it will have told, once the host lets it in.
    pub(super) knocking: Option<Joining>,
    /// Since when it waits for that.
    pub(super) knocked_at: Timestamp,
    /// Whether the host did not let it in.
    pub(super) denied: bool,
    /// What its token says.
    pub(super) pass: Option<Pass>,
    /// Where it connected from.
    pub(super) address: String,
    /// When it connected.
    pub(super) came_at: Timestamp,
    /// The room's sequence number then.
    pub(super) came_seq: u64,
    /// Whether its client wants events with exactly the arguments that were sent.
    pub(super) strict: bool,
    /// With whom alone it last exchanged an offer or answer.
    pub(super) partner: Option<Partner>,
    /// What it was told of its latest messages, by their `mid`.
    pub(super) receipts: Vec<(String, Receipt)>,
    /// Whether an operator closed the room while it was away: it is disconnected when it comes back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) ended: bool,
    /// Since when its connection is lost.
    pub(super) away_since: Option<Timestamp>,
    /// Whether its connection is lost because its page was left, so that it hardly comes back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) left_page: bool,
    /// What waits for it since then.
    #[serde(skip)]
    pub(super) waiting: Backlog,
    #[serde(skip)]
    pub(super) buckets: Buckets,
}

/// What a peer tells of itself on joining.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Joining {
    pub(super) name: Option<String>,
    pub(super) media: Option<Media>,
    #[serde(skip_serializing)]
    pub(super) password: Option<String>,
    /// The secret of an earlier join, which lets its peer in again.
    #[serde(skip_serializing)]
    pub(super) rejoin: Option<String>,
}

/// How much waits for a member that is away.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    count: usize,
    bytes: usize,
}

impl Backlog {
    /// Whether one more may wait; the first always may.
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

/// What is left of its rates. Not kept: who waits until memory is lost gains a burst.
#[derive(Clone, Debug, Default)]
pub(super) struct Buckets {
    signal: Bucket,
    chat: Bucket,
    control: Bucket,
    patience: Bucket,
    /// Of limits that it shares with others: when operators were told.
    password: Bucket,
    waiting: Bucket,
}

impl Buckets {
    /// Takes a token for an event.
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        event: &str,
        rates: &Rates,
    ) -> Result<(), Excess> {
        let (kind, bucket, rate) = match event {
            names::CHAT_MESSAGE => ("chat", &mut self.chat, rates.chat),
            _ if Kind::of(event).is_some() => ("signal", &mut self.signal, rates.signal),
            _ => ("control", &mut self.control, rates.control),
        };
        bucket.take(now, rate).map_err(|retry_after| Excess {
            kind,
            retry_after,
            is_news: bucket.is_news(now),
        })
    }

    /// Whether operators have not been told lately that it met a limit which it shares.
    pub(super) fn is_news(&mut self, now: Timestamp, kind: &str) -> bool {
        let bucket = match kind {
            "password" => &mut self.password,
            _ => &mut self.waiting,
        };
        bucket.is_news(now)
    }

    /// Whether it may be told once more that it was too much.
    pub(super) fn bears(&mut self, now: Timestamp, rates: &Rates) -> bool {
        self.patience.take(now, rates.patience).is_ok()
    }
}

/// Too much at once.
pub(super) struct Excess {
    /// Of what.
    pub(super) kind: &'static str,
    pub(super) retry_after: Duration,
    /// Whether operators have not been told lately.
    pub(super) is_news: bool,
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
    /// Who its token says it is.
    pub(super) fn subject(&self) -> Option<&str> {
        self.pass.as_ref()?.sub.as_deref()
    }

    /// By what operators find it, as its token says.
    pub(super) fn reference(&self) -> Option<&str> {
        self.pass.as_ref()?.reference.as_deref()
    }

    /// What its token calls it.
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
            away: self.is_away(),
            joined_at: profile.joined_at,
        })
    }
}
