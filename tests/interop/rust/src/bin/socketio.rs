//! `rust_socketio`, its blocking client.

use std::sync::mpsc::{Receiver, Sender, channel};

use rust_socketio::client::Client;
use rust_socketio::{ClientBuilder, Payload, RawClient, TransportType};
use serde_json::{Value, json};
use signalbox_interop::{Task, report, stay, told};

fn main() {
    let task = Task::from_args();
    let Value::Array(args) = task.value("args") else {
        panic!("args is not a list");
    };

    let (client, auth, back) = connect(&task, "/");
    report("connect", &task.wait("auth", &auth));

    client.emit("message", args.clone()).expect("emit");
    report("event", &task.wait("message-back", &back));

    let (acked, ack) = channel();
    client
        .emit_with_ack("message-with-ack", args, task.timeout(), hear(acked))
        .expect("emit_with_ack");
    // The library passes one value: the list of the arguments.
    report("ack", &task.wait("ack", &ack)[0]);

    client.emit("message", task.bytes()).expect("emit");
    report("binary event", &task.wait("message-back", &back));

    // A client of this library has one namespace; another namespace needs its own connection.
    let (custom, auth, _) = connect(&task, "/custom");
    report("namespace", &task.wait("auth", &auth));

    custom.disconnect().expect("disconnect");
    client.disconnect().expect("disconnect");
    report("disconnect", &Value::Null);
    stay();
}

/// A client, with the arguments of its `auth` and `message-back` events.
fn connect(task: &Task, namespace: &str) -> (Client, Receiver<Value>, Receiver<Value>) {
    let (auths, auth) = channel();
    let (backs, back) = channel();
    let client = ClientBuilder::new(task.endpoint())
        .namespace(namespace)
        .transport_type(match task.text("transport") {
            "polling" => TransportType::Polling,
            "websocket" => TransportType::Websocket,
            _ => TransportType::WebsocketUpgrade,
        })
        .auth(task.value("auth"))
        .reconnect(false)
        .on("auth", hear(auths))
        .on("message-back", hear(backs))
        .connect()
        .expect("the handshake");
    (client, auth, back)
}

/// Forwards the arguments of a callback.
fn hear(to: Sender<Value>) -> impl FnMut(Payload, RawClient) + Send + 'static {
    move |payload, _| {
        let args = match payload {
            Payload::Text(values) => Value::Array(values),
            Payload::Binary(bytes) => json!([told(&bytes)]),
            #[allow(deprecated)]
            Payload::String(text) => json!([text]),
        };
        let _ = to.send(args); // an error means that nobody awaits these arguments
    }
}
