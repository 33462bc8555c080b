//! What an ended session still has to tell its client: whatever transport the client is on, it gets
//! the last packets, such as a DISCONNECT of Socket.IO, before it learns that the session is over.
//!
//! A client that polls gets them from its next polls. One that is between `3probe` and `5` has paused
//! its polling, so it gets them on the WebSocket, behind its `5`.

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

/// How long the client may take to fetch what is left for it, if the server ended the session.
pub(super) const ORDERLY_CLOSE: Duration = Duration::from_secs(30);

/// How long the poll may take that raced the client's own close.
pub(super) const CLOSE_RACE: Duration = Duration::from_millis(100);

/// The most bytes that wait in all farewells together; beyond it the oldest are forgotten.
const MAX_BYTES: usize = 1_048_576;

/// The most farewells at a time; beyond it the oldest are forgotten.
const MAX_COUNT: usize = 256;

/// What an ended session leaves.
pub(super) struct Farewell {
    sid: Sid,
    pub(super) left: Left,
    until: Timestamp,
    stored: bool,
}

/// As it is stored, under the session's id.
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
    /// Keeps what is left for the client of an ended session.
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

    /// The farewell of an ended session.
    pub(super) fn farewell(&self, sid: Sid) -> Option<usize> {
        let mut farewells = self.farewells.iter();
        farewells.position(|farewell| farewell.sid == sid)
    }

    /// Whether an ended session still has something to say to this poll.
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

    /// The answer to the next poll of an ended session.
    pub(super) fn take_farewell(&mut self, sid: Sid) -> Option<Response> {
        let at = self.farewell(sid)?;
        self.close_farewell_probe(at); // its client polls, so it gave the upgrade up
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

    /// A frame arrived on the WebSocket of an ended session: with `5`, all that is left goes out on
    /// it. In any case it is closed.
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

    /// The WebSocket of an ended session is gone.
    pub(super) fn forget_farewell_probe(&mut self, sid: Sid) {
        if let Some(at) = self.farewell(sid)
            && let Some(farewell) = self.farewells.get_mut(at)
        {
            farewell.left.probe = None;
        }
    }

    /// The farewells that nobody fetched in time.
    pub(super) fn forget_farewells(&mut self, now: Timestamp) {
        while let Some(at) = self.farewells.iter().position(|f| f.until < now) {
            self.end_farewell(at);
        }
    }

    pub(super) fn has_stored_farewell(&self) -> bool {
        self.farewells.iter().any(|farewell| farewell.stored)
    }

    /// When the first farewell ends that is stored or has a WebSocket.
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
        self.connections.remove(&connection);
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

    /// Reads the farewells from their rows.
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
