//! Socket.IO 1 and 2 on revision 3: clients are in `/` without a CONNECT, refusals are texts,
//! socket ids are the engine's, and there is no recovery.

use serde_json::{Value, json};
use signalbox::io::ContentType;
use signalbox::socket::{Namespace, RoomError, SocketId, Sockets, Target};

use crate::obedient::obedient;
use crate::peer::{Hall, Peer, hall, hall_with, unhurried};
use crate::room_token::{hall_with_tokens, token};
use crate::socket::echo;
use crate::support::{Done, POLLING_3, WEBSOCKET_3, closed, ok, sent, sent_bytes};

/// The packets of a text response, without their lengths.
fn packets(body: &str) -> Vec<String> {
    let mut packets = Vec::new();
    let mut rest = body;
    while let Some((length, behind)) = rest.split_once(':') {
        let (packet, behind) = behind.split_at(length.parse().expect("a length"));
        packets.push(packet.to_owned());
        rest = behind;
    }
    packets
}

fn polled<C: signalbox::io::Core>(
    script: &mut crate::support::Script<C>,
    request: u64,
) -> Vec<String> {
    match &script.take_of(request)[..] {
        [Done::Responded(_, 200, ContentType::Text, body)] => packets(body),
        other => panic!("no answer: {other:?}"),
    }
}

fn sid(open: &str) -> String {
    open.split('"').nth(3).expect("a sid").to_owned()
}

/// A client on a WebSocket: its connection, and the socket id that it derives from the session id.
fn connect(hall: &mut Hall, query: &str) -> (u64, String) {
    let c = hall.upgrade(&format!("{WEBSOCKET_3}{query}"));
    match &hall.take_of(c)[..] {
        [
            Done::Accepted(_),
            Done::Sent(_, open),
            Done::Sent(_, connect),
        ] if connect == "40" => (c, sid(open)),
        other => panic!("not connected: {other:?}"),
    }
}

/// The event that a frame is.
fn event(done: &Done) -> Value {
    match done {
        Done::Sent(_, frame) => serde_json::from_str(frame.strip_prefix("42").unwrap()).unwrap(),
        other => panic!("not an event: {other:?}"),
    }
}

