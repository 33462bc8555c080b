//! The loss of memory, connections and servers at bad moments: within a packet, between an event
//! and its commit, while a socket waits for its acceptance.

use serde_json::{Value, json};
use signalbox::engine::Engine;
use signalbox::socket::{Config, Runner, Server};

use crate::obedient::Obedient;
use crate::peer::{Hall, Peer, hall, hall_of};
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
        let (mut hall, [a, b]) = hall_of();
        let c = a.connection();
        for (number, frame) in frames.iter().enumerate() {
            if number == at {
                hall.lose_memory();
            }
            if !hall.connections.contains_key(&c) {
                break;
            }
            match frame {
                Ok(text) => hall.text(c, text),
                Err(bytes) => hall.bytes(c, bytes),
            };
        }
        let within = (1..=2).contains(&at);
        assert_eq!(
            hall.connections.contains_key(&c),
            !within,
            "lost before frame {at}"
        );
        let back = if within { a.reconnect(&mut hall) } else { a };
        assert!(back.recovered || !within, "lost before frame {at}");
        let got = hall.take_of(b.connection());
        assert_eq!(
            got.len(),
            if within { 0 } else { 4 },
            "lost before frame {at}"
        );
        say(&mut hall, &back, "on it goes");
    }
}

/// V-2: the check of an earlier connection does not depend on the clock, which may go back. A pong from
/// before the ping does not count; a pong from after it does.
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
        let (mut hall, [a]) = hall_of();
        let c = a.connection();
        let pong = |hall: &mut Hall| {
            if is_absorbed {
                let mut answered = hall.platform.auto_responses.borrow_mut();
                answered.insert(c, at(hall.now()));
            } else {
                hall.text(c, "3");
            }
        };
        hall.until(10_000);
        pong(&mut hall);
        hall.set_clock_back(back);
        let claimant = hall.open_websocket();
        hall.text(claimant, a.connect_packet());
        hall.late(hall.now() + 1);
        if is_alive {
            pong(&mut hall);
        }
        hall.until(hall.now() + 1_000);
        let told = format!("{:?}", hall.take_of(claimant));
        assert!(told.contains("40{"), "{told}");
        assert_eq!(!told.contains(&a.id), is_alive, "{back} ms: {told}");
    }
}

