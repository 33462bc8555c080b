//! `rust_engineio`, its blocking client.

use std::sync::mpsc::channel;
use std::thread;

use rust_engineio::{ClientBuilder, Packet, PacketId};
use serde_json::{Value, json};
use signalbox_interop::{Task, report, stay, told};

fn main() {
    let task = Task::from_args();
    let builder = ClientBuilder::new(task.endpoint().parse().expect("a URL"));
    let client = match task.text("transport") {
        "polling" => builder.build_polling(),
        "websocket" => builder.build_websocket(),
        _ => builder.build_websocket_with_upgrade(),
    }
    .expect("the handshake");
    client.connect().expect("connect");
    report("open", &Value::Null);

    let (heard, messages) = channel();
    let listener = client.clone();
    thread::spawn(move || {
        for packet in listener.iter().map_while(Result::ok) {
            // This library reports bytes on a WebSocket as text.
            if let PacketId::Message | PacketId::MessageBinary = packet.packet_id {
                heard.send(packet.data).expect("a receiver");
            }
        }
    });
    let echo = |message: Packet| {
        client.emit(message).expect("emit");
        task.wait("echo", &messages)
    };

    let text = echo(Packet::new(PacketId::Message, task.text("text").to_owned()));
    report("text", &json!(String::from_utf8_lossy(&text)));

    let bytes = echo(Packet::new(PacketId::MessageBinary, task.bytes()));
    report("binary", &told(&bytes));

    client.disconnect().expect("disconnect");
    report("close", &Value::Null);
    stay();
}
