//! The interface to applications: an [`App`] gets events and returns [`Command`]s.

use std::rc::Rc;

use super::DisconnectReason;
use super::args::{Args, Json};
use super::namespace::Namespace;
use super::packet::AckId;
use super::socket_id::SocketId;
use crate::engine::Handshake;
use crate::io::{Answer, Post, Reply, Request, Response};
use crate::time::Timestamp;

/// An application on Socket.IO. It gets events and answers with commands, which are performed in
/// order before the next event.
pub trait App {
    /// Handles an event.
    fn event(&mut self, now: Timestamp, event: Event, out: &mut Vec<Command>);

    /// The app's [`App::deadline`] may have passed.
    fn wake(&mut self, _now: Timestamp, _out: &mut Vec<Command>) {}

    /// Called when everything stored is deleted, some time after the last client has left. The app
    /// clears its memory of the stored state.
    fn reset(&mut self);

    /// Whether the app still needs the stored state, although there is no client. Nothing is
    /// deleted while this is `true`.
    fn is_busy(&self) -> bool {
        false
    }

    /// When [`App::wake`] is due.
    fn deadline(&self) -> Option<Timestamp> {
        None
    }
}

/// An event for the application.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// A client wants to connect to a namespace. The app answers with [`Command::Accept`] or
    /// [`Command::Refuse`].
    Connect {
        /// The id of the future socket.
        socket: SocketId,
        /// The namespace.
        namespace: Namespace,
        /// The client's `auth`: an object.
        auth: Option<Json>,
        /// The handshake of its session.
        handshake: Rc<Handshake>,
    },
    /// Memory was lost, and this socket is restored. If its connection was lost at the same time,
    /// [`Event::Away`] follows. If the socket was away before, nothing follows.
    Restore {
        /// The socket.
        socket: SocketId,
        /// Its namespace.
        namespace: Namespace,
        /// The state that [`Command::Keep`] last kept.
        state: Option<Json>,
    },
    /// A client sent an event.
    Emit {
        /// From this socket.
        from: SocketId,
        /// Its name.
        name: String,
        /// Its arguments.
        args: Args,
        /// The right to acknowledge it, if the client asks for an ack.
        ack: Option<Ack>,
    },
    /// A client sent an ack.
    Ack {
        /// From this socket.
        from: SocketId,
        /// The id that the app gave to its event. A client may send any other id, too.
        id: u64,
        /// Its arguments.
        args: Args,
    },
    /// A client sent an event without a name, or an ack with an id that cannot be read. It has no
    /// effect, but counts against the client's rate as any event does.
    Empty {
        /// From this socket.
        from: SocketId,
    },
    /// A socket lost its connection. Its client may recover it within [`Recovery::window`]. Events
    /// for the socket are delivered then.
    ///
    /// [`Recovery::window`]: super::Recovery::window
    Away {
        /// The socket.
        socket: SocketId,
        /// Why.
        reason: DisconnectReason,
    },
    /// A socket that was away is recovered.
    Back {
        /// The socket.
        socket: SocketId,
    },
    /// A socket disconnected.
    Disconnect {
        /// The socket.
        socket: SocketId,
        /// Why.
        reason: DisconnectReason,
    },
    /// An operator's request. The app answers with [`Command::Respond`].
    Operate(Request),
    /// The answer to the [`Command::Post`] with this number, or the reason of its failure.
    Posted(u64, Result<Answer, String>),
}

/// The right to acknowledge one event once. It is neither `Clone` nor `Copy`.
#[derive(Debug, PartialEq)]
pub struct Ack {
    pub(super) socket: SocketId,
    pub(super) id: AckId,
}

impl Ack {
    /// The right to acknowledge the event of a socket with this ack id. The server makes one for
    /// each event that asks for an ack; tests of an [`App`] make their own.
    #[must_use]
    pub fn new(socket: SocketId, id: u64) -> Self {
        Self {
            socket,
            id: id.into(),
        }
    }

    /// The socket that gets the ack.
    #[must_use]
    pub fn socket(&self) -> SocketId {
        self.socket
    }
}

/// A command of the app. Commands for sockets that have disconnected have no effect.
#[derive(Debug, PartialEq)]
pub enum Command {
    /// Accept a socket.
    Accept {
        /// The socket.
        socket: SocketId,
        /// Whether its client may recover it. If so, each event for it gets an offset as an
        /// additional argument. An event that asks for an ack gets none, and a `volatile` event may
        /// get none. Clients in some languages pass the offset to the listener.
        recoverable: bool,
    },
    /// Refuse a socket.
    Refuse {
        /// The socket.
        socket: SocketId,
        /// The error's `message`.
        message: String,
        /// The error's `data`.
        data: Option<Json>,
    },
    /// Send an event.
    Emit {
        /// To these sockets.
        to: Vec<SocketId>,
        /// Its name. It is not one that is reserved by Socket.IO, such as `connect`.
        name: String,
        /// Its arguments.
        args: Args,
        /// Ask for an ack: [`Event::Ack`] has this id.
        ack: Option<u64>,
        /// Whether sockets that are away miss the event. They always miss an event that asks for an
        /// ack.
        volatile: bool,
    },
    /// Acknowledge an event.
    Acknowledge(Ack, Args),
    /// Disconnect a socket from its namespace. Its client does not reconnect by itself.
    Disconnect(SocketId),
    /// Disconnect all sockets of the session of a socket, and end the session. A socket that is
    /// away cannot be recovered any more.
    Close(SocketId),
    /// Keep this state with the socket, for [`Event::Restore`]. It replaces an earlier one; `None`
    /// deletes it.
    Keep(SocketId, Option<Json>),
    /// Answer an operator, after the changes of the turn are committed.
    Respond(Reply, Response),
    /// Send a request to another server. [`Event::Posted`] follows, unless memory is lost before.
    Post(Post),
    /// Delete all sent events with this name. Sockets that are away do not get them any more.
    Forget(String),
}
