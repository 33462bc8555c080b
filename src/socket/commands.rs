//! What the application wants, done.

use super::DisconnectReason;
use super::app::{Ack, Command, Event};
use super::args::{Json, Object};
use super::client::{Link, Socket};
use super::log::{Sent, Urgency};
use super::namespace::Namespace;
use super::packet::{Kind, Packet};
use super::server::Server;
use super::socket_id::SocketId;
use crate::engine::{Message, Sid};
use crate::time::Timestamp;

impl Server {
    /// What the application wants.
    pub fn perform(&mut self, now: Timestamp, commands: impl IntoIterator<Item = Command>) {
        for command in commands {
            match command {
                Command::Accept(id) => self.accept(id),
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
                    self.emit(now, to, Kind::Event { id, name, args }, volatile);
                }
                Command::Acknowledge(Ack { socket, id }, args) => {
                    self.held.get_or_insert_default();
                    let kind = Kind::Ack { id: Some(id), args };
                    self.send(socket, kind);
                }
                Command::Disconnect(id) => self.disconnect(id),
                Command::Close(id) => self.close(now, id),
                Command::Keep(id, state) => {
                    if let Some(socket) = self.sockets.get_mut(&id) {
                        socket.state = Some(state);
                        self.save_socket(id);
                    }
                }
                Command::Save(record) => self.records.push((record, Urgency::Now)),
                Command::SaveSoon(record) => self.records.push((record, Urgency::Soon)),
                Command::AfterSaves => {
                    self.held.get_or_insert_default();
                }
                Command::Respond(reply, response) => {
                    self.held.get_or_insert_default();
                    self.answers.push((reply, response));
                }
                Command::Post(post) => self.post = Some(post),
                Command::Forget(name) => {
                    let forgotten = self.log.as_mut().map(|log| log.forget(&name));
                    let forgotten = forgotten.unwrap_or_default().into_iter();
                    self.records
                        .extend(forgotten.map(|row| (row, Urgency::Now)));
                }
            }
        }
    }

    fn accept(&mut self, id: SocketId) {
        let Some(socket) = self.sockets.get_mut(&id) else {
            return;
        };
        let Link::Joining(sid) = socket.link else {
            return;
        };
        socket.link = Link::Joined(sid);
        self.save_socket(id);
        self.welcome(sid, id);
    }

    /// Tells a client which socket it is.
    pub(super) fn welcome(&mut self, sid: Sid, id: SocketId) {
        self.joined(sid);
        self.save_client(sid);
        let Some(socket) = self.sockets.get(&id) else {
            return;
        };
        let payload = Object::new()
            .with("sid", &id)
            .maybe("pid", socket.pid.as_ref());
        self.send(id, Kind::Connect(Some(payload.json())));
    }

    fn refuse(&mut self, id: SocketId, message: &str, data: Option<&Json>) {
        let payload = Object::new().with("message", message).maybe("data", data);
        self.send(id, Kind::ConnectError(payload.json()));
        self.take(id);
    }

    fn disconnect(&mut self, id: SocketId) {
        self.send(id, Kind::Disconnect);
        let Some(socket) = self.take(id) else {
            return;
        };
        if let Some(client) = socket.session().and_then(|sid| self.clients.get_mut(&sid)) {
            client.removed.push(socket.namespace);
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

    fn send(&mut self, id: SocketId, kind: Kind) {
        let Some(socket) = self.sockets.get(&id) else {
            return;
        };
        if let Some(sid) = socket.session() {
            let namespace = socket.namespace.clone();
            self.dispatch(sid, &messages(&Packet { namespace, kind }));
        }
    }

    /// Sends now or, if something that comes first waits, behind it.
    pub(super) fn dispatch(&mut self, sid: Sid, messages: &[Message]) {
        if let Some(held) = &mut self.held {
            held.extend(messages.iter().map(|message| (sid, message.clone())));
        } else {
            for message in messages {
                self.engine.send(sid, message);
            }
        }
    }

    /// Sends one event to many; it is written once for each namespace.
    fn emit(&mut self, now: Timestamp, mut to: Vec<SocketId>, kind: Kind, volatile: bool) {
        while let Some((namespace, group, rest)) = self.group(&to) {
            if rest.is_empty() {
                return self.emit_in(now, namespace, group, kind, volatile); // as a rule
            }
            self.emit_in(now, namespace, group, kind.clone(), volatile);
            to = rest;
        }
    }

    /// Those of `to` that are in one namespace, and those in others; `None` if there is nobody.
    fn group(&self, to: &[SocketId]) -> Option<(Namespace, Group, Vec<SocketId>)> {
        let mut here = None;
        let mut rest = Vec::new();
        let accepted = self.sockets.of(to).filter(|(_, s)| s.is_accepted());
        for (id, socket) in accepted {
            let (namespace, group) = here.get_or_insert_with(|| {
                let group = Group {
                    ids: Vec::with_capacity(to.len()),
                    sessions: Vec::with_capacity(to.len()),
                };
                (socket.namespace.clone(), group)
            });
            if *namespace == socket.namespace {
                group.ids.push(*id);
                group.sessions.extend(socket.session());
            } else {
                rest.push(*id);
            }
        }
        here.map(|(namespace, group)| (namespace, group, rest))
    }

    fn emit_in(
        &mut self,
        now: Timestamp,
        namespace: Namespace,
        to: Group,
        mut kind: Kind,
        volatile: bool,
    ) {
        let mut logged = None;
        if !volatile
            && let Some(log) = &mut self.log
            && let Kind::Event { id: None, args, .. } = &mut kind
        {
            // A client takes the last argument for the offset if it is text, so it has to be one.
            let next = log.next(now);
            args.values.push(next.json());
            logged = Some(next);
        }
        let packet = Packet { namespace, kind };
        let messages = messages(&packet);
        let rows = 2; // the log's and the app's, which come behind
        self.engine
            .reserve(to.sessions.len() * messages.len() + rows);
        for sid in to.sessions {
            self.dispatch(sid, &messages);
        }
        if let Some(offset) = logged
            && let Some(log) = &mut self.log
            && let Kind::Event { name, .. } = packet.kind
        {
            let sent = Sent {
                offset,
                name,
                to: to.ids,
                among: &self.sockets,
                messages: &messages,
            };
            let rows = log.append(now, sent, self.away.is_empty()).into_iter();
            self.records.extend(rows.map(|row| (row, Urgency::Soon)));
        }
    }
}

/// Sockets of one namespace, and the sessions of those that are not away.
struct Group {
    ids: Vec<SocketId>,
    sessions: Vec<Sid>,
}

/// A packet as messages: its text, then its attachments.
fn messages(packet: &Packet) -> Vec<Message> {
    let mut messages = vec![packet.message()];
    if let Kind::Event { args, .. } | Kind::Ack { args, .. } = &packet.kind {
        messages.extend(args.attachments.iter().cloned().map(Message::Binary));
    }
    messages
}
