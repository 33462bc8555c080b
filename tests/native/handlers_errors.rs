//! The results of handlers: which values a handler may return, which error the client gets, and which
//! effects an error discards.

use std::rc::Rc;

use serde_json::json;
use signalbox::engine::{self, Engine};
use signalbox::handlers::Handlers;
use signalbox::prelude::*;
use signalbox::room::config::Rates;
use signalbox::socket::{self, Runner, Server};
use signalbox::store::Store;

use crate::dialect_client::Client;
use crate::documents::example;
use crate::handlers::stage;
use crate::support::Script;

#[expect(
    clippy::needless_pass_by_value,
    reason = "handlers take what they extract"
)]
fn join(socket: Socket, Data(room): Data<String>) -> Result<(), Refusal> {
    socket.join(&room)?;
    Ok(())
}

fn returns(io: &mut Io) {
    io.on("nothing", |_: Socket| {});
    io.on("join", join);
    io.on("join too", |socket: Socket, Data(room): Data<String>| {
        socket.join(&room)
    });
    io.on("leave", |socket: Socket, Data(room): Data<String>| {
        socket.leave(&room)
    });
    io.on("maybe", |socket: Socket| socket.rooms().pop());
    io.on("rooms", |socket: Socket, ack: Ack| {
        ack.send(&socket.rooms());
    });
    io.on("fail", |_: Socket| Err::<(), _>("no"));
    // These handlers take the ack. The error comes after that: from `Data`, or from the handler.
    io.on("first", |ack: Ack, Data(n): Data<u8>| ack.send(&n));
    io.on("late", |_ack: Ack| -> Result<(), Refusal> {
        Err("no".into())
    });
    io.on("both", |ack: Ack| {
        ack.send(&"ok");
        Err::<(), _>("no")
    });
}

/// A handler may return nothing, a `Result`, an `Option` or a boolean.
#[test]
fn what_handlers_return() {
    let mut stage = stage(returns);
    let ann = Client::connect(&mut stage);
    for (event, rooms) in [
        (json!(["nothing"]), json!([[]])),
        (json!(["join", "a"]), json!([["a"]])),
        (json!(["join too", "b"]), json!([["a", "b"]])),
        (json!(["leave", "a"]), json!([["b"]])),
        (json!(["maybe"]), json!([["b"]])),
    ] {
        ann.emit(&mut stage, &event);
        assert!(ann.heard(&mut stage).is_empty(), "{event}");
        assert_eq!(ann.call(&mut stage, json!(["rooms"])), Some(rooms));
    }
}

/// If the client asked for an ack, an error is sent as the ack, even if the handler takes the ack. If the client
/// did not ask, or the handler has already sent the ack, the error is sent as the event `exception`.
#[test]
fn an_error_is_sent_as_the_ack() {
    let mut stage = stage(returns);
    let ann = Client::connect(&mut stage);
    for (event, message) in [
        (json!(["fail"]), "no"),
        (json!(["late"]), "no"),
        (json!(["first", "x"]), "the first argument does not fit"),
        (json!(["join", ""]), "a room's name has 1 to 512 bytes"),
    ] {
        let reply = ann.call(&mut stage, &event).expect("an ack");
        let said = reply[0]["error"]["message"].as_str().unwrap();
        assert!(said.starts_with(message), "{event}: {said}");
    }
    assert_eq!(ann.call(&mut stage, json!(["first", 7])), Some(json!([7])));
    assert_eq!(ann.call(&mut stage, json!(["both"])), Some(json!(["ok"])));
    ann.emit(&mut stage, json!(["late"]));
    assert_eq!(ann.heard(&mut stage)[0][0], "exception");
}

fn knocks(io: &mut Io) {
    io.on_connect("/", |socket: Socket| {
        let knocks = socket.stored::<u64>("knocks")?.unwrap_or_default();
        socket.store("knocks", &(knocks + 1));
        for other in socket.all() {
            other.set(&"knocked");
        }
        socket.broadcast().emit("knock", &1);
        socket.join("hall").map(drop).map_err(Refusal::from)
    });
    io.on_connect("/", |auth: Auth| match auth.read::<Login>() {
        Some(_) => Err("no"),
        None => Ok(()),
    });
    io.on("look", |socket: Socket, ack: Ack| {
        let here = (socket.members("hall").len(), socket.data::<String>());
        ack.send(&(here, socket.stored::<u64>("knocks")?));
        Ok::<_, Refusal>(())
    });
}

