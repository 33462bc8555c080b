//! Performs the application's commands.

use super::DisconnectReason;
use super::app::{Ack, Command, Event};
use super::args::{Json, Object};
use super::client::{self, Link, Socket};
use super::namespace::Namespace;
use super::offset::Offset;
use super::packet::{self, Packet};
use super::replay::{Replay, Sent};
use super::server::Server;
use super::socket_id::SocketId;
use crate::engine::{Message, Sid};
use crate::io::Output;
use crate::time::Timestamp;

impl Server {
    /// Performs commands in order.
    pub fn perform(&mut self, now: Timestamp, commands: impl IntoIterator<Item = Command>) {
        for command in commands {
            match command {
                Command::Accept {
                    socket,
                    recoverable,
                } => self.accept(socket, recoverable),
                Command::Refuse {
                    socket,
                    message,
                    data,
                } => self.refuse(socket, &message, data.as_ref()),
                Command::Emit {
                    to,
                    name,
                    args,
                    ack,
                    volatile,
                } => {
                    let id = ack.map(Into::into);
                    self.emit(now, to, packet::Kind::Event { id, name, args }, volatile);
                }
                Command::Acknowledge(Ack { socket, id }, args) => {
                    self.engine.store().promise();
                    let kind = packet::Kind::Ack { id: Some(id), args };
                    self.send(socket, kind);
                }
                Command::Disconnect(id) => self.disconnect(id),
                Command::Close(id) => self.close(now, id),
                Command::Keep(id, state) => {
                    if let Some(socket) = self.sockets.get_mut(&id) {
                        socket.state = state;
                        self.save_socket(id);
                    }
                }
                Command::Respond(reply, response) => {
                    self.engine.store().promise();
                    self.engine.respond(reply, response);
                }
                Command::Post(post) => self.engine.push(Output::Post(post)),
                Command::Forget(name) => {
                    if let Some(replay) = &mut self.replay {
                        replay.forget(&name);
                    }
                    self.engine.store().purge();
                }
            }
        }
    }

    fn accept(&mut self, id: SocketId, recoverable: bool) {
        let last = self.replay.as_mut().map(Replay::last).unwrap_or_default();
        let Some(socket) = self.sockets.get_mut(&id) else {
            return;
        };
        let Link::Connecting(sid) = socket.link else {
            return;
        };
        socket.link = Link::Connected(sid);
        socket.since = last;
        // A client that has already closed its session will not get its `pid`.
        let recoverable = recoverable && self.engine.is_open(sid);
        socket.pid = socket.pid.filter(|_| recoverable);
        socket.is_unseen = true;
        self.save_socket(id);
        self.welcome(sid, id);
    }

    /// Tells a client the id of its socket.
    pub(super) fn welcome(&mut self, sid: Sid, id: SocketId) {
        self.cancel_connect_timeout(sid);
        self.save_client(sid);
        let Some(socket) = self.sockets.get(&id) else {
            return;
        };
        let payload = Object::new()
            .with("sid", &id)
            .maybe("pid", socket.pid.as_ref());
        // A client of revision 3 derives the id.
        let derives_id = self.engine.speaks_revision_3(sid);
        self.send(
            id,
            packet::Kind::Connect((!derives_id).then(|| payload.json())),
        );
    }

    fn refuse(&mut self, id: SocketId, message: &str, data: Option<&Json>) {
        let refused = self.take(id);
        if let Some((sid, socket)) = refused.and_then(|socket| Some((socket.session()?, socket))) {
            self.refuse_connect(sid, socket.namespace, message, data);
        }
    }

    /// Refuses a CONNECT.
    pub(super) fn refuse_connect(
        &mut self,
        sid: Sid,
        namespace: Namespace,
        message: &str,
        data: Option<&Json>,
    ) {
        let payload = if self.engine.speaks_revision_3(sid) {
            Json::of(message)
        } else {
            Object::new()
                .with("message", message)
                .maybe("data", data)
                .json()
        };
        let kind = packet::Kind::ConnectError(payload);
        self.dispatch(sid, &messages(&Packet { namespace, kind }));
    }

    fn disconnect(&mut self, id: SocketId) {
        self.engine.store().promise(); // its client will not reconnect
        self.send(id, packet::Kind::Disconnect);
        let Some(socket) = self.take(id) else {
            return;
        };
        if let Some(client) = socket.session().and_then(|sid| self.clients.get_mut(&sid)) {
            client.removed.push(socket.namespace);
            if client.removed.len() > client::NAMESPACES {
                client.removed.remove(0);
            }
        }
        self.events.push_back(Event::Disconnect {
            socket: id,
            reason: DisconnectReason::ServerNamespaceDisconnect,
        });
    }

