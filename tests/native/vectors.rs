//! The examples of both specifications, with their sections, in both directions.

use std::rc::Rc;

use serde_json::{Value, json};
use signalbox::engine::{ClientPacket, Message, PacketError, ProbePacket, ServerPacket, payload};
use signalbox::io::Data;
use signalbox::socket::{Args, Decoder, Json, Kind, Namespace, Packet};

fn text(text: &str) -> Message {
    Message::text(text)
}

fn bytes(bytes: &[u8]) -> Message {
    Message::binary(bytes)
}

/// Engine.IO v4, "Packet encoding": packets of both directions.
#[test]
fn engine_messages() {
    for (section, wire, message) in [
        ("HTTP long-polling", "4hello", text("hello")),
        ("HTTP long-polling", "4world", text("world")),
        ("HTTP long-polling", "bAQIDBA==", bytes(&[1, 2, 3, 4])),
        ("WebSocket", "4hello", text("hello")),
    ] {
        let parsed = ClientPacket::parse(&wire.into());
        assert_eq!(
            parsed,
            Ok(ClientPacket::Message(message.clone())),
            "{section}"
        );
        let written = payload::encode(&[ServerPacket::Message(message)]);
        assert_eq!(written, wire, "{section}");
    }
}

/// Engine.IO v4, "WebSocket": "Binary payloads are sent as is, without modification."
#[test]
fn engine_binary_frames() {
    let frame = Data::Binary([1, 2, 3, 4].into());
    let message = bytes(&[1, 2, 3, 4]);
    let parsed = ClientPacket::from_frame(&frame);
    assert_eq!(parsed, Ok(ClientPacket::Message(message.clone())));
    assert_eq!(
        ServerPacket::Message(message.clone()).to_frame(false),
        frame
    );
    let base64 = Data::Text("bAQIDBA==".into());
    assert_eq!(ServerPacket::Message(message).to_frame(true), base64);
}

/// Engine.IO v4, "Packet encoding": the payloads.
#[test]
fn engine_payloads() {
    let messages = [text("hello"), bytes(&[1, 2, 3, 4])];
    let wire = "4hello\x1ebAQIDBA==";
    let parsed = payload::parse(wire.as_bytes(), usize::MAX);
    let expected: Vec<_> = messages
        .iter()
        .cloned()
        .map(ClientPacket::Message)
        .map(Ok)
        .collect();
    assert_eq!(parsed, Ok(expected));
    let packets: Vec<_> = messages.into_iter().map(ServerPacket::Message).collect();
    assert_eq!(payload::encode(&packets), wire);

    // This payload has a ping, which only a server sends.
    let wire = "4hello\x1e2\x1e4world";
    let packets = [
        ServerPacket::Message(text("hello")),
        ServerPacket::Ping,
        ServerPacket::Message(text("world")),
    ];
    assert_eq!(payload::encode(&packets), wire);
    assert_eq!(
        payload::parse(wire.as_bytes(), usize::MAX),
        Ok(vec![
            Ok(ClientPacket::Message(text("hello"))),
            Err(PacketError::Type)
        ])
    );
}

/// Engine.IO v4, "Protocol": each packet type, in its direction.
#[test]
fn engine_packet_types() {
    for (wire, packet) in [
        ("0{}", Ok(ClientPacket::Ignored)),
        ("1", Ok(ClientPacket::Close)),
        ("2", Err(PacketError::Type)),
        ("3", Ok(ClientPacket::Pong)),
        ("4", Ok(ClientPacket::Message(text("")))),
        ("5", Ok(ClientPacket::Ignored)),
        ("6", Ok(ClientPacket::Ignored)),
        ("7", Err(PacketError::Type)),
        ("", Err(PacketError::Empty)),
    ] {
        assert_eq!(ClientPacket::parse(&wire.into()), packet, "{wire}");
    }
    for (packet, wire) in [
        (ServerPacket::Open("{}".to_owned()), "0{}"),
        (ServerPacket::Close, "1"),
        (ServerPacket::Ping, "2"),
        (ServerPacket::ProbePong, "3probe"),
        (ServerPacket::Message(text("")), "4"),
        (ServerPacket::Noop, "6"),
    ] {
        assert_eq!(packet.to_frame(false), Data::Text(wire.into()));
        assert_eq!(payload::encode(&[packet]), wire);
    }
    for (wire, packet) in [
        ("2probe", Some(ProbePacket::Probe)),
        ("5", Some(ProbePacket::Upgrade)),
        ("3probe", None),
    ] {
        assert_eq!(ProbePacket::from_frame(&Data::Text(wire.into())), packet);
    }
}

