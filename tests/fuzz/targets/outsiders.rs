//! Runs a closed room twice, with strangers outside and without them. In both runs, members must receive
//! the same events and answers, and the same number of records must be stored. Strangers must receive
//! nothing from members. Memory is lost, the server is killed, and its clock is set back.

use serde_json::{Value, json};
use signalbox::room::Config;

use super::bytes::Bytes;
use super::junk::junk;
use crate::peer::{Peer, RoomServer, high_rates, server_with};
use crate::support::Done;

/// A text that only members may receive.
const SECRET: &str = "a secret";

const ALIASES: [&str; 2] = ["ann", "bob"];

const STRANGERS: &str = "198.51.100.7";
const INSIDERS: &str = "192.0.2.1";

/// What strangers send, as a frame or a body.
const NOISE: [&str; 16] = [
    r#"42["room:join",{"name":"Mallory"}]"#,
    r#"421["room:join",{"name":"Eve"}]"#,
    r#"421["room:join",{"password":"guess","media":{"video":true}}]"#,
    r#"421["room:join",{"rejoin":"guess"}]"#,
    r#"42["room:leave"]"#,
    r#"421["chat-message",{"message":"hi","mid":"m"}]"#,
    r#"421["chat:history"]"#,
    r#"42["join","ann"]"#,
    r#"42["offer",{"type":"offer","sdp":"x"}]"#,
    r#"42["host:lock",{"on":false}]"#,
    r#"452-["signal",{"a":{"_placeholder":true,"num":0},"b":{"_placeholder":true,"num":1}}]"#,
    "4312[]",
    "42",
    "41",
    "1",
    "4nonsense",
];

/// A client outside: its connection, or the id of its polling session.
enum Stranger {
    WebSocket(u64),
    Polling(String),
}

struct World {
    server: RoomServer,
    insiders: Vec<Peer>,
    strangers: Vec<Stranger>,
    /// The events that members received, each with the member's number.
    heard: Vec<(usize, Value)>,
}

/// Returns how many events the members received.
pub fn outsiders(bytes: &[u8]) -> usize {
    let [with, without] = [true, false].map(|strangers| run(bytes, strangers));
    for (place, (with, without)) in with.0.iter().zip(&without.0).enumerate() {
        assert_eq!(with, without, "event {place}");
    }
    assert_eq!(with.0.len(), without.0.len());
    assert_eq!(with.1, without.1, "the number of stored records");
    with.0.len()
}

/// The events that the members received, and how many records of each kind are stored for them.
fn run(bytes: &[u8], with_strangers: bool) -> (Vec<(usize, Value)>, Vec<String>) {
    let mut bytes = Bytes::new(bytes);
    let mut world = World::new(&mut bytes);
    while !bytes.is_empty() {
        let (inside, noise, what) = (bytes.byte(), bytes.byte(), bytes.byte());
        if with_strangers {
            world.noise(noise, what);
            // An event of a stranger may also send pings to members, which answer them here.
            world.listen();
        }
        world.inside(inside);
        world.listen();
    }
    let stored = world.server.platform.stored();
    let kinds = ["chat/", "room/"].map(|prefix| {
        let of_kind = stored.iter().filter(|(key, _)| key.starts_with(prefix));
        of_kind.count().to_string()
    });
    let log = stored.keys().filter(|key| key.starts_with("log/"));
    // The replay log also has the events that only strangers get: `room:denied`. These are not counted.
    let inside = log.filter(|key| !stored[*key].contains("room:denied"));
    let mut sizes = kinds.to_vec();
    sizes.push(inside.count().to_string());
    (world.heard, sizes)
}

impl World {
    fn new(bytes: &mut Bytes) -> Self {
        let mut config = Config {
            limits: high_rates(),
            ..Config::default()
        };
        config.limits.sockets = 4;
        let mut server = server_with(config);
        server.skip_to(1_000);
        let insiders: Vec<Peer> = (0..3)
            .map(|number| {
                let peer = if number == 2 {
                    Peer::connect_polling(&mut server)
                } else {
                    Peer::connect(&mut server)
                };
                peer.join(&mut server, &format!("insider {number}"));
                peer
            })
            .collect();
        let close = if bytes.chance(2) {
            json!(["host:lock", { "on": true }])
        } else {
            json!(["host:password", { "password": "secret" }])
        };
        insiders[0].call(&mut server, close);
        let mut world = Self {
            server,
            insiders,
            strangers: Vec::new(),
            heard: Vec::new(),
        };
        world.listen();
        world
    }

