//! How sessions are stored, so that they survive the loss of memory.
//!
//! A session on a WebSocket is stored in the attachment of its WebSocket. A polling session has no
//! WebSocket, so it is a stored row. Its heartbeat changes often and is stored in the attachment of
//! its parked poll.

use std::rc::Rc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::codec::is_default;
use super::heartbeat::Heartbeat;
use super::owner::Owner;
use super::queue::Queue;
use super::session::Session;
use super::sid::Sid;
use super::transport::{Poll, Probe, Transport, WebSocket};
use super::{Codec, Engine, Revision, payload};
use crate::io::{ConnectionId, Output, Reply, Survivors};
use crate::store::{self, Store};
use crate::time::Timestamp;

const PREFIX: &str = "session/";

/// The attachment of a connection or of a parked poll.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Attachment {
    /// The WebSocket that carries a session.
    Session {
        sid: Sid,
        ping_at: Timestamp,
        expires: Timestamp,
        base64: bool,
        #[serde(default, skip_serializing_if = "is_default")]
        revision: Revision,
        memo: Option<Box<RawValue>>,
    },
    /// A WebSocket that is being probed.
    Probe {
        sid: Sid,
        probed: bool,
        expires: Timestamp,
        base64: bool,
        #[serde(default, skip_serializing_if = "is_default")]
        revision: Revision,
    },
    /// A parked poll.
    Poll {
        sid: Sid,
        ping_at: Timestamp,
        expires: Timestamp,
        #[serde(default, skip_serializing_if = "is_default")]
        revision: Revision,
    },
}

/// The row of a polling session.
#[derive(Serialize, Deserialize)]
struct Row {
    sid: Sid,
    /// When the session expires, if it was restored without a parked poll.
    expires: Option<Timestamp>,
    memo: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "is_default")]
    codec: Codec,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<Box<Owner>>,
}

fn key(sid: Sid) -> String {
    format!("{PREFIX}{}", sid.reveal())
}

/// The key of a queued packet's row. It sorts after the session's row, in the order of the queue.
fn packet_key(sid: Sid, position: usize) -> String {
    format!("{}/{position:06}", key(sid))
}

fn attach(connection: ConnectionId, attachment: &Attachment) -> Output {
    // Attachments are structs of texts and numbers, which always serialize.
    let text = serde_json::to_string(attachment).unwrap_or_default();
    Output::Attach(connection, store::seal(&text))
}

/// Reads an attachment. `None` if it is damaged, or if another version wrote it.
fn attached(text: &str) -> Option<Attachment> {
    serde_json::from_str(store::open(text)?).ok()
}

impl Session {
    /// Updates the stored form of the session.
    pub(super) fn save(&mut self, store: &Store, out: &mut Vec<Output>) {
        if let Transport::WebSocket(WebSocket { connection, codec }) = self.transport {
            if std::mem::take(&mut self.unsaved) {
                let attachment = Attachment::Session {
                    sid: self.sid,
                    ping_at: self.heartbeat.ping_at,
                    expires: self.heartbeat.expires,
                    base64: codec.base64,
                    revision: codec.revision,
                    memo: self.memo.clone(),
                };
                out.push(attach(connection, &attachment));
            }
            self.forget(store);
            return;
        }
        if std::mem::take(&mut self.unsaved) {
            self.stored.row = true;
            self.save_row(store);
        }
        self.save_queue(store);
        self.save_probe(out);
        self.save_poll(out);
    }

    /// Deletes the rows of a session that has ended, or that has moved to a WebSocket.
    pub(super) fn forget(&mut self, store: &Store) {
        let stored = std::mem::take(&mut self.stored);
        if stored.row {
            store.delete(key(self.sid));
        }
        for position in 0..stored.packets.max(stored.stale) {
            store.delete(packet_key(self.sid, position));
        }
    }

    fn save_queue(&mut self, store: &Store) {
        let packets = self.queue.iter().enumerate().skip(self.stored.packets);
        for (position, packet) in packets {
            let mut value = String::new();
            packet.write(&mut value);
            store.put(packet_key(self.sid, position), &value);
        }
        self.stored.packets = self.queue.len();
        for position in self.stored.packets..std::mem::take(&mut self.stored.stale) {
            store.delete(packet_key(self.sid, position));
        }
    }

    fn save_probe(&mut self, out: &mut Vec<Output>) {
        let Transport::Upgrading { probe, .. } = &mut self.transport else {
            return;
        };
        if !std::mem::replace(&mut probe.saved, true) {
            let attachment = Attachment::Probe {
                sid: self.sid,
                probed: probe.probed,
                expires: probe.expires,
                base64: probe.socket.codec.base64,
                revision: probe.socket.codec.revision,
            };
            out.push(attach(probe.socket.connection, &attachment));
        }
    }

    fn save_poll(&mut self, out: &mut Vec<Output>) {
        if let Some(Poll::Parked { reply, saved, .. }) = self.transport.poll()
            && !std::mem::replace(saved, true)
        {
            let request = reply.request();
            let attachment = Attachment::Poll {
                sid: self.sid,
                ping_at: self.heartbeat.ping_at,
                expires: self.heartbeat.expires,
                revision: self.codec.revision,
            };
            out.push(attach(request.into(), &attachment));
        }
    }

    fn save_row(&self, store: &Store) {
        let row = Row {
            sid: self.sid,
            expires: self.orphan.then_some(self.heartbeat.expires),
            memo: self.memo.clone(),
            codec: self.codec,
            owner: self.owner.clone(),
        };
        store.put_json(key(self.sid), &row);
    }
}

