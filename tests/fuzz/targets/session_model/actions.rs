//! What the clients do, and what they must get at once.

use super::{Model, OVERTAKING};
use crate::support::{Done, POLLING_3, WEBSOCKET_3, accepted, closed, dismissed, ok, refused};
use crate::targets::client::{BASE64, BINARY, Client, Link};

impl Model<'_> {
    pub(super) fn open(&mut self) {
        let old = self.bytes.chance(3).then(|| *self.bytes.pick(&BASE64));
        let (sid, link) = if self.bytes.chance(3) {
            let connection = match old {
                None => self.script.open_websocket(),
                Some(end) => {
                    let query = format!("{WEBSOCKET_3}{end}");
                    let connection = self.script.upgrade(&query);
                    self.script.take_for(connection);
                    connection
                }
            };
            (String::new(), Link::WebSocket(connection))
        } else {
            let sid = match old {
                None => self.script.open_polling(),
                Some(end) => {
                    let query = format!("{POLLING_3}{end}");
                    let session = self.script.open_revision_3(&query);
                    session.rsplit('=').next().unwrap().to_owned()
                }
            };
            (sid, Link::Polling)
        };
        self.clients.push(Client::new(sid, old, link));
    }

    pub(super) fn poll(&mut self, who: usize) {
        let client = &self.clients[who];
        if client.poll.is_some() || client.sid.is_empty() {
            return;
        }
        self.give_up_probe(who);
        let client = &mut self.clients[who];
        let poll = self.script.get(&client.query("polling"));
        if let Link::WebSocket(_) = client.link {
            let code = if client.old.is_some() { 1 } else { 3 };
            assert_eq!(self.script.take_for(poll), [refused(poll, code)]);
        } else {
            client.poll = Some(poll);
            client.polled = self.script.now();
            client.released = matches!(client.link, Link::Probing { probed: true, .. });
        }
    }

    /// All clients poll, and clients of revision 3 ping.
    pub(super) fn everyone_polls(&mut self) {
        for who in 0..self.clients.len() {
            if self.clients[who].old.is_some() {
                self.clients[who].owed.push_back("3".to_owned());
                self.write(who, "2");
            }
            self.poll(who);
        }
        self.settle();
    }

    /// A client sends some messages: texts, which all clients get, and bytes, which only the sender gets. A client
    /// that polls sends them in one request.
    pub(super) fn say(&mut self, who: usize) {
        let mut packets = Vec::new();
        for _ in 0..=self.bytes.below(4) {
            if self.bytes.chance(4) {
                let (_, part) = *self.bytes.pick(&BINARY);
                self.clients[who].owed.push_back(part.to_owned());
                packets.push(part.to_owned());
                continue;
            }
            self.said += 1;
            let message = format!("4all {} 中", self.said);
            for client in &mut self.clients {
                client.owed.push_back(message.clone());
            }
            packets.push(message);
        }
        self.write_all(who, &packets);
    }

    pub(super) fn write(&mut self, who: usize, packet: &str) {
        self.write_all(who, &[packet.to_owned()]);
    }

    fn write_all(&mut self, who: usize, packets: &[String]) {
        let client = &self.clients[who];
        if let Link::WebSocket(connection) = client.link {
            for packet in packets {
                let known = BINARY.iter().find(|(_, part)| part == packet);
                match known {
                    Some((bytes, _)) => self.script.bytes(connection, &client.frame(bytes)),
                    None => self.script.text(connection, packet),
                };
            }
        } else {
            let post = self
                .script
                .post(&client.query("polling"), &client.body(packets));
            assert_eq!(self.script.take_for(post), [ok(post)]);
            self.give_up_probe(who);
        }
    }

    /// A client opens a WebSocket for a session: a probe, or one WebSocket too many.
    pub(super) fn probe(&mut self, who: usize) {
        let since = self.script.now();
        let base64 = *self.bytes.pick(&["", "&b64=1"]);
        if self.clients[who].sid.is_empty() {
            return;
        }
        self.give_up_probe(who);
        let client = &mut self.clients[who];
        let query = client.query("websocket") + base64;
        let probe = self.script.upgrade(&query);
        let mut expected = accepted(probe);
        if let Link::Polling = client.link {
            let probed = false;
            client.link = Link::Probing {
                probe,
                probed,
                since,
            };
        } else {
            expected = dismissed(probe);
        }
        assert_eq!(self.script.take_for(probe), [expected]);
    }

    /// Something happens on the WebSocket that is being probed.
    pub(super) fn on_probe(&mut self, who: usize, kind: usize) {
        if self.clients[who].probe_is_late(self.script.now()) {
            self.script.wake(); // the hold of the poll may end now
            self.settle();
        }
        let client = &mut self.clients[who];
        let Link::Probing { probe, since, .. } = client.link else {
            return;
        };
        match kind {
            10 | 11 => {
                let probed = true;
                client.link = Link::Probing {
                    probe,
                    probed,
                    since,
                };
                client.released = true;
                self.script.text(probe, "2probe");
                self.settle();
                let client = &self.clients[who];
                let held = client.polled + OVERTAKING > self.script.now();
                assert!(held || client.poll.is_none(), "polls are released");
            }
            12 => {
                client.link = Link::WebSocket(probe);
                self.script.text(probe, "5");
            }
            _ if self.bytes.chance(2) => {
                client.link = Link::Polling;
                self.closing.push(probe);
                let junk = *self.bytes.pick(&["42[\"x\"]", "2", "3probe", ""]);
                self.script.text(probe, junk);
            }
            _ => {
                client.link = Link::Polling;
                self.script.lost(probe);
            }
        }
    }

    pub(super) fn overdue(&mut self, who: usize) {
        let client = &mut self.clients[who];
        if let Some(poll) = client.poll {
            client.released = true;
            self.script.overdue(poll);
            self.settle();
            assert_eq!(self.clients[who].poll, None, "it is answered");
        }
    }

    /// A client is lost, and its session ends.
    pub(super) fn lose(&mut self, who: usize) {
        match (self.clients[who].link, self.clients[who].poll) {
            (Link::WebSocket(gone), _) if self.bytes.chance(2) => self.script.went_away(gone),
            (Link::WebSocket(connection), _) => self.script.lost(connection),
            (_, Some(poll)) => self.script.aborted(poll),
            _ => return,
        };
        self.gone(who);
    }

    /// The server closes a session: its client gets its queue, and `last`.
    pub(super) fn end(&mut self, who: usize, packet: &str, last: &str) {
        self.catch_up();
        self.write(who, packet);
        let client = &mut self.clients[who];
        if let Link::WebSocket(connection) = client.link {
            let done = self.script.take_for(connection);
            assert_eq!(done.last(), Some(&closed(connection)));
        } else {
            let mut parts: Vec<String> = Vec::new();
            // The queue comes in a response of its own.
            while parts.last().is_none_or(|part| part != last) {
                let poll = client.poll.take();
                let poll = poll.unwrap_or_else(|| self.script.get(&client.query("polling")));
                let done = self.script.take_for(poll);
                let [Done::Responded(_, 200, kind, body)] = &done[..] else {
                    panic!("the poll was not answered: {done:?}");
                };
                parts.extend(client.packets(*kind, body));
            }
            parts.retain(|part| part.starts_with(['3', '4', 'b']));
            assert_eq!(client.owed, parts);
        }
        self.gone(who);
    }

    pub(super) fn gone(&mut self, who: usize) {
        let client = self.clients.remove(who);
        if let Link::Probing { probe, .. } = client.link {
            self.closing.push(probe);
        }
        if !client.sid.is_empty() {
            let poll = self.script.get(&client.query("polling"));
            assert_eq!(self.script.take_for(poll), [refused(poll, 1)]);
        }
    }

    /// An expired probe ends at its client's next request, or earlier.
    fn give_up_probe(&mut self, who: usize) {
        let client = &mut self.clients[who];
        if let Link::Probing { probe, .. } = client.link
            && client.probe_is_late(self.script.now())
        {
            client.link = Link::Polling;
            self.closing.push(probe);
        }
    }
}
