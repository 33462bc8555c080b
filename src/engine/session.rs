//! A session: one client on any transport.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::value::RawValue;

use super::close::CloseReason;
use super::heartbeat::Heartbeat;
use super::owner::Owner;
use super::packet::{ProbePacket, ServerPacket};
use super::queue::Queue;
use super::rejection::Rejection;
use super::sid::Sid;
use super::transport::{Poll, Probe, Transport, WebSocket};
use super::{Codec, Config, Revision, payload};
use crate::io::{ConnectionId, Data, Output, Reply, Request, RequestId};
use crate::time::Timestamp;

/// How long a poll after `2probe` is held: a `5` may still arrive on the WebSocket.
const UPGRADE_HOLD: Duration = Duration::from_millis(100);

/// A client may send `2probe`, `5` and a poll at once. The poll may then overtake the `2probe`. So
/// a poll that arrived less than this long before the `2probe` is held for this time. A stock
/// client's poll arrives at least one round trip before the probe, and that client sends no `5` until
/// the poll has returned.
const OVERTAKING: Duration = Duration::from_millis(20);

pub(super) struct Session {
    pub(super) sid: Sid,
    pub(super) transport: Transport,
    /// The revision, and how polls are answered.
    pub(super) codec: Codec,
    /// The client that owns the session. Only in revision 3, where the session id is also the public id
    /// of a socket.
    pub(super) owner: Option<Box<Owner>>,
    pub(super) heartbeat: Heartbeat,
    /// Packets that wait for a poll, or for the upgrade.
    pub(super) queue: Queue,
    /// The data that the layer above stores with the session.
    pub(super) memo: Option<Box<RawValue>>,
    /// Whether the stored form is out of date.
    pub(super) unsaved: bool,
    /// What is stored of the session.
    pub(super) stored: Stored,
    /// Whether the session was restored without a parked poll, and its client has sent nothing
    /// since.
    pub(super) orphan: bool,
    /// Whether the session changed in this turn, see [`Engine`](super::Engine).
    pub(super) touched: bool,
    /// The deadline in the engine's list of timers.
    pub(super) armed: Option<Timestamp>,
    /// The parked poll in the engine's list of polls.
    pub(super) listed: Option<RequestId>,
}

/// Which rows of a polling session are stored.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stored {
    /// Whether the session's own row is stored.
    pub(super) row: bool,
    /// How many packets at the head of the queue are stored and up to date.
    pub(super) packets: usize,
    /// How many rows of packets exist, if packets were taken from the queue or restored after the last
    /// save; otherwise 0. The next save deletes those beyond the queue.
    pub(super) stale: usize,
}

/// The result of an input: an error ends the session.
pub(super) type Fate = Result<(), CloseReason>;

impl Session {
    pub(super) fn new(
        sid: Sid,
        transport: Transport,
        codec: Codec,
        heartbeat: Heartbeat,
        queue: Queue,
    ) -> Self {
        Self {
            sid,
            transport,
            codec,
            owner: None,
            heartbeat,
            queue,
            memo: None,
            unsaved: true,
            stored: Stored::default(),
            orphan: false,
            touched: false,
            armed: None,
            listed: None,
        }
    }

    /// The next deadline of the heartbeat. An upgrade has no timer of its own: its timeout is
    /// checked at each request of the client, and at the deadlines of the heartbeat.
    pub(super) fn deadline(&self) -> Timestamp {
        self.heartbeat.ping_at.min(self.heartbeat.expires)
    }

    /// Sends a packet now, or queues it.
    pub(super) fn send(&mut self, packet: ServerPacket, out: &mut Vec<Output>) {
        match self.transport {
            Transport::WebSocket(WebSocket { connection, codec }) => {
                out.push(Output::Send(connection, codec.write_frame(&packet)));
            }
            Transport::Polling(_) | Transport::Upgrading { .. } => self.queue.push(packet),
        }
    }

    /// Whether the queue would exceed `limit` with one more packet of this size, and no poll is
    /// parked. A single packet always fits.
    pub(super) fn overflows(&mut self, size: usize, limit: usize) -> bool {
        self.is_overdue() && self.queue.bytes().saturating_add(size) > limit
    }

    /// Whether packets are queued and no parked poll takes them.
    pub(super) fn is_overdue(&mut self) -> bool {
        let poll = self.transport.poll();
        !self.queue.is_empty() && poll.is_some_and(|poll| poll.request().is_none())
    }

    /// Whether a request with this session's id comes from its client, as far as this can be
    /// checked.
    pub(super) fn admits(&mut self, request: &Request) -> bool {
        if self.codec.revision == Revision::Four {
            return true; // only the client knows the id
        }
        if matches!(self.transport, Transport::WebSocket(_)) {
            return request.upgrade; // the engine closes the second WebSocket
        }
        let Some(owner) = self.owner.as_mut().filter(|owner| owner.admits(request)) else {
            return false;
        };
        self.unsaved |= owner.note(request);
        true
    }

