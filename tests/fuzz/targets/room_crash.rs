//! Several packets at once, errors of clients, and a server that is killed within a turn, in the model of
//! rooms.

use serde_json::{Value, json};

use super::bytes::Bytes;
use super::member::{Link, Member, is_message_or_signal};
use super::room_model::{Act, Model};
use crate::peer::RoomServer;

/// A session whose client sends nothing has ended after this time.
const SILENT: u64 = 121_000;

/// Clients answer pings at least this often while time passes in `Model::wait`.
const QUIET: u64 = 10_000;

impl Model {
    /// A member sends several events at once.
    pub(super) fn burst(&mut self, server: &mut RoomServer, bytes: &mut Bytes, who: usize) {
        let count = bytes.below(4) + 1;
        let burst = self.plan_burst(server, bytes, who, count);
        let events: Vec<&str> = burst.iter().map(|act| act.event.as_str()).collect();
        let peer = &self.members[who].peer;
        let acks = peer.ask_all(server, &events);
        for (act, ack) in burst.iter().zip(acks) {
            act.check(&peer.acknowledged(server, ack).expect("an ack"));
        }
    }

    fn plan_burst(
        &mut self,
        server: &RoomServer,
        bytes: &mut Bytes,
        who: usize,
        count: usize,
    ) -> Vec<Act> {
        let mut acts = Vec::new();
        for _ in 0..count {
            acts.push(self.plan(server, bytes, who));
            // The next host depends on ordinals, which the model learns only after the burst.
            if self.peers().any(|peer| self.members[peer].n.is_none()) {
                break;
            }
        }
        acts
    }

