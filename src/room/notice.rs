//! Reports of the room to the operator's server (webhooks) and to the index of rooms.

use super::Room;
use super::contract::Message;
use super::member::Member;
use crate::io::Answer;
use crate::socket::{Command, Json, Object, SocketId};
use crate::time::Timestamp;

impl Room {
    /// Reports that a peer joined.
    pub(super) fn tell_join(&mut self, now: Timestamp, id: SocketId) {
        let member = self.members.get(id);
        let peer = Object::new()
            .with("id", &id)
            .with("name", &member.and_then(Member::name))
            .maybe("sub", member.and_then(Member::subject));
        self.tell(now, "join", peer, None);
    }

    /// Reports that a peer left for this reason.
    pub(super) fn tell_leave(&mut self, now: Timestamp, id: SocketId, reason: &str) {
        self.tell(now, "leave", Object::new().with("id", &id), Some(reason));
    }

    fn tell(&mut self, now: Timestamp, event: &str, peer: Object, reason: Option<&str>) {
        let peers = self.peers().count();
        let room = self.name.as_str();
        self.deliveries.push(now, room, event, |event| {
            let event = event.with_json("peer", &peer.json());
            event.maybe("reason", reason).with("peers", &peers)
        });
    }

    /// Reports a chat message, if the operator's server wants these. The caller must not pass a private one.
    pub(super) fn tell_chat(&mut self, now: Timestamp, message: &Message) {
        if self.deliveries.wants_chat() {
            let message = Json::of(message);
            let room = self.name.as_str();
            self.deliveries.push(now, room, "chat", |event| {
                event.with_json("message", &message)
            });
        }
    }

    /// Tells the operator's server and the index what changed. Repeats what they have not accepted.
    pub(super) fn tell_changes(&mut self, now: Timestamp, out: &mut Vec<Command>) {
        if !self.deliveries.is_on() && !self.listing.is_on() {
            return; // counting the peers is unnecessary
        }
        let (host, peers) = (self.host(), self.peers().count());
        let room = self.name.as_str();
        self.deliveries.settle(now, room, host, peers);
        out.extend(self.deliveries.next(now).map(Command::Post));
        out.extend(self.listing.next(now, room, peers).map(Command::Post));
        let dropped = self.deliveries.take_dropped();
        if dropped > 0 {
            let reason = format!("{dropped} events were dropped");
            self.log(now, "webhook", None, None, Some(&reason));
        }
        self.deliveries.save();
        self.listing.save();
    }

    /// The operator's server answered, or the request failed.
    pub(super) fn delivered(
        &mut self,
        now: Timestamp,
        number: u64,
        answer: Result<Answer, String>,
    ) {
        if let Some(reason) = self.deliveries.answered(now, number, answer) {
            self.log(now, "webhook", None, None, Some(&reason));
        }
    }
}
