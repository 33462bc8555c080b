//! Packets that wait for a poll, or for the end of an upgrade.
//!
//! All queues of an engine share one limit. Queued packets cost memory and storage, and clients
//! decide how many queues exist.

use std::cell::Cell;
use std::ops::Deref;
use std::rc::Rc;

use super::packet::ServerPacket;
use super::{CloseReason, Engine};

/// The totals of all queues of an engine.
#[derive(Debug, Default)]
pub(super) struct Queues {
    bytes: Cell<usize>,
    /// How many packets were ever queued.
    count: Cell<u64>,
}

impl Queues {
    /// How many bytes are queued.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.get()
    }
}

/// The queue of one session.
#[derive(Debug)]
pub(super) struct Queue {
    packets: Vec<ServerPacket>,
    bytes: usize,
    since: u64,
    all: Rc<Queues>,
}

impl Queue {
    /// An empty queue that counts towards `all`.
    pub(super) fn new(all: &Rc<Queues>) -> Self {
        Self {
            packets: Vec::new(),
            bytes: 0,
            since: 0,
            all: Rc::clone(all),
        }
    }

    /// How many bytes are queued.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The number of the first packet, counted over all queues: the lowest number has waited
    /// longest.
    pub(super) fn since(&self) -> u64 {
        self.since
    }

    pub(super) fn push(&mut self, packet: ServerPacket) {
        let count = self.all.count.get().saturating_add(1);
        self.all.count.set(count);
        if self.packets.is_empty() {
            self.since = count;
        }
        let size = packet.size();
        self.bytes = self.bytes.saturating_add(size);
        self.all
            .bytes
            .set(self.all.bytes.get().saturating_add(size));
        self.packets.push(packet);
    }

    /// Takes all packets, for delivery.
    pub(super) fn take(&mut self) -> Vec<ServerPacket> {
        let bytes = std::mem::take(&mut self.bytes);
        self.all
            .bytes
            .set(self.all.bytes.get().saturating_sub(bytes));
        std::mem::take(&mut self.packets)
    }
}

impl Deref for Queue {
    type Target = [ServerPacket];

    fn deref(&self) -> &[ServerPacket] {
        &self.packets
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.take();
    }
}

impl Engine {
    /// While the queues exceed their common limit, closes the session with the oldest queued
    /// packet. Its client has stopped polling, or polls more slowly than all others.
    pub(super) fn bound_queues(&mut self) {
        while self.queues.bytes() > self.config.max_queued_in_all {
            let overdue = self.sessions.iter_mut().filter_map(|session| {
                let is_overdue = session.is_overdue();
                is_overdue.then(|| (session.queue.since(), session.sid))
            });
            let Some((_, sid)) = overdue.min() else {
                return; // parked polls take the rest at the end of this turn
            };
            self.fail(sid, CloseReason::TransportError);
        }
    }
}
