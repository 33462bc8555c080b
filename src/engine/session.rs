//! A session: one client, whatever transport carries it.

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

/// How long a poll that comes after `2probe` may wait for the `5` that may be on its way on another
/// connection.
const UPGRADE_HOLD: Duration = Duration::from_millis(100);

/// By how much a poll may have overtaken `2probe` and a `5` right behind it. A stock client's came at
/// least a round trip before, and it sends no `5` until that poll returned.
const OVERTAKING: Duration = Duration::from_millis(20);

pub(super) struct Session {
    pub(super) sid: Sid,
    pub(super) transport: Transport,
    /// How its polls are answered, and which revision it speaks.
    pub(super) codec: Codec,
    /// Whose it is, if its id does not prove that.
    pub(super) owner: Option<Box<Owner>>,
    pub(super) heartbeat: Heartbeat,
    /// Packets that wait for a poll, or for the upgrade.
    pub(super) queue: Queue,
    /// What the layer above wants to find again after memory was lost.
    pub(super) memo: Option<Box<RawValue>>,
    /// Whether what is kept of this session is out of date.
    pub(super) unsaved: bool,
    /// What is stored of it.
    pub(super) stored: Stored,
    /// Whether it was found without a poll after memory was lost, and nothing came since.
    pub(super) orphan: bool,
    /// Whether its poll, timer or record may have to follow this turn's changes.
    pub(super) touched: bool,
    /// The deadline for which a timer is set.
    pub(super) armed: Option<Timestamp>,
    /// The parked poll by which it can be found.
    pub(super) listed: Option<RequestId>,
}

/// What is stored of a polling session.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stored {
    /// Its row.
    pub(super) row: bool,
    /// That many packets of the queue, from its head.
    pub(super) packets: usize,
    /// That many packets, of which those beyond the queue are delivered.
    pub(super) stale: usize,
}

/// What became of a session's input.
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

    /// The next deadline of the heartbeat. Upgrades have no timer: one that takes too long is given up
    /// when the client sends something, or is pinged.
    pub(super) fn deadline(&self) -> Timestamp {
        self.heartbeat.ping_at.min(self.heartbeat.expires)
    }

    /// Sends now, or queues.
    pub(super) fn send(&mut self, packet: ServerPacket, out: &mut Vec<Output>) {
        match self.transport {
            Transport::WebSocket(WebSocket { connection, codec }) => {
                out.push(Output::Send(connection, codec.write_frame(&packet)));
            }
            Transport::Polling(_) | Transport::Upgrading { .. } => self.queue.push(packet),
        }
    }

    /// Whether one more packet of this size would exceed the `limit` of the queue while no poll is
    /// parked. A single packet always fits.
    pub(super) fn overflows(&mut self, size: usize, limit: usize) -> bool {
        self.is_overdue() && self.queue.bytes().saturating_add(size) > limit
    }

    /// Whether packets wait, and no poll is parked that takes them.
    pub(super) fn is_overdue(&mut self) -> bool {
        let poll = self.transport.poll();
        !self.queue.is_empty() && poll.is_some_and(|poll| poll.request().is_none())
    }

    /// Whether a request that names it is its client's, as far as that can be told.
    pub(super) fn admits(&mut self, request: &Request) -> bool {
        if self.codec.revision == Revision::Four {
            return true; // nobody else knows its id
        }
        if matches!(self.transport, Transport::WebSocket(_)) {
            return request.upgrade; // which is closed
        }
        let Some(owner) = self.owner.as_mut().filter(|owner| owner.admits(request)) else {
            return false;
        };
        self.unsaved |= owner.note(request);
        true
    }

    /// The client came back, if it was missed.
    pub(super) fn adopt(&mut self, now: Timestamp, config: &Config) {
        if std::mem::take(&mut self.orphan) {
            self.heartbeat = Heartbeat::start(now, config, self.codec.revision);
            self.unsaved = true;
        }
    }

    /// A GET arrived: answers it with what waits, or parks it.
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

    /// Answers a parked poll, if anything waits for it.
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

    /// Answers a parked poll with what waits or, failing that, a noop.
    pub(super) fn release(&mut self, out: &mut Vec<Output>) {
        self.flush(out);
        if let Some(reply) = self.transport.poll().and_then(Poll::take) {
            out.push(Output::Respond(reply, self.codec.noop()));
        }
    }

    /// A WebSocket opened for this session. `false` if it has one already.
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

    /// A frame arrived on the WebSocket that is being probed.
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
                    // Beyond the spec: this poll may have been sent when polling was over.
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
                    // Beyond the spec: a client that upgrades has no poll left; whoever sent this
                    // one learns that polling is over.
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

    /// Gives an upgrade up; polling goes on.
    pub(super) fn abandon_probe(&mut self, out: &mut Vec<Output>) {
        if let Some(probe) = self.forget_probe() {
            out.push(Output::Close(probe, None));
        }
    }

    /// Gives an upgrade up that takes too long.
    pub(super) fn expire_probe(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        if matches!(&self.transport, Transport::Upgrading { probe, .. } if probe.expires <= now) {
            self.abandon_probe(out);
        }
    }

    /// An upgrade ended by the loss of its WebSocket, which is returned.
    pub(super) fn forget_probe(&mut self) -> Option<ConnectionId> {
        let Transport::Upgrading { poll, probe } = &mut self.transport else {
            return None;
        };
        let connection = probe.socket.connection;
        self.transport = Transport::Polling(std::mem::replace(poll, Poll::Idle));
        Some(connection)
    }

    /// What is due: gives up an upgrade, pings.
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

    /// A pong arrived, or a ping, which is answered.
    pub(super) fn beat(&mut self, now: Timestamp, config: &Config, out: &mut Vec<Output>) {
        self.heartbeat.beat(now, config, self.codec.revision);
        self.heartbeat_moved();
        if self.codec.revision == Revision::Three {
            self.send(ServerPacket::Pong, out);
        }
    }

    /// What is kept of the heartbeat is out of date.
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

    /// Ends the session by the server's will. Returns what is left for the client: with a WebSocket if
    /// the client is about to upgrade to it.
    pub(super) fn close(mut self, out: &mut Vec<Output>) -> Left {
        // Between `3probe` and `5` the client has paused its polling: what is left goes behind the `5`.
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

    /// Ends the session: its connections are closed, a parked poll is answered. Returns what the next
    /// polls are to get, if the client polls.
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
            // Beyond the spec: a client acts on a packet of Socket.IO later than on the close
            // behind it, and would take a DISCONNECT for a lost connection.
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

/// What an ended session leaves for its client.
pub(super) struct Left {
    /// The next answers, as they are stored.
    pub(super) bodies: VecDeque<String>,
    /// The WebSocket to which the client is about to upgrade.
    pub(super) probe: Option<Probe>,
    pub(super) codec: Codec,
    pub(super) owner: Option<Box<Owner>>,
}
