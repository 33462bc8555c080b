//! The loss of memory, connections and servers at bad moments: within a packet, between an event
//! and its commit, while a socket waits for its acceptance.

use serde_json::{Value, json};
use signalbox::engine::Engine;
use signalbox::socket::{Config, Runner, Server};

use crate::obedient::Obedient;
use crate::peer::{Peer, RoomServer, server, server_of};
use crate::raw::defaults;
use crate::recovery::{say, texts};
use crate::support::{Done, Script, at, closed, sent};

/// Memory may be lost between any two frames, even between a packet and its attachments. Then the
/// session ends at the next attachment, and its client recovers.
#[test]
fn memory_is_lost_within_a_binary_packet() {
    let frames: [Result<&str, &[u8]>; 4] = [
        Ok(
            r#"452-["signal",{"a":{"_placeholder":true,"num":0},"b":{"_placeholder":true,"num":1}}]"#,
        ),
        Err(&[1]),
        Err(&[2]),
        Ok(r#"421["chat-message","behind"]"#),
    ];
    for at in 0..frames.len() {
        let (mut server, [a, b]) = server_of();
        let c = a.connection();
        for (number, frame) in frames.iter().enumerate() {
            if number == at {
                server.lose_memory();
            }
            if !server.connections.contains_key(&c) {
                break;
            }
            match frame {
                Ok(text) => server.text(c, text),
                Err(bytes) => server.bytes(c, bytes),
            };
        }
        let within = (1..=2).contains(&at);
        assert_eq!(
            server.connections.contains_key(&c),
            !within,
            "lost before frame {at}"
        );
        let back = if within { a.reconnect(&mut server) } else { a };
        assert!(back.recovered || !within, "lost before frame {at}");
        let got = server.take_for(b.connection());
        assert_eq!(
            got.len(),
            if within { 0 } else { 4 },
            "lost before frame {at}"
        );
        say(&mut server, &back, "on it goes");
    }
}

/// V-5: a client claims a socket whose earlier connection still seems alive. The server pings that connection: only
/// a pong that comes after this ping shows that it is alive, even if the clock goes back.
#[test]
fn the_clock_goes_back_before_a_client_reconnects() {
    for (is_alive, is_absorbed, back) in [
        (false, false, 1),
        (false, false, 5_000),
        (false, true, 5_000),
        (true, false, 1),
        (true, false, 5_000),
        (true, true, 5_000),
    ] {
        let (mut server, [a]) = server_of();
        let c = a.connection();
        let pong = |server: &mut RoomServer| {
            if is_absorbed {
                let mut answered = server.platform.auto_responses.borrow_mut();
                answered.insert(c, at(server.now()));
            } else {
                server.text(c, "3");
            }
        };
        server.until(10_000);
        pong(&mut server);
        server.set_clock_back(back);
        let claimant = server.open_websocket();
        server.text(claimant, a.connect_packet());
        server.skip_to(server.now() + 1);
        if is_alive {
            pong(&mut server);
        }
        server.until(server.now() + 1_000);
        let told = format!("{:?}", server.take_for(claimant));
        assert!(told.contains("40{"), "{told}");
        assert_eq!(!told.contains(&a.id), is_alive, "{back} ms: {told}");
    }
}

/// V-5: a client that is accepted late gets the events since its acceptance, and no earlier ones,
/// even if it recovers without an offset.
#[test]
fn a_late_socket_gets_events_since_its_acceptance() {
    let mut script = Script::new(|store| {
        let engine = Engine::new(defaults(), store);
        Runner::new(Server::new(Config::default(), engine), Obedient::default())
    });
    let [early, late] = [script.open_websocket(), script.open_websocket()];
    script.text(early, "40").text(late, "40/later,").take();
    script.text(early, r#"42["all","before"]"#);
    script.text(early, r#"42["accept"]"#);
    let reply = format!("{:?}", script.take_for(late));
    let pid = reply.split("pid\\\":\\\"").nth(1).expect("a pid");
    let pid = pid[..20].to_owned();
    script.text(early, r#"42["all","after"]"#);
    script.lost(late);
    let back = script.open_websocket();
    script.text(back, format!(r#"40/later,{{"pid":"{pid}"}}"#));
    let missed = format!("{:?}", script.take_for(back));
    assert!(
        missed.contains("after") && !missed.contains("before"),
        "{missed}"
    );
}

/// A server with two clients, which both got one event. Its time is 1,000,000 ms.
fn server_with_an_event() -> (RoomServer, [Peer; 2]) {
    let mut server = server();
    server.skip_to(1_000_000);
    let [a, b] = [Peer::connect(&mut server), Peer::connect(&mut server)];
    say(&mut server, &a, "one");
    for peer in [&a, &b] {
        assert_eq!(texts(&mut server, peer), ["one"]);
    }
    (server, [a, b])
}

/// One peer gets a signal from the other. Then the server is killed. The signal is stored before the kill
/// only if `committed`.
fn send_and_kill(server: &mut RoomServer, [from, to]: [&Peer; 2], committed: bool) {
    let data = json!({ "to": to.id, "data": "unacknowledged" });
    from.emit(server, json!(["signal", data]));
    assert_eq!(to.heard(server).len(), 1);
    if committed {
        server.platform.flush();
    }
    server.kill();
}

/// V-5: a client has an event that a killed server does not know. The client starts anew, even if the
/// clock was set back: the server cannot tell what else is missing. All other clients recover.
#[test]
fn an_unknown_offset_begins_a_new_session() {
    for (back_by, committed) in [(0, true), (0, false), (5_000, true), (5_000, false)] {
        let (mut server, [a, b]) = server_with_an_event();
        send_and_kill(&mut server, [&a, &b], committed);
        server.set_clock_back(back_by);
        let [a, b] = [a.reconnect(&mut server), b.reconnect(&mut server)];
        assert!(a.recovered);
        assert_eq!(b.recovered, committed, "clock back by {back_by}");
        say(&mut server, &a, "two");
        assert_eq!(texts(&mut server, &b), ["two"], "clock back by {back_by}");
    }
}

/// V-5: the same holds if the clock passes the time of that event before the client reconnects.
#[test]
fn an_unknown_offset_between_known_ones_begins_a_new_session() {
    for committed in [true, false] {
        let (mut server, [a, b]) = server_with_an_event();
        server.skip_to(1_001_000);
        send_and_kill(&mut server, [&a, &b], committed);
        server.set_clock_back(5_000);
        let a = a.reconnect(&mut server);
        assert!(a.recovered);
        say(&mut server, &a, "two");
        server.until(server.now() + 10_000);
        say(&mut server, &a, "three");
        let b = b.reconnect(&mut server);
        assert_eq!(b.recovered, committed);
        let missed: &[&str] = if committed { &["two", "three"] } else { &[] };
        assert_eq!(texts(&mut server, &b), missed);
    }
}

/// V-5: the clock went back, so each new offset is the last one plus one, and not the time. A killed server sent an
/// event that it had not stored. No later event may get the same offset: otherwise the client that got the first
/// event would be recovered, and would miss the later one.
#[test]
fn the_offset_of_a_forgotten_event_is_not_used_again() {
    for loses_memory in [false, true] {
        let (mut server, [a, b]) = server_with_an_event();
        server.set_clock_back(5_000);
        if loses_memory {
            server.lose_memory();
        }
        send_and_kill(&mut server, [&a, &b], false);
        let a = a.reconnect(&mut server);
        assert!(a.recovered);
        say(&mut server, &a, "two");
        let b = b.reconnect(&mut server);
        assert!(!b.recovered, "memory was lost before: {loses_memory}");
    }
}

/// V-5: the log is empty. The server sends an event, and is killed before the event is stored. The client that got the
/// event begins anew, whether it reconnects before or after the next event.
#[test]
fn an_unknown_offset_in_an_empty_log_begins_a_new_session() {
    for (later, is_before) in [(1, true), (1, false), (5_000, true), (5_000, false)] {
        let (mut server, earlier) = server_with_an_event();
        for peer in earlier {
            peer.write(&mut server, "41");
        }
        let [a, b] = [Peer::connect(&mut server), Peer::connect(&mut server)];
        server.platform.flush();
        server.skip_to(1_000_000 + later);
        send_and_kill(&mut server, [&a, &b], false);
        server.skip_to(server.now() + 1);
        if is_before {
            let b = b.reconnect(&mut server);
            assert!(!b.recovered, "{later} ms later");
        } else {
            let a = a.reconnect(&mut server);
            assert!(a.recovered);
            say(&mut server, &a, "two");
            let b = b.reconnect(&mut server);
            assert!(!b.recovered, "{later} ms later, after an event");
        }
    }
}

/// V-2: a client reads the last argument of any event as its offset if it is a text. A volatile event
/// must not break the client's recovery, whatever the event's arguments are.
#[test]
fn v_2_a_volatile_event_does_not_break_recovery() {
    for args in ["", r#","text""#, ",1", r#",{"a":1},"text""#] {
        let mut script = Script::new(|store| {
            let engine = Engine::new(defaults(), store);
            Runner::new(Server::new(Config::default(), engine), Obedient::default())
        });
        let c = script.open_websocket();
        script.text(c, "40").text(c, r#"42["all","x"]"#);
        let last = match &script.take_for(c)[..] {
            [.., Done::Sent(_, frame)] => frame.rsplit('"').nth(1).unwrap().to_owned(),
            other => panic!("{other:?}"),
        };
        script.text(c, format!(r#"42["volatile"{args}]"#));
        let got = script.take_for(c);
        let [Done::Sent(_, frame)] = &got[..] else {
            panic!("{got:?}");
        };
        let values: Value = serde_json::from_str(&frame[2..]).unwrap();
        let end = values.as_array().unwrap().last().unwrap();
        assert!(!end.is_string() || *end == json!(last), "{frame}");
    }
}

/// V-6: a client whose listeners need the exact arguments asks for them in the URL or in `auth`. It gets
/// neither offset nor meta, and cannot recover. Other clients get both.
#[test]
fn a_strict_client_gets_the_exact_arguments() {
    for (query, connect) in [("&strict=1", "40"), ("", r#"40{"strict":true}"#)] {
        let (mut server, [a, b]) = server_of();
        let strict = server.upgrade(&format!("EIO=4&transport=websocket{query}"));
        server.text(strict, connect);
        let done = server.take_for(strict);
        let [.., Done::Sent(_, reply)] = &done[..] else {
            panic!("{done:?}");
        };
        assert!(
            reply.starts_with("40{\"sid\"") && !reply.contains("pid"),
            "{reply}"
        );
        a.emit(
            &mut server,
            json!(["offer", { "type": "offer", "sdp": "x" }]),
        );
        a.emit(&mut server, json!(["candidate", null]));
        server.expect_of(
            strict,
            [
                sent(strict, r#"42["offer",{"sdp":"x","type":"offer"}]"#),
                sent(strict, r#"42["candidate",null]"#),
            ],
        );
        assert_eq!(
            b.heard(&mut server)[0].as_array().map(Vec::len),
            Some(3),
            "meta"
        );
        a.emit(&mut server, json!(["chat-message", "hi"]));
        let done = server.take_for(strict);
        let [Done::Sent(_, frame)] = &done[..] else {
            panic!("{done:?}");
        };
        let event: Value = serde_json::from_str(&frame[2..]).unwrap();
        assert_eq!(event.as_array().map(Vec::len), Some(2), "{event}");
        server.kill();
        let (_, room) = server.operate("", "", "");
        assert_eq!(room["sockets"], 2, "the strict client cannot recover");
    }
}

/// A killed server forgets a strict peer at once, and the others are told.
#[test]
fn a_killed_server_forgets_a_strict_peer() {
    for kill in [true, false] {
        let (mut server, [a]) = server_of();
        a.join(&mut server, "Ann");
        let strict = server.upgrade("EIO=4&transport=websocket&strict=1");
        server
            .text(strict, "40")
            .text(strict, r#"421["room:join",{}]"#);
        a.heard(&mut server);
        if kill {
            server.kill();
        } else {
            server.lost(strict);
        }
        let a = if kill { a.reconnect(&mut server) } else { a };
        let heard = a.heard(&mut server);
        let left = heard.iter().find(|event| event[0] == "peer:left");
        assert_eq!(left.expect("it left")[1]["reason"], "timeout");
    }
}

/// K-5: the deadline of a farewell survives the loss of memory. After 30 s the farewell and its record
/// are deleted.
#[test]
fn k_5_farewells_expire() {
    let mut server = server();
    let sid = server.open_polling();
    server.send(&sid, "4nonsense");
    server.lose_memory();
    server.until(30_000);
    let poll = server.poll(&sid);
    assert!(matches!(
        &server.take_for(poll)[..],
        [Done::Responded(_, 200, ..)]
    ));
    let sid = server.open_polling();
    server.send(&sid, "4nonsense");
    let then = server.now() + 60_001;
    server.until(then);
    assert!(server.platform.stored().is_empty());
    let probe = server.open_probe();
    server.text(probe.1, "2probe").take();
    server.send(&probe.0, "4nonsense");
    let then = server.now() + 30_001;
    assert_eq!(server.until(then).take_for(probe.1), [closed(probe.1)]);
}
