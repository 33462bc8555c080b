//! Revision 3 of Engine.IO: responses, frames, the heartbeat, the upgrade, and the loss of memory.

use signalbox::engine::{Codec, Config, PacketError, Revision};
use signalbox::io::{ContentType, Data, Method};

use crate::raw::{Raw, conformance, defaults, script};
use crate::support::{
    Done, POLLING_3, Script, WEBSOCKET_3, accepted, closed, ok, refused, refused_bare,
    refused_upgrade, sent, sent_bytes,
};

/// The text body that answers a poll.
fn text(request: u64, body: &str) -> Done {
    Done::Responded(request, 200, ContentType::Text, body.to_owned())
}

/// A binary body, in base64.
fn octets(request: u64, body: &str) -> Done {
    Done::Responded(request, 200, ContentType::Octets, body.to_owned())
}

fn post(script: &mut Script<Raw>, session: &str, body: &str) {
    let post = script.post(session, body);
    assert_eq!(script.take_for(post), [ok(post)]);
}

fn post_bytes(script: &mut Script<Raw>, session: &str, body: &[u8]) {
    let post = script.request(Method::Post, session, "application/octet-stream", body);
    assert_eq!(script.take_for(post), [ok(post)]);
}

/// L-2: the open packet has four keys. It is sent in a text payload, also without `b64=1`.
#[test]
fn l_2_the_open_packet() {
    let mut script = script(defaults());
    let request = script.get(POLLING_3);
    let done = script.take_for(request);
    let [Done::Responded(_, 200, ContentType::Text, body)] = &done[..] else {
        panic!("no handshake: {done:?}");
    };
    let rest = r#"","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}"#;
    assert!(body.starts_with(r#"97:0{"sid":""#), "{body}");
    assert!(body.ends_with(rest), "{body}");
    let connection = script.upgrade(WEBSOCKET_3);
    let done = script.take_for(connection);
    let [Done::Accepted(_), Done::Sent(_, open)] = &done[..] else {
        panic!("no handshake: {done:?}");
    };
    let rest = r#"","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
    assert!(open.starts_with(r#"0{"sid":""#) && open.ends_with(rest));
}

/// L-8: the session ends, and no packet of the body counts.
#[test]
fn l_8_an_invalid_body_ends_the_session() {
    for (content_type, body) in [
        ("text/plain", "2:4a2:4"),
        ("text/plain", ""),
        ("application/octet-stream", "2:4a"),
    ] {
        let mut script = script(conformance());
        let session = script.open_revision_3(POLLING_3);
        let poll = script.get(&session);
        let post = script.request(Method::Post, &session, content_type, body);
        script.expect([refused_bare(post, 400), text(poll, "1:1")]);
        let poll = script.get(&session);
        script.expect([refused(poll, 1)]);
    }
    let mut script = script(Config {
        max_payload: 3,
        ..conformance()
    });
    let session = script.open_revision_3(POLLING_3);
    let large = script.post(&session, "5:4long");
    script.expect([refused_bare(large, 413)]);
    post(&mut script, &session, "2:4a");
}

/// L-3, L-4, L-5: with `b64=1` responses are text, else only if they are ASCII.
#[test]
fn l_5_answers() {
    for (bodies, plain, base64) in [
        (&["6:4hello"][..], Ok("6:4hello"), "6:4hello"),
        // 00 06 ff 34 … 00 04 ff 34 e2 82 ac
        (
            &["6:4hello2:4€"],
            Err("AAb/NGhlbGxvAAT/NOKCrA=="),
            "6:4hello2:4€",
        ),
        // 00 06 ff 34 … 01 05 ff 04 01 02 03 04
        (
            &["6:4hello10:b4AQIDBA=="],
            Err("AAb/NGhlbGxvAQX/BAECAwQ="),
            "6:4hello10:b4AQIDBA==",
        ),
        (
            &["11:4helloworld", "2:b4"],
            Err("AAEB/zRoZWxsb3dvcmxkAQH/BA=="),
            "11:4helloworld2:b4",
        ),
    ] {
        for query in [POLLING_3, "EIO=3&transport=polling&b64=1"] {
            let mut script = script(conformance());
            let session = script.open_revision_3(query);
            for body in bodies {
                post(&mut script, &session, body);
            }
            script.lose_memory();
            let poll = script.get(&session);
            let expected = match plain {
                _ if query.contains("b64") => text(poll, base64),
                Ok(body) => text(poll, body),
                Err(body) => octets(poll, body),
            };
            script.expect([expected]);
        }
    }
}

/// L-6: clients of Socket.IO 1 encode texts as UTF-8 twice. The server then encodes its texts twice, too.
#[test]
fn l_6_texts_that_are_encoded_twice() {
    let query = "EIO=3&transport=polling&b64=1";
    let mut script = script(conformance());
    let session = script.open_revision_3(query);
    post(&mut script, &session, "4:4\u{e2}\u{82}\u{ac}");
    script.lose_memory();
    let poll = script.get(&session);
    script.expect([text(poll, "4:4\u{e2}\u{82}\u{ac}")]);
    post(&mut script, &session, "6:4hello");
    let poll = script.get(&session);
    script.expect([text(poll, "6:4hello")]);
    for once in ["2:4€", "5:4naïf", "3:4é€", "3:4\u{e2}\u{82}"] {
        let mut script = crate::raw::script(conformance());
        let session = script.open_revision_3(query);
        post(&mut script, &session, once);
        let poll = script.get(&session);
        script.expect([text(poll, once)]);
    }
}

/// L-7: a response has at most 16 packets. The rest stays queued, even over the loss of memory.
#[test]
fn l_7_an_answer_has_sixteen_packets_at_most() {
    let mut script = script(conformance());
    let session = script.open_revision_3(POLLING_3);
    let packets: Vec<String> = (10..50).map(|number| format!("3:4{number}")).collect();
    post(&mut script, &session, &packets.concat());
    for part in packets.chunks(16) {
        script.lose_memory();
        let poll = script.get(&session);
        script.expect([text(poll, &part.concat())]);
    }
    let poll = script.get(&session);
    script.expect([]);
    post(&mut script, &session, &packets.concat());
    script.expect([text(poll, &packets[..16].concat())]);
    // P-10: the same holds for the last packets of a closed session.
    post(&mut script, &session, "4:4bye");
    for body in [&packets[16..32].concat(), &packets[32..].concat(), "1:61:1"] {
        script.lose_memory();
        let poll = script.get(&session);
        script.expect([text(poll, body)]);
    }
    let poll = script.get(&session);
    script.expect([refused(poll, 1)]);
}

/// L-9: binary frames begin with the type; with `b64=1` they are sent as text.
#[test]
fn l_9_binary_frames() {
    for (query, own) in [
        (WEBSOCKET_3, false),
        ("EIO=3&transport=websocket&b64=1", true),
    ] {
        let mut script = script(conformance());
        let c = script.upgrade(query);
        script.take();
        for _ in 0..2 {
            script
                .bytes(c, &[4, 1, 2, 3, 4])
                .text(c, "b4AQIDBA==")
                .text(c, "4€");
            let echo = if own {
                sent(c, "b4AQIDBA==")
            } else {
                sent_bytes(c, [4, 1, 2, 3, 4])
            };
            script.expect([echo.clone(), echo, sent(c, "4€")]);
            script.lose_memory();
        }
    }
    for (frame, error) in [
        (Data::Binary((&[][..]).into()), PacketError::Empty),
        (Data::Binary((&[7][..]).into()), PacketError::Type),
        (Data::Binary((&b"4"[..]).into()), PacketError::Type),
        (Data::Text("".into()), PacketError::Empty),
        (Data::Text("7".into()), PacketError::Type),
        (Data::Text("b".into()), PacketError::Type),
    ] {
        let mut script = script(conformance());
        let codec = Codec::new(Revision::Three, false);
        assert_eq!(codec.read_frame(&frame), Err(error));
        let c = script.upgrade(WEBSOCKET_3);
        script.take();
        match &frame {
            Data::Text(text) => script.text(c, &**text),
            Data::Binary(bytes) => script.bytes(c, bytes),
        };
        script.expect([closed(c)]);
    }
}

/// L-10: the client pings, and gets pongs. If no packet arrives for pingInterval and pingTimeout
/// together, its session expires on time. The server sends no pings.
#[test]
fn l_10_the_client_pings() {
    let mut script = script(defaults());
    let c = script.upgrade(WEBSOCKET_3);
    script.take();
    script.until(25_000).expect([]);
    script.text(c, "2").expect([sent(c, "3")]);
    script.until(60_000).text(c, "4x").expect([sent(c, "4x")]);
    script.until(104_999).expect([]);
    script.until(105_000).expect([closed(c)]);

    let session = script.open_revision_3(POLLING_3);
    let start = script.now();
    let poll = script.get(&session);
    script.until(start + 25_000).expect([]);
    post(&mut script, &session, "1:2");
    script.expect([text(poll, "1:3")]);
    let poll = script.get(&session);
    script.until(start + 69_999).expect([]);
    script.until(start + 70_000).expect([text(poll, "1:1")]);
}

/// L-10: a client that pings stays connected over any loss of memory, on either transport.
#[test]
fn l_10_pings_outlive_memory() {
    let mut script = script(defaults());
    let c = script.upgrade(WEBSOCKET_3);
    let session = script.open_revision_3(POLLING_3);
    script.take();
    let mut poll = script.get(&session);
    for beat in 1..20 {
        script.lose_memory().until(beat * 25_000).expect([]);
        if beat % 2 == 0 {
            script.lose_memory();
        }
        script.text(c, "2").expect([sent(c, "3")]);
        post(&mut script, &session, "1:2");
        script.expect([text(poll, "1:3")]);
        poll = script.get(&session);
    }
    assert_eq!(script.core.ended, []);
}

/// L-10, L-23: a pong that waits for a poll survives the loss of memory. Without the pong the client
/// would disconnect.
#[test]
fn l_10_an_answer_to_a_ping_outlives_memory() {
    let mut script = script(defaults());
    let session = script.open_revision_3(POLLING_3);
    post(&mut script, &session, "1:2");
    script.lose_memory().lose_memory();
    let poll = script.get(&session);
    script.expect([text(poll, "1:3")]);
}

/// L-11: the upgrade is that of revision 4; polls are released with `1:6`.
#[test]
fn l_11_the_upgrade() {
    for lose in [false, true] {
        let mut script = script(defaults());
        let session = script.open_revision_3(POLLING_3);
        let poll = script.get(&session);
        let websocket = session.replace("polling", "websocket");
        script.until(30);
        let probe = script.upgrade(&websocket);
        script.expect([accepted(probe)]).text(probe, "2probe");
        script.expect([sent(probe, "3probe"), text(poll, "1:6")]);
        post(&mut script, &session, "2:4a10:b4AQIDBA==");
        if lose {
            script.lose_memory();
        }
        script.text(probe, "5").text(probe, "4b").text(probe, "2");
        script.expect([
            sent(probe, "4a"),
            sent_bytes(probe, [4, 1, 2, 3, 4]),
            sent(probe, "4b"),
            sent(probe, "3"),
        ]);
    }
}

/// L-11: a poll is released if it is held too long, or restored without its session.
#[test]
fn l_11_polls_are_released() {
    let mut script = script(defaults());
    let session = script.open_revision_3(POLLING_3);
    let poll = script.get(&session);
    script
        .lose_memory()
        .overdue(poll)
        .expect([text(poll, "1:6")]);
    let poll = script.get(&session);
    script.set_stored(std::collections::BTreeMap::new());
    script.lose_memory().expect([text(poll, "1:6")]);
}

/// W-2, P-11: the client closes its session.
#[test]
fn l_11_the_client_closes_its_session() {
    let mut script = script(defaults());
    let session = script.open_revision_3(POLLING_3);
    let poll = script.get(&session);
    post(&mut script, &session, "1:1");
    script.expect([text(poll, "1:6")]);
    let c = script.upgrade(WEBSOCKET_3);
    script.take();
    script.text(c, "1").expect([closed(c)]);
}

/// E-5, E-7: a session has one revision; requests of another revision are refused.
#[test]
fn l_1_a_session_has_one_revision() {
    let mut script = script(conformance());
    let session = script.open_revision_3(POLLING_3);
    let request = script.get(&session.replace("EIO=3", "EIO=4"));
    script.expect([refused(request, 3)]);
    let request = script.get(&session.replace("EIO=3&", ""));
    script.expect([refused(request, 3)]);
    post(&mut script, &session, "2:4a");
    let mut off = crate::raw::script(Config {
        revision_3: false,
        ..conformance()
    });
    let request = off.upgrade(WEBSOCKET_3);
    off.expect([refused_upgrade(request, 5)]);
}

/// L-8, E-8: a second poll while one is pending ends the session.
#[test]
fn l_8_a_second_poll() {
    let mut script = script(conformance());
    let session = script.open_revision_3(POLLING_3);
    let first = script.get(&session);
    let second = script.get(&session);
    script.expect([refused_bare(second, 400), text(first, "1:1")]);
}

/// L-4: binary bodies, echoed.
#[test]
fn l_4_binary_bodies_both_ways() {
    let mut script = script(conformance());
    let session = script.open_revision_3(POLLING_3);
    post_bytes(
        &mut script,
        &session,
        b"\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04",
    );
    let poll = script.get(&session);
    script.expect([octets(poll, "AAb/NGhlbGxvAQX/BAECAwQ=")]);
}
