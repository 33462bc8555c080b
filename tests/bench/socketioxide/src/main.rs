//! The application on socketioxide and axum: `socketioxide PORT`. It does the same as
//! `application.mjs`, so that all servers send the same bytes, and also runs on one thread.

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use socketioxide::SocketIo;
use socketioxide::extract::{Data, SocketRef};

static SEQ: AtomicU64 = AtomicU64::new(0);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = std::env::args().nth(1).ok_or("no port")?.parse()?;
    let (layer, io) = SocketIo::builder()
        .ping_interval(Duration::from_secs(45))
        .ping_timeout(Duration::from_secs(75))
        .build_layer();
    io.ns("/", async |socket: SocketRef| {
        socket.join(room(&socket));
        socket.join(socket.id.to_string()); // as socket.io on Node does for every socket
        socket.on(
            "chat-message",
            async |socket: SocketRef, Data::<Value>(payload)| {
                let (seq, ts) = stamp();
                let message = json!({
                    "message": payload,
                    "id": format!("{}{seq}", socket.id),
                    "seq": seq,
                    "ts": ts,
                    "from": socket.id,
                    "name": null,
                });
                let _ = socket
                    .within(room(&socket))
                    .emit("chat-message", &message)
                    .await; // an error concerns single members
            },
        );
        for name in ["offer", "answer", "candidate"] {
            socket.on(
                name,
                async move |socket: SocketRef, Data::<Value>(mut payload)| {
                    let (seq, ts) = stamp();
                    let Some(to) = payload["to"].as_str().map(str::to_owned) else {
                        return;
                    };
                    payload["from"] = json!(socket.id);
                    let meta = json!({
                        "from": socket.id,
                        "to": to,
                        "room": room(&socket),
                        "ts": ts,
                        "seq": seq,
                        "cid": null,
                        "polite": true,
                        "name": null,
                    });
                    let _ = socket.to(to).emit(name, &(payload, meta)).await;
                },
            );
        }
    });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(listener, axum::Router::new().layer(layer)).await?;
    Ok(())
}

/// The room in the query.
fn room(socket: &SocketRef) -> String {
    let query = socket.req_parts().uri.query().unwrap_or_default();
    let named = query.split('&').find_map(|pair| pair.strip_prefix("room="));
    named.unwrap_or("lobby").to_owned()
}

/// An event's number and its time of arrival, in milliseconds since 1970.
fn stamp() -> (u64, u64) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let millis = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    (SEQ.fetch_add(1, Ordering::Relaxed) + 1, millis)
}
