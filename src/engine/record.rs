//! What is kept of the sessions where it outlives memory.
//!
//! A session on a WebSocket rides in its attachment. A polling session has no socket that lasts, so
//! it is a stored row; the heartbeat, which moves often, rides in the attachment of its parked poll.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Engine;
use super::heartbeat::Heartbeat;
use super::packet::{ClientPacket, ServerPacket};
use super::session::Session;
use super::sid::Sid;
use super::transport::{Poll, Transport, WebSocket};
use crate::io::{ConnectionId, Record, Reply, Survivors};
use crate::time::Timestamp;

const PREFIX: &str = "session/";

/// What is attached to a connection or to a parked poll.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Attachment {
    /// The WebSocket that carries a session.
    Session {
        sid: Sid,
        ping_at: Timestamp,
        expires: Timestamp,
        base64: bool,
        memo: Option<Box<RawValue>>,
    },
    /// A WebSocket being probed.
    Probe {
        sid: Sid,
        probed: bool,
        expires: Timestamp,
        base64: bool,
    },
    /// A parked poll.
    Poll {
        sid: Sid,
        ping_at: Timestamp,
        expires: Timestamp,
    },
}

/// The row of a polling session.
#[derive(Serialize, Deserialize)]
struct Row {
    sid: Sid,
    /// When it expires, if it was found without a poll after memory was lost.
    expires: Option<Timestamp>,
    memo: Option<Box<RawValue>>,
}

fn key(sid: Sid) -> String {
    format!("{PREFIX}{}", sid.reveal())
}

/// The row of a packet that waits for a poll. It sorts behind its session's, in the queue's order.
fn packet_key(sid: Sid, position: usize) -> String {
    format!("{}/{position:06}", key(sid))
}

fn text(value: &impl Serialize) -> String {
    // Records are structs of strings and numbers, which always serialize.
    serde_json::to_string(value).unwrap_or_default()
}

fn attached(connection: ConnectionId, attachment: &Attachment) -> Record {
    Record::Attached(connection, text(attachment))
}

impl Session {
    /// Brings what is kept of the session up to date.
    pub(super) fn save(&mut self, saves: &mut Vec<Record>) {
        if let Transport::WebSocket(WebSocket { connection, base64 }) = self.transport {
            if std::mem::take(&mut self.unsaved) {
                let attachment = Attachment::Session {
                    sid: self.sid,
                    ping_at: self.heartbeat.ping_at,
                    expires: self.heartbeat.expires,
                    base64,
                    memo: self.memo.clone(),
                };
                saves.push(attached(connection, &attachment));
            }
            self.forget(saves);
            return;
        }
        if std::mem::take(&mut self.unsaved) {
            self.stored.row = true;
            saves.push(self.row());
        }
        self.save_queue(saves);
        self.save_probe(saves);
        self.save_poll(saves);
    }

    /// Deletes the rows of a session that is over, or has become a WebSocket's.
    pub(super) fn forget(&mut self, saves: &mut Vec<Record>) {
        let stored = std::mem::take(&mut self.stored);
        if stored.row {
            saves.push(Record::Deleted { key: key(self.sid) });
        }
        for position in 0..stored.packets.max(stored.stale) {
            let key = packet_key(self.sid, position);
            saves.push(Record::Deleted { key });
        }
    }

    fn save_queue(&mut self, saves: &mut Vec<Record>) {
        let packets = self.queue.iter().enumerate().skip(self.stored.packets);
        saves.extend(packets.map(|(position, packet)| {
            let mut value = String::new();
            packet.write(&mut value);
            let key = packet_key(self.sid, position);
            Record::Stored { key, value }
        }));
        self.stored.packets = self.queue.len();
        let stale = self.stored.packets..std::mem::take(&mut self.stored.stale);
        saves.extend(stale.map(|position| Record::Deleted {
            key: packet_key(self.sid, position),
        }));
    }

    fn save_probe(&mut self, saves: &mut Vec<Record>) {
        let Transport::Upgrading { probe, .. } = &mut self.transport else {
            return;
        };
        if !std::mem::replace(&mut probe.saved, true) {
            let attachment = Attachment::Probe {
                sid: self.sid,
                probed: probe.probed,
                expires: probe.expires,
                base64: probe.socket.base64,
            };
            saves.push(attached(probe.socket.connection, &attachment));
        }
    }

    fn save_poll(&mut self, saves: &mut Vec<Record>) {
        if let Some(Poll::Parked { reply, saved, .. }) = self.transport.poll()
            && !std::mem::replace(saved, true)
        {
            let request = reply.request();
            let attachment = Attachment::Poll {
                sid: self.sid,
                ping_at: self.heartbeat.ping_at,
                expires: self.heartbeat.expires,
            };
            saves.push(attached(request.into(), &attachment));
        }
    }

    fn row(&self) -> Record {
        Record::Stored {
            key: key(self.sid),
            value: text(&Row {
                sid: self.sid,
                expires: self.orphan.then_some(self.heartbeat.expires),
                memo: self.memo.clone(),
            }),
        }
    }
}