/// V-1: a client that is accepted late gets the events since its acceptance, and no earlier ones,
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
    let reply = format!("{:?}", script.take_of(late));
    let pid = reply.split("pid\\\":\\\"").nth(1).expect("a pid");
    let pid = pid[..20].to_owned();
    script.text(early, r#"42["all","after"]"#);
    script.lost(late);
    let back = script.open_websocket();
    script.text(back, format!(r#"40/later,{{"pid":"{pid}"}}"#));
    let missed = format!("{:?}", script.take_of(back));
    assert!(
        missed.contains("after") && !missed.contains("before"),
        "{missed}"
    );
}

/// One peer gets a signal from the other, then the server is killed: before the signal is stored, unless
/// it is `committed`.
fn send_and_kill(hall: &mut Hall, [from, to]: [&Peer; 2], committed: bool) {
    let data = json!({ "to": to.id, "data": "unacknowledged" });
    from.emit(hall, json!(["signal", data]));
    assert_eq!(to.heard(hall).len(), 1);
    if committed {
        hall.platform.flush();
    }
    hall.kill();
}

/// V-5: a client has an event that a killed server does not know. It begins a new session, even if
/// the clock was set back: the server cannot tell what else is missing. All other clients recover.
#[test]
fn an_unknown_offset_begins_a_new_session() {
    for (back_by, committed) in [(0, true), (0, false), (5_000, true), (5_000, false)] {
        let mut hall = hall();
        hall.late(1_000_000);
        let [a, b] = [Peer::connect(&mut hall), Peer::connect(&mut hall)];
        say(&mut hall, &a, "one");
        assert_eq!(texts(&mut hall, &b).len() + texts(&mut hall, &a).len(), 2);
        send_and_kill(&mut hall, [&a, &b], committed);
        hall.set_clock_back(back_by);
        let [a, b] = [a.reconnect(&mut hall), b.reconnect(&mut hall)];
        assert!(a.recovered);
        assert_eq!(b.recovered, committed, "clock back by {back_by}");
        say(&mut hall, &a, "two");
        assert_eq!(texts(&mut hall, &b), ["two"], "clock back by {back_by}");
    }
}

/// V-5: the same holds if the clock passes the time of that event before the client reconnects.
#[test]
fn an_unknown_offset_between_known_ones_begins_a_new_session() {
    for committed in [true, false] {
        let mut hall = hall();
        hall.late(1_000_000);
        let [a, b] = [Peer::connect(&mut hall), Peer::connect(&mut hall)];
        say(&mut hall, &a, "one");
        assert_eq!(texts(&mut hall, &b).len() + texts(&mut hall, &a).len(), 2);
        hall.late(1_001_000);
        send_and_kill(&mut hall, [&a, &b], committed);
        hall.set_clock_back(5_000);
        let a = a.reconnect(&mut hall);
        assert!(a.recovered);
        say(&mut hall, &a, "two");
        hall.until(hall.now() + 10_000);
        say(&mut hall, &a, "three");
        let b = b.reconnect(&mut hall);
        assert_eq!(b.recovered, committed);
        let missed: &[&str] = if committed { &["two", "three"] } else { &[] };
        assert_eq!(texts(&mut hall, &b), missed);
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
        let last = match &script.take_of(c)[..] {
            [.., Done::Sent(_, frame)] => frame.rsplit('"').nth(1).unwrap().to_owned(),
            other => panic!("{other:?}"),
        };
        script.text(c, format!(r#"42["volatile"{args}]"#));
        let got = script.take_of(c);
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
        let (mut hall, [a, b]) = hall_of();
        let strict = hall.upgrade(&format!("EIO=4&transport=websocket{query}"));
        hall.text(strict, connect);
        let done = hall.take_of(strict);
        let [.., Done::Sent(_, reply)] = &done[..] else {
            panic!("{done:?}");
        };
        assert!(
            reply.starts_with("40{\"sid\"") && !reply.contains("pid"),
            "{reply}"
        );
        a.emit(&mut hall, json!(["offer", { "type": "offer", "sdp": "x" }]));
        a.emit(&mut hall, json!(["candidate", null]));
        hall.expect_of(
            strict,
            [
                sent(strict, r#"42["offer",{"sdp":"x","type":"offer"}]"#),
                sent(strict, r#"42["candidate",null]"#),
            ],
        );
        assert_eq!(
            b.heard(&mut hall)[0].as_array().map(Vec::len),
            Some(3),
            "meta"
        );
        a.emit(&mut hall, json!(["chat-message", "hi"]));
        let done = hall.take_of(strict);
        let [Done::Sent(_, frame)] = &done[..] else {
            panic!("{done:?}");
        };
        let event: Value = serde_json::from_str(&frame[2..]).unwrap();
        assert_eq!(event.as_array().map(Vec::len), Some(2), "{event}");
        hall.kill();
        let (_, room) = hall.operate("", "", "");
        assert_eq!(room["sockets"], 2, "it cannot come back");
    }
}

/// A killed server forgets a strict peer at once, and the others are told.
#[test]
fn a_killed_server_forgets_a_strict_peer() {
    for kill in [true, false] {
        let (mut hall, [a]) = hall_of();
        a.join(&mut hall, "Ann");
        let strict = hall.upgrade("EIO=4&transport=websocket&strict=1");
        hall.text(strict, "40")
            .text(strict, r#"421["room:join",{}]"#);
        a.heard(&mut hall);
        if kill {
            hall.kill();
        } else {
            hall.lost(strict);
        }
        let a = if kill { a.reconnect(&mut hall) } else { a };
        let heard = a.heard(&mut hall);
        let left = heard.iter().find(|event| event[0] == "peer:left");
        assert_eq!(left.expect("it left")[1]["reason"], "timeout");
    }
}

/// K-5: the deadline of a farewell survives the loss of memory. After 30 s the farewell and its record
/// are deleted.
#[test]
fn k_5_farewells_expire() {
    let mut hall = hall();
    let sid = hall.open_polling();
    hall.send(&sid, "4nonsense");
    hall.lose_memory();
    hall.until(30_000);
    let poll = hall.poll(&sid);
    assert!(matches!(
        &hall.take_of(poll)[..],
        [Done::Responded(_, 200, ..)]
    ));
    let sid = hall.open_polling();
    hall.send(&sid, "4nonsense");
    let then = hall.now() + 60_001;
    hall.until(then);
    assert!(hall.platform.stored().is_empty());
    let probe = hall.open_probe();
    hall.text(probe.1, "2probe").take();
    hall.send(&probe.0, "4nonsense");
    let then = hall.now() + 30_001;
    assert_eq!(hall.until(then).take_of(probe.1), [closed(probe.1)]);
}
