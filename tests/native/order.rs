//! The order within a turn: a client gets its messages in the order of their causes, in any state
//! of its transport, and after the commit that they promise.

use serde_json::json;
use signalbox::room::Config;

use crate::peer::{Hall, Peer, hall_with, unhurried};
use crate::support::{Done, polling, websocket};

/// The state of the transport of a client that is disconnected by the server.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Doing {
    WebSocket,
    Parked,
    NotPolling,
    /// A WebSocket is open for an upgrade, without a `2probe` so far.
    Opening,
    /// The client got its `3probe`, and has not sent its `5`.
    Probed,
    /// The same, with a poll that arrived right before the `2probe`.
    ProbedAndParked,
}

const DOINGS: [Doing; 6] = [
    Doing::WebSocket,
    Doing::Parked,
    Doing::NotPolling,
    Doing::Opening,
    Doing::Probed,
    Doing::ProbedAndParked,
];

/// How the server disconnects a client.
#[derive(Clone, Copy, Debug)]
enum Cause {
    Kick,
    /// A kick after another event of the host, in one POST.
    KickBehindAnEvent,
    Operator,
}

const CAUSES: [Cause; 3] = [Cause::Kick, Cause::KickBehindAnEvent, Cause::Operator];

/// The transport of a stock client.
struct Client {
    sid: String,
    poll: Option<u64>,
    probe: Option<u64>,
    probed: bool,
    got: Vec<String>,
}

impl Client {
    fn connect(hall: &mut Hall, doing: Doing) -> Self {
        let mut client = Self {
            sid: String::new(),
            poll: None,
            probe: None,
            probed: false,
            got: Vec::new(),
        };
        if doing == Doing::WebSocket {
            client.probe = Some(hall.open_websocket());
            client.probed = true;
            hall.text(client.probe.unwrap(), "40");
            return client;
        }
        client.sid = hall.open_polling();
        hall.send(&client.sid, "40");
        hall.take();
        client.poll(hall);
        match doing {
            Doing::Parked => client.park(hall),
            Doing::Opening | Doing::Probed | Doing::ProbedAndParked => {
                if doing == Doing::ProbedAndParked {
                    client.park(hall);
                }
                let probe = hall.upgrade(&websocket(&client.sid));
                client.probe = Some(probe);
                if doing != Doing::Opening {
                    hall.text(probe, "2probe");
                    client.probed = true;
                }
                hall.take_of(probe);
            }
            _ => {}
        }
        client
    }

    fn park(&mut self, hall: &mut Hall) {
        self.poll = Some(hall.get(&polling(&self.sid)));
    }

    fn poll(&mut self, hall: &mut Hall) -> bool {
        let poll = self
            .poll
            .take()
            .unwrap_or_else(|| hall.get(&polling(&self.sid)));
        match hall.take_of(poll).pop() {
            Some(Done::Responded(_, 200, _, body)) => {
                self.got.extend(body.split('\x1e').map(str::to_owned));
                true
            }
            Some(_) => false,
            None => {
                self.poll = Some(poll);
                false
            }
        }
    }

    /// Continues as a stock client would, until its session has ended.
    fn finish(mut self, hall: &mut Hall) -> Vec<String> {
        if let Some(probe) = self.probe.filter(|_| self.probed) {
            if !self.sid.is_empty() {
                while self.poll.is_some() && self.poll(hall) {} // pausing waits for the poll
                if hall.connections.contains_key(&probe) {
                    hall.text(probe, "5");
                }
            }
            for done in hall.take_of(probe) {
                match done {
                    Done::Sent(_, frame) => self.got.push(frame),
                    Done::Closed(..) => self.got.push("closed".to_owned()),
                    _ => {}
                }
            }
            return self.got;
        }
        while self.got.last().is_none_or(|last| last != "1") && self.poll(hall) {}
        self.got
    }
}