    /// A member connects to a namespace that does not exist.
    pub(super) fn elsewhere(&mut self, server: &mut RoomServer, who: usize) {
        let peer = &self.members[who].peer;
        peer.write(server, "40/elsewhere,");
        let refusal = peer.take_frame(server, "44/elsewhere,").expect("a refusal");
        assert_eq!(refusal, r#"{"message":"Invalid namespace"}"#);
    }

    /// A member breaks the protocol, and may come back as the same socket (V-4).
    pub(super) fn misuse(&mut self, server: &mut RoomServer, bytes: &mut Bytes, who: usize) {
        let packet = *bytes.pick(&["42/elsewhere,[\"signal\",1]", "40", "4nonsense"]);
        self.members[who].peer.send(server, &[packet.to_owned()]);
        self.away(who, server.now());
    }

    /// The server is killed within a turn, or before its changes are stored.
    pub(super) fn crash(&mut self, server: &mut RoomServer, bytes: &mut Bytes) {
        self.end_silence(server, 0);
        self.listen(server);
        // There is no crash in two kinds of rooms. In a full locked room, clients that come back as new sockets would
        // take the places of the oldest sockets outside. A room that was unlocked may have more sockets inside than it
        // accepts: those that were outside are inside now.
        let has_more = self.members.len() > self.settings.sockets;
        if (self.locked && self.is_full_after_loss()) || has_more {
            return;
        }
        let present = self.with_link(|link| link == Link::Present);
        let outputs = bytes.below(12);
        if present.is_empty() || bytes.chance(3) {
            server.kill_until(server.now() + 1);
        } else {
            let who = *bytes.pick(&present);
            let acts = if outputs == 0 {
                vec![Act::done(json!(["chat-message", "never heard"]))]
            } else {
                // On a WebSocket, each packet is a turn of its own.
                let count = if self.members[who].peer.polls() { 3 } else { 1 };
                self.plan_burst(server, bytes, who, count)
            };
            let events: Vec<String> = acts.into_iter().map(|act| act.event).collect();
            server.crash_after(outputs);
            self.members[who].peer.ask_without_acks(server, &events);
        }
        self.killed_at = server.now();
        let is_complete = server.platform.lost_nothing();
        let mut heard = Vec::new();
        for who in 0..self.members.len() {
            let last = if self.members[who].link == Link::Present {
                self.members[who].peer.heard_last(server)
            } else {
                Vec::new()
            };
            heard.push(self.check(who, last));
        }
        if is_complete {
            for (member, heard) in self.members.iter_mut().zip(heard) {
                let rest = member.owed.split_off(heard.len());
                assert_eq!(member.owed, heard);
                member.owed = rest;
            }
            self.killed(server, server.now());
        } else {
            self.come_back_after_loss(server, heard);
        }
    }

    /// Whether the room may have no place for new sockets when its clients come back after a loss. A client that comes
    /// back as a new socket has two sockets for a while, and a socket whose end was not stored is there again.
    fn is_full_after_loss(&self) -> bool {
        2 * self.members.len() + self.gone.len() > self.settings.sockets
    }

    /// The server has lost the changes that were not stored. All clients come back. A client that received
    /// something that the server has lost gets a new socket, and is told that it was not recovered. All other
    /// clients get everything that was acknowledged.
    fn come_back_after_loss(&mut self, server: &mut RoomServer, mut heard: Vec<Vec<Value>>) {
        self.forget();
        let is_full = self.is_full_after_loss();
        let (settled, others): (Vec<usize>, Vec<usize>) =
            (0..self.members.len()).partition(|who| self.members[*who].settled);
        for member in &mut self.members {
            if member.link == Link::Present {
                member.link = Link::Silent(server.now());
            }
        }
        let mut replaced = Vec::new();
        for who in settled {
            self.come_back_alone(server, who, &mut heard, &mut replaced);
        }
        if is_full {
            // There is no place for new sockets before the earlier ones expire.
            self.wait(server, SILENT + self.settings.window, &mut heard);
        }
        for who in others {
            self.come_back_alone(server, who, &mut heard, &mut replaced);
        }
        self.wait(server, SILENT + self.settings.window, &mut heard);
        let optional = std::mem::take(&mut self.optional);
        let is_promised = |event: &Value| is_message_or_signal(event) && !optional.contains(event);
        for (member, heard) in self.members.iter_mut().zip(heard) {
            let mut owed = std::mem::take(&mut member.owed);
            owed.retain(is_promised);
            let promised: Vec<Value> = heard
                .iter()
                .filter(|event| is_promised(event))
                .cloned()
                .collect();
            assert_eq!(promised, owed);
            let mut others: Vec<String> = heard
                .iter()
                .filter(|event| optional.contains(event))
                .map(Value::to_string)
                .collect();
            let count = others.len();
            others.sort();
            others.dedup();
            assert_eq!(count, others.len(), "twice: {heard:?}");
        }
        for old in replaced {
            self.members.push(old);
            self.remove(self.members.len() - 1, "timeout");
        }
        for member in &mut self.members {
            member.owed.clear();
        }
        let peer = self.peers().next();
        if let Some(who) = peer {
            let Member { name, video, .. } = self.members[who];
            self.join(server, who, name, video); // the reply lists all other peers
        }
    }

    /// A client comes back, as the same socket or as a new one.
    fn come_back_alone(
        &mut self,
        server: &mut RoomServer,
        who: usize,
        heard: &mut [Vec<Value>],
        replaced: &mut Vec<Member>,
    ) {
        server.until(server.now() + 1); // not in the millisecond of its last packet
        let back = self.members[who].peer.reconnect(server);
        if back.recovered {
            assert_eq!(back.id, self.id(who));
            self.members[who].peer = back;
        } else {
            let now = server.now();
            let member = &self.members[who];
            // For the loss of this connection, the server may have stored an earlier time than the model has.
            let until = match member.link {
                Link::Away(until) => until.min(self.killed_at + self.settings.window),
                Link::Present | Link::Silent(_) => self.killed_at + self.settings.window,
            };
            let is_late = until <= now;
            assert!(!member.settled || is_late, "{} is lost", member.peer.id);
            let new = Member::new(back);
            replaced.push(std::mem::replace(&mut self.members[who], new));
            heard[who].clear();
        }
        let member = &mut self.members[who];
        member.link = Link::Present;
        (member.left_page, member.away_since) = (false, None);
    }

    /// Lets time pass. Present clients answer pings.
    fn wait(&mut self, server: &mut RoomServer, millis: u64, heard: &mut [Vec<Value>]) {
        let then = server.now() + millis;
        while server.now() < then {
            server.until(then.min(server.now() + QUIET));
            for who in self.with_link(|link| link == Link::Present) {
                let more = self.members[who].peer.heard(server);
                heard[who].extend(self.check(who, more));
            }
        }
    }
}
