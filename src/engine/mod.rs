//! Engine.IO, revisions 3 and 4: sessions over HTTP long-polling and WebSocket, the upgrade and the
//! heartbeat.
//!
//! Specification: <https://socket.io/docs/v4/engine-io-protocol/>. Left out: JSONP, WebTransport,
//! compression.

mod close;
mod codec;
mod config;
mod farewell;
mod handshake;
mod heartbeat;
mod liveness;
mod owner;
mod packet;
pub mod payload;
mod query;
mod queue;
mod record;
mod rejection;
mod requests;
mod revision_3;
mod session;
mod sessions;
mod sid;
mod subprotocol;
mod transport;

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use serde_json::value::RawValue;

pub use close::CloseReason;
pub use codec::{Codec, Revision};
pub use config::Config;
pub use handshake::Handshake;
pub use packet::{ClientPacket, Frame, Message, PacketError, ProbePacket, ServerPacket};
pub use query::Query;
pub use rejection::Rejection;
pub use sid::Sid;
pub(crate) use sid::Token;
#[cfg(test)]
pub(crate) use sid::mix;
pub use subprotocol::subprotocol;

use crate::io::{ConnectionId, Data, Input, Output, Reply, Request, Response};
use crate::store::Store;
use crate::time::Timestamp;
use farewell::{CLOSE_RACE, Farewell, ORDERLY_CLOSE};
use queue::Queues;
use session::{Fate, Session};
use sessions::Sessions;
use transport::Role;

/// A frame, and the response that the platform may send to it without waking the object: a pong,
/// which is answered with a noop. See [`Config::absorb_pongs`].
pub const AUTO_RESPONSE: (&str, &str) = ("3", "6");

/// The WebSocket close code for a frame that is too big (RFC 6455, section 7.4.1).
const MESSAGE_TOO_BIG: u16 = 1009;

/// What happened to a session.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// The session opened, with this handshake.
    Open(Sid, Handshake),
    /// A message arrived from the client.
    Message(Sid, Message),
    /// The session ended.
    Close(Sid, CloseReason),
}

/// All sessions of one object.
pub struct Engine {
    config: Config,
    store: Rc<Store>,
    sessions: Sessions,
    /// The last packets of ended sessions.
    farewells: Vec<Farewell>,
    queues: Rc<Queues>,
    events: VecDeque<Event>,
    /// The outputs of the turn, from all layers, in order.
    out: Vec<Output>,
}

impl Engine {
    /// An engine without sessions.
    #[must_use]
    pub fn new(config: Config, store: Rc<Store>) -> Self {
        Self {
            config,
            store,
            sessions: Sessions::default(),
            farewells: Vec::new(),
            queues: Rc::default(),
            events: VecDeque::new(),
            out: Vec::new(),
        }
    }

