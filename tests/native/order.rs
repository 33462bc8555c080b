//! The order within a turn: a client gets its messages in the order of their causes, in any state
//! of its transport. A promise is sent after its commit.

use serde_json::json;
use signalbox::room::Config;

use crate::peer::{Peer, RoomServer, high_rates, server_with};
use crate::support::{Done, polling, websocket};

/// The state of a client's transport when the server disconnects the client.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
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

const STATES: [State; 6] = [
    State::WebSocket,
    State::Parked,
    State::NotPolling,
    State::Opening,
    State::Probed,
    State::ProbedAndParked,
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
    fn connect(server: &mut RoomServer, state: State) -> Self {
        let mut client = Self {
            sid: String::new(),
            poll: None,
            probe: None,
            probed: false,
            got: Vec::new(),
        };
        if state == State::WebSocket {
            client.probe = Some(server.open_websocket());
            client.probed = true;
            server.text(client.probe.unwrap(), "40");
            return client;
        }
        client.sid = server.open_polling();
        server.send(&client.sid, "40");
        server.take();
        client.poll(server);
        match state {
            State::Parked => client.park(server),
            State::Opening | State::Probed | State::ProbedAndParked => {
                if state == State::ProbedAndParked {
                    client.park(server);
                }
                let probe = server.upgrade(&websocket(&client.sid));
                client.probe = Some(probe);
                if state != State::Opening {
                    server.text(probe, "2probe");
                    client.probed = true;
                }
                server.take_for(probe);
            }
            _ => {}
        }
        client
    }

    fn park(&mut self, server: &mut RoomServer) {
        self.poll = Some(server.get(&polling(&self.sid)));
    }

    fn poll(&mut self, server: &mut RoomServer) -> bool {
        let poll = self
            .poll
            .take()
            .unwrap_or_else(|| server.get(&polling(&self.sid)));
        match server.take_for(poll).pop() {
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
    fn finish(mut self, server: &mut RoomServer) -> Vec<String> {
        if let Some(probe) = self.probe.filter(|_| self.probed) {
            if !self.sid.is_empty() {
                while self.poll.is_some() && self.poll(server) {} // the poll ends before the `5`
                if server.connections.contains_key(&probe) {
                    server.text(probe, "5");
                }
            }
            for done in server.take_for(probe) {
                match done {
                    Done::Sent(_, frame) => self.got.push(frame),
                    Done::Closed(..) => self.got.push("closed".to_owned()),
                    _ => {}
                }
            }
            return self.got;
        }
        while self.got.last().is_none_or(|last| last != "1") && self.poll(server) {}
        self.got
    }
}

/// A client that is disconnected by the server gets all earlier messages, then the DISCONNECT, then
/// its connection closes. This holds on every transport, in every state, for every cause, even if
/// memory is lost before the client fetches the messages.
#[test]
fn a_client_gets_all_messages_before_its_disconnect() {
    for state in STATES {
        for cause in CAUSES {
            for pause in [None, Some(0), Some(14_000)] {
                let mut server = server_with(Config {
                    limits: high_rates(),
                    ..Config::default()
                });
                let host = Peer::connect_polling(&mut server);
                host.join(&mut server, "Host");
                "198.51.100.7".clone_into(&mut server.address);
                let client = Client::connect(&mut server, state);
                host.call(&mut server, json!(["chat-message", "before"]));
                let (_, room) = server.operate("", "", "");
                assert_eq!(room["sockets"], 2);
                let ids: Vec<_> = server.platform.stored().into_keys().collect();
                let other = |key: &&String| key.starts_with("socket/") && !key.contains(&host.id);
                let id = ids
                    .iter()
                    .find(other)
                    .unwrap()
                    .trim_start_matches("socket/");
                let kick = json!(["host:kick", { "id": id }]);
                match cause {
                    Cause::Kick => {
                        host.call(&mut server, kick);
                    }
                    Cause::KickBehindAnEvent => {
                        let event = json!(["chat-message", "last"]);
                        host.write(&mut server, &format!("4290{event}\x1e4291{kick}"));
                    }
                    Cause::Operator => {
                        server.operate("close", "", "");
                    }
                }
                if let Some(millis) = pause {
                    server.lose_memory();
                    let then = server.now() + millis;
                    server.until(then);
                }
                let got = client.finish(&mut server);
                let case = format!("{state:?}, {cause:?}, {pause:?}: {got:?}");
                let place = |what: &str| got.iter().position(|packet| packet.contains(what));
                let disconnect = got.iter().position(|packet| packet == "41");
                assert!(
                    disconnect.is_some() && place("before") < disconnect,
                    "{case}"
                );
                let last = match cause {
                    Cause::Kick => "before",
                    Cause::KickBehindAnEvent => "last",
                    Cause::Operator => "room:closed",
                };
                assert!(place(last).is_some() && place(last) < disconnect, "{case}");
                let end = got.last().map(String::as_str);
                assert!(matches!(end, Some("1" | "closed")), "{case}");
                let then = server.now() + 31_000;
                let rows = server.until(then).platform.stored();
                let farewells = rows.keys().filter(|key| key.starts_with("farewell/"));
                assert_eq!(farewells.count(), 0, "{case}");
            }
        }
    }
}

/// P-10, S-15: one POST has a message and too many events, so the server disconnects the client.
/// The client gets the message's ack before its DISCONNECT.
#[test]
fn an_ack_comes_before_the_disconnect() {
    let mut server = server_with(Config::default());
    let sid = server.open_polling();
    server.send(&sid, "40");
    let poll = server.poll(&sid);
    server.take_for(poll);
    let mut body = r#"427["chat-message",{"message":"kept","mid":"m"}]"#.to_owned();
    for _ in 0..500 {
        body.push_str("\x1e42[\"chat:history\"]");
    }
    server.send(&sid, &body);
    let mut got = Vec::new();
    while got.last().is_none_or(|last| last != "1") {
        let poll = server.poll(&sid);
        let Some(Done::Responded(_, 200, _, body)) = server.take_for(poll).pop() else {
            panic!("no close packet after {got:?}");
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
            let mut server = server_with(Config::default());
            let [a, _b] = [Peer::connect(&mut server), Peer::connect(&mut server)];
            server.platform.flush();
            server.crash_after(1);
            server.text(a.connection(), format!("42{ack}{event}"));
            let sent = !server.take().is_empty();
            assert_eq!(sent, !first, "{event} with ack {ack:?}");
        }
    }
}

/// A read does not return values that were deleted earlier in its turn: if one turn clears the chat and recovers
/// a client, the client does not get the cleared chat.
#[test]
fn a_read_sees_the_changes_of_its_turn() {
    let mut server = server_with(Config {
        limits: high_rates(),
        ..Config::default()
    });
    let [host, guest] = [Peer::connect(&mut server), Peer::connect(&mut server)];
    host.join(&mut server, "Host");
    host.call(&mut server, json!(["chat-message", "to be cleared"]));
    server.skip_to(1);
    let claim = server.open_websocket();
    server.text(claim, guest.connect_packet()); // its earlier connection is checked and does not answer
    let late = server.now() + 600;
    server.skip_to(late);
    host.call(&mut server, json!(["host:clear"]));
    let got = format!("{:?}", server.take_for(claim));
    assert!(got.contains(&guest.id), "{got}");
    assert!(!got.contains("to be cleared"), "{got}");
}