/// A refusal discards the socket and the events that the handlers sent. The values that they stored stay, and
/// so do their changes to other sockets.
#[test]
fn a_refusal_discards_events_and_the_socket() {
    let mut stage = stage(knocks);
    let ann = Client::connect(&mut stage);
    assert!(Client::try_connect(&mut stage, "", &json!({"key": "", "name": ""})).is_err());
    assert!(ann.heard(&mut stage).is_empty());
    let seen = ann.call(&mut stage, json!(["look"]));
    assert_eq!(seen, Some(json!([[[1, "knocked"], 2]])));
}

fn old(io: &mut Io) {
    io.on("store", |socket: Socket| {
        socket.store("game", &json!({"turn": 1}));
    });
}

#[derive(Serialize, Deserialize)]
struct Game {
    turn: u8,
    winner: String,
}

fn new(io: &mut Io) {
    old(io);
    io.on("play", |socket: Socket, ack: Ack| {
        ack.send(&socket.stored::<Game>("game")?);
        Ok::<_, Refusal>(())
    });
    io.on("other", |_: Socket, ack: Ack| ack.send(&"ok"));
    io.on("again", |socket: Socket| socket.unstore("game"));
}

/// A stored value of another type is an error that the log explains; the object continues.
#[test]
fn a_stored_value_of_another_type_is_an_error() {
    let mut stage = stage(new);
    let ann = Client::connect(&mut stage);
    ann.emit(&mut stage, json!(["store"]));
    let reply = ann.call(&mut stage, json!(["play"])).expect("an ack");
    let said = "the value that is stored as \"game\" cannot be read";
    assert_eq!(reply[0]["error"]["message"], said);
    let line = stage.platform.lines.borrow().join("\n");
    assert!(
        line.contains("#[serde(default)]") && line.contains("\"key\":\"game\""),
        "{line}"
    );
    assert_eq!(ann.call(&mut stage, json!(["other"])), Some(json!(["ok"])));
    ann.emit(&mut stage, json!(["again"]));
    assert_eq!(ann.call(&mut stage, json!(["play"])), Some(json!([null])));
}

#[derive(Deserialize)]
struct Login {
    key: String,
    name: String,
}

fn doors(io: &mut Io) {
    let key = io.variable("KEY"); // of [vars], or by `wrangler secret put KEY`
    io.on_connect("/", move |socket: Socket, auth: Auth| {
        let login: Login = auth.read().ok_or("who are you?")?;
        if Some(&login.key) != key.as_ref() {
            return Err(Refusal::new("wrong key").with_data(&401));
        }
        socket.set(&login.name);
        Ok(())
    });
}

/// Handlers get the variables of the environment, also after the loss of memory.
#[test]
fn variables() {
    let mut stage = Script::new(|store: Rc<Store>| {
        let variables = |name: &str| (name == "KEY").then(|| "secret".to_owned());
        let rates = Rates::default();
        let handlers = Handlers::with_variables(doors, rates, Rc::clone(&store), variables);
        let engine = Engine::new(engine::Config::default(), store);
        Runner::new(Server::new(socket::Config::default(), engine), handlers)
    });
    for _ in 0..2 {
        assert!(
            Client::try_connect(&mut stage, "", &json!({"key": "secret", "name": "Ann"})).is_ok()
        );
        for auth in [
            json!({"key": "other", "name": ""}),
            json!({"key": "", "name": ""}),
            json!({}),
        ] {
            assert!(
                Client::try_connect(&mut stage, "", &auth).is_err(),
                "{auth}"
            );
        }
        stage.lose_memory().take();
    }
    // Without variables, `io.variable` returns `None`, so every key is wrong.
    let mut stage = crate::handlers::stage(doors);
    assert!(Client::try_connect(&mut stage, "", &json!({"key": "secret", "name": "Ann"})).is_err());
}

/// These programs of the guide compile: `chat-program` is the example `chat`, which has at most 30 lines,
/// and `doors-program` is the function `doors` of this file.
#[test]
fn the_programs_of_the_guide() {
    let chat = include_str!("../../examples/chat/src/lib.rs");
    assert!(include_str!("handlers_errors.rs").contains(example("doors-program")));
    let (_, body) = chat
        .split_once("#![cfg(target_arch = \"wasm32\")]\n\n")
        .unwrap();
    assert_eq!(example("chat-program"), body);
    let lines = chat.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
    assert!(lines.count() <= 30);
}
