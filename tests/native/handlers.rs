//! Applications that use handlers.

use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use signalbox::engine::{self, Engine};
use signalbox::handlers::Handlers;
use signalbox::io::{Headers, Method, Request};
use signalbox::prelude::*;
use signalbox::room::Rate;
use signalbox::room::config::Rates;
use signalbox::socket::{self, Runner, Server};
use signalbox::store::Store;

use crate::dialect_client::Client;
use crate::peer::high_rates;
use crate::support::{Done, Script, WEBSOCKET};

pub type Stage = Script<Runner<Handlers>>;

pub fn stage(add: fn(&mut Io)) -> Stage {
    stage_with(add, high_rates().rates)
}

pub fn stage_with(add: fn(&mut Io), rates: Rates) -> Stage {
    Script::new(move |store: Rc<Store>| {
        let config = engine::Config {
            keep_headers: true,
            ..engine::Config::default()
        };
        let engine = Engine::new(config, Rc::clone(&store));
        let server = Server::new(socket::Config::default(), engine);
        Runner::new(server, Handlers::new(add, rates.clone(), store))
    })
}

fn clients<const N: usize>(stage: &mut Stage) -> [Client; N] {
    std::array::from_fn(|_| Client::connect(stage))
}

#[derive(Serialize, Deserialize)]
struct Say {
    room: String,
    text: String,
}

/// The example of the documentation.
fn chat(io: &mut Io) {
    io.on("enter", |socket: Socket, Data(room): Data<String>| {
        socket.join(&room)
    });
    io.on("say", |socket: Socket, Data(say): Data<Say>, ack: Ack| {
        socket.to(&say.room).emit("said", &say);
        ack.send(&"ok");
    });
    io.on_disconnect(|socket: Socket| {
        for room in socket.rooms() {
            socket.to(room).emit("left", &socket.id());
        }
    });
}

#[test]
fn a_chat() {
    let mut stage = stage(chat);
    let [ann, bob, cat] = clients(&mut stage);
    for client in [&ann, &bob] {
        client.emit(&mut stage, json!(["enter", "r"]));
    }
    let say = json!({"room": "r", "text": "hi"});
    assert_eq!(
        ann.call(&mut stage, json!(["say", say])),
        Some(json!(["ok"]))
    );
    assert_eq!(bob.heard(&mut stage), [json!(["said", say])]);
    assert!(cat.heard(&mut stage).is_empty());
    stage.lose_memory();
    stage.lost(ann.connection);
    assert_eq!(bob.heard(&mut stage), [json!(["left", ann.id])]);
}

/// An invalid payload is an error for its sender: the ack, or an event if there is no ack.
#[test]
fn an_invalid_payload_is_an_error_for_the_sender() {
    let mut stage = stage(chat);
    let [ann, bob] = clients(&mut stage);
    for event in [
        json!(["say"]),
        json!(["say", 7]),
        json!(["say", {"room": "r"}]),
        json!(["say", {"room": "r", "text": null}]),
        json!(["enter", ["r"]]),
        json!(["enter", ""]),
        json!(["enter", bob.id]),
        json!(["no such event"]),
    ] {
        let reply = ann.call(&mut stage, &event).expect("an ack");
        assert_eq!(reply[0]["error"]["event"], event[0], "{event}");
        assert!(reply[0]["error"]["message"].is_string());
        ann.emit(&mut stage, &event);
        let [heard] = &ann.heard(&mut stage)[..] else {
            panic!("not one event");
        };
        assert_eq!(
            (&heard[0], &heard[1]),
            (&json!("exception"), &reply[0]["error"])
        );
    }
    assert!(bob.heard(&mut stage).is_empty());
}