impl Engine {
    /// Rebuilds the sessions from storage and attachments. A connection with an unreadable
    /// attachment is closed. If a row is damaged, the object halts: see [`Store`].
    pub fn restore(&mut self, now: Timestamp, survivors: Survivors) {
        self.restore_rows(now);
        self.restore_farewells();
        let (mut sessions, mut probes) = (Vec::new(), Vec::new());
        for (connection, text) in survivors.connections {
            match attached(&text) {
                Some(session @ Attachment::Session { .. }) => sessions.push((connection, session)),
                Some(probe @ Attachment::Probe { .. }) => probes.push((connection, probe)),
                Some(Attachment::Poll { .. }) | None => self.close_stray(connection),
            }
        }
        for (connection, attachment) in sessions {
            self.restore_session(now, connection, attachment);
        }
        for (reply, text) in survivors.requests {
            self.restore_poll(now, reply, attached(&text).as_ref());
        }
        for (connection, attachment) in probes {
            self.restore_probe(connection, &attachment);
        }
        self.restore_orphans(now);
    }

    fn restore_rows(&mut self, now: Timestamp) {
        let store = Rc::clone(&self.store);
        for (key, value) in store.load(PREFIX) {
            match key.strip_prefix(PREFIX).and_then(|key| key.split_once('/')) {
                Some((sid, _)) => {
                    if self.restore_packet(sid, &value).is_none() {
                        store.damaged(&key, "its session is missing");
                    }
                }
                None => {
                    if let Some(row) = store.read(&key, &value) {
                        self.restore_row(now, row);
                    }
                }
            }
        }
    }

    fn restore_row(&mut self, now: Timestamp, row: Row) {
        let expires = now + self.silence();
        let expires = row.expires.unwrap_or(expires);
        let heartbeat = Heartbeat::resume(now, expires, row.codec.revision);
        let transport = Transport::Polling(Poll::Idle);
        let queue = Queue::new(&self.queues);
        let mut session = Session::new(row.sid, transport, row.codec, heartbeat, queue);
        session.owner = row.owner;
        session.memo = row.memo;
        session.unsaved = false;
        session.stored.row = true;
        session.orphan = row.expires.is_some();
        self.sessions.insert(session);
    }

    fn restore_packet(&mut self, sid: &str, value: &str) -> Option<()> {
        let session = self.sessions.get_mut(Sid::parse(sid)?)?;
        if let Some(packet) = payload::unpack_packet(value) {
            session.send(packet, &mut self.out);
        }
        // A stored ping is left out, which changes the positions. So all packets are written again.
        session.stored.stale = session.stored.stale.saturating_add(1);
        Some(())
    }

    fn restore_session(&mut self, now: Timestamp, connection: ConnectionId, kept: Attachment) {
        let Attachment::Session {
            sid,
            ping_at,
            expires,
            base64,
            revision,
            memo,
        } = kept
        else {
            return;
        };
        let codec = Codec::new(revision, base64);
        let transport = Transport::WebSocket(WebSocket { connection, codec });
        let heartbeat = Heartbeat::resume(ping_at.max(now), expires, revision);
        let queue = Queue::new(&self.queues);
        let mut session = Session::new(sid, transport, codec, heartbeat, queue);
        session.memo = memo;
        session.unsaved = false;
        // If there is a row, memory was lost between the upgrade and the deletion of the row.
        self.remove(sid);
        self.sessions.connections.insert(connection, sid);
        self.sessions.insert(session);
    }

    fn restore_poll(&mut self, now: Timestamp, reply: Reply, kept: Option<&Attachment>) {
        if let Some(&Attachment::Poll {
            sid,
            ping_at,
            expires,
            revision,
        }) = kept
            && let Some(session) = self.sessions.get_mut(sid)
            && let Some(poll @ Poll::Idle) = session.transport.poll()
        {
            *poll = Poll::Parked {
                reply,
                since: Timestamp::default(), // long ago
                saved: true,
            };
            session.heartbeat = Heartbeat::resume(ping_at.max(now), expires, revision);
        } else {
            let revision = match kept {
                Some(Attachment::Poll { revision, .. }) => *revision,
                _ => Revision::default(),
            };
            let codec = Codec::new(revision, true);
            self.respond(reply, codec.noop());
        }
    }

    fn restore_probe(&mut self, connection: ConnectionId, kept: &Attachment) {
        let Attachment::Probe {
            sid,
            probed,
            expires,
            base64,
            revision,
        } = *kept
        else {
            return;
        };
        let codec = Codec::new(revision, base64);
        let socket = WebSocket { connection, codec };
        let farewell = self.farewell(sid);
        if let Some(farewell) = farewell.and_then(|at| self.farewells.get_mut(at)) {
            farewell.left.probe = Some(Probe {
                socket,
                probed,
                expires,
                saved: true,
            });
        } else if let Some(session) = self.sessions.get_mut(sid)
            && session.probe(socket, expires)
        {
            if let Transport::Upgrading { probe, .. } = &mut session.transport {
                probe.probed = probed;
                probe.saved = true;
            }
        } else {
            self.close_stray(connection);
            return;
        }
        self.sessions.connections.insert(connection, sid);
    }

    /// Restores polling sessions without a parked poll. The client has vanished, or its request was
    /// lost with the object's memory. It gets one more `pingTimeout` to return. A further loss of memory
    /// does not restart that time.
    fn restore_orphans(&mut self, now: Timestamp) {
        let expires = now + self.config.ping_timeout;
        for session in self.sessions.iter_mut() {
            if matches!(session.transport, Transport::Polling(Poll::Idle)) && !session.orphan {
                session.heartbeat.expires = expires;
                session.orphan = true;
                session.unsaved = true;
            }
        }
    }
}
