//! Turns messages into packets, and handles the packets.
//!
//! Two things wait: a packet whose attachments are not complete, and the messages of a client whose
//! claim to an earlier socket is not decided. Both are bounded for all clients together.

use std::collections::VecDeque;

use super::DisconnectReason;
use super::app::{Ack, Event};
use super::client::Socket;
use super::packet::{self, Packet};
use super::server::Server;
use crate::engine::{Message, Sid};
use crate::map::Map;
use crate::time::Timestamp;

/// How many bytes of all clients together may wait: in incomplete packets, and the same number in deferred messages.
/// If incomplete packets exceed it, the server closes the connection of the client whose packet has waited longest. If
/// a deferred message would exceed it, the server closes the connection of that message's client.
const MAX_BYTES: usize = 4_194_304;

/// How many bytes a message takes beside its content.
const OVERHEAD: usize = 64;

/// Messages of clients whose claim to an earlier socket is undecided, in their order.
#[derive(Default)]
pub(super) struct Deferred {
    messages: Map<Sid, VecDeque<Message>>,
    bytes: usize,
}

impl Deferred {
    /// `false` if there is no space for it.
    fn push(&mut self, sid: Sid, message: Message) -> bool {
        let bytes = self.bytes.saturating_add(cost(&message));
        if bytes > MAX_BYTES {
            return false;
        }
        self.bytes = bytes;
        match self.messages.get_mut(&sid) {
            Some(messages) => messages.push_back(message),
            None => self.messages.insert(sid, VecDeque::from([message])),
        }
        true
    }

    /// The first message of a client that `is_ready`.
    fn pop(&mut self, is_ready: impl Fn(Sid) -> bool) -> Option<(Sid, Message)> {
        let sid = self.messages.keys().copied().find(|sid| is_ready(*sid))?;
        let messages = self.messages.get_mut(&sid)?;
        let message = messages.pop_front();
        if messages.is_empty() {
            self.messages.remove(&sid);
        }
        let message = message?;
        self.bytes = self.bytes.saturating_sub(cost(&message));
        Some((sid, message))
    }
}

fn cost(message: &Message) -> usize {
    message.size().saturating_add(OVERHEAD)
}

impl Server {
    pub(super) fn message(&mut self, now: Timestamp, sid: Sid, message: Message) {
        let is_claiming = self.claims.iter().any(|claim| claim.sid == sid);
        if !is_claiming {
            self.decode(now, sid, &message);
        } else if !self.deferred.push(sid, message) {
            self.misuse(now, sid);
        }
    }

    /// Handles one deferred message of a client whose claim is decided. `false` if there is none.
    pub(super) fn take_up_deferred(&mut self, now: Timestamp) -> bool {
        let claims = &self.claims;
        let is_decided = |sid| !claims.iter().any(|claim| claim.sid == sid);
        let Some((sid, message)) = self.deferred.pop(is_decided) else {
            return false;
        };
        self.decode(now, sid, &message);
        true
    }

    fn decode(&mut self, now: Timestamp, sid: Sid, message: &Message) {
        let limit = self.engine.max_payload();
        let Some(client) = self.clients.get_mut(&sid).filter(|client| !client.ending) else {
            return;
        };
        let was_idle = client.decoder.awaiting().is_none();
        match client.decoder.push(message, limit) {
            Ok(Some(packet)) if is_connect(&packet) && !client.may_connect(now) => {
                self.misuse(now, sid); // our own limit: each CONNECT costs a socket or a refusal
            }
            Ok(Some(packet)) => self.packet(now, sid, packet),
            Ok(None) => {
                if was_idle {
                    client.partial_since = now;
                }
                self.check_partial(now, sid);
            }
            Err(_) => self.misuse(now, sid),
        }
    }

    /// Checks a packet whose attachments are missing: it has to be for a connected socket, and there has
    /// to be space for it.
    fn check_partial(&mut self, now: Timestamp, sid: Sid) {
        let client = self.clients.get(&sid);
        let partial = client.and_then(|client| client.decoder.awaiting());
        let is_for_socket = partial.is_some_and(|(namespace, _)| {
            self.socket_in(sid, namespace)
                .and_then(|id| self.sockets.get(&id))
                .is_some_and(Socket::is_connected)
        });
        if !is_for_socket {
            self.misuse(now, sid);
            return;
        }
        let partial = self.clients.iter().filter_map(|(sid, client)| {
            let (_, size) = client.decoder.awaiting()?;
            (!client.ending).then_some((client.partial_since, *sid, size))
        });
        let partial: Vec<_> = partial.collect();
        if partial.iter().map(|(_, _, size)| size).sum::<usize>() > MAX_BYTES
            && let Some((_, oldest, _)) = partial.iter().min()
        {
            self.misuse(now, *oldest);
        }
    }

    /// Handles a packet of a client.
    fn packet(&mut self, now: Timestamp, sid: Sid, packet: Packet) {
        let Packet { namespace, kind } = packet;
        let id = self.socket_in(sid, &namespace);
        let socket = id.and_then(|id| Some((id, self.sockets.get_mut(&id)?)));
        let socket = socket.map(|(id, socket)| {
            socket.is_unseen = false;
            (id, socket.is_connected())
        });
        match (kind, socket) {
            (packet::Kind::Connect(auth), None) => self.enter(now, sid, namespace, auth),
            (packet::Kind::Nothing, Some((from, true))) => {
                self.events.push_back(Event::Empty { from });
            }
            (packet::Kind::Event { id, name, args }, Some((from, true))) => {
                let ack = id.map(|id| Ack { socket: from, id });
                self.events.push_back(Event::Emit {
                    from,
                    name,
                    args,
                    ack,
                });
            }
            (packet::Kind::Ack { id, args }, Some((from, true))) => {
                let id = id.and_then(|id| id.number());
                self.events.push_back(match id {
                    Some(id) => Event::Ack { from, id, args },
                    None => Event::Empty { from },
                });
            }
            (packet::Kind::Disconnect, Some((id, _))) => {
                self.forget(id, DisconnectReason::ClientNamespaceDisconnect);
            }
            // The server connected the socket without a CONNECT, or the socket has left.
            (packet::Kind::Connect(_), Some(_)) | (_, None)
                if self.engine.speaks_revision_3(sid) => {}
            (packet::Kind::ConnectError(_) | packet::Kind::Connect(_), _) => self.misuse(now, sid),
            _ => {
                let client = self.clients.get(&sid);
                // The client may not know yet that the server disconnected its socket.
                if client.is_none_or(|client| !client.removed.contains(&namespace)) {
                    self.misuse(now, sid);
                }
            }
        }
    }
}

fn is_connect(packet: &Packet) -> bool {
    matches!(packet.kind, packet::Kind::Connect(_))
}