fn doors(io: &mut Io) {
    io.on_connect("/", |socket: Socket, auth: Auth| {
        // This event is dropped if a handler of `on_connect` refuses the socket.
        socket.broadcast().emit("knock", &socket.id());
        let name = auth
            .read::<Name>()
            .ok_or_else(|| Refusal::new("who are you?").with_data(&json!({"code": 401})))?;
        socket.set(&name.name);
        Ok::<_, Refusal>(())
    });
    io.on_connect("/", |socket: Socket| {
        let name: String = socket.data().unwrap_or_default();
        if name == "Eve" {
            Err("not you")
        } else {
            Ok(())
        }
    });
    io.on_connect("/", |socket: Socket| {
        socket.emit("hello", &(socket.id(), socket.data::<String>()));
    });
    io.of("/admin", |of| {
        of.on_connect(|socket: Socket| socket.emit("admin", &socket.query()));
        of.on("all", |socket: Socket| {
            socket.everyone().emit("here", &socket.id());
        });
    });
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

/// The handlers of `on_connect` run in order. If one fails, the connection is refused, and the events
/// that earlier handlers sent are dropped.
#[test]
fn middleware() {
    let mut stage = stage(doors);
    let ann = Client::connect_with(&mut stage, "strict=1", &json!({"name": "Ann"}));
    let refusal = |stage: &mut Stage, auth: &Value| Client::try_connect(stage, "", auth).err();
    let unknown = json!({"message": "who are you?", "data": {"code": 401}});
    assert_eq!(refusal(&mut stage, &json!({})), Some(unknown));
    assert_eq!(
        refusal(&mut stage, &json!({"name": "Eve"})),
        Some(json!({"message": "not you"}))
    );
    assert!(ann.heard(&mut stage).is_empty());
    Client::connect_with(&mut stage, "", &json!({"name": "Bob"}));
    assert_eq!(ann.heard(&mut stage).len(), 1);
}

/// If a handler of `on_connect` disconnects other sockets and then refuses the connection, the other sockets stay
/// disconnected.
#[test]
fn a_refused_connection_disconnects_others() {
    let mut stage = stage(|io| {
        io.on_connect("/", |socket: Socket| {
            for other in socket
                .all()
                .iter()
                .filter(|other| other.id() != socket.id())
            {
                other.disconnect();
            }
            match socket.all().len() {
                1 => Ok(()),
                _ => Err("the room starts again"),
            }
        });
    });
    let ann = Client::connect(&mut stage);
    let refused = Client::try_connect(&mut stage, "", &json!({})).err();
    assert_eq!(refused, Some(json!({"message": "the room starts again"})));
    assert_eq!(stage.sent_to(ann.connection), ["41"]);
    Client::connect(&mut stage);
}

/// Messages that handlers send on connecting come after the reply.
#[test]
fn the_first_event_follows_the_connect_reply() {
    let mut stage = stage(doors);
    let connection = stage.open_websocket();
    stage.text(connection, r#"40{"name":"Ann"}"#);
    let frames = stage.sent_to(connection);
    assert!(
        frames[0].starts_with("40{\"sid\":") && frames[1].starts_with("42[\"hello\",[\""),
        "{frames:?}"
    );
}

#[test]
fn namespaces() {
    let mut stage = stage(doors);
    let connection = stage.upgrade(&format!("{WEBSOCKET}&q=7"));
    stage.take_for(connection);
    stage.text(connection, r#"40{"name":"Ann"}"#);
    stage
        .text(connection, "40/admin,")
        .text(connection, "40/other,");
    let frames = stage.sent_to(connection).join("\n");
    assert!(
        frames.contains("42/admin,[\"admin\",\"EIO=4&transport=websocket&q=7\""),
        "{frames}"
    );
    assert!(
        frames.contains(r#"44/other,{"message":"Invalid namespace"}"#),
        "{frames}"
    );
    stage.take();
    stage.text(connection, r#"42/admin,["all"]"#);
    assert!(
        matches!(&stage.take()[..], [Done::Sent(c, frame)] if *c == connection && frame.starts_with("42/admin,[\"here\""))
    );
}

fn questions(io: &mut Io) {
    io.on("ask", |socket: Socket, Data(millis): Data<u64>| {
        socket.ask(
            "question",
            &"how are you?",
            "how",
            Duration::from_millis(millis),
        );
    });
    io.on_answer("how", |socket: Socket, Answer(answer): Answer<String>| {
        socket.broadcast().emit("answered", &answer);
    });
}

/// An ack reaches the handler of its name, even after the loss of memory. If no ack comes, the
/// handler gets an empty answer.
#[test]
fn answers() {
    let mut stage = stage(questions);
    let [ann, bob] = clients(&mut stage);
    let ask = |stage: &mut Stage| {
        ann.emit(stage, json!(["ask", 500]));
        let frames = ann_frames(stage, ann.connection);
        frames[0]
            .trim_start_matches("42")
            .split('[')
            .next()
            .unwrap()
            .to_owned()
    };
    let ack = ask(&mut stage);
    stage.lose_memory();
    stage.text(ann.connection, format!("43{ack}[\"fine\"]"));
    assert_eq!(bob.heard(&mut stage), [json!(["answered", "fine"])]);
    stage.text(ann.connection, format!("43{ack}[\"again\"]"));
    assert!(bob.heard(&mut stage).is_empty());
    ask(&mut stage);
    stage.until(stage.now() + 499);
    assert!(bob.heard(&mut stage).is_empty());
    stage.until(stage.now() + 1);
    assert_eq!(bob.heard(&mut stage), [json!(["answered", null])]);
    ask(&mut stage);
    stage.lost(ann.connection);
    assert_eq!(bob.heard(&mut stage), [json!(["answered", null])]);
}

fn ann_frames(stage: &mut Stage, connection: u64) -> Vec<String> {
    let done = stage.take_for(connection).into_iter();
    let text = |done| match done {
        Done::Sent(_, frame) => Some(frame),
        _ => None,
    };
    done.filter_map(text).collect()
}

fn counter(io: &mut Io) {
    io.on("add", |socket: Socket, ack: Ack| {
        let sum = socket.stored::<u64>("sum")?.unwrap_or_default() + 1;
        socket.store("sum", &sum);
        ack.send(&sum);
        Ok::<_, Refusal>(())
    });
    io.on("reset", |socket: Socket| socket.unstore("sum"));
    io.on("echo", |socket: Socket, Raw(args): Raw, ack: Ack| {
        socket.emit_args("echo", args.clone());
        ack.send_args(args);
    });
    io.on("connect to others", |socket: Socket| {
        socket.broadcast().emit("connect", &1);
        assert!(!socket.ask("connect", &1, "answered", Duration::from_secs(1)));
    });
    io.on("go", |socket: Socket| socket.disconnect());
    io.on_any(|socket: Socket, All(all): All<Vec<u64>>| socket.emit("any", &all));
}

/// An application's stored values survive the loss of memory. After the ack, they also survive a
/// kill of the server.
#[test]
fn stored_values() {
    let mut stage = stage(counter);
    let [ann] = clients(&mut stage);
    assert_eq!(ann.call(&mut stage, json!(["add"])), Some(json!([1])));
    stage.lose_memory();
    assert_eq!(ann.call(&mut stage, json!(["add"])), Some(json!([2])));
    stage.kill();
    let [bob] = clients(&mut stage);
    assert_eq!(bob.call(&mut stage, json!(["add"])), Some(json!([3])));
    bob.emit(&mut stage, json!(["reset"]));
    assert_eq!(bob.call(&mut stage, json!(["add"])), Some(json!([1])));
}

#[test]
fn raw_arguments_and_other_events() {
    let mut stage = stage(counter);
    let [ann, bob] = clients(&mut stage);
    let server = r#"{"_placeholder":true,"num":0}"#;
    stage.text(ann.connection, format!(r#"451-5["echo",{server},1.0]"#));
    stage.bytes(ann.connection, &[7]);
    assert_eq!(
        stage.take_for(ann.connection),
        [
            Done::Sent(ann.connection, format!(r#"451-["echo",{server},1.0]"#)),
            Done::SentBytes(ann.connection, vec![7]),
            Done::Sent(ann.connection, format!("461-5[{server},1.0]")),
            Done::SentBytes(ann.connection, vec![7]),
        ]
    );
    ann.emit(&mut stage, json!(["whatever", 1, 2]));
    assert_eq!(ann.heard(&mut stage), [json!(["any", [1, 2]])]);
    ann.emit(&mut stage, json!(["connect to others"]));
    assert!(
        [&ann, &bob]
            .iter()
            .all(|peer| peer.heard(&mut stage).is_empty()),
        "an event with a reserved name is not sent"
    );
    ann.emit(&mut stage, json!(["go"]));
    assert!(
        stage
            .take_for(ann.connection)
            .contains(&Done::Sent(ann.connection, "41".to_owned()))
    );
}

/// A client that sends too many events is refused, and disconnected if it continues.
#[test]
fn rates() {
    let rate = |burst| Rate {
        burst,
        per_second: 1,
    };
    let mut rates = Rates::default();
    (rates.signal, rates.patience) = (rate(3), rate(2));
    let mut stage = stage_with(counter, rates);
    let [ann] = clients(&mut stage);
    for _ in 0..6 {
        ann.emit(&mut stage, json!(["whatever"]));
    }
    let heard = ann.heard(&mut stage);
    assert_eq!(heard.iter().filter(|event| event[0] == "any").count(), 3);
    assert_eq!(
        heard.iter().filter(|event| event[0] == "exception").count(),
        2
    );
    assert!(!stage.connections.contains_key(&ann.connection));
}

fn introductions(io: &mut Io) {
    io.on("who am I?", |socket: Socket, ack: Ack| {
        let headers = (socket.origin(), socket.user_agent(), socket.cookie());
        ack.send(&(socket.address(), socket.query(), headers));
    });
}

/// The handshake's headers survive the loss of memory; a header that is too long counts as missing.
#[test]
fn connect_information() {
    let mut stage = stage(introductions);
    for (cookie, kept) in [("a=b", json!("a=b")), (&"x".repeat(4097), json!(null))] {
        let connection = stage.ask(|reply| Request {
            reply,
            method: Method::Get,
            query: format!("{WEBSOCKET}&strict=1"),
            upgrade: true,
            address: "192.0.2.7".to_owned(),
            content_type: String::new(),
            headers: Headers {
                origin: Some("https://a.example".to_owned()),
                user_agent: None,
                cookie: Some(cookie.to_owned()),
            },
            body: Vec::new(),
        });
        stage.text(connection, "40");
        stage.lose_memory().take();
        stage.text(connection, r#"421["who am I?"]"#);
        let [Done::Sent(_, frame)] = &stage.take()[..] else {
            panic!("no ack");
        };
        let reply: Value = serde_json::from_str(&frame[3..]).unwrap();
        let query = "EIO=4&transport=websocket&strict=1";
        assert_eq!(
            reply,
            json!([["192.0.2.7", query, ["https://a.example", null, kept]]])
        );
    }
}
