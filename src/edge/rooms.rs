//! `GET /api/rooms`: lists the rooms of the index, with each room's number of peers.

use std::time::Duration;

use futures::future::join_all;
use serde::Deserialize;
use worker::web_sys::Response;

use super::api::refuse;
use super::platform::{Placed, Result};
use super::post::post;
use super::responses::{to_response, unavailable};
use super::route::parameter;
use crate::index::{self, Entry, LIST, Page, Query};
use crate::io::{self, ContentType, Post, Recipient};
use crate::room::Code;
use crate::socket::{Json, Object};

/// The time limit for an object's answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A room's answer.
#[derive(Deserialize)]
struct Count {
    peers: usize,
}

/// The page of rooms that the URL's query asks for. Entries of rooms without peers are left out and
/// deleted.
pub(super) async fn list(text: &str, objects: Placed<'_>) -> Result<Response> {
    let limit = parameter(text, "limit=").map(|limit| limit.parse());
    let Ok(limit) = limit.transpose() else {
        return refuse(400, Code::BadPayload, "limit has to be a whole number");
    };
    let after = parameter(text, "after=");
    let query = Json::of(&Query { after, limit });
    let Some(page) = ask::<Page>(objects, index::NAME, LIST, &query).await else {
        return unavailable();
    };
    let counts = join_all(page.rooms.iter().map(|room| count(objects, room))).await;
    let rooms = page.rooms.iter().zip(&counts);
    let rooms = rooms.filter(|(_, peers)| **peers != Some(0));
    let rooms: Vec<Json> = rooms
        .map(|(room, peers)| Object::of(room).with("peers", peers).json())
        .collect();
    let body = Object::new()
        .with("ok", &true)
        .with("count", &page.count)
        .with("rooms", &rooms)
        .with("next", &page.next);
    to_response(&io::Response {
        status: 200,
        content_type: ContentType::Json,
        body: body.json().as_str().to_owned(),
        cookie: None,
    })
}

/// The number of peers in a room; `None` if the room does not answer. If the room is empty, the
/// index gets a message. If that message fails, the entry stays until the rooms are listed again.
async fn count(objects: Placed<'_>, room: &Entry) -> Option<usize> {
    let count: Count = ask(objects, &room.name, "count", &Object::new().json()).await?;
    if count.peers == 0 {
        let closed = index::closed(0, &room.name, room.since);
        let _ = post(&closed, Some(objects)).await;
    }
    Some(count.peers)
}

/// An object's answer; `None` if it does not answer, or if the answer is invalid.
async fn ask<T: for<'a> Deserialize<'a>>(
    objects: Placed<'_>,
    name: &str,
    action: &'static str,
    body: &Json,
) -> Option<T> {
    let question = Post {
        number: 0,
        to: Recipient::Object {
            name: name.to_owned(),
            action,
        },
        headers: Vec::new(),
        body: body.as_str().to_owned(),
        timeout: TIMEOUT,
    };
    let answer = post(&question, Some(objects)).await.ok()?;
    serde_json::from_str(&answer.body).ok()
}