    fn close(&mut self, now: Timestamp, id: SocketId) {
        let Some(sid) = self.sockets.get(&id).map(Socket::session) else {
            return;
        };
        let client = sid.and_then(|sid| self.clients.get(&sid));
        let all = client.map_or_else(|| vec![id], |client| client.sockets.clone());
        for id in all {
            self.disconnect(id);
        }
        if let Some(sid) = sid {
            self.engine.close(now, sid);
        }
    }

    fn send(&mut self, id: SocketId, kind: packet::Kind) {
        let Some(socket) = self.sockets.get(&id) else {
            return;
        };
        if let Some(sid) = socket.session() {
            let namespace = socket.namespace.clone();
            self.dispatch(sid, &messages(&Packet { namespace, kind }));
        }
    }

    /// Sends messages to the client of a session.
    pub(super) fn dispatch(&mut self, sid: Sid, messages: &[Message]) {
        for message in messages {
            self.engine.send(sid, message);
        }
    }

    /// Sends an event to several sockets. For each namespace it is encoded once with an offset, for
    /// sockets that can be recovered, and once without, for the others.
    fn emit(&mut self, now: Timestamp, mut to: Vec<SocketId>, kind: packet::Kind, volatile: bool) {
        while let Some((namespace, group, rest)) = self.group(&to) {
            if rest.is_empty() {
                return self.emit_in(now, namespace, group, kind, volatile); // the usual case
            }
            self.emit_in(now, namespace, group, kind.clone(), volatile);
            to = rest;
        }
    }

    /// The sockets of one namespace among `to`, and the rest. `None` if there is none.
    fn group(&self, to: &[SocketId]) -> Option<(Namespace, Group, Vec<SocketId>)> {
        let mut here = None;
        let mut rest = Vec::new();
        let accepted = self.sockets.of(to).filter(|(_, s)| s.is_accepted());
        for (id, socket) in accepted {
            let (namespace, group) = here.get_or_insert_with(|| {
                let group = Group {
                    ids: Vec::with_capacity(to.len()),
                    sessions: Vec::with_capacity(to.len()),
                    plain: Vec::new(),
                };
                (socket.namespace.clone(), group)
            });
            if *namespace != socket.namespace {
                rest.push(*id);
            } else if socket.pid.is_some() {
                group.ids.push(*id);
                group.sessions.extend(socket.session());
            } else {
                group.plain.extend(socket.session());
            }
        }
        here.map(|(namespace, group)| (namespace, group, rest))
    }

    fn emit_in(
        &mut self,
        now: Timestamp,
        namespace: Namespace,
        to: Group,
        kind: packet::Kind,
        volatile: bool,
    ) {
        let mut packet = Packet { namespace, kind };
        if !to.plain.is_empty() {
            self.send_to_all(to.plain, &messages(&packet));
        }
        if to.ids.is_empty() {
            return;
        }
        let logged = self.add_offset(now, &mut packet.kind, volatile);
        let messages = messages(&packet);
        self.send_to_all(to.sessions, &messages);
        if let Some(offset) = logged
            && let Some(replay) = &mut self.replay
            && let packet::Kind::Event { name, .. } = packet.kind
        {
            let sent = Sent {
                offset,
                name,
                to: to.ids,
                among: &self.sockets,
                messages: &messages,
            };
            replay.append(now, sent, self.away.is_empty());
        }
    }

    /// Adds the offset, which clients need for recovery, as the last argument. Returns it if the
    /// event has to be logged.
    fn add_offset(
        &mut self,
        now: Timestamp,
        kind: &mut packet::Kind,
        volatile: bool,
    ) -> Option<Offset> {
        let (Some(replay), packet::Kind::Event { id: None, args, .. }) = (&mut self.replay, kind)
        else {
            return None;
        };
        if !volatile {
            let next = replay.next(now);
            args.values.push(next.json());
            return Some(next);
        }
        // If the last element of an event is a text, a client reads it as an offset, even if it is the
        // event's name. So the newest offset is added. It is correct: the client has received all events
        // up to it.
        let last = args.values.last();
        if last.is_none_or(|last| last.as_str().starts_with('"')) {
            args.values.push(replay.last().json());
        }
        None
    }

    fn send_to_all(&mut self, sessions: Vec<Sid>, messages: &[Message]) {
        let extra = 2; // a commit, and an ack
        self.engine.reserve(sessions.len() * messages.len() + extra);
        for sid in sessions {
            self.dispatch(sid, messages);
        }
    }
}

/// Sockets of one namespace.
struct Group {
    /// The sockets that can be recovered, and the sessions of those that are not away.
    ids: Vec<SocketId>,
    sessions: Vec<Sid>,
    /// The sessions of the other sockets.
    plain: Vec<Sid>,
}

/// The messages of a packet: its text, then its attachments.
fn messages(packet: &Packet) -> Vec<Message> {
    let mut messages = vec![packet.message()];
    if let packet::Kind::Event { args, .. } | packet::Kind::Ack { args, .. } = &packet.kind {
        messages.extend(args.attachments.iter().cloned().map(Message::Binary));
    }
    messages
}
