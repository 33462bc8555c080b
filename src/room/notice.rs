//! What the operator's server is told of the room.

use super::Room;
use super::contract::Message;
use super::member::Member;
use crate::io::Answer;
use crate::socket::{Command, Json, Object, SocketId};
use crate::time::Timestamp;

impl Room {
    /// A peer joined.
    pub(super) fn tell_join(&mut self, now: Timestamp, id: SocketId) {
        let member = self.members.get(&id);
        let peer = Object::new()
            .with("id", &id)
            .with("name", &member.and_then(Member::name))
            .maybe("sub", member.and_then(Member::subject));
        self.tell(now, "join", peer, None);
    }

    /// A peer left, for this reason.
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

    /// A chat message was sent to everyone.
    pub(super) fn tell_chat(&mut self, now: Timestamp, message: &Message) {
        if self.deliveries.wants_chat() {
            let message = Json::of(message);
            let room = self.name.as_str();
            self.deliveries.push(now, room, "chat", |event| {
                event.with_json("message", &message)
            });
        }
    }

    /// Tells of a new host, and that the last peer has left.
    pub(super) fn tell_changes(&mut self, now: Timestamp) {
        let (host, peers) = (self.host(), self.peers().count());
        self.deliveries.settle(now, self.name.as_str(), host, peers);
    }

    /// Sends what is to be sent.
    pub(super) fn deliver(&mut self, now: Timestamp, out: &mut Vec<Command>) {
        out.extend(self.deliveries.next(now).map(Command::Post));
        let dropped = self.deliveries.take_dropped();
        if dropped > 0 {
            let reason = format!("{dropped} events were dropped");
            self.log(now, "webhook", None, None, Some(&reason));
        }
    }

    /// The operator's server answered, or did not.
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
