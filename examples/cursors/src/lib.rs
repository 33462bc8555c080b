//! Shared cursors: each page shows the cursors of all other pages.

#![cfg(target_arch = "wasm32")]

use signalbox::prelude::*;
use worker::wasm_bindgen;

/// A position on the page: each number is from 0 to 1.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Place {
    x: f64,
    y: f64,
}

#[derive(Serialize)]
struct Cursor {
    id: SocketId,
    #[serde(flatten)]
    place: Place,
}

fn cursors(io: &mut Io) {
    io.on_connect("/", |socket: Socket| {
        let others = socket
            .all()
            .into_iter()
            .filter(|other| other.id() != socket.id());
        let cursors: Vec<Cursor> = others
            .filter_map(|other| {
                Some(Cursor {
                    id: other.id(),
                    place: other.data()?,
                })
            })
            .collect();
        socket.emit("cursors", &cursors);
    });
    io.on("rest", |socket: Socket, Data(place): Data<Place>| {
        socket.set(&place); // stored for clients that connect later
        socket.broadcast().emit(
            "cursor",
            &Cursor {
                id: socket.id(),
                place,
            },
        );
    });
    io.on("move", |socket: Socket, Data(place): Data<Place>| {
        // Sockets that are away do not need intermediate positions.
        socket.broadcast().volatile().emit(
            "cursor",
            &Cursor {
                id: socket.id(),
                place,
            },
        );
    });
    io.on_disconnect(|socket: Socket| socket.broadcast().emit("gone", &socket.id()));
}

signalbox::durable_object!(Cursors = cursors);
signalbox::fetch!("CURSORS");
