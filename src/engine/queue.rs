//! Packets that wait for a poll, or for the upgrade.
//!
//! All queues of an engine have one bound together. What waits in them costs memory and storage, and
//! clients decide how many queues there are.

use std::cell::Cell;
use std::ops::Deref;
use std::rc::Rc;

use super::packet::ServerPacket;
use super::{CloseReason, Engine};

/// What waits in all queues of an engine.
#[derive(Debug, Default)]
pub(super) struct Queues {
    bytes: Cell<usize>,
    /// How many packets were ever queued.
    count: Cell<u64>,
}

impl Queues {
    /// How many bytes wait.
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
    /// An empty queue, which counts among `all`.
    pub(super) fn new(all: &Rc<Queues>) -> Self {
        Self {
            packets: Vec::new(),
            bytes: 0,
            since: 0,
            all: Rc::clone(all),
        }
    }

    /// How many bytes wait in it.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The number of its first packet among all that were queued: the lowest has waited longest.
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

    /// All packets, which are delivered now.
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
    /// While more waits for polls than may, ends the session whose packets have waited longest. Its
    /// client has stopped polling, or is the slowest of all.
    pub(super) fn bound_queues(&mut self) {
        while self.queues.bytes() > self.config.max_queued_in_all {
            let overdue = self.sessions.values_mut().filter_map(|session| {
                let is_overdue = session.is_overdue();
                is_overdue.then(|| (session.queue.since(), session.sid))
            });
            let Some((_, sid)) = overdue.min() else {
                return; // polls take the rest with this turn
            };
            self.fail(sid, CloseReason::TransportError);
        }
    }
}
