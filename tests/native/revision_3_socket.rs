//! Socket.IO 1 and 2 on revision 3: clients are in `/` without a CONNECT, refusals are texts,
//! socket ids are the engine's, and there is no recovery.

use serde_json::{Value, json};
use signalbox::io::ContentType;

use crate::obedient::obedient;
use crate::peer::{Peer, RoomServer, high_rates, server, server_with};
use crate::room_token::{server_with_tokens, token};
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
    match &script.take_for(request)[..] {
        [Done::Responded(_, 200, ContentType::Text, body)] => packets(body),
        other => panic!("no answer: {other:?}"),
    }
}

pub fn sid(open: &str) -> String {
    open.split('"').nth(3).expect("a sid").to_owned()
}

/// A client on a WebSocket: its connection, and the socket id that it derives from the session id.
pub fn connect(server: &mut RoomServer, query: &str) -> (u64, String) {
    let c = server.upgrade(&format!("{WEBSOCKET_3}{query}"));
    match &server.take_for(c)[..] {
        [
            Done::Accepted(_),
            Done::Sent(_, open),
            Done::Sent(_, connect),
        ] if connect == "40" => (c, sid(open)),
        other => panic!("not connected: {other:?}"),
    }
}

/// The event in a frame.
pub fn event(done: &Done) -> Value {
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
    let done = script.take_for(c);
    assert!(matches!(&done[1], Done::Sent(_, open) if open.starts_with("0{")));
    assert_eq!(done[2..], [sent(c, "40"), sent(c, r#"42["auth",{}]"#)]);
    // K-4: the client has joined a namespace.
    let mut server = server();
    let (c, _) = connect(&mut server, "");
    server.until(40_000).text(c, "2").until(80_000);
    server.expect([sent(c, "3")]);
}

/// L-12: events and acks have the form of later revisions. Each attachment is a binary frame that
/// begins with the type, 4.
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

/// L-13: the query of the URL and that of a namespace may have 2,048 bytes together. A longer one is refused, not cut: if a
/// parameter were cut off, the URL's parameter of the same name would count.
#[test]
fn l_13_the_query_of_a_namespace_is_bounded_with_that_of_the_url() {
    let mut script = obedient();
    let c = script.upgrade(&format!("{WEBSOCKET_3}&token=url"));
    script.take();
    let url = script.core.app().handshakes[0].query.clone();
    let rest = 2_048 - url.len() - "&x=&token=nsp".len();
    let refusal =
        r#"44/n,"the query is too long: it may have 2048 bytes together with that of the URL""#;
    for (bytes, tokens, reply) in [
        (rest + 1, &[][..], refusal),
        (60_000, &[], refusal),
        (rest, &[Some("nsp")], "40/n,"),
    ] {
        let earlier = script.core.app().handshakes.len();
        script.text(c, format!("40/n?x={}&token=nsp,", "x".repeat(bytes)));
        let handshakes = script.core.app().handshakes[earlier..].iter();
        let found: Vec<_> = handshakes.map(|it| it.parameter("token")).collect();
        assert_eq!(found, tokens, "{bytes}");
        script.expect([sent(c, reply)]);
    }
}

/// L-12: there is no `auth`, so a token is in the URL's query.
#[test]
fn l_12_a_token_in_the_query() {
    let mut server = server_with_tokens(true, high_rates());
    let token = token(json!({}));
    connect(&mut server, &format!("&token={token}"));
    for query in [String::new(), format!("&token={token}x")] {
        let c = server.upgrade(&format!("{WEBSOCKET_3}{query}"));
        let got = server.take_for(c);
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
    let mut server = server_with(signalbox::room::Config {
        limits: signalbox::room::config::Limits {
            sockets: 1,
            ..high_rates()
        },
        ..signalbox::room::Config::default()
    });
    connect(&mut server, "");
    let request = server.get(POLLING_3);
    let got = polled(&mut server, request);
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
    let mut server = server();
    let peer = Peer::connect(&mut server);
    let (c, id) = connect(&mut server, "");
    server.text(c, r#"421["room:join",{"name":"Old"}]"#);
    peer.join(&mut server, "New");
    peer.heard(&mut server);
    server.take();
    peer.emit(&mut server, json!(["chat-message", "hi"]));
    let got = server.take_for(c);
    assert_eq!(event(&got[0]).as_array().map(Vec::len), Some(2), "{got:?}");
    server.lost(c);
    let heard = peer.heard(&mut server);
    let left = heard.iter().find(|event| event[0] == "peer:left");
    assert_eq!(left.expect("it left")[1]["id"], json!(id));
}

/// L-23: sessions and their sockets survive eviction: on polling, on a WebSocket, and during the
/// upgrade.
#[test]
fn l_23_memory_is_lost() {
    let mut server = server();
    let (c, id) = connect(&mut server, "");
    let request = server.get(POLLING_3);
    let open = polled(&mut server, request);
    assert_eq!(open[1], "40");
    let other = sid(&open[0]);
    let session = format!("{POLLING_3}&sid={other}");
    let poll = server.get(&session);
    server.lose_memory();
    let signal = |to: &str| format!(r#"42["candidate",{{"to":"{to}","candidate":"x"}}]"#);
    server.text(c, signal(&other));
    let got = polled(&mut server, poll);
    assert!(got[0].contains(&id), "{got:?}");
    server.lose_memory();
    let packet = signal(&id);
    let post = server.post(&session, &format!("{}:{packet}", packet.len()));
    assert_eq!(server.take_for(post), [ok(post)]);
    assert!(event(&server.take_for(c)[0]).to_string().contains(&other));
    let probe = server.upgrade(&session.replace("polling", "websocket"));
    server.text(probe, "2probe").lose_memory();
    server.text(c, signal(&other)).lose_memory();
    server.take_for(probe);
    server
        .text(probe, "5")
        .lose_memory()
        .text(probe, signal(&id));
    let got = server.take_for(probe);
    assert_eq!(got.len(), 1, "{got:?}");
    assert_eq!(server.take_for(c).len(), 1);
}

/// L-23: a killed server keeps the polling sessions, as in revision 4.
#[test]
fn l_23_the_server_is_killed() {
    let mut server = server();
    let request = server.get(POLLING_3);
    let open = polled(&mut server, request);
    let session = format!("{POLLING_3}&sid={}", sid(&open[0]));
    let revision_4 = server.open_polling();
    server.send(&revision_4, "40");
    server.platform.flush();
    server.kill().take();
    for (query, body) in [
        (session, r#"23:421["chat:history",{}]"#.to_owned()),
        (
            crate::support::polling(&revision_4),
            r#"421["chat:history",{}]"#.to_owned(),
        ),
    ] {
        let body = body.replace("23:", &format!("{}:", body.len() - 3));
        let post = server.post(&query, &body);
        assert_eq!(server.take_for(post), [ok(post)], "{query}");
        let poll = server.get(&query);
        let got = format!("{:?}", server.take_for(poll));
        assert!(got.contains("431["), "{got}");
    }
}

/// L-12, P-10: a client that the server disconnects is told before its connection closes.
#[test]
fn l_12_the_server_disconnects_a_client() {
    let mut server = server();
    let request = server.get(POLLING_3);
    let open = polled(&mut server, request);
    let session = format!("{POLLING_3}&sid={}", sid(&open[0]));
    let (c, _) = connect(&mut server, "");
    server.operate("close", "", "");
    let done = server.take_for(c);
    assert_eq!(
        done[done.len() - 2..],
        [sent(c, "41"), closed(c)],
        "{done:?}"
    );
    let mut got = Vec::new();
    while got.last().is_none_or(|last| last != "1") {
        let poll = server.get(&session);
        got.extend(polled(&mut server, poll));
    }
    assert_eq!(got[got.len() - 3..], ["41", "6", "1"], "{got:?}");
}