/// L-12: the CONNECT packet of `/` follows the open packet, in one response to a polling handshake.
#[test]
fn l_12_the_main_namespace_is_connected_at_once() {
    let mut script = echo();
    let request = script.get(POLLING_3);
    let got = polled(&mut script, request);
    assert_eq!(got.len(), 3, "{got:?}");
    assert!(got[0].starts_with("0{"));
    assert_eq!(got[1..], ["40", r#"42["auth",{}]"#]);
    let c = script.upgrade(WEBSOCKET_3);
    let done = script.take_of(c);
    assert!(matches!(&done[1], Done::Sent(_, open) if open.starts_with("0{")));
    assert_eq!(done[2..], [sent(c, "40"), sent(c, r#"42["auth",{}]"#)]);
    // K-4: the client has joined a namespace.
    let mut hall = hall();
    let (c, _) = connect(&mut hall, "");
    hall.until(40_000).text(c, "2").until(80_000);
    hall.expect([sent(c, "3")]);
}

/// L-12: events and acks have the form of later revisions, with attachments in their frames.
#[test]
fn l_12_events_and_acks() {
    let mut script = echo();
    let c = script.upgrade(WEBSOCKET_3);
    script.take();
    script
        .text(c, r#"42["message",1,"2"]"#)
        .text(c, r#"420["message-with-ack",{"a":[]}]"#);
    script.expect([
        sent(c, r#"42["message-back",1,"2"]"#),
        sent(c, r#"430[{"a":[]}]"#),
    ]);
    let frame = r#"451-["message",{"_placeholder":true,"num":0}]"#;
    script.text(c, frame).bytes(c, &[4, 1, 2, 3]);
    script.expect([
        sent(c, frame.replace("message", "message-back")),
        sent_bytes(c, [4, 1, 2, 3]),
    ]);
    script.text(c, "41").expect([]);
    script.text(c, r#"42["message"]"#).expect([]);
}

/// L-13: a client asks for other namespaces, with a query in the name. The application gets its
/// parameters with those of the URL. The reply has only the name.
#[test]
fn l_13_other_namespaces() {
    for (connect, answer) in [
        ("40/custom", "40/custom,"),
        ("40/custom,", "40/custom,"),
        ("40/custom?token=abc,", "40/custom,"),
        ("40/custom?token=abc&x=1", "40/custom,"),
    ] {
        let mut script = echo();
        let c = script.upgrade(WEBSOCKET_3);
        script.take();
        script.text(c, connect);
        script.expect([sent(c, answer), sent(c, r#"42/custom,["auth",{}]"#)]);
        // L-15: the client has joined it already.
        script.text(c, connect).expect([]);
        script.text(c, "41/custom,").text(c, connect);
        script.expect([sent(c, answer), sent(c, r#"42/custom,["auth",{}]"#)]);
    }
}

/// L-13: parameters of a namespace take precedence over those of the URL.
#[test]
fn l_13_the_query_of_a_namespace() {
    let mut script = obedient();
    let c = script.upgrade(&format!("{WEBSOCKET_3}&token=url&other=1"));
    script.text(c, "40/n?token=nsp,").text(c, "40/m").take();
    let handshakes = &script.core.app().handshakes;
    let found: Vec<_> = handshakes
        .iter()
        .map(|handshake| (handshake.parameter("token"), handshake.parameter("other")))
        .collect();
    assert_eq!(
        found,
        [
            (Some("url"), Some("1")),
            (Some("nsp"), Some("1")),
            (Some("url"), Some("1")),
        ]
    );
}

/// L-12: there is no `auth`, so a token is in the URL's query.
#[test]
fn l_12_a_token_in_the_query() {
    let mut hall = hall_with_tokens(true, unhurried());
    let token = token(json!({}));
    connect(&mut hall, &format!("&token={token}"));
    for query in [String::new(), format!("&token={token}x")] {
        let c = hall.upgrade(&format!("{WEBSOCKET_3}{query}"));
        let got = hall.take_of(c);
        assert!(
            matches!(&got[2], Done::Sent(_, error) if error.starts_with("44\"")),
            "{got:?}"
        );
    }
}

/// L-14: a refusal is an ERROR packet with the message, and the connection stays open.
#[test]
fn l_14_refusals_are_texts() {
    let mut script = echo();
    let c = script.upgrade(WEBSOCKET_3);
    script.take();
    script.text(c, "40/random");
    script.expect([sent(c, r#"44/random,"Invalid namespace""#)]);
    script.text(c, "40/random?x=1,");
    script.expect([sent(c, r#"44/random,"Invalid namespace""#)]);
    script
        .text(c, r#"42["message"]"#)
        .expect([sent(c, r#"42["message-back"]"#)]);
    let mut obedient = obedient();
    let c = obedient.upgrade(WEBSOCKET_3);
    obedient.take();
    obedient
        .text(c, "40/refused")
        .expect([sent(c, r#"44/refused,"not you""#)]);
    let mut hall = hall_with(signalbox::room::Config {
        limits: signalbox::room::config::Limits {
            sockets: 1,
            ..unhurried()
        },
        ..signalbox::room::Config::default()
    });
    connect(&mut hall, "");
    let request = hall.get(POLLING_3);
    let got = polled(&mut hall, request);
    assert!(got[1].starts_with(r#"44"the room is full"#), "{got:?}");
}

/// L-15: packets for a namespace that the client has not joined, and a repeated CONNECT, are
/// ignored: these clients do not wait for replies.
#[test]
fn l_15_packets_that_are_ignored() {
    let mut script = echo();
    let c = script.upgrade(WEBSOCKET_3);
    script.take();
    for packet in [
        "40",
        "42/custom,[\"x\"]",
        "41/custom,",
        "43/custom,1[]",
        "42/custom,1[\"x\"]",
    ] {
        script.text(c, packet).expect([]);
    }
    script
        .text(c, r#"42["message"]"#)
        .expect([sent(c, r#"42["message-back"]"#)]);
    // S-4: an invalid packet still closes the connection.
    script.text(c, "42nonsense").expect([closed(c)]);
}

/// L-16: there is no recovery: no `pid`, no offset, and a client that loses its connection leaves.
#[test]
fn l_16_nothing_is_recovered() {
    let mut hall = hall();
    let peer = Peer::connect(&mut hall);
    let (c, id) = connect(&mut hall, "");
    hall.text(c, r#"421["room:join",{"name":"Old"}]"#);
    peer.join(&mut hall, "New");
    peer.heard(&mut hall);
    hall.take();
    peer.emit(&mut hall, json!(["chat-message", "hi"]));
    let got = hall.take_of(c);
    assert_eq!(event(&got[0]).as_array().map(Vec::len), Some(2), "{got:?}");
    hall.lost(c);
    let heard = peer.heard(&mut hall);
    let left = heard.iter().find(|event| event[0] == "peer:left");
    assert_eq!(left.expect("it left")[1]["id"], json!(id));
}

/// L-17: the socket id is the session id, and has the form of all socket ids. Peers of both
/// revisions can address each other by it, and it survives the loss of memory.
#[test]
fn l_17_ids_are_the_engines() {
    let mut hall = hall();
    let peer = Peer::connect(&mut hall);
    let ((a, a_id), (b, b_id)) = (connect(&mut hall, ""), connect(&mut hall, ""));
    for lose in [false, true] {
        if lose {
            hall.lose_memory();
        }
        for id in [&a_id, &b_id] {
            assert!(SocketId::is_id(id), "{id}");
        }
        hall.take();
        hall.text(
            a,
            format!(r#"42["offer",{{"to":"{b_id}","sdp":"x","type":"offer"}}]"#),
        );
        let got = hall.take_of(b);
        assert_eq!(got.len(), 1, "{got:?}");
        assert!(event(&got[0]).to_string().contains(&a_id), "{got:?}");
        peer.emit(
            &mut hall,
            json!(["offer", { "to": a_id, "sdp": "x", "type": "offer" }]),
        );
        assert!(event(&hall.take_of(a)[0]).to_string().contains(&peer.id));
        hall.text(
            a,
            format!(
                r#"42["offer",{{"to":"{}","sdp":"x","type":"offer"}}]"#,
                peer.id
            ),
        );
        let heard = peer.heard(&mut hall);
        assert!(heard[0].to_string().contains(&a_id), "{heard:?}");
        assert!(hall.take_of(b).is_empty());
    }
}

/// L-17: in other namespaces the socket id is made from the session id and the namespace. Leaving
/// and rejoining does not change it.
#[test]
fn l_17_ids_elsewhere() {
    let mut script = obedient();
    let c = script.upgrade(WEBSOCKET_3);
    let Some(Done::Sent(_, open)) = script.take_of(c).get(1).cloned() else {
        panic!("no open packet");
    };
    script.text(c, "40/n").text(c, "41").text(c, "40");
    let ids: Vec<String> = script
        .core
        .app()
        .sockets
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(ids[0], sid(&open));
    assert_ne!(ids[1], ids[0]);
    assert_eq!(ids[2], ids[0], "the client makes the same of its session");
    // The id that the client computes is valid as its address.
    let parse = |text: String| SocketId::parse(&text).map(|id| id.to_string());
    assert_eq!(parse(format!("/n#{}", ids[0])).as_ref(), Some(&ids[1]));
    for (text, known) in [
        ("/m#", true),
        ("/N#", true),
        ("/#", false),
        ("#", false),
        ("n#", false),
    ] {
        let id = parse(format!("{text}{}", ids[0]));
        assert_eq!(id.is_some(), known, "{text}");
        assert!(!id.is_some_and(|id| ids.contains(&id)), "{text}");
    }
    assert_eq!(SocketId::parse("/n#"), None);
}

/// L-17: the id that a client computes in a namespace is its own room, which other sockets may not
/// join.
#[test]
fn l_17_ids_elsewhere_are_targets() {
    let namespace = Namespace::parse("/n").unwrap();
    let name = "/n#AAAAAAAAAAAAAAAAAAAA";
    let (id, other) = (SocketId::parse(name).unwrap(), SocketId::new([7; 15]));
    let mut sockets = Sockets::<()>::default();
    for id in [id, other] {
        sockets.connect(id, namespace.clone(), ());
    }
    assert_eq!(
        sockets.select(&Target::all(namespace.clone()).to(name)),
        [id]
    );
    assert_eq!(
        sockets.select(&Target::all(namespace).except(name)),
        [other]
    );
    assert_eq!(sockets.join(other, name), Err(RoomError::ForeignId));
}

/// L-23: sessions survive eviction: polling with its socket, on a WebSocket, and during the
/// upgrade.
#[test]
fn l_23_memory_is_lost() {
    let mut hall = hall();
    let (c, id) = connect(&mut hall, "");
    let request = hall.get(POLLING_3);
    let open = polled(&mut hall, request);
    assert_eq!(open[1], "40");
    let other = sid(&open[0]);
    let session = format!("{POLLING_3}&sid={other}");
    let poll = hall.get(&session);
    hall.lose_memory();
    let signal = |to: &str| format!(r#"42["candidate",{{"to":"{to}","candidate":"x"}}]"#);
    hall.text(c, signal(&other));
    let got = polled(&mut hall, poll);
    assert!(got[0].contains(&id), "{got:?}");
    hall.lose_memory();
    let packet = signal(&id);
    let post = hall.post(&session, &format!("{}:{packet}", packet.len()));
    assert_eq!(hall.take_of(post), [ok(post)]);
    assert!(event(&hall.take_of(c)[0]).to_string().contains(&other));
    let probe = hall.upgrade(&session.replace("polling", "websocket"));
    hall.text(probe, "2probe").lose_memory();
    hall.text(c, signal(&other)).lose_memory();
    hall.take_of(probe);
    hall.text(probe, "5").lose_memory().text(probe, signal(&id));
    let got = hall.take_of(probe);
    assert_eq!(got.len(), 1, "{got:?}");
    assert_eq!(hall.take_of(c).len(), 1);
}

/// L-23: a killed server keeps the polling sessions, as in revision 4.
#[test]
fn l_23_the_server_is_killed() {
    let mut hall = hall();
    let request = hall.get(POLLING_3);
    let open = polled(&mut hall, request);
    let session = format!("{POLLING_3}&sid={}", sid(&open[0]));
    let revision_4 = hall.open_polling();
    hall.send(&revision_4, "40");
    hall.platform.flush();
    hall.kill().take();
    for (query, body) in [
        (session, r#"23:421["chat:history",{}]"#.to_owned()),
        (
            crate::support::polling(&revision_4),
            r#"421["chat:history",{}]"#.to_owned(),
        ),
    ] {
        let body = body.replace("23:", &format!("{}:", body.len() - 3));
        let post = hall.post(&query, &body);
        assert_eq!(hall.take_of(post), [ok(post)], "{query}");
        let poll = hall.get(&query);
        let got = format!("{:?}", hall.take_of(poll));
        assert!(got.contains("431["), "{got}");
    }
}

/// P-10: a client that the server disconnects is told before its connection closes.
#[test]
fn l_12_a_disconnect_of_the_servers() {
    let mut hall = hall();
    let request = hall.get(POLLING_3);
    let open = polled(&mut hall, request);
    let session = format!("{POLLING_3}&sid={}", sid(&open[0]));
    let (c, _) = connect(&mut hall, "");
    hall.operate("close", "", "");
    let done = hall.take_of(c);
    assert_eq!(
        done[done.len() - 2..],
        [sent(c, "41"), closed(c)],
        "{done:?}"
    );
    let mut got = Vec::new();
    while got.last().is_none_or(|last| last != "1") {
        let poll = hall.get(&session);
        got.extend(polled(&mut hall, poll));
    }
    assert_eq!(got[got.len() - 3..], ["41", "6", "1"], "{got:?}");
}
