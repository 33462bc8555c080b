//! A client: one session, and the sockets that share it.

use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::DisconnectReason;
use super::args::Json;
use super::decoder::Decoder;
use super::log::Offset;
use super::namespace::Namespace;
use super::socket_id::{Pid, SocketId};
use crate::engine::{Handshake, Sid};
use crate::store::Store;
use crate::time::Timestamp;

pub(super) const PREFIX: &str = "socket/";

/// How often a client may connect to a namespace: this often at once, then once in a second.
const CONNECTS: u32 = 20;
const CONNECTS_EVERY: Duration = Duration::from_secs(1);

/// In how many namespaces a client may be at a time, and of how many it is remembered that the server
/// disconnected it from them.
pub(super) const NAMESPACES: usize = 32;

/// The longest name of a namespace, in bytes.
pub(super) const NAMESPACE_BYTES: usize = 256;

/// The largest `auth`, in bytes.
pub(super) const AUTH_BYTES: usize = 16_384;

#[derive(Default)]
pub(super) struct Client {
    pub(super) decoder: Decoder,
    pub(super) sockets: Vec<SocketId>,
    /// How it opened its session.
    pub(super) handshake: Rc<Handshake>,
    /// The deadline for its first CONNECT.
    pub(super) connect_by: Option<Timestamp>,
    /// The theoretical arrival time of its next CONNECT (GCRA). Not persisted.
    pub(super) connects: Timestamp,
    /// Since when it has owed the rest of a binary packet.
    pub(super) partial_since: Timestamp,
    /// Whether its memo is out of date.
    pub(super) unsaved: bool,
    /// Whether it claims to be a socket from before, and that is not decided yet.
    pub(super) claiming: bool,
    /// Whether its session is being closed: nothing it still sends counts.
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
    /// What the app keeps with it.
    pub(super) state: Option<Json>,
    /// Whether its row is out of date.
    pub(super) unsaved: bool,
    /// What its client has to know to recover it; `None` without recovery.
    pub(super) pid: Option<Pid>,
    /// The offset of the last event before it was accepted.
    pub(super) since: Offset,
    /// Whether its client has sent nothing since its CONNECT was answered, so that it may not have
    /// fetched the answer. Not persisted.
    pub(super) is_unseen: bool,
}

/// ```text
/// Joining ──accepted──▶ Joined ──connection lost──▶ Away ──recovered──▶ Joined
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// The app has not let it in yet.
    Joining(Sid),
    Joined(Sid),
    /// Its connection is lost; it may come back until then.
    Away(Timestamp, DisconnectReason),
}

/// What is remembered of a client with its session.
#[derive(Serialize, Deserialize)]
struct Memo {
    handshake: Handshake,
    connect_by: Option<Timestamp>,
    claiming: bool,
    sockets: Vec<SocketId>,
}

impl Client {
    /// Whether it may connect once more.
    pub(super) fn may_connect(&mut self, now: Timestamp) -> bool {
        self.connects = self.connects.max(now) + CONNECTS_EVERY;
        self.connects <= now + CONNECTS_EVERY * CONNECTS
    }

    /// `None` only if it cannot be written, which ids and numbers always can.
    pub(super) fn memo(&self, joined: impl Fn(SocketId) -> bool) -> Option<Box<RawValue>> {
        let sockets = self.sockets.iter().copied();
        let memo = Memo {
            handshake: self.handshake.as_ref().clone(),
            connect_by: self.connect_by,
            claiming: self.claiming,
            sockets: sockets.filter(|id| joined(*id)).collect(),
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

/// The row of a socket.
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
            Link::Joining(sid) | Link::Joined(sid) => Some(sid),
            Link::Away(..) => None,
        }
    }

    pub(super) fn is_joined(&self) -> bool {
        matches!(self.link, Link::Joined(_))
    }

    /// Whether the app let it in, be it away or not.
    pub(super) fn is_accepted(&self) -> bool {
        !matches!(self.link, Link::Joining(_))
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

    /// Its id, itself, and until when it may come back, if it is known to be away. `None` if the row
    /// is damaged, see [`Store`].
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

/// A client says that it was a socket before.
pub(super) struct Claim {
    pub(super) sid: Sid,
    pub(super) namespace: Namespace,
    pub(super) auth: Option<Json>,
    pub(super) socket: SocketId,
    /// The last event it had, if it had any.
    pub(super) offset: Option<Offset>,
    /// If the socket's earlier connection is not gone by then, it has to have proved alive.
    pub(super) by: Timestamp,
}
