//! The contract with clients: event names, and the shapes of what is sent.

use serde::{Deserialize, Serialize};

use super::config::Limits;
use crate::socket::{Json, SocketId};
use crate::time::Timestamp;

/// The names of all events.
pub mod names {
    use crate::room::signal::Kind;

    /// A session description that begins a negotiation.
    pub const OFFER: &str = "offer";
    /// A session description that completes one.
    pub const ANSWER: &str = "answer";
    /// An ICE candidate.
    pub const CANDIDATE: &str = "candidate";
    /// A candidate, as some tutorials name it.
    pub const ICE_CANDIDATE: &str = "ice-candidate";
    /// A candidate, as other tutorials name it.
    pub const ICE: &str = "ice";
    /// Anything else that one peer has to tell another.
    pub const SIGNAL: &str = "signal";
    /// A chat message.
    pub const CHAT_MESSAGE: &str = "chat-message";
    /// Asks for earlier chat messages.
    pub const CHAT_HISTORY: &str = "chat:history";
    /// Tells that somebody writes, or no longer.
    pub const CHAT_TYPING: &str = "chat:typing";
    /// Takes an alias.
    pub const JOIN: &str = "join";
    /// Tells those with an alias of another one.
    pub const USER_JOINED: &str = "user-joined";
    /// Tells those with an alias that one is gone.
    pub const USER_LEFT: &str = "user-left";
    /// Becomes a peer of the room.
    pub const ROOM_JOIN: &str = "room:join";
    /// Ceases to be one.
    pub const ROOM_LEAVE: &str = "room:leave";
    /// Tells of a change to the room.
    pub const ROOM_STATE: &str = "room:state";
    /// Tells of an error that no ack could tell of.
    pub const ROOM_ERROR: &str = "room:error";
    /// Changes what a peer shows of itself.
    pub const PEER_UPDATE: &str = "peer:update";
    /// Tells of such a change.
    pub const PEER_UPDATED: &str = "peer:updated";
    /// Tells of a new peer.
    pub const PEER_JOINED: &str = "peer:joined";
    /// Tells that a peer is gone.
    pub const PEER_LEFT: &str = "peer:left";
    /// Tells that a peer's connection is lost, and may come back.
    pub const PEER_AWAY: &str = "peer:away";
    /// Tells that it did.
    pub const PEER_BACK: &str = "peer:back";
    /// Puts somebody out.
    pub const HOST_KICK: &str = "host:kick";
    /// Asks a peer to mute itself.
    pub const HOST_MUTE: &str = "host:mute";
    /// Makes another peer host.
    pub const HOST_TRANSFER: &str = "host:transfer";
    /// Sets the room's password, or takes it away.
    pub const HOST_PASSWORD: &str = "host:password";
    /// Lets in somebody who waits.
    pub const HOST_ADMIT: &str = "host:admit";
    /// Does not.
    pub const HOST_DENY: &str = "host:deny";
    /// Locks the room, or opens it.
    pub const HOST_LOCK: &str = "host:lock";
    /// Forgets the chat.
    pub const HOST_CLEAR: &str = "host:clear";
    /// Tells the host that somebody waits to be let in.
    pub const HOST_KNOCK: &str = "host:knock";
    /// Tells a peer that the host asks it to mute itself.
    pub const HOST_MUTE_REQUEST: &str = "host:mute-request";
    /// Tells somebody who waited that they are in, with what `room:join` answers.
    pub const ROOM_ADMITTED: &str = "room:admitted";
    /// Tells somebody who waited that they are not.
    pub const ROOM_DENIED: &str = "room:denied";
    /// Tells everyone that an operator ended the room, and why.
    pub const ROOM_CLOSED: &str = "room:closed";
    /// Asks for ICE servers.
    pub const ICE_GET: &str = "ice:get";

    /// Whether clients take an event of this name for one of the contract's.
    pub(crate) fn is_own(event: &str) -> bool {
        let mut prefixes = ["room:", "peer:", "host:", "chat:", "ice:"].into_iter();
        let others = [CHAT_MESSAGE, JOIN, USER_JOINED, USER_LEFT];
        prefixes.any(|prefix| event.starts_with(prefix))
            || others.contains(&event)
            || Kind::of(event).is_some()
    }
}

/// What a peer sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Media {
    /// A microphone.
    pub audio: bool,
    /// A camera.
    pub video: bool,
    /// A screen.
    pub screen: bool,
}

impl Media {
    /// Whether it sends anything.
    #[must_use]
    pub const fn is_any(self) -> bool {
        self.audio || self.video || self.screen
    }
}

/// A peer, as others see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Peer<'a> {
    /// Its id.
    pub id: SocketId,
    /// Its join ordinal: of two peers, the one with the greater is polite.
    pub n: u64,
    /// Its name, if it gave one.
    pub name: Option<&'a str>,
    /// Whether it is the room's host.
    pub host: bool,
    /// What it sends.
    pub media: Media,
    /// Whether it raised its hand.
    pub hand: bool,
    /// Whether its connection is lost and may come back.
    pub away: bool,
    /// When it joined.
    pub joined_at: Timestamp,
}

/// A chat message, as it is delivered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    /// The text.
    pub message: String,
    /// Its id.
    pub id: String,
    /// Its place among all that the room relayed; grows, with gaps.
    pub seq: u64,
    /// When it was sent.
    pub ts: Timestamp,
    /// By whom.
    pub from: SocketId,
    /// The sender's name, if it had one.
    pub name: Option<String>,
    /// To whom alone, if not to all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<SocketId>,
    /// What the sender says of its encryption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enc: Option<Json>,
}

/// The last argument of each relayed signal.
#[derive(Debug, Serialize)]
pub(super) struct Meta<'a> {
    pub(super) from: SocketId,
    /// `None` for all others.
    pub(super) to: Option<SocketId>,
    pub(super) room: &'a str,
    pub(super) ts: Timestamp,
    pub(super) seq: u64,
    /// The negotiation, as the sender calls it.
    pub(super) cid: Option<Json>,
    /// Whether the receiver is the polite one of the two.
    pub(super) polite: bool,
    pub(super) name: Option<&'a str>,
}

/// The room, as a peer is told on joining.
#[derive(Debug, Serialize)]
pub(super) struct RoomInfo<'a> {
    pub(super) name: &'a str,
    pub(super) locked: bool,
    /// Whether it has one.
    pub(super) password: bool,
    pub(super) capacity: usize,
    pub(super) count: usize,
}

/// ICE servers, as `RTCPeerConnection` takes them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IceServers {
    pub(super) ice_servers: Vec<Json>,
    /// For how many seconds they can be used.
    pub(super) ttl: u64,
}

/// The answer to `room:join`.
#[derive(Debug, Serialize)]
pub(super) struct Snapshot<'a> {
    #[serde(rename = "self")]
    pub(super) own: Peer<'a>,
    pub(super) peers: Vec<Peer<'a>>,
    pub(super) room: RoomInfo<'a>,
    pub(super) history: Vec<&'a Message>,
    pub(super) ice: &'a IceServers,
    pub(super) limits: &'a Limits,
    /// With this, `room:join` lets the same peer in again, past lock and password.
    pub(super) rejoin: &'a str,
}
