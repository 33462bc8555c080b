//! The seam to applications: events go out to an [`App`], its [`Command`]s come back.

use std::rc::Rc;

use super::DisconnectReason;
use super::args::{Args, Json};
use super::namespace::Namespace;
use super::packet::AckId;
use super::socket_id::SocketId;
use crate::engine::Handshake;
use crate::io::{Answer, Post, Reply, Request, Response};
use crate::time::Timestamp;

/// What runs on top of Socket.IO. It is told of events and answers with commands, which are
/// performed in order before the next event.
pub trait App {
    /// Something happened to a socket.
    fn event(&mut self, now: Timestamp, event: Event, out: &mut Vec<Command>);

    /// The app's own [`App::deadline`] may have come.
    fn wake(&mut self, _now: Timestamp, _out: &mut Vec<Command>) {}

    /// Everything that was stored is deleted, as nobody has been here for long: forgets what is
    /// remembered of it.
    fn reset(&mut self);

    /// Whether there is something left to do with what is stored, although no client is here: nothing is
    /// deleted before that is done.
    fn is_busy(&self) -> bool {
        false
    }

    /// When [`App::wake`] is wanted.
    fn deadline(&self) -> Option<Timestamp> {
        None
    }
}

/// What happened to a socket.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// A client wants to connect to a namespace: to be answered by [`Command::Accept`] or
    /// [`Command::Refuse`].
    Connect {
        /// The id the socket will have.
        socket: SocketId,
        /// The namespace.
        namespace: Namespace,
        /// The client's `auth`: an object.
        auth: Option<Json>,
        /// How its session was opened.
        handshake: Rc<Handshake>,
    },
    /// Memory was lost; this socket is still there. If its connection was lost with it,
    /// [`Event::Away`] follows; if it was away before, nothing does.
    Restore {
        /// The socket.
        socket: SocketId,
        /// Its namespace.
        namespace: Namespace,
        /// What [`Command::Keep`] last kept of it.
        state: Option<Json>,
    },
    /// An event arrived.
    Emit {
        /// From this socket.
        from: SocketId,
        /// Its name.
        name: String,
        /// Its arguments.
        args: Args,
        /// The right to acknowledge it, if the client wants that.
        ack: Option<Ack>,
    },
    /// An ack arrived.
    Ack {
        /// From this socket.
        from: SocketId,
        /// For the event to which the app gave this id, or for one that never was: ids are the
        /// client's claim.
        id: u64,
        /// Its arguments.
        args: Args,
    },
    /// An event without a name arrived, which has no effect. It cost the same as another.
    Empty {
        /// From this socket.
        from: SocketId,
    },
    /// A socket's connection is lost. Its client may recover it within [`Recovery::window`]; what
    /// is sent to it until then is delivered when it does.
    ///
    /// [`Recovery::window`]: super::Recovery::window
    Away {
        /// The socket.
        socket: SocketId,
        /// Why.
        reason: DisconnectReason,
    },
    /// A socket that was away is back.
    Back {
        /// The socket.
        socket: SocketId,
    },
    /// A socket is gone.
    Disconnect {
        /// The socket.
        socket: SocketId,
        /// Why.
        reason: DisconnectReason,
    },
    /// An operator asks something: to be answered by [`Command::Respond`].
    Operate(Request),
    /// What the [`Command::Post`] of this number came to: an answer, or a reason why there is none.
    Posted(u64, Result<Answer, String>),
}

/// The right to acknowledge one event, once: neither `Clone` nor `Copy`.
#[derive(Debug, PartialEq)]
pub struct Ack {
    pub(super) socket: SocketId,
    pub(super) id: AckId,
}

impl Ack {
    /// The right to acknowledge the event that a socket sent with this ack id. The server makes one
    /// for each event; tests of an [`App`] make their own.
    #[must_use]
    pub fn new(socket: SocketId, id: u64) -> Self {
        Self {
            socket,
            id: id.into(),
        }
    }

    /// The socket that is told.
    #[must_use]
    pub fn socket(&self) -> SocketId {
        self.socket
    }
}

/// What an app wants done. Commands for sockets that are gone have no effect.
#[derive(Debug, PartialEq)]
pub enum Command {
    /// Let a socket in.
    Accept {
        /// The socket.
        socket: SocketId,
        /// Whether its client may recover it. Then each event for it gets an offset as one more
        /// argument, which clients in some languages hand to the listener.
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
        /// Its name: not one of those that mean something to a socket itself, such as `connect`.
        name: String,
        /// Its arguments.
        args: Args,
        /// Ask for an ack, which comes as [`Event::Ack`] with this id.
        ack: Option<u64>,
        /// Of no use later: sockets that are away miss it.
        volatile: bool,
    },
    /// Acknowledge an event.
    Acknowledge(Ack, Args),
    /// Disconnect a socket from its namespace; its client will not come back by itself.
    Disconnect(SocketId),
    /// Disconnect a socket and all others of its session, and end that. A socket that is away cannot
    /// be recovered any more.
    Close(SocketId),
    /// Keep this state with the socket, in place of an earlier one, for [`Event::Restore`].
    Keep(SocketId, Json),
    /// Answer an operator, once all that the turn keeps is committed.
    Respond(Reply, Response),
    /// Ask another server. [`Event::Posted`] follows, unless memory is lost before.
    Post(Post),
    /// Delete all events of this name that were sent: sockets that are away do not get them any more.
    Forget(String),
}
