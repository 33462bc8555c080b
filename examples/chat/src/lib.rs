//! A chat in rooms, with names.

#![cfg(target_arch = "wasm32")]

use signalbox::prelude::*;
use worker::wasm_bindgen;

fn chat(io: &mut Io) {
    io.on(
        "enter",
        |socket: Socket, All((room, name)): All<(String, String)>| {
            socket.set(&name);
            socket.to(&room).emit("entered", &name);
            socket.join(&room)
        },
    );
    io.on(
        "say",
        |socket: Socket, Data(text): Data<String>, ack: Ack| {
            for room in socket.rooms() {
                let said = (socket.data::<String>(), &text);
                socket.everyone().to(room).emit("said", &said);
            }
            ack.send(&"ok");
        },
    );
    io.on_disconnect(|socket: Socket| {
        for room in socket.rooms() {
            socket.to(room).emit("left", &socket.data::<String>());
        }
    });
}

signalbox::durable_object!(Chat = chat);
signalbox::fetch!("CHAT");