    /// Marks the client as present again after it was missing.
    pub(super) fn adopt(&mut self, now: Timestamp, config: &Config) {
        if std::mem::take(&mut self.orphan) {
            self.heartbeat = Heartbeat::start(now, config, self.codec.revision);
            self.unsaved = true;
        }
    }

    /// Handles a GET: answers it with the queue, or parks it.
    pub(super) fn poll(&mut self, reply: Reply, now: Timestamp, out: &mut Vec<Output>) -> Fate {
        let upgrading =
            matches!(&self.transport, Transport::Upgrading { probe, .. } if probe.probed);
        let Some(poll) = self.transport.poll() else {
            out.push(Output::Respond(reply, Rejection::BadRequest.response()));
            return Ok(());
        };
        if poll.request().is_some() {
            // "a client MUST NOT have more than one active GET request" (v4, HTTP long-polling).
            out.push(Output::Respond(reply, Rejection::Misuse.response()));
            return Err(CloseReason::TransportError);
        }
        let request = reply.request();
        *poll = Poll::Parked {
            reply,
            since: now,
            saved: false,
        };
        self.flush(out);
        if upgrading && self.transport.poll().and_then(|poll| poll.request()) == Some(request) {
            out.push(Output::Hold(request, UPGRADE_HOLD));
        }
        Ok(())
    }

    /// Answers a parked poll if packets are queued.
    pub(super) fn flush(&mut self, out: &mut Vec<Output>) {
        if self.queue.is_empty() {
            return;
        }
        if let Some(reply) = self.transport.poll().and_then(Poll::take) {
            let most = self.codec.max_packets();
            let mut packets = self.take_queue();
            if packets.len() > most {
                for packet in packets.split_off(most) {
                    self.queue.push(packet);
                }
            }
            let mut response = self.codec.answer(&packets);
            response.cookie = self.owner.as_mut().and_then(|owner| owner.set_cookie());
            out.push(Output::Respond(reply, response));
        }
    }

    fn take_queue(&mut self) -> Vec<ServerPacket> {
        self.stored.stale = self.stored.stale.max(self.stored.packets);
        self.stored.packets = 0;
        self.queue.take()
    }

    /// Answers a parked poll with the queue or, if that is empty, with a noop.
    pub(super) fn release(&mut self, out: &mut Vec<Output>) {
        self.flush(out);
        if let Some(reply) = self.transport.poll().and_then(Poll::take) {
            out.push(Output::Respond(reply, self.codec.noop()));
        }
    }

    /// Handles a new WebSocket for this session. Returns `false` if the session already has one.
    pub(super) fn probe(&mut self, socket: WebSocket, expires: Timestamp) -> bool {
        let Transport::Polling(poll) = &mut self.transport else {
            return false;
        };
        self.transport = Transport::Upgrading {
            poll: std::mem::replace(poll, Poll::Idle),
            probe: Probe {
                socket,
                probed: false,
                expires,
                saved: false,
            },
        };
        true
    }

    /// Handles a frame on a WebSocket that is being probed.
    pub(super) fn probed(
        &mut self,
        frame: &Data,
        now: Timestamp,
        config: &Config,
        out: &mut Vec<Output>,
    ) {
        let Transport::Upgrading { poll, probe } = &mut self.transport else {
            return;
        };
        let socket = probe.socket;
        match ProbePacket::from_frame(frame) {
            Some(ProbePacket::Probe) => {
                probe.probed = true;
                probe.saved = false;
                let pong = socket.codec.write_frame(&ServerPacket::ProbePong);
                out.push(Output::Send(socket.connection, pong));
                match *poll {
                    // Beyond the spec: the poll may have overtaken the `2probe`, and a `5` may follow.
                    Poll::Parked {
                        ref reply, since, ..
                    } if now < since + OVERTAKING => {
                        out.push(Output::Hold(reply.request(), OVERTAKING));
                    }
                    _ => self.release(out),
                }
            }
            Some(ProbePacket::Upgrade) => {
                if let Some(reply) = poll.take() {
                    // Beyond the spec: a client that keeps to the spec has no open poll when it
                    // sends `5`. This poll gets an error, because polling has ended.
                    out.push(Output::Respond(reply, Rejection::BadRequest.response()));
                }
                self.transport = Transport::WebSocket(socket);
                self.heartbeat.beat(now, config, self.codec.revision);
                self.unsaved = true;
                for packet in self.take_queue() {
                    self.send(packet, out);
                }
            }
            None => self.abandon_probe(out),
        }
    }

    /// Abandons the upgrade; polling continues.
    pub(super) fn abandon_probe(&mut self, out: &mut Vec<Output>) {
        if let Some(probe) = self.forget_probe() {
            out.push(Output::Close(probe, None));
        }
    }

