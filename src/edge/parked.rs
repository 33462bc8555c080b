//! Parked requests. A long poll waits in the Worker, on a WebSocket to the object, so that the object
//! can hibernate. The Worker asks for the answer when the poll has waited long enough: the Worker's
//! timers are exact and free.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use futures::channel::mpsc::{self, UnboundedReceiver};
use futures::future::{Either, select};
use worker::web_sys::{MessageEvent, Response};
use worker::{Delay, console_error};

use super::incoming::Incoming;
use super::platform::{Listener, Result, Socket};
use super::responses;
use crate::engine::Codec;
use crate::parking::Frame;

/// The header of a request that accepts its answer on a WebSocket.
pub(super) const HEADER: &str = "x-signalbox-park";

/// How long a request waits before the Worker asks for its answer. It is shorter than the timeouts
/// of proxies.
const POLL_HOLD: Duration = Duration::from_secs(25);

/// How long the Worker waits for the answer after it asked for it.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) fn is_parkable(request: &Incoming) -> Result<bool> {
    request.has_header(HEADER)
}

/// Waits for the object's answer. When the time is over, the Worker asks the object for it. It does
/// not answer in the object's place, because the object's frame may already be on its way. If the
/// WebSocket to the object is lost, the client is told to poll again.
pub(super) async fn wait(socket: &Socket, codec: Codec) -> Result<Response> {
    let (heard, frames) = mpsc::unbounded();
    let listener = Listener::new(move |event: MessageEvent| {
        // `None` for a close or an error, which have no data.
        let _ = heard.unbounded_send(event.data().as_string());
    });
    for event in EVENTS {
        socket.listen(event, &listener)?;
    }
    socket.accept()?;
    let response = answer(socket, frames, codec).await;
    for event in EVENTS {
        socket.unlisten(event, &listener)?;
    }
    response
}

const EVENTS: [&str; 3] = ["message", "close", "error"];

async fn answer(
    socket: &Socket,
    mut frames: UnboundedReceiver<Option<String>>,
    codec: Codec,
) -> Result<Response> {
    let mut limit = POLL_HOLD;
    let mut asked = false;
    loop {
        match select(frames.next(), pin!(Delay::from(limit))).await {
            Either::Left((Some(Some(frame)), _)) => match Frame::decode(&frame) {
                Ok(Frame::Answer(response)) => return responses::to_response(&response),
                Ok(Frame::Hold(sooner)) if !asked => limit = sooner,
                Ok(Frame::Hold(_)) => {} // the answer follows
                Err(error) => {
                    console_error!("the answer to a poll cannot be read: {error}");
                    return responses::unavailable();
                }
            },
            Either::Left(_) => return responses::to_response(&codec.noop()),
            Either::Right(_) if asked => return responses::unavailable(),
            Either::Right(_) => {
                let _ = socket.send(&"release".into()); // if the WebSocket is closed, the next event is its close
                asked = true;
                limit = RELEASE_TIMEOUT;
            }
        }
    }
}