    /// Handles an input.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        if !input.is_loss() {
            self.expire(now, input == Input::Wake);
            self.forget_farewells(now);
        }
        match input {
            Input::Request(request) => self.request(now, request),
            Input::OverLimit(request) => self.refuse(request, Rejection::TooManyHandshakes),
            // The engine alone has no application.
            Input::Operate(Request { reply, .. }) => {
                self.respond(reply, Rejection::BadRequest.response());
            }
            Input::Received { from, data } => self.received(now, from, &data),
            Input::Disconnected(connection) => {
                self.disconnected(connection, CloseReason::TransportClose);
            }
            Input::WentAway(connection) => self.disconnected(connection, CloseReason::GoingAway),
            Input::Aborted(request) => {
                if let Some(sid) = self.sessions.polled_by(request) {
                    let session = self.sessions.get_mut(sid);
                    if let Some(poll) = session.and_then(|session| session.transport.poll()) {
                        poll.take();
                    }
                    self.fail(sid, CloseReason::TransportError);
                }
            }
            Input::Overdue(request) => {
                if let Some(sid) = self.sessions.polled_by(request) {
                    self.with(sid, |session, _, out| {
                        session.release(out);
                        Ok(())
                    });
                }
            }
            Input::Posted(..) | Input::Wake => {}
        }
    }

    /// The next event, oldest first.
    pub fn poll(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Reserves memory for the outputs of this many messages.
    pub(crate) fn reserve(&mut self, messages: usize) {
        self.out.reserve(messages);
    }

    /// Sends a message. Does nothing if the session has ended.
    pub fn send(&mut self, sid: Sid, message: &Message) {
        let Some(session) = self.sessions.get_mut(sid) else {
            return;
        };
        let packet = ServerPacket::Message(message.clone());
        if session.overflows(packet.size(), self.config.max_queued) {
            self.fail(sid, CloseReason::TransportError);
            return;
        }
        session.send(packet, &mut self.out);
        if !session.queue.is_empty() {
            self.sessions.touch(sid);
            self.bound_queues();
        }
    }

    /// Closes a session. The client still gets its queued packets. [`Event::Close`] follows.
    pub fn close(&mut self, now: Timestamp, sid: Sid) {
        let Some(session) = self.remove(sid) else {
            return;
        };
        let left = session.close(&mut self.out);
        self.leave_farewell(now, sid, left, ORDERLY_CLOSE);
        self.events
            .push_back(Event::Close(sid, CloseReason::ForcedServerClose));
    }

    /// Stores `memo` with the session for as long as the session lasts. [`Engine::memo`] returns
    /// it, also after the loss of memory.
    pub fn remember(&mut self, sid: Sid, memo: Box<RawValue>) {
        if let Some(session) = self.sessions.get_mut(sid) {
            session.memo = Some(memo);
            session.unsaved = true;
            self.sessions.touch(sid);
        }
    }

    /// The memo of a session.
    #[must_use]
    pub fn memo(&self, sid: Sid) -> Option<&RawValue> {
        self.sessions.get(sid)?.memo.as_deref()
    }

    /// Whether there are no sessions and no stored packets of ended ones.
    pub(crate) fn is_empty(&self) -> bool {
        self.sessions.is_empty() && !self.has_stored_farewell()
    }

    /// The session's id if the protocol shows it to other clients; `None` if the id is a secret.
    pub(crate) fn public_id(&self, sid: Sid) -> Option<Token> {
        self.speaks_revision_3(sid).then(|| sid.token())
    }

    /// Whether a session speaks revision 3.
    pub(crate) fn speaks_revision_3(&self, sid: Sid) -> bool {
        let session = self.sessions.get(sid);
        session.is_some_and(|session| session.codec.revision == Revision::Three)
    }

    /// Whether a session is open.
    pub(crate) fn is_open(&self, sid: Sid) -> bool {
        self.sessions.get(sid).is_some()
    }

    /// The open sessions.
    pub fn sids(&self) -> impl Iterator<Item = Sid> {
        self.sessions.sids()
    }

    /// The outputs to perform, in order. Ends the turn.
    pub fn drain(&mut self) -> Vec<Output> {
        self.sessions.settle(&self.store, &mut self.out);
        self.store.end_turn(std::mem::take(&mut self.out))
    }

    /// When [`Input::Wake`] is due, unless another input comes first.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        [self.sessions.deadline(), self.farewell_deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    pub(crate) fn mint(&self) -> [u8; 15] {
        self.store.platform().mint()
    }

    pub(crate) fn store(&self) -> &Rc<Store> {
        &self.store
    }

    /// Adds an output of a layer above.
    pub(crate) fn push(&mut self, output: Output) {
        self.out.push(output);
    }

    /// The largest packet, in bytes.
    pub(crate) fn max_payload(&self) -> usize {
        self.config.max_payload
    }

    /// How many bytes may be queued for one client that does not poll.
    pub(crate) fn max_queued(&self) -> usize {
        self.config.max_queued
    }

    /// The longest time between the loss of a client and its expiry.
    pub(crate) fn silence(&self) -> Duration {
        self.config.ping_interval + self.config.ping_timeout
    }

    // Frames.

    fn received(&mut self, now: Timestamp, from: ConnectionId, data: &Data) {
        let Some(&sid) = self.sessions.connections.get(&from) else {
            return;
        };
        let Some(session) = self.sessions.get(sid) else {
            self.upgrade_farewell(sid, data);
            return;
        };
        let size = match data {
            Data::Text(text) => text.len(),
            Data::Binary(bytes) => bytes.len(),
        };
        match (session.transport.role(from), size > self.config.max_payload) {
            (Some(Role::Carrier), false) => {
                let packet = session.codec.read_frame(data);
                self.packet(now, sid, packet);
            }
            (Some(Role::Carrier), true) => {
                self.out.push(Output::Close(from, Some(MESSAGE_TOO_BIG)));
                self.disconnect(sid, CloseReason::TransportError);
            }
            (Some(Role::Probe), _) => self.with(sid, |session, config, out| {
                session.probed(data, now, config, out);
                Ok(())
            }),
            (None, _) => {}
        }
    }

    fn packet(&mut self, now: Timestamp, sid: Sid, packet: Result<ClientPacket, PacketError>) {
        let Some(session) = self.sessions.get_mut(sid) else {
            return; // an earlier packet of the same payload ended the session
        };
        match packet {
            Ok(ClientPacket::Message(message)) => {
                session.heartbeat.packet(now, &self.config);
                self.events.push_back(Event::Message(sid, message));
            }
            Ok(ClientPacket::Ping | ClientPacket::Pong) => {
                session.beat(now, &self.config, &mut self.out);
            }
            Ok(ClientPacket::Ignored) => session.heartbeat.packet(now, &self.config),
            Ok(ClientPacket::Close) => {
                let mut reason = CloseReason::TransportClose;
                if let Some(mut session) = self.remove(sid) {
                    session.flush(&mut self.out);
                    if !session.queue.is_empty() {
                        reason = CloseReason::Unread;
                    }
                    let left = session.end(&ServerPacket::Noop, &mut self.out);
                    // Beyond the spec: the client's poll may arrive after its close packet.
                    self.leave_farewell(now, sid, left, CLOSE_RACE);
                }
                self.events.push_back(Event::Close(sid, reason));
            }
            Err(_) => self.fail(sid, CloseReason::ParseError),
        }
        self.sessions.touch(sid);
    }

    fn disconnected(&mut self, connection: ConnectionId, reason: CloseReason) {
        let Some(sid) = self.sessions.connections.remove(&connection) else {
            return;
        };
        match self
            .sessions
            .get(sid)
            .and_then(|session| session.transport.role(connection))
        {
            Some(Role::Carrier) => self.disconnect(sid, reason),
            Some(Role::Probe) => self.with(sid, |session, _, _| {
                session.forget_probe();
                Ok(())
            }),
            None => self.forget_farewell_probe(sid),
        }
    }

    // Sessions.

    /// Changes a session by `change`. If that returns an error, the session ends.
    fn with(
        &mut self,
        sid: Sid,
        change: impl FnOnce(&mut Session, &Config, &mut Vec<Output>) -> Fate,
    ) {
        self.sessions.touch(sid);
        let Some(session) = self.sessions.get_mut(sid) else {
            return;
        };
        if let Err(reason) = change(session, &self.config, &mut self.out) {
            self.fail(sid, reason);
        }
    }

    /// Ends a session at once: a parked poll is answered, later requests get "unknown sid".
    fn fail(&mut self, sid: Sid, reason: CloseReason) {
        if let Some(session) = self.remove(sid) {
            session.end(&ServerPacket::Close, &mut self.out);
            self.events.push_back(Event::Close(sid, reason));
        }
    }

    /// Ends a session whose WebSocket disconnected.
    fn disconnect(&mut self, sid: Sid, reason: CloseReason) {
        if self.remove(sid).is_some() {
            self.events.push_back(Event::Close(sid, reason));
        }
    }

    fn remove(&mut self, sid: Sid) -> Option<Session> {
        let mut session = self.sessions.remove(sid)?;
        session.forget(&self.store);
        Some(session)
    }

    pub(crate) fn respond(&mut self, reply: Reply, response: Response) {
        self.out.push(Output::Respond(reply, response));
    }

    fn close_stray(&mut self, connection: ConnectionId) {
        self.out.push(Output::Close(connection, None));
    }
}
