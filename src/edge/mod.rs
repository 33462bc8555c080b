//! The shell.
use worker::{
    Context, DurableObject, Env, Request, Response, Result, State, durable_object, event,
    wasm_bindgen,
};

#[event(fetch)]
async fn fetch(req: Request, env: Env, _: Context) -> Result<Response> {
    env.durable_object("ROOM")?
        .get_by_name("lobby")?
        .fetch_with_request(req)
        .await
}

/// One room.
#[durable_object]
pub struct Room {
    _state: State,
}

impl DurableObject for Room {
    fn new(state: State, _env: Env) -> Self {
        Self { _state: state }
    }
    async fn fetch(&self, _req: Request) -> Result<Response> {
        Response::ok("hello")
    }
}
