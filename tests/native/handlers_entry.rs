//! Connections to applications that use handlers, and `Stage`, with which applications are tested.

use std::time::Duration;

use serde_json::{Value, json};
use signalbox::prelude::*;
use signalbox::room::Rate;
use signalbox::room::config::Rates;
use signalbox::socket::Namespace;
use signalbox::stage::{Client as Visitor, Stage};

use crate::dialect_client::{Client, dialect_server_with};
use crate::handlers::{stage, stage_with};
use crate::peer::high_rates;

/// An application with a handler that would never be called refuses all connections.
#[test]
fn handlers_that_would_never_be_called() {
    type Mistake = (fn(&mut Io), &'static str);
    let mistakes: [Mistake; 9] = [
        (
            |io| io.of("admin", |_| {}),
            "\"admin\" is no namespace: begin it with a slash, and use no comma",
        ),
        (
            |io| io.on_connect("admin", || {}),
            "\"admin\" is no namespace: begin it with a slash, and use no comma",
        ),
        (
            |io| {
                io.on("x", || {});
                io.on("x", || {});
            },
            "on(\"x\") is there twice",
        ),
        (
            |io| {
                io.of("/a", |of| {
                    of.on_any(|| {});
                    of.on_any(|| {});
                });
            },
            "on_any is there twice",
        ),
        (
            |io| {
                io.on_answer("x", || {});
                io.on_answer("x", || {});
            },
            "on_answer(\"x\") is there twice",
        ),
        (
            |io| io.on("connect", || {}),
            "no client sends \"connect\": use on_connect or on_disconnect",
        ),
        (
            |io| io.on("connection", || {}),
            "no client sends \"connection\": use on_connect or on_disconnect",
        ),
        (
            |io| io.on("disconnect", || {}),
            "no client sends \"disconnect\": use on_connect or on_disconnect",
        ),
        (
            |io| io.on("disconnecting", || {}),
            "no client sends \"disconnecting\": use on_connect or on_disconnect",
        ),
    ];
    for (add, mistake) in mistakes {
        let refusal = Stage::of(add).connect().unwrap_err();
        let message = format!("this application has a mistake: {mistake}");
        assert_eq!(refusal.read(), Some(json!({ "message": message })));
    }
    let several: fn(&mut Io) = |io| {
        for _ in 0..2 {
            io.on_connect("/", || {});
            io.on_disconnect(|| {});
        }
        io.on("x", || {});
        io.of("/a", |of| of.on("x", || {}));
    };
    assert!(Stage::of(several).connect().is_ok());
}

/// A client asks in its URL or in `auth` for the exact arguments of events.
#[test]
fn strict_clients_get_the_exact_arguments() {
    for (query, auth, is_strict) in [
        ("x=1", json!({}), false),
        ("strict=1", json!({}), true),
        ("x=1", json!({"strict": true}), true),
        ("strict=1", json!({"strict": false}), false),
    ] {
        let mut stage = stage(|io| io.on("x", |socket: Socket| socket.emit("y", &1)));
        let ann = Client::connect_with(&mut stage, query, &auth);
        assert_eq!(ann.pid.is_none(), is_strict, "{query} {auth}");
        ann.emit(&mut stage, json!(["x"]));
        let heard = ann.heard(&mut stage);
        assert_eq!(heard[0].as_array().unwrap().len() == 2, is_strict);
    }
}

fn rates() -> Rates {
    let rate = |burst| Rate {
        burst,
        per_second: 1,
    };
    let mut rates = Rates::default();
    (rates.signal, rates.patience) = (rate(3), rate(100));
    rates
}

/// A client that has used up its rate cannot send more when it connects again: after it disconnected, after a
/// refused connection, or while its first socket is away.
#[test]
fn rates_of_clients_that_return() {
    fn doors(io: &mut Io) {
        io.on_connect("/", |auth: Auth| match auth.json() {
            Some(json) if json.as_str().contains("no") => Err("no"),
            _ => Ok(()),
        });
        io.on("x", |socket: Socket| socket.emit("x", &1));
    }
    let table = json!({"on": {
        "connect": [{"when": "$auth.no", "refuse": "no"}],
        "x": [{"emit": "x"}],
    }});
    for parameters in ["strict=1", "recoverable=1"] {
        let mut handlers = stage_with(doors, rates());
        let mut config = signalbox::room::Config {
            limits: high_rates(),
            ..Default::default()
        };
        config.limits.rates = rates();
        let mut dialect = dialect_server_with(&table.to_string(), config);
        connect_repeatedly(&mut handlers, parameters);
        connect_repeatedly(&mut dialect, parameters);
    }
}

fn connect_repeatedly<A: signalbox::socket::App>(
    stage: &mut crate::support::Script<signalbox::socket::Runner<A>>,
    parameters: &str,
) {
    let heard = |stage: &mut _, client: &Client| {
        for _ in 0..3 {
            client.emit(stage, json!(["x"]));
        }
        let heard = client.heard(stage).into_iter();
        heard.filter(|event: &Value| event[0] == "x").count()
    };
    let first = Client::connect_with(stage, parameters, &json!({}));
    assert_eq!(heard(stage, &first), 3);
    stage.lost(first.connection);
    for _ in 0..2 {
        assert!(Client::try_connect(stage, parameters, &json!({"no": true})).is_err());
        let again = Client::connect_with(stage, parameters, &json!({}));
        assert_eq!(heard(stage, &again), 0, "{parameters}");
        stage.lost(again.connection);
    }
}

fn quiz(io: &mut Io) {
    io.on_connect("/", |socket: Socket, auth: Auth| {
        let name: String = auth.read().unwrap_or_default();
        if name == "Eve" {
            return Err(Refusal::new("not you").with_data(&401));
        }
        socket.set(&name);
        socket.join("all")?;
        Ok(())
    });
    io.on("ask", |socket: Socket, ack: Ack| {
        for other in socket.members("all") {
            other.ask("question", &1, "answered", Duration::from_secs(5));
        }
        let asked: u32 = socket.stored("asked").ok().flatten().unwrap_or_default();
        socket.store("asked", &(asked + 1));
        ack.send(&(asked + 1));
    });
    io.on_answer("answered", |socket: Socket, Answer(answer): Answer<u32>| {
        let said = (socket.data::<String>(), answer);
        socket.everyone().to("all").emit("answer", &said);
    });
    io.of("/admin", |of| of.on("x", || {}));
}

/// The stage supports refusals, acks, storage, a clock, lost connections and lost memory.
#[test]
fn a_stage() {
    let mut stage = Stage::of(quiz);
    let mut connect = |name: &str| {
        stage.connect_as(Visitor {
            auth: Some(Json::of(name)),
            ..Visitor::default()
        })
    };
    let refused = connect("Eve").unwrap_err();
    assert_eq!(
        refused.read(),
        Some(json!({"message": "not you", "data": 401}))
    );
    let [ann, bob] = ["Ann", "Bob"].map(|name| connect(name).unwrap());
    assert_eq!(stage.ask(ann, "ask", &json!([])), Some("[1]".to_owned()));
    stage.lose_memory();
    assert!(stage.acknowledge(ann, &[7]));
    assert!(
        !stage.acknowledge(ann, &[7]),
        "the socket was asked only once"
    );
    let (question, answer) = (r#"["question",1]"#, r#"["answer",["Ann",7]]"#);
    assert_eq!(stage.heard(ann), [question, answer]);
    stage.lose(bob);
    stage.pass(Duration::from_secs(5));
    assert!(stage.heard(bob).is_empty(), "bob is away");
    stage.recover(bob);
    let none = r#"["answer",["Bob",null]]"#;
    assert_eq!(stage.heard(bob), [question, answer, none]);
    assert_eq!(stage.ask(bob, "ask", &json!([])), Some("[2]".to_owned()));
    stage.disconnect(ann);
    let heard = stage.heard(bob);
    assert_eq!(heard, [question, r#"["answer",["Ann",null]]"#]);
    let namespace = Namespace::parse("/nowhere").unwrap();
    let elsewhere = Visitor {
        namespace,
        ..Visitor::default()
    };
    assert!(stage.connect_as(elsewhere).is_err());
}

/// A question to another client is asked although its handler refuses the connection.
#[test]
fn a_refused_connection_asks_others() {
    let mut stage = Stage::of(|io| {
        io.on_connect("/", |socket: Socket| {
            for other in socket
                .all()
                .iter()
                .filter(|other| other.id() != socket.id())
            {
                other.ask("question", &1, "answered", Duration::from_secs(5));
                other.emit("news", &1);
            }
            match socket.all().len() {
                1 => Ok(()),
                _ => Err("no"),
            }
        });
        io.on_answer("answered", |socket: Socket, Answer(answer): Answer<u32>| {
            socket.emit("thanks", &answer);
        });
    });
    let ann = stage.connect().unwrap();
    assert!(stage.connect().is_err());
    assert!(stage.acknowledge(ann, &[7]));
    assert_eq!(stage.heard(ann), [r#"["question",1]"#, r#"["thanks",7]"#]);
}

/// As on the server, a client that is away on the stage misses an event that asks for an ack.
#[test]
fn a_question_to_a_client_that_is_away() {
    let mut stage = Stage::of(quiz);
    let [ann, bob] = [(); 2].map(|()| stage.connect().unwrap());
    stage.lose(bob);
    stage.emit(ann, "ask", &json!([]));
    stage.recover(bob);
    assert_eq!(stage.heard(ann), [r#"["question",1]"#]);
    assert!(stage.heard(bob).is_empty());
    assert!(!stage.acknowledge(bob, &[7]));
}
