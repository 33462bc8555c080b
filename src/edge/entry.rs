//! The Worker, and the Durable Object that is a room.

use worker::{
    Context, DurableObject, Env, Error, Request, Response, Result, State, WebSocket,
    WebSocketIncomingMessage, durable_object, event, wasm_bindgen,
};

use super::{Endpoint, Shell, config, serve};
use crate::engine::Engine;
use crate::room::{self, RoomName};
use crate::socket::{self, Host, Server};

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    let endpoint = Endpoint {
        path: "socket.io",
        rooms: env.durable_object("ROOM")?,
        max_payload: config::max_payload(&env),
    };
    serve(request, &endpoint).await
}

/// The Durable Object of one room.
#[durable_object]
pub struct Room {
    shell: Shell<Host<room::Room>>,
}

impl DurableObject for Room {
    fn new(state: State, env: Env) -> Self {
        let name = state.id().name().unwrap_or_default();
        // The Worker names objects by rooms only.
        let name = RoomName::parse(&name).unwrap_or_else(|_| RoomName::lobby());
        let config = config::engine(&env);
        let shell = Shell::new(state, config.absorb_pongs, |runtime| {
            let engine = Engine::new(config, runtime.clone());
            let server = Server::new(socket::Config::default(), engine);
            let room = room::Room::new(name, config::room(&env), runtime);
            Host::new(server, room)
        });
        Self { shell }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        self.shell.fetch(request).await
    }

    async fn alarm(&self) -> Result<Response> {
        self.shell.alarm().await;
        Response::empty()
    }

    async fn websocket_message(
        &self,
        socket: WebSocket,
        message: WebSocketIncomingMessage,
    ) -> Result<()> {
        self.shell.message(&socket, message).await;
        Ok(())
    }

    async fn websocket_close(
        &self,
        socket: WebSocket,
        code: usize,
        _reason: String,
        _was_clean: bool,
    ) -> Result<()> {
        self.shell.closed(&socket, code).await;
        Ok(())
    }

    async fn websocket_error(&self, socket: WebSocket, _error: Error) -> Result<()> {
        self.shell.closed(&socket, 1006).await;
        Ok(())
    }
}
