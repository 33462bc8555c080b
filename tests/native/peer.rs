//! A Socket.IO client of a room, on either transport.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde_json::{Value, json};
use signalbox::engine::{self, Engine};
use signalbox::room::config::{Limits, Rates};
use signalbox::room::{Config, Rate, Room, RoomName};
use signalbox::socket::{self, Runner, Server};
use signalbox::store::Store;

use crate::support::{Done, Script, accepted, ok, sent, websocket};

pub type Hall = Script<Runner<Room>>;

/// A room named `room`, with the deployed settings, except for the rates.
pub fn hall() -> Hall {
    hall_with(Config {
        limits: unhurried(),
        ..Config::default()
    })
}

/// The deployed limits, with rates that no test exceeds by accident.
pub fn unhurried() -> Limits {
    let rate = Rate {
        burst: 1_000_000,
        per_second: 1,
    };
    let mut limits = Limits::default();
    let Rates {
        signal,
        chat,
        control,
        ..
    } = &mut limits.rates;
    for limit in [signal, chat, control] {
        *limit = rate;
    }
    limits
}

pub fn hall_with(config: Config) -> Hall {
    hall_on(config, socket::Config::default())
}

/// A room on a server with these settings.
pub fn hall_on(config: Config, server: socket::Config) -> Hall {
    Script::new(move |store: Rc<Store>| {
        let engine = Engine::new(engine::Config::default(), Rc::clone(&store));
        let server = Server::new(server.clone(), engine);
        let name = RoomName::parse("room").unwrap();
        Runner::new(server, Room::new(name, config.clone(), store))
    })
}

/// A room with this many connected clients, which have not joined.
pub fn hall_of<const N: usize>() -> (Hall, [Peer; N]) {
    let mut hall = hall();
    let peers = std::array::from_fn(|_| Peer::connect(&mut hall));
    (hall, peers)
}

enum Link {
    WebSocket(u64),
    /// A client on polling. A poll is always pending.
    Polling(String, Cell<u64>),
}

