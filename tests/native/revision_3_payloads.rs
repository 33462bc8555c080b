//! Revision 3 of Engine.IO: how payloads are read, and which are invalid.

use signalbox::engine::{ClientPacket, Codec, Rejection, Revision};

/// The packets of a body, as texts. Bytes are written as in `b[1, 2]`, other packets and errors by
/// their names.
fn read(content_type: &str, body: &[u8]) -> Result<Vec<String>, Rejection> {
    let mut codec = Codec::new(Revision::Three, false);
    let packets = codec.read_body(content_type, body, 1_000)?;
    let told = |packet| match packet {
        Ok(ClientPacket::Message(signalbox::engine::Message::Text(frame))) => {
            frame.text().to_owned()
        }
        Ok(ClientPacket::Message(signalbox::engine::Message::Binary(bytes))) => {
            format!("b{bytes:?}")
        }
        Ok(other) => format!("{other:?}"),
        Err(error) => format!("{error:?}"),
    };
    Ok(packets.into_iter().map(told).collect())
}

fn read_text(body: &str) -> Result<Vec<String>, Rejection> {
    read("text/plain;charset=UTF-8", body.as_bytes())
}

fn read_bytes(body: &[u8]) -> Result<Vec<String>, Rejection> {
    read("application/octet-stream", body)
}

/// L-3: lengths count UTF-16 units; `b4` begins binary data; empty packets are skipped.
#[test]
fn l_3_text_payloads_are_read() {
    for (body, packets) in [
        ("6:4hello", &["hello"][..]),
        ("6:4hello2:4€", &["hello", "€"]),
        ("6:4hello10:b4AQIDBA==", &["hello", "b[1, 2, 3, 4]"]),
        ("3:4😀2:4a", &["😀", "a"]),
        ("2:4a0:2:4b", &["a", "b"]),
        ("1:21:1", &["Ping", "Close"]),
        ("1:31:5", &["Ignored", "Ignored"]),
        ("2:b2", &["Ping"]),
        ("5:4a:1:", &["a:1:"]),
        ("1:72:4a", &["Type"]), // nothing is read after an invalid packet
        ("1:b", &["Type"]),
        ("2:bx", &["Type"]),
    ] {
        let packets = packets.iter().map(|packet| (*packet).to_owned());
        assert_eq!(read_text(body), Ok(packets.collect()), "{body}");
    }
}

/// L-4
#[test]
fn l_4_binary_payloads_are_read() {
    for (body, packets) in [
        (&b"\x00\x06\xff4hello"[..], &["hello"][..]),
        (
            b"\x00\x06\xff4hello\x00\x04\xff4\xe2\x82\xac",
            &["hello", "€"],
        ),
        (
            b"\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04",
            &["hello", "b[1, 2, 3, 4]"],
        ),
        (b"\x00\x01\x01\xff4helloworld", &["helloworld"]),
        (b"\x01\x01\xff\x04", &["b[]"]),
        (b"\x00\x0a\xff4", &[]), // an empty list: the body is invalid
        (b"\x01\x01\xff\x02\x00\x01\xff1", &["Ping", "Close"]),
        (b"\x01\x01\xff\x09", &["Type"]),
        (b"\x01\x00\xff", &["Empty"]),
        (b"\x00\x02\xff4\xff", &["\u{fffd}"]),
    ] {
        if packets.is_empty() {
            assert_eq!(read_bytes(body), Err(Rejection::Misuse), "{body:?}");
            continue;
        }
        let packets = packets.iter().map(|packet| (*packet).to_owned());
        assert_eq!(read_bytes(body), Ok(packets.collect()), "{body:?}");
    }
}

/// L-8: an invalid body is refused as a whole.
#[test]
fn l_8_invalid_bodies() {
    for body in [
        "",
        "4hello",
        ":",
        ":4a",
        "x:4a",
        "-1:4a",
        "1e1:4a",
        " 2:4a",
        "2",
        "3:4a",
        "2:4a2:4",
        "2:4😀",
        "9999999999:4a",
        "2:4a\x1e4b",
        "+2:4a",
    ] {
        assert_eq!(read_text(body), Err(Rejection::Misuse), "{body:?}");
    }
    for body in [
        &b""[..],
        b"\x00",
        b"\x00\x02",
        b"\x00\xff4",
        b"\x00\x03\xff4a",
        b"\x02\x02\xff4a",
        b"2:4a",
        b"\x00\x02\xff4a\x00",
        b"\x00\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff4",
    ] {
        assert_eq!(read_bytes(body), Err(Rejection::Misuse), "{body:?}");
    }
}

/// L-8, E-10: packets are limited in size and number, as in revision 4.
#[test]
fn l_8_packets_are_bounded() {
    let long = "x".repeat(1_000);
    assert_eq!(
        read_text(&format!("1000:4{}", &long[1..])).map(|read| read.len()),
        Ok(1)
    );
    assert_eq!(
        read_text(&format!("1001:4{long}")),
        Err(Rejection::TooLarge)
    );
    let wide = "€".repeat(333); // 1,000 bytes with the type
    assert_eq!(
        read_text(&format!("334:4{wide}")).map(|read| read.len()),
        Ok(1)
    );
    assert_eq!(
        read_text(&format!("335:4{wide}€")),
        Err(Rejection::TooLarge)
    );
    let bytes = |size: usize| {
        [
            &[1, 1, 0, 0, u8::try_from(size - 1000).unwrap(), 255, 4][..],
            &vec![7; size - 1],
        ]
        .concat()
    };
    assert_eq!(
        read_bytes(&bytes(1001)).map(|read| read.len()),
        Ok(1),
        "the type of binary data does not count"
    );
    assert_eq!(read_bytes(&bytes(1002)), Err(Rejection::TooLarge));
    assert_eq!(
        read_text(&"1:6".repeat(16_384)).map(|read| read.len()),
        Ok(16_384)
    );
    assert_eq!(read_text(&"1:6".repeat(16_385)), Err(Rejection::TooLarge));
}
