//! A Socket.IO client of a room, on either transport.

mod heard;
mod servers;

use std::cell::{Cell, RefCell};

use serde_json::{Value, json};

pub use servers::{RoomServer, high_rates, server, server_of, server_on, server_with};

use crate::support::{Done, accepted, ok, sent, websocket};

enum Link {
    WebSocket(u64),
    /// A client on polling. A poll is always pending.
    Polling(String, Cell<u64>),
}

impl Link {
    fn polling(server: &mut RoomServer) -> Self {
        let sid = server.open_polling();
        let poll = Cell::new(server.poll(&sid));
        Self::Polling(sid, poll)
    }
}

pub struct Peer {
    /// Its peer id.
    pub id: String,
    pid: String,
    /// The offset of the last event that it received.
    offset: Cell<Option<u64>>,
    /// Whether it was recovered.
    pub recovered: bool,
    link: Link,
    acks: Cell<u64>,
    heard: RefCell<Vec<String>>,
}

impl Peer {
    /// Connects with a WebSocket.
    pub fn connect(server: &mut RoomServer) -> Self {
        let link = Link::WebSocket(server.open_websocket());
        Self::enter(server, link, "40")
    }

    /// Connects with a WebSocket and this `auth`.
    pub fn connect_with(server: &mut RoomServer, auth: &Value) -> Self {
        let link = Link::WebSocket(server.open_websocket());
        Self::enter(server, link, &format!("40{auth}"))
    }

    pub fn connect_polling(server: &mut RoomServer) -> Self {
        let link = Link::polling(server);
        Self::enter(server, link, "40")
    }

    /// Connects again on the same transport, like a client that lost its connection.
    pub fn reconnect(&self, server: &mut RoomServer) -> Self {
        let link = match self.link {
            Link::WebSocket(_) => Link::WebSocket(server.open_websocket()),
            Link::Polling(..) => Link::polling(server),
        };
        let peer = Self::enter(server, link, &self.connect_packet());
        Self {
            recovered: peer.pid == self.pid,
            offset: if peer.pid == self.pid {
                self.offset.clone()
            } else {
                Cell::default()
            },
            ..peer
        }
    }

    /// The CONNECT packet that asks for recovery.
    pub fn connect_packet(&self) -> String {
        let mut auth = json!({ "pid": self.pid });
        if let Some(offset) = self.offset.get() {
            auth["offset"] = format!("{offset:016}").into();
        }
        format!("40{auth}")
    }

    fn enter(server: &mut RoomServer, link: Link, connect: &str) -> Self {
        let mut peer = Self {
            id: String::new(),
            pid: String::new(),
            offset: Cell::default(),
            recovered: false,
            link,
            acks: Cell::new(0),
            heard: RefCell::default(),
        };
        peer.write(server, connect);
        let mut frames = peer.frames(server);
        if frames.is_empty() {
            // The server may first check the client's earlier connection.
            server.until(server.now() + 500);
            frames = peer.frames(server);
        }
        // The missed events come before the reply.
        let reply = frames.iter().position(|frame| frame.starts_with("40"));
        let reply = reply.unwrap_or_else(|| panic!("no CONNECT packet: {frames:?}"));
        let reply = frames.remove(reply);
        let reply: Value = serde_json::from_str(&reply[2..]).unwrap();
        let text = |name: &str| reply[name].as_str().expect(name).to_owned();
        (peer.id, peer.pid) = (text("sid"), text("pid"));
        peer.heard.borrow_mut().append(&mut frames);
        peer
    }

    /// Upgrades from polling. `between` is called before each step.
    pub fn upgrade(&mut self, server: &mut RoomServer, mut between: impl FnMut(&mut RoomServer)) {
        let Link::Polling(sid, poll) = &self.link else {
            return;
        };
        between(server);
        let probe = server.upgrade(&websocket(sid));
        assert_eq!(server.take_for(probe), [accepted(probe)]);
        between(server);
        server.text(probe, "2probe");
        let moment = server.now() + 20;
        assert_eq!(
            server.until(moment).take_for(probe),
            [sent(probe, "3probe")]
        );
        let Some(Done::Responded(_, 200, _, body)) = server.take_for(poll.get()).pop() else {
            panic!("the poll was not released");
        };
        between(server);
        let heard = body
            .split('\x1e')
            .filter(|frame| !matches!(*frame, "2" | "6"));
        self.heard.borrow_mut().extend(heard.map(str::to_owned));
        server.text(probe, "5");
        self.link = Link::WebSocket(probe);
    }

    pub fn polls(&self) -> bool {
        matches!(self.link, Link::Polling(..))
    }

    /// The WebSocket of the client.
    pub fn connection(&self) -> u64 {
        match &self.link {
            Link::WebSocket(connection) => *connection,
            Link::Polling(..) => panic!("{} polls", self.id),
        }
    }

