//! The contract with clients: event names, and the forms of arguments.

use serde::{Deserialize, Serialize};

use super::config::Limits;
use crate::socket::{Json, SocketId};
use crate::time::Timestamp;

/// The names of all events.
pub mod names {
    use crate::room::signal;

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
    /// Any other data from one peer to another.
    pub const SIGNAL: &str = "signal";
    /// A chat message.
    pub const CHAT_MESSAGE: &str = "chat-message";
    /// Asks for earlier chat messages.
    pub const CHAT_HISTORY: &str = "chat:history";
    /// Tells that a peer starts or stops typing.
    pub const CHAT_TYPING: &str = "chat:typing";
    /// Takes an alias.
    pub const JOIN: &str = "join";
    /// Tells all sockets with aliases that a socket took an alias.
    pub const USER_JOINED: &str = "user-joined";
    /// Tells all sockets with aliases that an alias is free again.
    pub const USER_LEFT: &str = "user-left";
    /// Becomes a peer of the room.
    pub const ROOM_JOIN: &str = "room:join";
    /// Leaves the room as a peer.
    pub const ROOM_LEAVE: &str = "room:leave";
    /// Tells of a change to the room.
    pub const ROOM_STATE: &str = "room:state";
    /// Tells of an error, if the event asked for no ack.
    pub const ROOM_ERROR: &str = "room:error";
    /// Changes a peer's name, media or raised hand.
    pub const PEER_UPDATE: &str = "peer:update";
    /// Tells of a change of a peer's name, media or raised hand.
    pub const PEER_UPDATED: &str = "peer:updated";
    /// Tells of a new peer.
    pub const PEER_JOINED: &str = "peer:joined";
    /// Tells that a peer has left.
    pub const PEER_LEFT: &str = "peer:left";
    /// Tells that a peer's connection is lost; the peer may reconnect.
    pub const PEER_AWAY: &str = "peer:away";
    /// Tells that a peer whose connection was lost has reconnected.
    pub const PEER_BACK: &str = "peer:back";
    /// Disconnects a socket and bans its client.
    pub const HOST_KICK: &str = "host:kick";
    /// Asks a peer to mute itself.
    pub const HOST_MUTE: &str = "host:mute";
    /// Makes another peer host.
    pub const HOST_TRANSFER: &str = "host:transfer";
    /// Sets or removes the room's password.
    pub const HOST_PASSWORD: &str = "host:password";
    /// Admits a waiting socket.
    pub const HOST_ADMIT: &str = "host:admit";
    /// Denies a waiting socket.
    pub const HOST_DENY: &str = "host:deny";
    /// Locks or unlocks the room.
    pub const HOST_LOCK: &str = "host:lock";
    /// Deletes the chat.
    pub const HOST_CLEAR: &str = "host:clear";
    /// Tells the host that a socket waits to be admitted.
    pub const HOST_KNOCK: &str = "host:knock";
    /// Tells a peer that the host asks it to mute itself.
    pub const HOST_MUTE_REQUEST: &str = "host:mute-request";
    /// Tells a waiting socket that it is admitted, with the answer to `room:join`.
    pub const ROOM_ADMITTED: &str = "room:admitted";
    /// Tells a waiting socket that it is denied.
    pub const ROOM_DENIED: &str = "room:denied";
    /// Tells all sockets that an operator closed the room, and why.
    pub const ROOM_CLOSED: &str = "room:closed";
    /// Reports how the connection to another peer turned out.
    pub const PEER_OUTCOME: &str = "peer:outcome";
    /// Asks for ICE servers.
    pub const ICE_GET: &str = "ice:get";

    /// Whether clients would treat an event of this name as an event of the contract.
    pub(crate) fn is_own(event: &str) -> bool {
        let mut prefixes = ["room:", "peer:", "host:", "chat:", "ice:"].into_iter();
        let others = [CHAT_MESSAGE, JOIN, USER_JOINED, USER_LEFT];
        prefixes.any(|prefix| event.starts_with(prefix))
            || others.contains(&event)
            || signal::Kind::of(event).is_some()
    }
}

/// The media that a peer sends.
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
    /// Whether the peer sends any media.
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
    /// Its join ordinal: of two peers, the one with the greater ordinal is polite.
    pub n: u64,
    /// Its name, if it gave one.
    pub name: Option<&'a str>,
    /// Whether it is the room's host.
    pub host: bool,
    /// What it sends.
    pub media: Media,
    /// Whether it raised its hand.
    pub hand: bool,
    /// Whether its connection is lost and it may reconnect.
    pub away: bool,
    /// When it joined.
    pub joined_at: Timestamp,
}

/// A chat message, in the form in which it is delivered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    /// The text.
    pub message: String,
    /// Its id.
    pub id: String,
    /// Its sequence number among everything that the room relayed. Numbers grow, with gaps.
    pub seq: u64,
    /// When it was sent.
    pub ts: Timestamp,
    /// The id of the sender.
    pub from: SocketId,
    /// The sender's name, if it had one.
    pub name: Option<String>,
    /// The receiver of a private message. Its sender gets the message, too, and nobody else does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<SocketId>,
    /// The sender's information about the encryption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enc: Option<Json>,
}

/// The last argument of each relayed signal.
#[derive(Debug, Serialize)]
pub(super) struct Meta<'a> {
    pub(super) from: SocketId,
    /// The only receiver; `None` if all others get the signal.
    pub(super) to: Option<SocketId>,
    pub(super) room: &'a str,
    pub(super) ts: Timestamp,
    pub(super) seq: u64,
    /// The sender's id for this negotiation.
    pub(super) cid: Option<Json>,
    /// Whether the receiver is the polite one of the two.
    pub(super) polite: bool,
    pub(super) name: Option<&'a str>,
}

/// The room, in the form in which a peer gets it when it joins.
#[derive(Debug, Serialize)]
pub(super) struct RoomInfo<'a> {
    pub(super) name: &'a str,
    pub(super) locked: bool,
    /// Whether it has a password.
    pub(super) password: bool,
    pub(super) capacity: usize,
    pub(super) count: usize,
}

/// ICE servers, in the form that `RTCPeerConnection` takes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IceServers {
    pub(super) ice_servers: Vec<Json>,
    /// For how many seconds they are valid.
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
    /// A secret: with it `room:join` admits the same peer again, past lock and password.
    pub(super) rejoin: &'a str,
}
