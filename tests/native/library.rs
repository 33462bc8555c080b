//! The programs of docs/library.md. A test checks that the document has the same code.

#![expect(
    clippy::needless_pass_by_value,
    reason = "handlers take what they are given"
)]

use signalbox::prelude::*;
use signalbox::stage::Stage;

use crate::documents::example;

const HERE: &str = include_str!("library.rs");

// begin: chat
fn enter(socket: Socket, All((room, name)): All<(String, String)>) -> Result<(), Refusal> {
    socket.join(&room)?;
    socket.set(&name);
    socket.to(&room).emit("entered", &name);
    Ok(())
}

fn say(socket: Socket, Data(text): Data<String>, ack: Ack) {
    for room in socket.rooms() {
        let said = (socket.data::<String>(), &text);
        socket.everyone().to(room).emit("said", &said);
    }
    ack.send(&"ok");
}

fn leave(socket: Socket) {
    for room in socket.rooms() {
        socket.to(room).emit("left", &socket.data::<String>());
    }
}

fn chat(io: &mut Io) {
    io.on("enter", enter);
    io.on("say", say);
    io.on_disconnect(leave);
}
// end: chat

#[test]
fn the_test_of_the_guide() {
    // begin: test
    let mut stage = Stage::of(chat);
    let [ann, bob] = [stage.connect().unwrap(), stage.connect().unwrap()];
    stage.emit(ann, "enter", &("den", "Ann"));
    stage.emit(bob, "enter", &("den", "Bob"));
    stage.lose_memory();
    assert_eq!(
        stage.ask(bob, "say", &["hello"]),
        Some(r#"["ok"]"#.to_owned())
    );
    assert_eq!(
        stage.heard(ann),
        [r#"["entered","Bob"]"#, r#"["said",["Bob","hello"]]"#]
    );
    // end: test
}

#[test]
fn the_programs_are_those_of_the_guide() {
    let here = |name: &str| {
        let (_, from) = HERE.split_once(&format!("// begin: {name}\n")).unwrap();
        from.split_once(&format!("// end: {name}\n")).unwrap().0
    };
    assert!(example("chat-program").contains(here("chat").trim()));
    assert_eq!(squeezed(example("stage-program")), squeezed(here("test")));
}

/// A program without blanks, and without the commas that rustfmt adds where it breaks lines.
fn squeezed(program: &str) -> String {
    let words: String = program.split_whitespace().collect();
    words.replace(",)", ")")
}