impl Engine {
    /// Rebuilds the sessions from what outlived memory. What cannot be read is closed or dropped.
    pub fn restore(&mut self, now: Timestamp, survivors: Survivors) {
        self.restore_rows(now);
        let (mut sessions, mut probes) = (Vec::new(), Vec::new());
        for (connection, attachment) in survivors.connections {
            match serde_json::from_str(&attachment) {
                Ok(session @ Attachment::Session { .. }) => sessions.push((connection, session)),
                Ok(probe @ Attachment::Probe { .. }) => probes.push((connection, probe)),
                Ok(Attachment::Poll { .. }) | Err(_) => self.close_stray(connection),
            }
        }
        for (connection, attachment) in sessions {
            self.restore_session(now, connection, attachment);
        }
        for (reply, attachment) in survivors.requests {
            self.restore_poll(now, reply, &attachment);
        }
        for (connection, attachment) in probes {
            self.restore_probe(connection, &attachment);
        }
        self.restore_orphans(now);
    }

    fn restore_rows(&mut self, now: Timestamp) {
        for (key, value) in self.platform.load(PREFIX) {
            let restored = match key.strip_prefix(PREFIX).and_then(|key| key.split_once('/')) {
                Some((sid, _)) => self.restore_packet(sid, &value),
                None => self.restore_row(now, &value),
            };
            if restored.is_none() {
                self.saves.push(Record::Deleted { key });
            }
        }
    }

    fn restore_row(&mut self, now: Timestamp, value: &str) -> Option<()> {
        let row: Row = serde_json::from_str(value).ok()?;
        let mut heartbeat = Heartbeat::start(now, &self.config);
        heartbeat.expires = row.expires.unwrap_or(heartbeat.expires);
        heartbeat.ping_at = now;
        let mut session = Session::new(row.sid, Transport::Polling(Poll::Idle), heartbeat);
        session.memo = row.memo;
        session.unsaved = false;
        session.stored.row = true;
        session.orphan = row.expires.is_some();
        self.insert(session);
        Some(())
    }

    fn restore_packet(&mut self, sid: &str, value: &str) -> Option<()> {
        let session = self.sessions.get_mut(&Sid::parse(sid)?)?;
        if let Ok(ClientPacket::Message(message)) = ClientPacket::parse(&value.into()) {
            session.send(ServerPacket::Message(message), &mut self.out);
        }
        // What is stored may hold pings too: it is written anew.
        session.stored.stale = session.stored.stale.saturating_add(1);
        Some(())
    }

    fn restore_session(&mut self, now: Timestamp, connection: ConnectionId, kept: Attachment) {
        let Attachment::Session {
            sid,
            ping_at,
            expires,
            base64,
            memo,
        } = kept
        else {
            return;
        };
        let transport = Transport::WebSocket(WebSocket { connection, base64 });
        let heartbeat = Heartbeat::resume(ping_at.max(now), expires);
        let mut session = Session::new(sid, transport, heartbeat);
        session.memo = memo;
        session.unsaved = false;
        // A row is left if memory was lost between the upgrade and the deletion.
        self.remove(sid);
        self.connections.insert(connection, sid);
        self.insert(session);
    }

    fn restore_poll(&mut self, now: Timestamp, reply: Reply, attachment: &str) {
        let kept = serde_json::from_str(attachment);
        if let Ok(Attachment::Poll {
            sid,
            ping_at,
            expires,
        }) = kept
            && let Some(session) = self.sessions.get_mut(&sid)
            && let Some(poll @ Poll::Idle) = session.transport.poll()
        {
            *poll = Poll::Parked {
                reply,
                since: Timestamp::default(), // long ago
                saved: true,
            };
            session.heartbeat = Heartbeat::resume(ping_at.max(now), expires);
        } else {
            let body = super::payload::encode(&[ServerPacket::Noop]);
            self.respond(reply, super::session::packets(body));
        }
    }

    fn restore_probe(&mut self, connection: ConnectionId, kept: &Attachment) {
        if let Attachment::Probe {
            sid,
            probed,
            expires,
            base64,
        } = *kept
            && let Some(session) = self.sessions.get_mut(&sid)
            && session.probe(WebSocket { connection, base64 }, expires)
        {
            if let Transport::Upgrading { probe, .. } = &mut session.transport {
                probe.probed = probed;
                probe.saved = true;
            }
            self.connections.insert(connection, sid);
        } else {
            self.close_stray(connection);
        }
    }

    /// A polling session without a poll is a client that is gone, or one that lost its object in
    /// mid-request: it gets one more `pingTimeout`, counted across further losses of memory.
    fn restore_orphans(&mut self, now: Timestamp) {
        let expires = now + self.config.ping_timeout;
        for session in self.sessions.values_mut() {
            if matches!(session.transport, Transport::Polling(Poll::Idle)) && !session.orphan {
                session.heartbeat.expires = expires;
                session.orphan = true;
                session.unsaved = true;
            }
        }
    }
}