fn packet(namespace: &str, kind: Kind) -> Packet {
    let namespace = Namespace::parse(namespace).unwrap();
    Packet { namespace, kind }
}

fn args(values: &[Value], attachments: &[&[u8]]) -> Args {
    Args {
        values: values.iter().map(Json::of).collect(),
        attachments: attachments.iter().map(|bytes| Rc::from(*bytes)).collect(),
    }
}

fn event(id: Option<u64>, name: &str, values: &[Value], attachments: &[&[u8]]) -> Kind {
    Kind::Event {
        id: id.map(Into::into),
        name: name.to_owned(),
        args: args(values, attachments),
    }
}

fn ack(id: u64, values: &[Value], attachments: &[&[u8]]) -> Kind {
    Kind::Ack {
        id: Some(id.into()),
        args: args(values, attachments),
    }
}

fn placeholder(num: u64) -> Value {
    json!({ "_placeholder": true, "num": num })
}

/// Socket.IO v5, "Packet encoding", "Examples", and the packets of "Sample session".
#[expect(clippy::too_many_lines, reason = "a table")]
fn examples() -> Vec<(&'static str, &'static str, Packet)> {
    let connect = |payload: Value| Kind::Connect(Some(Json::of(&payload)));
    vec![
        (
            "Connection to a namespace",
            "0",
            packet("/", Kind::Connect(None)),
        ),
        (
            "Connection to a namespace",
            r#"0/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}"#,
            packet("/admin", connect(json!({ "sid": "oSO0OpakMV_3jnilAAAA" }))),
        ),
        (
            "Connection to a namespace",
            r#"4{"message":"Not authorized"}"#,
            packet(
                "/",
                Kind::ConnectError(Json::of(&json!({ "message": "Not authorized" }))),
            ),
        ),
        (
            "Sending and receiving data",
            r#"2["foo"]"#,
            packet("/", event(None, "foo", &[], &[])),
        ),
        (
            "Sending and receiving data",
            r#"2/admin,["bar"]"#,
            packet("/admin", event(None, "bar", &[], &[])),
        ),
        (
            "Sending and receiving data",
            r#"51-["baz",{"_placeholder":true,"num":0}]"#,
            packet("/", event(None, "baz", &[placeholder(0)], &[&[1, 2, 3, 4]])),
        ),
        (
            "Sending and receiving data",
            r#"52-/admin,["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
            packet(
                "/admin",
                event(
                    None,
                    "baz",
                    &[placeholder(0), placeholder(1)],
                    &[&[1, 2], &[3, 4]],
                ),
            ),
        ),
        (
            "Acknowledgement",
            r#"212["foo"]"#,
            packet("/", event(Some(12), "foo", &[], &[])),
        ),
        (
            "Acknowledgement",
            r#"3/admin,13["bar"]"#,
            packet("/admin", ack(13, &[json!("bar")], &[])),
        ),
        (
            "Acknowledgement",
            r#"61-15["bar",{"_placeholder":true,"num":0}]"#,
            packet(
                "/",
                ack(15, &[json!("bar"), placeholder(0)], &[&[1, 2, 3, 4]]),
            ),
        ),
        ("Acknowledgement", "312[]", packet("/", ack(12, &[], &[]))),
        (
            "Disconnection from a namespace",
            "1",
            packet("/", Kind::Disconnect),
        ),
        (
            "Disconnection from a namespace",
            "1/admin,",
            packet("/admin", Kind::Disconnect),
        ),
        (
            "Sample session",
            r#"0{"sid":"wZX3oN0bSVIhsaknAAAI"}"#,
            packet("/", connect(json!({ "sid": "wZX3oN0bSVIhsaknAAAI" }))),
        ),
        (
            "Sample session",
            r#"2["hey","Jude"]"#,
            packet("/", event(None, "hey", &[json!("Jude")], &[])),
        ),
        (
            "Sample session",
            r#"2["hello"]"#,
            packet("/", event(None, "hello", &[], &[])),
        ),
        (
            "Sample session",
            "0/admin,",
            packet("/admin", Kind::Connect(None)),
        ),
        (
            "Sample session",
            r#"2/admin,1["tellme"]"#,
            packet("/admin", event(Some(1), "tellme", &[], &[])),
        ),
        (
            "Sample session",
            r#"61-/admin,1[{"_placeholder":true,"num":0}]"#,
            packet("/admin", ack(1, &[placeholder(0)], &[&[9]])),
        ),
    ]
}

