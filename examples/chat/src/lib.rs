//! A chat in rooms, with names.

#![cfg(target_arch = "wasm32")]

use signalbox::prelude::*;
use worker::wasm_bindgen;

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

signalbox::durable_object!(Chat = chat);
signalbox::fetch!("CHAT");
