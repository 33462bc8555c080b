//! `rust_socketio`, its blocking client, in a room, with handlers that take the first argument.

use std::sync::mpsc::{Sender, channel};

use rust_socketio::client::Client;
use rust_socketio::{ClientBuilder, Payload, RawClient, TransportType};
use serde_json::{Value, json};
use signalbox_interop::{Task, report, stay};

fn main() {
    let task = Task::from_args();
    let (said, chat) = channel();
    let (offered, offers) = channel();
    let client = ClientBuilder::new(task.endpoint() + task.text("query"))
        .transport_type(match task.text("transport") {
            "polling" => TransportType::Polling,
            "websocket" => TransportType::Websocket,
            _ => TransportType::WebsocketUpgrade,
        })
        .reconnect(false)
        .on("chat-message", hear(said))
        .on("offer", hear(offered))
        .connect()
        .expect("the handshake");
    let receipt = call(&task, &client, "chat-message", json!(task.text("text")));
    report("ack", &receipt["ok"]);
    report("chat", &task.wait("chat", &chat)["message"]);
    report("offer", &task.wait("offer", &offers));
    let answer = json!({ "type": "answer", "sdp": task.text("text") });
    report(
        "answer",
        &call(&task, &client, "answer", answer)["delivered"],
    );
    stay(); // the test ends the session
    client.disconnect().expect("disconnect");
}

/// Sends an event, and returns its ack.
fn call(task: &Task, client: &Client, event: &str, argument: Value) -> Value {
    let (acked, ack) = channel();
    client
        .emit_with_ack(event, argument, task.timeout(), hear(acked))
        .expect("emit_with_ack");
    // The library passes an ack as one value: the list of its arguments.
    task.wait("ack", &ack)[0].clone()
}

/// Passes on the first argument that a callback gets.
fn hear(to: Sender<Value>) -> impl FnMut(Payload, RawClient) + Send + 'static {
    move |payload, _| {
        if let Payload::Text(values) = payload {
            let first = values.into_iter().next().unwrap_or_default();
            let _ = to.send(first); // nobody waits for more than one
        }
    }
}
