//! The index of rooms, for operators: which rooms have peers. It is an object of the same class as the
//! rooms, which tell it of their first peer and of the end of their last.
//!
//! An entry may be out of date for as long as a room's word is under way; whoever lists rooms asks each
//! of them how many peers it has, and tells the index of those that are empty.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::io::{ContentType, Post, Recipient, Request, Response};
use crate::map::Map;
use crate::room::Code;
use crate::room::operator::refusal;
use crate::socket::{App, Command, Event, Json, Object};
use crate::store::Store;
use crate::time::Timestamp;

/// The name of the index's object, which no room can have.
pub const NAME: &str = ":";

/// What rooms ask of it.
const TELL: &str = "tell";

/// What operators ask of it, with a [`Query`].
pub const LIST: &str = "list";

/// How many rooms it lists at most. A room beyond them is taken when another one has closed.
const MAX_ROOMS: usize = 10_000;

/// How many rooms an answer has, at most and unless asked for another number.
const MAX_PAGE: usize = 100;
const PAGE: usize = 50;

const PREFIX: &str = "open/";

/// How long the index may take.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// What a room tells: since when it has had peers, or that it has none any more since then.
#[derive(Serialize, Deserialize)]
struct Told {
    room: String,
    open: bool,
    since: Timestamp,
}

/// Which page of the rooms is asked for.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Query {
    /// The page begins after this room.
    pub after: Option<String>,
    /// How many rooms it may have.
    pub limit: Option<usize>,
}

/// A room of a page.
#[derive(Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Since when it has had peers.
    pub since: Timestamp,
}

/// A page of rooms.
#[derive(Debug, Serialize, Deserialize)]
pub struct Page {
    /// How many rooms the index has.
    pub count: usize,
    /// Those of this page, by their names.
    pub rooms: Vec<Entry>,
    /// The last of them, if there are more.
    pub next: Option<String>,
}

/// Tells the index that a room has had peers since then.
#[must_use]
pub fn opened(number: u64, room: &str, since: Timestamp) -> Post {
    tell(number, room, true, since)
}

/// Tells the index that a room which had peers since then has none any more. If it has some again, the
/// index has another time of it, and nothing changes.
#[must_use]
pub fn closed(number: u64, room: &str, since: Timestamp) -> Post {
    tell(number, room, false, since)
}

fn tell(number: u64, room: &str, open: bool, since: Timestamp) -> Post {
    let told = Told {
        room: room.to_owned(),
        open,
        since,
    };
    Post {
        number,
        to: Recipient::Object {
            name: NAME.to_owned(),
            action: TELL,
        },
        headers: Vec::new(),
        body: Json::of(&told).as_str().to_owned(),
        timeout: TIMEOUT,
    }
}

/// See the [module](self).
pub struct Index {
    store: Rc<Store>,
    /// Since when each room has had peers.
    rooms: Map<String, Timestamp>,
}

impl Index {
    /// The index, with what it remembers.
    #[must_use]
    pub fn new(store: Rc<Store>) -> Self {
        let mut rooms = Map::default();
        for (key, value) in store.load(PREFIX) {
            if let Some((name, since)) = key.strip_prefix(PREFIX).zip(store.read(&key, &value)) {
                rooms.insert(name.to_owned(), since);
            }
        }
        Self { store, rooms }
    }

    fn answer(&mut self, request: &Request) -> Response {
        let body = String::from_utf8_lossy(&request.body);
        let done = match request.query.as_str() {
            TELL => serde_json::from_str(&body).map(|told| self.take(told)),
            LIST => serde_json::from_str(&body).map(|query| ok(Object::of(&self.page(query)))),
            _ => return refusal(404, Code::Unsupported, "there is no such action"),
        };
        let wrong = |_| refusal(400, Code::BadPayload, "the body is not what this takes");
        done.unwrap_or_else(wrong)
    }

    fn take(&mut self, Told { room, open, since }: Told) -> Response {
        let known = self.rooms.get(&room).copied();
        let key = [PREFIX, &room].concat();
        if open && known != Some(since) {
            if known.is_none() && self.rooms.len() >= MAX_ROOMS {
                return refusal(507, Code::RoomFull, "the index is full");
            }
            self.store.put_json(key, &since);
            self.rooms.insert(room, since);
        } else if !open && known == Some(since) {
            self.store.delete(key);
            self.rooms.remove(&room);
        }
        ok(Object::new())
    }

    fn page(&self, Query { after, limit }: Query) -> Page {
        let limit = limit.unwrap_or(PAGE).clamp(1, MAX_PAGE);
        let after = after.as_deref().unwrap_or_default();
        let mut following = self.rooms.iter().filter(|(name, _)| name.as_str() > after);
        let rooms = following.by_ref().take(limit);
        let rooms: Vec<Entry> = rooms
            .map(|(name, since)| Entry {
                name: name.clone(),
                since: *since,
            })
            .collect();
        let has_more = following.next().is_some();
        let last = rooms.last().filter(|_| has_more);
        Page {
            count: self.rooms.len(),
            next: last.map(|room| room.name.clone()),
            rooms,
        }
    }
}

fn ok(body: Object) -> Response {
    Response {
        status: 200,
        content_type: ContentType::Json,
        body: body.with("ok", &true).json().as_str().to_owned(),
        cookie: None,
    }
}

impl App for Index {
    fn event(&mut self, _now: Timestamp, event: Event, out: &mut Vec<Command>) {
        match event {
            Event::Operate(request) => {
                let response = self.answer(&request);
                out.push(Command::Respond(request.reply, response));
            }
            Event::Connect { socket, .. } => out.push(Command::Refuse {
                socket,
                message: "Invalid namespace".to_owned(),
                data: None,
            }),
            _ => {}
        }
    }

    fn reset(&mut self) {
        self.rooms = Map::default();
    }

    /// What rooms told is kept for as long as there are any.
    fn is_busy(&self) -> bool {
        !self.rooms.is_empty()
    }
}