impl Link {
    fn polling(hall: &mut Hall) -> Self {
        let sid = hall.open_polling();
        let poll = Cell::new(hall.poll(&sid));
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
    pub fn connect(hall: &mut Hall) -> Self {
        let link = Link::WebSocket(hall.open_websocket());
        Self::enter(hall, link, "40")
    }

    /// The same, with this `auth`.
    pub fn connect_with(hall: &mut Hall, auth: &Value) -> Self {
        let link = Link::WebSocket(hall.open_websocket());
        Self::enter(hall, link, &format!("40{auth}"))
    }

    pub fn connect_polling(hall: &mut Hall) -> Self {
        let link = Link::polling(hall);
        Self::enter(hall, link, "40")
    }

    /// Connects again on the same transport, like a client that lost its connection.
    pub fn reconnect(&self, hall: &mut Hall) -> Self {
        let link = match self.link {
            Link::WebSocket(_) => Link::WebSocket(hall.open_websocket()),
            Link::Polling(..) => Link::polling(hall),
        };
        let peer = Self::enter(hall, link, &self.connect_packet());
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

    fn enter(hall: &mut Hall, link: Link, connect: &str) -> Self {
        let mut peer = Self {
            id: String::new(),
            pid: String::new(),
            offset: Cell::default(),
            recovered: false,
            link,
            acks: Cell::new(0),
            heard: RefCell::default(),
        };
        peer.write(hall, connect);
        let mut frames = peer.frames(hall);
        if frames.is_empty() {
            // Its earlier connection may first be checked.
            hall.until(hall.now() + 500);
            frames = peer.frames(hall);
        }
        // The missed events come before the reply.
        let reply = frames.iter().position(|frame| frame.starts_with("40"));
        let reply = frames.remove(reply.expect("a CONNECT packet"));
        let reply: Value = serde_json::from_str(&reply[2..]).unwrap();
        let text = |name: &str| reply[name].as_str().expect(name).to_owned();
        (peer.id, peer.pid) = (text("sid"), text("pid"));
        peer.heard.borrow_mut().append(&mut frames);
        peer
    }

    /// Upgrades from polling. `between` is called before each step.
    pub fn upgrade(&mut self, hall: &mut Hall, mut between: impl FnMut(&mut Hall)) {
        let Link::Polling(sid, poll) = &self.link else {
            return;
        };
        between(hall);
        let probe = hall.upgrade(&websocket(sid));
        assert_eq!(hall.take_of(probe), [accepted(probe)]);
        between(hall);
        hall.text(probe, "2probe");
        let moment = hall.now() + 20;
        assert_eq!(hall.until(moment).take_of(probe), [sent(probe, "3probe")]);
        let Some(Done::Responded(_, 200, _, body)) = hall.take_of(poll.get()).pop() else {
            panic!("the poll was not released");
        };
        between(hall);
        let heard = body
            .split('\x1e')
            .filter(|frame| !matches!(*frame, "2" | "6"));
        self.heard.borrow_mut().extend(heard.map(str::to_owned));
        hall.text(probe, "5");
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
    pub fn write(&self, hall: &mut Hall, packet: &str) {
        if let Some(post) = self.send(hall, &[packet.to_owned()]) {
            assert_eq!(hall.take_of(post), [ok(post)]);
        }
    }

    /// Sends packets of Engine.IO, by polling in one request, which is returned.
    pub fn send(&self, hall: &mut Hall, packets: &[String]) -> Option<u64> {
        match &self.link {
            Link::WebSocket(connection) => {
                for packet in packets {
                    hall.text(*connection, packet);
                }
                None
            }
            Link::Polling(sid, _) => Some(hall.send(sid, &packets.join("\x1e"))),
        }
    }

    /// The packets that arrived. Pings are answered.
    fn frames(&self, hall: &mut Hall) -> Vec<String> {
        let mut frames = Vec::new();
        match &self.link {
            Link::WebSocket(connection) => {
                for done in hall.take_of(*connection) {
                    match done {
                        Done::Sent(_, frame) => frames.push(frame),
                        other => panic!("not a text frame: {other:?}"),
                    }
                }
            }
            Link::Polling(sid, poll) => {
                while let Some(done) = hall.take_of(poll.get()).pop() {
                    let Done::Responded(_, 200, _, body) = done else {
                        panic!("a poll failed: {done:?}");
                    };
                    frames.extend(body.split('\x1e').map(str::to_owned));
                    poll.set(hall.poll(sid));
                }
            }
        }
        if frames.iter().any(|frame| frame == "2") {
            self.write(hall, "3");
        }
        frames.retain(|frame| !matches!(frame.as_str(), "2" | "6"));
        frames
    }

    /// Sends an event: its name and its arguments, as JSON.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers write an event in place"
    )]
    pub fn emit(&self, hall: &mut Hall, event: impl ToString) {
        self.write(hall, &format!("42{}", event.to_string()));
    }

    /// Sends an event and returns its ack.
    pub fn call(&self, hall: &mut Hall, event: impl ToString) -> Value {
        let ack = self.ask(hall, event);
        self.acknowledged(hall, ack).expect("an ack")
    }

    /// Sends an event that asks for an ack.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers write an event in place"
    )]
    pub fn ask(&self, hall: &mut Hall, event: impl ToString) -> u64 {
        let ack = self.next_ack();
        self.write(hall, &format!("42{ack}{}", event.to_string()));
        ack
    }

    fn next_ack(&self) -> u64 {
        self.acks.set(self.acks.get() + 1);
        self.acks.get()
    }

    /// Sends events at once that want to be acknowledged.
    pub fn ask_all(&self, hall: &mut Hall, events: &[&str]) -> Vec<u64> {
        let acks: Vec<u64> = events.iter().map(|_| self.next_ack()).collect();
        let packets = events.iter().zip(&acks);
        let packets: Vec<String> = packets
            .map(|(event, ack)| format!("42{ack}{event}"))
            .collect();
        if let Some(post) = self.send(hall, &packets) {
            assert_eq!(hall.take_of(post), [ok(post)]);
        }
        acks
    }

    /// Sends events that want to be acknowledged, to a server that is killed meanwhile: by polling all
    /// in one request, else the first.
    pub fn ask_in_vain(&self, hall: &mut Hall, events: &[String]) {
        let packet = |event: &String| format!("42{}{event}", self.next_ack());
        let packets: Vec<String> = events.iter().map(packet).collect();
        self.send(hall, &packets);
    }

    /// The ack, if it arrived.
    pub fn acknowledged(&self, hall: &mut Hall, ack: u64) -> Option<Value> {
        let args = self.take_frame(hall, &format!("43{ack}"))?;
        let args: Value = serde_json::from_str(&args).unwrap();
        assert_eq!(args.as_array().map(Vec::len), Some(1), "one argument");
        Some(args[0].clone())
    }

    /// What follows these characters and `[` or `{` in a frame that arrived, if one did.
    pub fn take_frame(&self, hall: &mut Hall, start: &str) -> Option<String> {
        let frames = self.frames(hall);
        let mut heard = self.heard.borrow_mut();
        heard.extend(frames);
        let rest = |frame: &String| {
            let rest = frame.strip_prefix(start)?;
            rest.starts_with(['[', '{']).then(|| rest.to_owned())
        };
        let place = heard.iter().position(|frame| rest(frame).is_some())?;
        rest(&heard.remove(place))
    }

    /// The code with which an event is refused. The error names the event.
    pub fn refusal(&self, hall: &mut Hall, event: &Value) -> String {
        let reply = self.call(hall, event);
        assert_eq!(reply["ok"], false, "{event} was not refused");
        let error = &reply["error"];
        assert_eq!(error["event"], event[0]);
        assert_ne!(error["message"], "");
        error["code"].as_str().expect("a code").to_owned()
    }

    /// The events since the last call, as they were written.
    pub fn heard_raw(&self, hall: &mut Hall) -> Vec<String> {
        let frames = self.frames(hall);
        self.heard.borrow_mut().extend(frames);
        self.events()
    }

    fn events(&self) -> Vec<String> {
        let event = |frame: &String| frame.strip_prefix("42").map(str::to_owned);
        let events = self.heard.take();
        let events = events.iter().map(|frame| event(frame).expect("an event"));
        events.map(|event| self.without_offset(&event)).collect()
    }

    /// Removes the offset, which is the last argument unless the event is volatile, and stores it
    /// as the client does.
    fn without_offset(&self, event: &str) -> String {
        let volatile = ["chat:typing", "room:error", "host:knock"];
        let mut volatile = volatile.iter().map(|name| format!("[\"{name}\""));
        if volatile.any(|start| event.starts_with(&start)) {
            return event.to_owned();
        }
        let (event, offset) = event
            .strip_suffix("\"]")
            .unwrap()
            .rsplit_once(",\"")
            .unwrap();
        let offset = offset.parse().expect("an offset");
        let earlier = self.offset.replace(Some(offset));
        assert!(
            earlier < Some(offset),
            "offsets grow: {earlier:?}, {offset}"
        );
        format!("{event}]")
    }

    /// The events that arrived before the server was killed. Acks are skipped.
    pub fn heard_last(&self, hall: &mut Hall) -> Vec<Value> {
        let number = match &self.link {
            Link::WebSocket(connection) => *connection,
            Link::Polling(_, poll) => poll.get(),
        };
        let frames = hall
            .take_of(number)
            .into_iter()
            .flat_map(|done| match done {
                Done::Sent(_, frame) => vec![frame],
                Done::Responded(_, _, _, body) => body.split('\x1e').map(str::to_owned).collect(),
                other => panic!("not text: {other:?}"),
            });
        let events = frames.filter(|frame| frame.starts_with("42"));
        self.heard.borrow_mut().extend(events);
        values(&self.events())
    }

    /// The events since the last call, each as `[name, …arguments]`.
    pub fn heard(&self, hall: &mut Hall) -> Vec<Value> {
        values(&self.heard_raw(hall))
    }

    /// The signals since the last call, each without its meta; `from` is as stated there.
    pub fn signals(&self, hall: &mut Hall, from: &Peer) -> Vec<Value> {
        let mut events = self.heard(hall);
        for event in &mut events {
            let meta = event.as_array_mut().and_then(Vec::pop).expect("a meta");
            assert_eq!(meta["from"], json!(from.id), "{meta}");
            assert_eq!(meta["room"], "room", "{meta}");
        }
        events
    }

    /// The only event since the last call.
    pub fn heard_one(&self, hall: &mut Hall) -> Value {
        match <[Value; 1]>::try_from(self.heard(hall)) {
            Ok([event]) => event,
            Err(events) => panic!("not one event: {events:?}"),
        }
    }

    /// Joins the room as a peer.
    pub fn join(&self, hall: &mut Hall, name: &str) -> Value {
        let joined = self.call(hall, json!(["room:join", { "name": name }]));
        assert_eq!(joined["ok"], true, "{joined}");
        joined
    }

    /// Takes the next answer to its poll, and stops polling.
    pub fn stop_polling(&self, hall: &mut Hall) {
        if let Link::Polling(_, poll) = &self.link {
            hall.overdue(poll.get());
            hall.take_of(poll.get());
        }
    }

    /// Polls again, after [`Peer::stop_polling`].
    pub fn poll_again(&self, hall: &mut Hall) {
        if let Link::Polling(sid, poll) = &self.link {
            poll.set(hall.poll(sid));
        }
    }

    /// Loses the connection for good.
    pub fn vanish_for_good(&self, hall: &mut Hall) {
        self.vanish(hall);
        hall.until(hall.now() + 30_000);
    }

    /// Loses the connection.
    pub fn vanish(&self, hall: &mut Hall) {
        match &self.link {
            Link::WebSocket(connection) => hall.lost(*connection),
            Link::Polling(_, poll) => hall.aborted(poll.get()),
        };
    }
}

fn values(events: &[String]) -> Vec<Value> {
    let read = |event: &String| serde_json::from_str(event).unwrap();
    events.iter().map(read).collect()
}