    /// Sends one packet of Engine.IO.
    pub fn write(&self, server: &mut RoomServer, packet: &str) {
        if let Some(post) = self.send(server, &[packet.to_owned()]) {
            assert_eq!(server.take_for(post), [ok(post)]);
        }
    }

    /// Sends packets of Engine.IO. On polling they go in one POST, whose number is returned.
    pub fn send(&self, server: &mut RoomServer, packets: &[String]) -> Option<u64> {
        match &self.link {
            Link::WebSocket(connection) => {
                for packet in packets {
                    server.text(*connection, packet);
                }
                None
            }
            Link::Polling(sid, _) => Some(server.send(sid, &packets.join("\x1e"))),
        }
    }

    /// The packets that arrived. Pings are answered.
    fn frames(&self, server: &mut RoomServer) -> Vec<String> {
        let mut frames = Vec::new();
        match &self.link {
            Link::WebSocket(connection) => {
                for done in server.take_for(*connection) {
                    match done {
                        Done::Sent(_, frame) => frames.push(frame),
                        other => panic!("not a text frame: {other:?}"),
                    }
                }
            }
            Link::Polling(sid, poll) => {
                while let Some(done) = server.take_for(poll.get()).pop() {
                    let Done::Responded(_, 200, _, body) = done else {
                        panic!("a poll failed: {done:?}");
                    };
                    frames.extend(body.split('\x1e').map(str::to_owned));
                    poll.set(server.poll(sid));
                }
            }
        }
        if frames.iter().any(|frame| frame == "2") {
            self.write(server, "3");
        }
        frames.retain(|frame| !matches!(frame.as_str(), "2" | "6"));
        frames
    }

    /// Sends an event: its name and its arguments, as JSON.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers write an event in place"
    )]
    pub fn emit(&self, server: &mut RoomServer, event: impl ToString) {
        self.write(server, &format!("42{}", event.to_string()));
    }

    /// Sends an event and returns its ack.
    pub fn call(&self, server: &mut RoomServer, event: impl ToString) -> Value {
        let ack = self.ask(server, event);
        self.acknowledged(server, ack).expect("an ack")
    }

    /// Sends an event that asks for an ack.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers write an event in place"
    )]
    pub fn ask(&self, server: &mut RoomServer, event: impl ToString) -> u64 {
        let ack = self.next_ack();
        self.write(server, &format!("42{ack}{}", event.to_string()));
        ack
    }

    fn next_ack(&self) -> u64 {
        self.acks.set(self.acks.get() + 1);
        self.acks.get()
    }

    /// Sends events at once, each with an ack id. Returns the ids.
    pub fn ask_all(&self, server: &mut RoomServer, events: &[&str]) -> Vec<u64> {
        let acks: Vec<u64> = events.iter().map(|_| self.next_ack()).collect();
        let packets = events.iter().zip(&acks);
        let packets: Vec<String> = packets
            .map(|(event, ack)| format!("42{ack}{event}"))
            .collect();
        if let Some(post) = self.send(server, &packets) {
            assert_eq!(server.take_for(post), [ok(post)]);
        }
        acks
    }

    /// Sends events with ack ids, and awaits no acks, because the server is killed meanwhile. Give only
    /// one event to a client on a WebSocket: each packet is a turn there, and the first turn kills the
    /// server.
    pub fn ask_without_acks(&self, server: &mut RoomServer, events: &[String]) {
        let packet = |event: &String| format!("42{}{event}", self.next_ack());
        let packets: Vec<String> = events.iter().map(packet).collect();
        self.send(server, &packets);
    }

    /// Joins the room as a peer.
    pub fn join(&self, server: &mut RoomServer, name: &str) -> Value {
        let joined = self.call(server, json!(["room:join", { "name": name }]));
        assert_eq!(joined["ok"], true, "{joined}");
        joined
    }

    /// The pending poll is answered, and the client does not poll again.
    pub fn stop_polling(&self, server: &mut RoomServer) {
        if let Link::Polling(_, poll) = &self.link {
            server.overdue(poll.get());
            server.take_for(poll.get());
        }
    }

    /// Polls again, after [`Peer::stop_polling`].
    pub fn poll_again(&self, server: &mut RoomServer) {
        if let Link::Polling(sid, poll) = &self.link {
            poll.set(server.poll(sid));
        }
    }

    /// Loses the connection for good.
    pub fn vanish_for_good(&self, server: &mut RoomServer) {
        self.vanish(server);
        server.until(server.now() + 30_000);
    }

    /// Loses the connection.
    pub fn vanish(&self, server: &mut RoomServer) {
        match &self.link {
            Link::WebSocket(connection) => server.lost(*connection),
            Link::Polling(_, poll) => server.aborted(poll.get()),
        };
    }
}
