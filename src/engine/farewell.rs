//! What an ended session still has to tell its client: whatever transport the client is on, it gets
//! the last packets, such as a DISCONNECT of Socket.IO, before it learns that the session is over.
//!
//! A client that polls gets them from its next polls. One that is between `3probe` and `5` has paused
//! its polling, so it gets them on the WebSocket, behind its `5`.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::packet::ServerPacket;
use super::transport::{Probe, WebSocket};
use super::{Engine, Sid, payload};
use crate::io::{ConnectionId, Data, Output};
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
    /// The bodies of the next polls.
    bodies: VecDeque<String>,
    /// The WebSocket to which the client is about to upgrade.
    pub(super) probe: Option<Probe>,
    until: Timestamp,
    stored: bool,
}

/// As it is stored, under the session's id.
#[derive(Serialize, Deserialize)]
struct Row {
    bodies: VecDeque<String>,
    until: Timestamp,
}

fn key(sid: Sid) -> String {
    [PREFIX, &sid.reveal()].concat()
}

impl Farewell {
    fn bytes(&self) -> usize {
        self.bodies.iter().map(String::len).sum()
    }

    fn save(&self, store: &Store) {
        let row = Row {
            bodies: self.bodies.clone(),
            until: self.until,
        };
        store.put_json(key(self.sid), &row);
    }
}

impl Engine {
    /// Leaves `bodies` for the client of an ended session. With `probe`, the client is about to
    /// upgrade to it.
    pub(super) fn leave_farewell(
        &mut self,
        now: Timestamp,
        sid: Sid,
        bodies: VecDeque<String>,
        probe: Option<Probe>,
        within: Duration,
    ) {
        self.forget_farewells(now);
        if bodies.is_empty() {
            if let Some(Probe { socket, .. }) = probe {
                self.close_farewell_connection(socket.connection);
            }
            return;
        }
        let farewell = Farewell {
            sid,
            bodies,
            probe,
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

    /// The body for the next poll of an ended session.
    pub(super) fn take_farewell(&mut self, sid: Sid) -> Option<String> {
        let at = self.farewell(sid)?;
        self.close_farewell_probe(at); // its client polls, so it gave the upgrade up
        let farewell = self.farewells.get_mut(at)?;
        let body = farewell.bodies.pop_front();
        if farewell.bodies.is_empty() {
            self.end_farewell(at);
        } else if farewell.stored {
            farewell.save(&self.store);
        }
        body
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
            && let Some(Probe { socket, .. }) = farewell.probe
        {
            let WebSocket { connection, base64 } = socket;
            let messages = farewell
                .bodies
                .iter()
                .flat_map(|body| payload::unpack(body));
            let frames = messages.map(|message| ServerPacket::Message(message).to_frame(base64));
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
            farewell.probe = None;
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
        let lasting = lasting.filter(|f| f.stored || f.probe.is_some());
        lasting.map(|f| f.until + Duration::from_millis(1)).min()
    }

    fn close_farewell_probe(&mut self, at: usize) {
        let farewell = self.farewells.get_mut(at);
        if let Some(probe) = farewell.and_then(|farewell| farewell.probe.take()) {
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
            if let Some(Row { bodies, until }) = self.store.read(&key, &value) {
                self.farewells.push(Farewell {
                    sid,
                    bodies,
                    probe: None,
                    until,
                    stored: true,
                });
            }
        }
    }
}
