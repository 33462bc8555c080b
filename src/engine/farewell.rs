//! The last packets of an ended session, such as a DISCONNECT of Socket.IO. The client gets them on
//! any transport before it learns that the session has ended.
//!
//! A polling client gets them from its next polls. A client between `3probe` and `5` has paused its
//! polling, so it gets them on the WebSocket, after its `5`.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::codec::is_default;
use super::owner::Owner;
use super::packet::ServerPacket;
use super::session::Left;
use super::transport::{Probe, WebSocket};
use super::{Codec, Engine, Sid, payload};
use crate::io::{ConnectionId, Data, Method, Output, Request, Response};
use crate::store::Store;
use crate::time::Timestamp;

const PREFIX: &str = "farewell/";

/// How long a client may take to fetch its last packets if the server closed the session.
pub(super) const ORDERLY_CLOSE: Duration = Duration::from_secs(30);

/// The same, if the client closed the session: its last poll may arrive after the close packet.
pub(super) const CLOSE_RACE: Duration = Duration::from_millis(100);

/// The maximum size of all farewells together, in bytes. Beyond it the oldest are dropped.
const MAX_BYTES: usize = 1_048_576;

/// The maximum number of farewells. Beyond it the oldest are dropped.
const MAX_COUNT: usize = 256;

/// The last packets of one ended session.
pub(super) struct Farewell {
    sid: Sid,
    pub(super) left: Left,
    until: Timestamp,
    stored: bool,
}

/// The stored form. Its key is the session's id.
#[derive(Serialize, Deserialize)]
struct Row {
    bodies: VecDeque<String>,
    until: Timestamp,
    #[serde(default, skip_serializing_if = "is_default")]
    codec: Codec,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<Box<Owner>>,
}

fn key(sid: Sid) -> String {
    [PREFIX, &sid.reveal()].concat()
}

impl Farewell {
    fn bytes(&self) -> usize {
        self.left.bodies.iter().map(String::len).sum()
    }

    fn save(&self, store: &Store) {
        let row = Row {
            bodies: self.left.bodies.clone(),
            until: self.until,
            codec: self.left.codec,
            owner: self.left.owner.clone(),
        };
        store.put_json(key(self.sid), &row);
    }
}

impl Engine {
    /// Keeps the last packets of an ended session.
    pub(super) fn leave_farewell(
        &mut self,
        now: Timestamp,
        sid: Sid,
        left: Left,
        within: Duration,
    ) {
        self.forget_farewells(now);
        if left.bodies.is_empty() {
            if let Some(Probe { socket, .. }) = left.probe {
                self.close_farewell_connection(socket.connection);
            }
            return;
        }
        let farewell = Farewell {
            sid,
            left,
            until: now + within,
            stored: within == ORDERLY_CLOSE,
        };
        if farewell.stored {
            farewell.save(&self.store);
        }
        self.farewells.push(farewell);
        while self.farewells.len() > MAX_COUNT
            || self.farewells.iter().map(Farewell::bytes).sum::<usize>() > MAX_BYTES
        {
            self.end_farewell(0);
        }
    }

    /// The index of an ended session's farewell.
    pub(super) fn farewell(&self, sid: Sid) -> Option<usize> {
        let mut farewells = self.farewells.iter();
        farewells.position(|farewell| farewell.sid == sid)
    }

    /// Whether an ended session has packets for this poll.
    pub(super) fn has_farewell(&mut self, now: Timestamp, request: &Request, sid: Sid) -> bool {
        self.forget_farewells(now);
        let farewell = self.farewell(sid).and_then(|at| self.farewells.get(at));
        request.method == Method::Get
            && !request.upgrade
            && farewell.is_some_and(|farewell| {
                let owner = farewell.left.owner.as_ref();
                owner.is_none_or(|owner| owner.admits(request))
            })
    }