    /// Abandons an upgrade that takes too long.
    pub(super) fn expire_probe(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        if matches!(&self.transport, Transport::Upgrading { probe, .. } if probe.expires <= now) {
            self.abandon_probe(out);
        }
    }

    /// Ends an upgrade without closing its WebSocket; polling continues. Returns that WebSocket.
    pub(super) fn forget_probe(&mut self) -> Option<ConnectionId> {
        let Transport::Upgrading { poll, probe } = &mut self.transport else {
            return None;
        };
        let connection = probe.socket.connection;
        self.transport = Transport::Polling(std::mem::replace(poll, Poll::Idle));
        Some(connection)
    }

    /// Handles what is due: abandons an expired upgrade, pings.
    pub(super) fn tick(&mut self, now: Timestamp, config: &Config, out: &mut Vec<Output>) -> Fate {
        if self.heartbeat.expires <= now {
            return Err(CloseReason::PingTimeout);
        }
        self.expire_probe(now, out);
        if self.heartbeat.ping_at <= now {
            self.ping(now, config, out);
        }
        Ok(())
    }

    pub(super) fn ping(&mut self, now: Timestamp, config: &Config, out: &mut Vec<Output>) {
        self.heartbeat.pinged(now, config);
        self.heartbeat_moved();
        self.send(ServerPacket::Ping, out);
    }

    /// Handles a pong, or a ping, which it answers.
    pub(super) fn beat(&mut self, now: Timestamp, config: &Config, out: &mut Vec<Output>) {
        self.heartbeat.beat(now, config, self.codec.revision);
        self.heartbeat_moved();
        if self.codec.revision == Revision::Three {
            self.send(ServerPacket::Pong, out);
        }
    }

    /// Marks the stored heartbeat as out of date.
    fn heartbeat_moved(&mut self) {
        match &mut self.transport {
            Transport::WebSocket(_) => self.unsaved = true,
            Transport::Polling(poll) | Transport::Upgrading { poll, .. } => {
                if let Poll::Parked { saved, .. } = poll {
                    *saved = false;
                }
            }
        }
    }

    /// Closes the session on the server's side. Returns what the client still gets, with the
    /// WebSocket if the client is about to upgrade to it.
    pub(super) fn close(mut self, out: &mut Vec<Output>) -> Left {
        // Between `3probe` and `5` the client has paused its polling: it gets the rest after the
        // `5`.
        let probe = match self.transport {
            Transport::Upgrading { probe, .. } if probe.probed => {
                self.forget_probe();
                Some(probe)
            }
            _ => None,
        };
        let left = self.end(&ServerPacket::Close, out);
        Left { probe, ..left }
    }

    /// Ends the session: closes its connections and answers a parked poll. Returns the responses to
    /// the next polls, if the client polls.
    pub(super) fn end(mut self, last: &ServerPacket, out: &mut Vec<Output>) -> Left {
        self.abandon_probe(out);
        let mut left = Left {
            bodies: VecDeque::new(),
            probe: None,
            codec: self.codec,
            owner: self.owner,
        };
        let mut poll = match self.transport {
            Transport::WebSocket(WebSocket { connection, .. }) => {
                out.push(Output::Close(connection, None));
                return left;
            }
            Transport::Polling(poll) | Transport::Upgrading { poll, .. } => poll,
        };
        let reply = poll.take();
        let mut last = vec![last.clone()];
        if last == [ServerPacket::Close] {
            // Beyond the spec: the close packet is sent in an answer of its own, after the queue. If one
            // answer had a DISCONNECT and a close packet, the client would handle the close packet first,
            // and report a lost connection. If a later poll gets the close packet, a noop is in front of it.
            if reply.is_none() || !self.queue.is_empty() {
                last.insert(0, ServerPacket::Noop);
            }
        } else {
            for packet in last.drain(..) {
                self.queue.push(packet);
            }
        }
        let queue = self.queue.chunks(self.codec.max_packets());
        let mut answers = queue.chain((!last.is_empty()).then_some(&*last));
        if let Some(reply) = reply
            && let Some(packets) = answers.next()
        {
            let mut response = self.codec.answer(packets);
            response.cookie = left.owner.as_mut().and_then(|owner| owner.set_cookie());
            out.push(Output::Respond(reply, response));
        }
        left.bodies.extend(answers.map(payload::encode));
        left
    }
}

/// What the client of an ended session still gets.
pub(super) struct Left {
    /// The next responses, in stored form.
    pub(super) bodies: VecDeque<String>,
    /// The WebSocket to which the client is about to upgrade.
    pub(super) probe: Option<Probe>,
    pub(super) codec: Codec,
    pub(super) owner: Option<Box<Owner>>,
}
