//! A client: one session, and the sockets that share it.

use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::DisconnectReason;
use super::args::Json;
use super::decoder::Decoder;
use super::namespace::Namespace;
use super::offset::Offset;
use super::socket_id::{Pid, SocketId};
use crate::engine::{Handshake, Sid};
use crate::store::Store;
use crate::time::Timestamp;

pub(super) const PREFIX: &str = "socket/";

/// The limit of a client's CONNECTs: this many at once, then one in a second.
const CONNECTS: u32 = 20;
const CONNECTS_EVERY: Duration = Duration::from_secs(1);

/// The most namespaces that a client may be in at a time, and the greatest length of
/// [`Client::removed`].
pub(super) const NAMESPACES: usize = 32;

/// The longest name of a namespace, in bytes.
pub(super) const NAMESPACE_BYTES: usize = 256;

/// The largest `auth`, in bytes.
pub(super) const AUTH_BYTES: usize = 16_384;

#[derive(Default)]
pub(super) struct Client {
    pub(super) decoder: Decoder,
    pub(super) sockets: Vec<SocketId>,
    /// The handshake of its session.
    pub(super) handshake: Rc<Handshake>,
    /// The deadline for its first CONNECT.
    pub(super) connect_by: Option<Timestamp>,
    /// The theoretical arrival time of its next CONNECT (GCRA). Not persisted.
    pub(super) connects: Timestamp,
    /// Since when it is sending a binary packet whose attachments are not complete.
    pub(super) partial_since: Timestamp,
    /// Whether its stored memo is out of date.
    pub(super) unsaved: bool,
    /// Whether it claims to be an earlier socket, and the claim is not decided yet.
    pub(super) claiming: bool,
    /// Whether its session is being closed. Then further packets are ignored.
    pub(super) ending: bool,
    /// Namespaces from which the server disconnected it: packets for them may still arrive.
    pub(super) removed: Vec<Namespace>,
}

/// A client in a namespace.
pub(super) struct Socket {
    pub(super) namespace: Namespace,
    /// The address of its client.
    pub(super) address: String,
    pub(super) link: Link,
    /// The data that the app keeps with it.
    pub(super) state: Option<Json>,
    /// Whether its stored row is out of date.
    pub(super) unsaved: bool,
    /// The secret with which its client recovers it; `None` without recovery.
    pub(super) pid: Option<Pid>,
    /// The offset of the last event before it was accepted.
    pub(super) since: Offset,
    /// Whether its client has sent nothing since its CONNECT was answered, so that it may not have
    /// fetched the answer. Not persisted.
    pub(super) is_unseen: bool,
}

/// ```text
/// Connecting ──accepted──▶ Connected ──connection lost──▶ Away ──recovered──▶ Connected
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// The app has not accepted it yet.
    Connecting(Sid),
    Connected(Sid),
    /// Its connection is lost; it may come back until this time.
    Away(Timestamp, DisconnectReason),
}

/// The data of a client that are stored with its session.
#[derive(Serialize, Deserialize)]
struct Memo {
    handshake: Handshake,
    connect_by: Option<Timestamp>,
    claiming: bool,
    sockets: Vec<SocketId>,
}

impl Client {
    /// Whether it may send one more CONNECT now.
    pub(super) fn may_connect(&mut self, now: Timestamp) -> bool {
        self.connects = self.connects.max(now) + CONNECTS_EVERY;
        self.connects <= now + CONNECTS_EVERY * CONNECTS
    }

    /// `None` only if it cannot be written as JSON, which does not happen with texts, ids and numbers.
    pub(super) fn memo(&self, is_connected: impl Fn(SocketId) -> bool) -> Option<Box<RawValue>> {
        let sockets = self.sockets.iter().copied();
        let memo = Memo {
            handshake: self.handshake.as_ref().clone(),
            connect_by: self.connect_by,
            claiming: self.claiming,
            sockets: sockets.filter(|id| is_connected(*id)).collect(),
        };
        serde_json::value::to_raw_value(&memo).ok()
    }

    pub(super) fn restore(memo: &RawValue) -> Option<Self> {
        let memo: Memo = serde_json::from_str(memo.get()).ok()?;
        Some(Self {
            sockets: memo.sockets,
            handshake: memo.handshake.into(),
            connect_by: memo.connect_by,
            claiming: memo.claiming,
            ..Self::default()
        })
    }
}

/// The stored row of a socket.
#[derive(Serialize, Deserialize)]
struct Row {
    namespace: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    address: String,
    state: Option<Json>,
    pid: Option<Pid>,
    since: Offset,
    /// Until when it may come back, if it is away.
    until: Option<Timestamp>,
}

pub(super) fn key(id: SocketId) -> String {
    format!("{PREFIX}{id}")
}

impl Socket {
    /// The session it is in.
    pub(super) fn session(&self) -> Option<Sid> {
        match self.link {
            Link::Connecting(sid) | Link::Connected(sid) => Some(sid),
            Link::Away(..) => None,
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        matches!(self.link, Link::Connected(_))
    }

    /// Whether the app accepted it, also if it is away.
    pub(super) fn is_accepted(&self) -> bool {
        !matches!(self.link, Link::Connecting(_))
    }

    pub(super) fn save(&self, id: SocketId, store: &Store) {
        let row = Row {
            namespace: self.namespace.to_string(),
            address: self.address.clone(),
            state: self.state.clone(),
            pid: self.pid,
            since: self.since,
            until: match self.link {
                Link::Away(until, _) => Some(until),
                _ => None,
            },
        };
        store.put_json(key(id), &row);
    }

    /// The id and the socket. `link` is called with the id and, if the socket is known to be away, with the
    /// time until which it may come back. `None` if the row is damaged, see [`Store`].
    pub(super) fn restore(
        store: &Store,
        (key, value): &(String, String),
        link: impl FnOnce(SocketId, Option<Timestamp>) -> Link,
    ) -> Option<(SocketId, Self)> {
        let row: Row = store.read(key, value)?;
        let id = key.strip_prefix(PREFIX).and_then(SocketId::parse);
        let Some((id, namespace)) = id.zip(Namespace::parse(&row.namespace)) else {
            store.damaged(key, "it names no socket");
            return None;
        };
        let socket = Self {
            namespace,
            address: row.address,
            link: link(id, row.until),
            state: row.state,
            unsaved: false,
            pid: row.pid,
            since: row.since,
            is_unseen: false,
        };
        Some((id, socket))
    }
}

/// A client claims to be an earlier socket.
pub(super) struct Claim {
    pub(super) sid: Sid,
    pub(super) namespace: Namespace,
    pub(super) auth: Option<Json>,
    pub(super) socket: SocketId,
    /// The last event that it got, if it got any.
    pub(super) offset: Option<Offset>,
    /// Until when the socket's earlier connection, if it still exists, may show that it is alive.
    pub(super) by: Timestamp,
}
