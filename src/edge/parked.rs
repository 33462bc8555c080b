//! Parked requests: a long poll waits here in the Worker, on a socket to the object, which may
//! sleep meanwhile. The object's first frame is the answer.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{Either, select};
use worker::{Delay, Request, Response, Result, WebSocket, WebsocketEvent};

use super::responses;
use crate::engine::NOOP;
use crate::io::{self, ContentType};

/// Marks a request whose answer may come on a socket.
pub(super) const HEADER: &str = "x-signalbox-park";

/// How long a request waits before the object is asked to answer it: less than proxies wait.
const HOLD: Duration = Duration::from_secs(25);

/// How long the object may then take.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn is_parkable(request: &Request) -> Result<bool> {
    request.headers().has(HEADER)
}

/// The answer as a frame: status, type, body.
pub(super) fn encode(response: &io::Response) -> String {
    let kind = match response.content_type {
        ContentType::Text => 't',
        ContentType::Html => 'h',
        ContentType::Json => 'j',
    };
    format!("{}{kind}{}", response.status, response.body)
}

fn decode(frame: &str) -> Option<io::Response> {
    let (status, rest) = frame.split_at_checked(3)?;
    let (kind, body) = rest.split_at_checked(1)?;
    Some(io::Response {
        status: status.parse().ok()?,
        content_type: match kind {
            "t" => ContentType::Text,
            "h" => ContentType::Html,
            _ => ContentType::Json,
        },
        body: body.to_owned(),
    })
}

/// Waits for the answer. Only the object answers, as a frame may be on its way already; if the
/// object was lost, the client is told to ask again.
pub(super) async fn wait(socket: &WebSocket) -> Result<Response> {
    let mut events = socket.events()?;
    socket.accept()?;
    for limit in [HOLD, PATIENCE] {
        match select(events.next(), pin!(Delay::from(limit))).await {
            Either::Left((Some(Ok(WebsocketEvent::Message(message))), _)) => {
                let response = message.text().and_then(|frame| decode(&frame));
                return response.map_or_else(responses::unavailable, responses::to_response);
            }
            Either::Left(_) => {
                return responses::to_response(io::Response {
                    status: 200,
                    content_type: ContentType::Text,
                    body: NOOP.to_owned(),
                });
            }
            Either::Right(_) => {
                let _ = socket.send_with_str("release"); // if it is closed, that is the next event
            }
        }
    }
    responses::unavailable()
}
