//! Several packets at once, errors of clients, and a server that is killed within a turn, as the model of
//! rooms knows them.

use serde_json::{Value, json};

use super::bytes::Bytes;
use super::member::{Link, Member, is_word};
use super::room_model::{Act, Model};
use crate::peer::Hall;

/// After this time a session that says nothing has ended.
const SILENT: u64 = 121_000;

/// How long nobody needs to answer pings.
const QUIET: u64 = 10_000;

impl Model {
    /// A member sends several events at once.
    pub(super) fn burst(&mut self, hall: &mut Hall, bytes: &mut Bytes, who: usize) {
        let count = bytes.below(4) + 1;
        let burst = self.plan_burst(hall, bytes, who, count);
        let events: Vec<&str> = burst.iter().map(|act| act.event.as_str()).collect();
        let peer = &self.members[who].peer;
        let acks = peer.ask_all(hall, &events);
        for (act, ack) in burst.iter().zip(acks) {
            act.check(&peer.acknowledged(hall, ack).expect("an ack"));
        }
    }

    fn plan_burst(&mut self, hall: &Hall, bytes: &mut Bytes, who: usize, count: usize) -> Vec<Act> {
        let mut acts = Vec::new();
        for _ in 0..count {
            acts.push(self.plan(hall, bytes, who));
            // Who is the next host depends on ordinals, which are not told before all is done.
            if self.peers().any(|peer| self.members[peer].n.is_none()) {
                break;
            }
        }
        acts
    }

    /// A member asks for a namespace that there is not.
    pub(super) fn elsewhere(&mut self, hall: &mut Hall, who: usize) {
        let peer = &self.members[who].peer;
        peer.write(hall, "40/elsewhere,");
        let refusal = peer.take_frame(hall, "44/elsewhere,").expect("a refusal");
        assert_eq!(refusal, r#"{"message":"Invalid namespace"}"#);
    }

    /// A member breaks the protocol, and may come back as it was (V-4).
    pub(super) fn misuse(&mut self, hall: &mut Hall, bytes: &mut Bytes, who: usize) {
        let packet = *bytes.pick(&["42/elsewhere,[\"signal\",1]", "40", "4nonsense"]);
        self.members[who].peer.send(hall, &[packet.to_owned()]);
        self.away(who, hall.now());
    }

    /// The server is killed within a turn, or before what was done is stored.
    pub(super) fn crash(&mut self, hall: &mut Hall, bytes: &mut Bytes) {
        self.end_silence(hall, 0);
        self.listen(hall);
        if self.locked && 2 * self.members.len() > self.settings.sockets {
            return; // outside, the oldest would give way to those who come back as somebody else
        }
        let present = self.with_link(|link| link == Link::Present);
        let outputs = bytes.below(12);
        if present.is_empty() || bytes.chance(3) {
            hall.kill_until(hall.now() + 1);
        } else {
            let who = *bytes.pick(&present);
            let acts = if outputs == 0 {
                vec![Act::done(json!(["chat-message", "never heard"]))]
            } else {
                // Of several packets on a WebSocket each is a turn of its own.
                let count = if self.members[who].peer.polls() { 3 } else { 1 };
                self.plan_burst(hall, bytes, who, count)
            };
            let events: Vec<String> = acts.into_iter().map(|act| act.event).collect();
            hall.crash_after(outputs);
            self.members[who].peer.ask_in_vain(hall, &events);
        }
        self.killed_at = hall.now();
        let is_complete = hall.platform.lost_nothing();
        let mut heard = Vec::new();
        for who in 0..self.members.len() {
            let last = if self.members[who].link == Link::Present {
                self.members[who].peer.heard_last(hall)
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
            self.killed(hall, hall.now());
        } else {
            self.come_to_terms(hall, heard);
        }
    }

    /// The server has forgotten what was not stored yet. All come back; who knows something that the
    /// server does not is somebody else now, and it honestly says so. Nobody else misses anything
    /// that was acknowledged.
    fn come_to_terms(&mut self, hall: &mut Hall, mut heard: Vec<Vec<Value>>) {
        self.forget();
        // Who comes back as somebody else has two sockets for a while.
        let is_full = 2 * self.members.len() > self.settings.sockets;
        let (settled, others): (Vec<usize>, Vec<usize>) =
            (0..self.members.len()).partition(|who| self.members[*who].settled);
        for member in &mut self.members {
            if member.link == Link::Present {
                member.link = Link::Silent(hall.now());
            }
        }
        let mut replaced = Vec::new();
        for who in settled {
            self.come_to_terms_of(hall, who, &mut heard, &mut replaced);
        }
        if is_full {
            // Nobody else gets in before the sessions from before are given up.
            self.wait(hall, SILENT + self.settings.window, &mut heard);
        }
        for who in others {
            self.come_to_terms_of(hall, who, &mut heard, &mut replaced);
        }
        self.wait(hall, SILENT + self.settings.window, &mut heard);
        let optional = std::mem::take(&mut self.optional);
        let is_promised = |event: &Value| is_word(event) && !optional.contains(event);
        for (member, heard) in self.members.iter_mut().zip(heard) {
            let mut owed = std::mem::take(&mut member.owed);
            owed.retain(is_promised);
            let promised: Vec<Value> = heard
                .iter()
                .filter(|event| is_promised(event))
                .cloned()
                .collect();
            assert_eq!(promised, owed);
            let mut others: Vec<&Value> = heard
                .iter()
                .filter(|event| optional.contains(event))
                .collect();
            others.dedup();
            let count = heard
                .iter()
                .filter(|event| optional.contains(event))
                .count();
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
            self.join(hall, who, name, video); // it is told of all others
        }
    }

    /// A client comes back, as who it was or as somebody else.
    fn come_to_terms_of(
        &mut self,
        hall: &mut Hall,
        who: usize,
        heard: &mut [Vec<Value>],
        replaced: &mut Vec<Member>,
    ) {
        hall.until(hall.now() + 1); // not in the millisecond of its last sign of life
        let back = self.members[who].peer.reconnect(hall);
        if back.recovered {
            assert_eq!(back.id, self.id(who));
            self.members[who].peer = back;
        } else {
            let now = hall.now();
            let member = &self.members[who];
            // What is kept of its loss may be older than what the model knows.
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

    /// Time passes, in which those who are there answer pings.
    fn wait(&mut self, hall: &mut Hall, millis: u64, heard: &mut [Vec<Value>]) {
        let then = hall.now() + millis;
        while hall.now() < then {
            hall.until(then.min(hall.now() + QUIET));
            for who in self.with_link(|link| link == Link::Present) {
                let more = self.members[who].peer.heard(hall);
                heard[who].extend(self.check(who, more));
            }
        }
    }
}
