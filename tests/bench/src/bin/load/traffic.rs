//! Events between the members of rooms.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::cpu::Measured;
use super::swarm::Swarm;
use super::{Outcome, Result, Target, micros};

/// The time before the measurement, in which the runtimes compile their hot code.
const WARM_UP: Duration = Duration::from_secs(2);

#[derive(Deserialize)]
pub struct Traffic {
    kind: Kind,
    rooms: usize,
    members: usize,
    /// How many members of a room send.
    senders: usize,
    /// How many events each sender keeps in flight. Either this or `rate` is set.
    window: Option<usize>,
    /// How many events each sender sends in a second, whether or not they are delivered.
    rate: Option<f64>,
    /// Bytes of a message or description.
    size: usize,
    seconds: f64,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// Chat messages to the whole room, including the sender.
    Chat,
    /// Offers to the next member of the room.
    Offer,
}

/// A member that sends.
struct Sender {
    member: usize,
    event: Vec<u8>,
    /// The send times of the events in flight.
    under_way: VecDeque<Instant>,
}

impl Traffic {
    pub fn run(self, target: Target) -> Result<Outcome> {
        let mut swarm = Swarm::join(target, self.rooms, self.members)?;
        let mut senders = self.senders(&swarm);
        // For each member: the sender whose events count as delivered when this member gets them.
        let mut credits: Vec<Option<usize>> = vec![None; swarm.members.len()];
        for (index, sender) in senders.iter().enumerate() {
            let witness = match self.kind {
                Kind::Chat => sender.member,
                Kind::Offer => self.next(sender.member),
            };
            credits[witness] = Some(index);
        }
        let finders: Vec<_> = senders
            .iter()
            .map(|sender| format!(r#""from":"{}""#, swarm.members[sender.member].id))
            .collect();
        let finders: Vec<_> = finders
            .iter()
            .map(|text| memchr::memmem::Finder::new(text))
            .collect();

        let mut due: Vec<usize> = Vec::new();
        if let Some(window) = self.window {
            due.extend((0..senders.len()).cycle().take(window * senders.len()));
        }
        let start = Instant::now();
        let mut paced = 0_u32;
        let mut measured: Option<Measured> = None;
        let (mut count, mut times) = (0, Vec::new());
        let end = WARM_UP + Duration::from_secs_f64(self.seconds);
        while start.elapsed() < end {
            if measured.is_none() && start.elapsed() >= WARM_UP {
                (count, times) = (0, Vec::new());
                measured = Some(Measured::begin(target)?);
            }
            let mut limit = Duration::from_millis(20);
            if let Some(rate) = self.rate {
                let step = Duration::from_secs_f64(1.0 / rate);
                while start.elapsed() >= step * paced {
                    paced += 1;
                    due.extend(0..senders.len());
                }
                limit = (step * paced).saturating_sub(start.elapsed());
            }
            for sender in due.drain(..) {
                let sender = &mut senders[sender];
                sender.under_way.push_back(Instant::now());
                swarm.send(sender.member, &sender.event)?;
            }
            swarm.turn(limit, |member, text| {
                count += 1;
                let Some(sender) = credits[member] else {
                    return;
                };
                if self.kind == Kind::Chat && finders[sender].find(text).is_none() {
                    return;
                }
                if let Some(sent) = senders[sender].under_way.pop_front() {
                    times.push(micros(sent.elapsed()));
                }
                if self.window.is_some() {
                    due.push(sender);
                }
            })?;
        }
        let measured = measured.ok_or("nothing was measured")?;
        measured.end(count, times)
    }

    fn senders(&self, swarm: &Swarm) -> Vec<Sender> {
        let rooms = 0..self.rooms;
        let members =
            rooms.flat_map(|room| (0..self.senders).map(move |i| room * self.members + i));
        let sender = |member| {
            let event = match self.kind {
                Kind::Chat => format!(r#"42["chat-message","{}"]"#, "m".repeat(self.size)),
                Kind::Offer => {
                    let to = &swarm.members[self.next(member)].id;
                    let line = r"a=rtpmap:111 opus/48000/2\r\n";
                    let sdp: String = line
                        .chars()
                        .cycle()
                        .take(self.size / line.len() * line.len())
                        .collect();
                    format!(
                        r#"42["offer",{{"to":"{to}","description":{{"type":"offer","sdp":"{sdp}"}}}}]"#
                    )
                }
            };
            Sender {
                member,
                event: event.into_bytes(),
                under_way: VecDeque::new(),
            }
        };
        members.map(sender).collect()
    }

    /// The next member of the same room.
    fn next(&self, member: usize) -> usize {
        let room = member / self.members;
        room * self.members + (member + 1) % self.members
    }
}
