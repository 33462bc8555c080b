//! The Worker that is deployed, and its Durable Object: one room.

#![cfg(target_arch = "wasm32")]

use signalbox::durable_object;
use signalbox::edge::{Endpoint, Shell, config, serve};
use signalbox::engine::{self, Engine};
use signalbox::room::{self, RoomName};
use signalbox::socket::{Host, Server};
use worker::{Context, Env, Request, Response, Result, State, event, wasm_bindgen};

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    let endpoint = Endpoint {
        path: "socket.io",
        rooms: env.durable_object("ROOM")?,
        max_payload: engine_config(&env).max_payload,
    };
    serve(request, &endpoint).await
}

fn engine_config(env: &Env) -> engine::Config {
    config::engine(env, engine::Config::default())
}

durable_object! {
    /// The Durable Object of one room.
    pub struct Room(Host<room::Room>) = room;
}

fn room(state: State, env: &Env) -> Shell<Host<room::Room>> {
    let name = state.id().name().unwrap_or_default();
    // The Worker names objects by rooms only.
    let name = RoomName::parse(&name).unwrap_or_else(|_| RoomName::lobby());
    let config = engine_config(env);
    let server = config::server(env);
    Shell::new(state, config.absorb_pongs, |runtime| {
        let room = room::Room::new(name, config::room(env, config.max_payload), runtime.clone());
        let engine = Engine::new(config, runtime);
        Host::new(Server::new(server, engine), room)
    })
}
