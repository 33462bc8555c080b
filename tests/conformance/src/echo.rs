//! T-3: the application for the protocol's own tests. For the tests of clients it has two more events. `ask` sends a
//! `question` with the same arguments to its sender. When the client acknowledges the `question`, the application sends
//! the arguments of that ack as `answer`. `panic` panics.

use std::time::Duration;

use signalbox::prelude::*;

/// Echoes in `/`, and only greets in `/custom`.
pub fn echo(io: &mut Io) {
    io.on_connect("/", greet);
    io.on_connect("/custom", greet);
    io.of("/custom", |custom| custom.on_any(|| {}));
    io.on("message", |socket: Socket, Raw(args): Raw| {
        socket.emit_args("message-back", args);
    });
    io.on("message-with-ack", |Raw(args): Raw, ack: Ack| {
        ack.send_args(args);
    });
    io.on("ask", |socket: Socket, Raw(args): Raw| {
        socket.ask_args("question", args, "answer", Duration::from_secs(60));
    });
    io.on_answer("answer", |socket: Socket, Raw(args): Raw| {
        socket.emit_args("answer", args);
    });
    io.on("panic", panic);
    io.on_any(|| {});
}

/// For the test that an object works again after a panic.
#[allow(clippy::panic, reason = "the test needs it")]
fn panic() {
    panic!("a client asked for it");
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "a handler owns what it takes"
)]
fn greet(socket: Socket, auth: Auth) {
    let auth = auth.json().cloned();
    let args = auth.map_or_else(
        || Args::of(&serde_json::json!({})),
        |auth| Args::new(vec![auth]),
    );
    socket.emit_args("auth", args);
}