    /// The response to the next poll of an ended session.
    pub(super) fn take_farewell(&mut self, sid: Sid) -> Option<Response> {
        let at = self.farewell(sid)?;
        self.close_farewell_probe(at); // the client polls, so it abandoned the upgrade
        let farewell = self.farewells.get_mut(at)?;
        let body = farewell.left.bodies.pop_front();
        let codec = farewell.left.codec;
        if farewell.left.bodies.is_empty() {
            self.end_farewell(at);
        } else if farewell.stored {
            farewell.save(&self.store);
        }
        body.map(|body| codec.answer(&payload::unpack_packets(&body)))
    }

    /// Handles a frame on the WebSocket of an ended session. After `5`, all last packets are sent
    /// on the WebSocket. It is closed in any case.
    pub(super) fn upgrade_farewell(&mut self, sid: Sid, frame: &Data) {
        let Some(at) = self.farewell(sid) else {
            return;
        };
        if let Data::Text(text) = frame
            && **text == *"5"
            && let Some(farewell) = self.farewells.get_mut(at)
            && let Some(Probe { socket, .. }) = farewell.left.probe
        {
            let WebSocket { connection, codec } = socket;
            let bodies = farewell.left.bodies.iter();
            let messages = bodies.flat_map(|body| payload::unpack(body));
            let frames = messages.map(|message| codec.write_frame(&ServerPacket::Message(message)));
            self.out
                .extend(frames.map(|frame| Output::Send(connection, frame)));
            self.end_farewell(at);
        } else {
            self.close_farewell_probe(at);
        }
    }

    /// Handles the disconnection of an ended session's WebSocket.
    pub(super) fn forget_farewell_probe(&mut self, sid: Sid) {
        if let Some(at) = self.farewell(sid)
            && let Some(farewell) = self.farewells.get_mut(at)
        {
            farewell.left.probe = None;
        }
    }

    /// Drops the expired farewells.
    pub(super) fn forget_farewells(&mut self, now: Timestamp) {
        while let Some(at) = self.farewells.iter().position(|f| f.until < now) {
            self.end_farewell(at);
        }
    }

    pub(super) fn has_stored_farewell(&self) -> bool {
        self.farewells.iter().any(|farewell| farewell.stored)
    }

    /// The first deadline of the farewells that are stored or have a WebSocket.
    pub(super) fn farewell_deadline(&self) -> Option<Timestamp> {
        let lasting = self.farewells.iter();
        let lasting = lasting.filter(|f| f.stored || f.left.probe.is_some());
        lasting.map(|f| f.until + Duration::from_millis(1)).min()
    }

    fn close_farewell_probe(&mut self, at: usize) {
        let farewell = self.farewells.get_mut(at);
        if let Some(probe) = farewell.and_then(|farewell| farewell.left.probe.take()) {
            self.close_farewell_connection(probe.socket.connection);
        }
    }

    fn close_farewell_connection(&mut self, connection: ConnectionId) {
        self.sessions.connections.remove(&connection);
        self.out.push(Output::Close(connection, None));
    }

    fn end_farewell(&mut self, at: usize) {
        self.close_farewell_probe(at);
        if at < self.farewells.len() {
            let farewell = self.farewells.remove(at);
            if farewell.stored {
                self.store.delete(key(farewell.sid));
            }
        }
    }

    /// Reads the farewells from storage.
    pub(super) fn restore_farewells(&mut self) {
        for (key, value) in self.store.load(PREFIX) {
            let Some(sid) = key.strip_prefix(PREFIX).and_then(Sid::parse) else {
                self.store.damaged(&key, "its key has no session id");
                continue;
            };
            if let Some(row) = self.store.read::<Row>(&key, &value) {
                self.farewells.push(Farewell {
                    sid,
                    left: Left {
                        bodies: row.bodies,
                        probe: None,
                        codec: row.codec,
                        owner: row.owner,
                    },
                    until: row.until,
                    stored: true,
                });
            }
        }
    }
}
