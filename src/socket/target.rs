//! The receivers of an event.

use super::namespace::Namespace;
use super::socket_id::SocketId;

/// The receivers of an event within one namespace: all sockets, the sockets in some rooms, or one
/// socket. A room's name is any text; each socket is also in the room of its own id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    pub(super) namespace: Namespace,
    /// The rooms; all sockets if `None`.
    pub(super) rooms: Option<Vec<String>>,
    /// The rooms whose sockets are left out.
    pub(super) except: Vec<String>,
    /// The socket that is left out.
    pub(super) but: Option<SocketId>,
    pub(super) volatile: bool,
}

impl Target {
    /// All sockets of a namespace.
    #[must_use]
    pub fn all(namespace: Namespace) -> Self {
        Self {
            namespace,
            ..Self::default()
        }
    }

    /// Adds the sockets in this room. A socket that is in several rooms gets the event once.
    #[must_use]
    pub fn to(mut self, room: impl Into<String>) -> Self {
        self.rooms.get_or_insert_default().push(room.into());
        self
    }

    /// Leaves out the sockets in this room.
    #[must_use]
    pub fn except(mut self, room: impl Into<String>) -> Self {
        self.except.push(room.into());
        self
    }

    /// Leaves out this socket.
    #[must_use]
    pub fn but(mut self, socket: SocketId) -> Self {
        self.but = Some(socket);
        self
    }

    /// Limits the target to sockets that are connected now: sockets that are away miss the event.
    #[must_use]
    pub fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }
}