/// A client that is disconnected by the server gets all earlier messages, then the DISCONNECT, then
/// its connection closes. This holds on every transport, in every state, for every cause, even if
/// memory is lost before the client fetches the messages.
#[test]
fn a_client_gets_all_messages_before_its_disconnect() {
    for doing in DOINGS {
        for cause in CAUSES {
            for pause in [None, Some(0), Some(14_000)] {
                let mut hall = hall_with(Config {
                    limits: unhurried(),
                    ..Config::default()
                });
                let host = Peer::connect_polling(&mut hall);
                host.join(&mut hall, "Host");
                "198.51.100.7".clone_into(&mut hall.address);
                let client = Client::connect(&mut hall, doing);
                host.call(&mut hall, json!(["chat-message", "before"]));
                let (_, room) = hall.operate("", "", "");
                assert_eq!(room["sockets"], 2);
                let ids: Vec<_> = hall.platform.stored().into_keys().collect();
                let other = |key: &&String| key.starts_with("socket/") && !key.contains(&host.id);
                let id = ids
                    .iter()
                    .find(other)
                    .unwrap()
                    .trim_start_matches("socket/");
                let kick = json!(["host:kick", { "id": id }]);
                match cause {
                    Cause::Kick => {
                        host.call(&mut hall, kick);
                    }
                    Cause::KickBehindAnEvent => {
                        let event = json!(["chat-message", "last"]);
                        host.write(&mut hall, &format!("4290{event}\x1e4291{kick}"));
                    }
                    Cause::Operator => {
                        hall.operate("close", "", "");
                    }
                }
                if let Some(millis) = pause {
                    hall.lose_memory();
                    let then = hall.now() + millis;
                    hall.until(then);
                }
                let got = client.finish(&mut hall);
                let case = format!("{doing:?}, {cause:?}, {pause:?}: {got:?}");
                let place = |what: &str| got.iter().position(|packet| packet.contains(what));
                let farewell = got.iter().position(|packet| packet == "41");
                assert!(farewell.is_some() && place("before") < farewell, "{case}");
                let last = match cause {
                    Cause::Kick => "before",
                    Cause::KickBehindAnEvent => "last",
                    Cause::Operator => "room:closed",
                };
                assert!(place(last).is_some() && place(last) < farewell, "{case}");
                let end = got.last().map(String::as_str);
                assert!(matches!(end, Some("1" | "closed")), "{case}");
                let then = hall.now() + 31_000;
                let rows = hall.until(then).platform.stored();
                let farewells = rows.keys().filter(|key| key.starts_with("farewell/"));
                assert_eq!(farewells.count(), 0, "{case}");
            }
        }
    }
}

/// P-10, S-15: a client is disconnected in the same POST as its message. It gets the message's ack
/// before its DISCONNECT.
#[test]
fn an_ack_comes_before_the_disconnect() {
    let mut hall = hall_with(Config::default());
    let sid = hall.open_polling();
    hall.send(&sid, "40");
    let poll = hall.poll(&sid);
    hall.take_of(poll);
    let mut body = r#"427["chat-message",{"message":"kept","mid":"m"}]"#.to_owned();
    for _ in 0..500 {
        body.push_str("\x1e42[\"chat:history\"]");
    }
    hall.send(&sid, &body);
    let mut got = Vec::new();
    while got.last().is_none_or(|last| last != "1") {
        let poll = hall.poll(&sid);
        let Some(Done::Responded(_, 200, _, body)) = hall.take_of(poll).pop() else {
            panic!("no farewell behind {got:?}");
        };
        got.extend(body.split('\x1e').map(str::to_owned));
    }
    let place = |start: &str| got.iter().position(|packet| packet.starts_with(start));
    assert!(place("437[").is_some(), "{got:?}");
    assert!(
        place("437[") < place("41") && place("41") < place("1"),
        "{got:?}"
    );
}

/// In a turn with a promise, all outputs are sent after the commit. In a turn without a promise, no
/// output waits for the commit.
#[test]
fn a_promise_is_sent_after_its_commit() {
    for (ack, first) in [("7", true), ("", false)] {
        for event in [
            r#"["chat-message","x"]"#,
            r#"["join","ann"]"#,
            r#"["signal",{"data":1}]"#,
        ] {
            let mut hall = hall_with(Config::default());
            let [a, _b] = [Peer::connect(&mut hall), Peer::connect(&mut hall)];
            hall.platform.flush();
            hall.crash_after(1);
            hall.text(a.connection(), format!("42{ack}{event}"));
            let sent = !hall.take().is_empty();
            assert_eq!(sent, !first, "{event} with ack {ack:?}");
        }
    }
}

/// Later events of a turn see its deletions: chat that was cleared in the turn of a recovery is not
/// replayed.
#[test]
fn a_read_sees_the_changes_of_its_turn() {
    let mut hall = hall_with(Config {
        limits: unhurried(),
        ..Config::default()
    });
    let [host, guest] = [Peer::connect(&mut hall), Peer::connect(&mut hall)];
    host.join(&mut hall, "Host");
    host.call(&mut hall, json!(["chat-message", "to be cleared"]));
    hall.late(1);
    let claim = hall.open_websocket();
    hall.text(claim, guest.connect_packet()); // its earlier connection is checked and does not answer
    let late = hall.now() + 600;
    hall.late(late);
    host.call(&mut hall, json!(["host:clear"]));
    let got = format!("{:?}", hall.take_of(claim));
    assert!(got.contains(&guest.id), "{got}");
    assert!(!got.contains("to be cleared"), "{got}");
}