fn attachments(packet: &Packet) -> Vec<Rc<[u8]>> {
    match &packet.kind {
        Kind::Event { args, .. } | Kind::Ack { args, .. } => args.attachments.clone(),
        _ => Vec::new(),
    }
}

fn decode(wire: &str, attachments: &[Rc<[u8]>]) -> Packet {
    let mut decoder = Decoder::default();
    let mut packet = decoder.push(&Message::text(wire), usize::MAX).unwrap();
    for bytes in attachments {
        assert_eq!(packet, None, "{wire} waits for its attachments");
        packet = decoder
            .push(&Message::Binary(bytes.clone()), usize::MAX)
            .unwrap();
    }
    packet.unwrap_or_else(|| panic!("{wire} still waits"))
}

#[test]
fn socket_packets() {
    for (section, wire, packet) in examples() {
        assert_eq!(packet.to_string(), wire, "{section}");
        assert_eq!(decode(wire, &attachments(&packet)), packet, "{section}");
    }
}

/// S-1: other valid forms are read, and written in the usual form.
#[test]
fn s_1_namespaces_end_with_a_comma_or_with_the_packet() {
    for (wire, namespace, written) in [
        ("0/custom", "/custom", "0/custom,"),
        ("0/custom,", "/custom", "0/custom,"),
        ("0/a?b=c,{}", "/a?b=c", "0/a?b=c,{}"),
        ("0/Custom", "/Custom", "0/Custom,"),
        ("0/", "/", "0"),
        ("0/,{}", "/", "0{}"),
        ("1/中文", "/中文", "1/中文,"),
    ] {
        let packet = decode(wire, &[]);
        assert_eq!(packet.namespace.as_str(), namespace, "{wire}");
        assert_eq!(packet.to_string(), written);
    }
}

/// S-2: all digits before the arguments are the ack id, however many. It is returned as it came.
#[test]
fn s_2_ack_ids_are_echoed_verbatim() {
    for id in [
        "0",
        "7",
        "007",
        "18446744073709551616",
        "123456789012345678901234567890",
    ] {
        let packet = decode(&format!("2/admin,{id}[\"foo\",1]"), &[]);
        let Kind::Event {
            id: Some(parsed), ..
        } = packet.kind.clone()
        else {
            panic!("no id");
        };
        assert_eq!(packet.to_string(), format!("2/admin,{id}[\"foo\",1]"));
        assert_eq!(parsed.number(), id.parse().ok());
    }
}

/// Arguments are forwarded as they were written, with spaces, escapes and long numbers.
#[test]
fn arguments_are_not_rewritten() {
    for values in [
        r#"{"b":1,"a":{ "x" : [1,2 ] }}"#,
        r#""\u0041\ud83d\ude00\ud800""#,
        "123456789012345678901234567890.10",
        r#"null,true,false,1e5,"",[],{}"#,
        r#""€中文😀""#,
    ] {
        let wire = format!("2[\"ev\",{values}]");
        assert_eq!(decode(&wire, &[]).to_string(), wire);
    }
}