    /// Something that a member does, or that happens to the room.
    fn inside(&mut self, decision: u8) {
        let who = usize::from(decision >> 5) % self.insiders.len();
        let server = &mut self.server;
        let peer = &self.insiders[who];
        let reply = match decision % 16 {
            0..4 => peer.call(server, json!(["chat-message", SECRET])),
            4 | 5 => peer.call(server, json!(["signal", { "data": SECRET }])),
            6 => peer.call(server, json!(["offer", { "type": "offer", "sdp": SECRET }])),
            7 => peer.call(
                server,
                json!(["answer", { "type": "answer", "sdp": SECRET }]),
            ),
            8 => peer.call(server, json!(["join", ALIASES[who % 2]])),
            9 => peer.call(server, json!(["peer:update", { "hand": true }])),
            10 => peer.call(server, json!(["room:join", { "name": "again" }])),
            11 | 12 => {
                peer.vanish(server);
                let back = peer.reconnect(server);
                assert!(back.recovered, "insider {who}");
                self.insiders[who] = back;
                return;
            }
            13 => {
                server.lose_memory();
                return;
            }
            15 if who == 0 => return self.kill(),
            15 if who == 1 => {
                server.set_clock_back(server.now().min(3_000));
                return;
            }
            _ => {
                server.until(server.now() + 7_000);
                return;
            }
        };
        let mut reply = json!({ "ok": reply["ok"], "delivered": reply["delivered"], "error": reply["error"]["code"] });
        scrub(&mut reply, &self.insiders);
        self.heard.push((who, reply));
    }

    /// The server is killed. Members return; strangers do not notice.
    fn kill(&mut self) {
        self.server.platform.flush();
        self.server.kill();
        for (who, peer) in self.insiders.iter_mut().enumerate() {
            *peer = peer.reconnect(&mut self.server);
            assert!(peer.recovered, "insider {who}");
        }
    }

    fn noise(&mut self, decision: u8, what: u8) {
        STRANGERS.clone_into(&mut self.server.address);
        let server = &mut self.server;
        match decision % 8 {
            0 if self.strangers.len() < 12 => {
                let c = server.open_websocket();
                server.text(c, "40");
                self.strangers.push(Stranger::WebSocket(c));
            }
            1 if self.strangers.len() < 12 => {
                let sid = server.open_polling();
                server.send(&sid, "40");
                self.strangers.push(Stranger::Polling(sid));
            }
            2..7 if !self.strangers.is_empty() => {
                let place = usize::from(decision >> 3) % self.strangers.len();
                let frame = match NOISE.get(usize::from(what) % (NOISE.len() + 1)) {
                    Some(frame) => (*frame).to_owned(),
                    None => junk(&mut Bytes::new(&[decision, what, decision ^ what, !what])),
                };
                match &self.strangers[place] {
                    Stranger::WebSocket(c) if server.connections.contains_key(c) => {
                        server.text(*c, frame);
                    }
                    Stranger::WebSocket(_) => {}
                    Stranger::Polling(sid) => {
                        server.send(sid, &frame);
                    }
                }
            }
            7 if !self.strangers.is_empty() => match self.strangers.remove(0) {
                Stranger::WebSocket(c) if server.connections.contains_key(&c) => {
                    server.lost(c);
                }
                Stranger::WebSocket(_) => {}
                Stranger::Polling(sid) => {
                    server.send(&sid, "1");
                }
            },
            _ => {}
        }
        // Only some of the strangers poll each time.
        let polls = |place: usize| usize::from(what) % 3 != place % 3;
        for (place, stranger) in self.strangers.iter().enumerate() {
            let number = match stranger {
                Stranger::WebSocket(c) => *c,
                Stranger::Polling(_) if !polls(place) => continue,
                Stranger::Polling(sid) => {
                    let poll = server.poll(sid);
                    if server.requests.contains_key(&poll) {
                        server.overdue(poll);
                    }
                    poll
                }
            };
            for done in server.take_for(number) {
                if let Done::Sent(_, told) | Done::Responded(_, _, _, told) = done {
                    let secret = told.contains(SECRET) || told.contains("\"history\":");
                    assert!(!secret, "a stranger heard {told}");
                }
            }
        }
        INSIDERS.clone_into(&mut self.server.address);
    }

    fn listen(&mut self) {
        for (who, peer) in self.insiders.iter().enumerate() {
            for mut event in peer.heard(&mut self.server) {
                if event[0] != "host:knock" {
                    scrub(&mut event, &self.insiders);
                    self.heard.push((who, event));
                }
            }
        }
    }
}

/// Replaces the ids of members by names, and removes values that depend on how many ids the server has made.
fn scrub(value: &mut Value, insiders: &[Peer]) {
    match value {
        Value::String(text) => {
            if let Some(who) = insiders.iter().position(|peer| peer.id == *text) {
                *text = format!("insider {who}");
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| scrub(value, insiders)),
        Value::Object(fields) => {
            let is_message = fields.contains_key("message");
            fields.retain(|name, _| name != "seq" && !(is_message && name == "id"));
            fields.values_mut().for_each(|value| scrub(value, insiders));
        }
        _ => {}
    }
}
