//! The index of rooms, for operators: which rooms have peers. It is an object of the same class as
//! the rooms. A room tells it when its first peer joins and when its last peer leaves.
//!
//! An entry may be out of date while a room's message is on its way. So the API asks each listed
//! room for its number of peers, and removes empty rooms from the index.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::io::{ContentType, Post, Recipient, Request, Response};
use crate::map::Map;
use crate::room::Code;
use crate::room::operator::refusal;
use crate::socket::{App, Command, Event, Json, Object};
use crate::store::Store;
use crate::time::Timestamp;

/// The name of the index's object. No room can have this name.
pub const NAME: &str = ":";

/// The action that rooms request.
const TELL: &str = "tell";

/// The action that operators request, with a [`Query`].
pub const LIST: &str = "list";

/// The maximum number of rooms in the index. A further room is refused until another one closes.
const MAX_ROOMS: usize = 10_000;

/// The number of rooms in an answer: the maximum, and the default.
const MAX_PAGE: usize = 100;
const PAGE: usize = 50;

const PREFIX: &str = "open/";

/// The time limit for the index's answer.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// A message from a room. If `open`, the room has had peers since this time. Otherwise the room is
/// empty: the peers that it had since this time have left.
#[derive(Serialize, Deserialize)]
struct Told {
    room: String,
    open: bool,
    since: Timestamp,
}

/// Which page of the list is requested.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Query {
    /// The page begins after this room.
    pub after: Option<String>,
    /// The maximum number of rooms on the page.
    pub limit: Option<usize>,
}

/// A room in the list.
#[derive(Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Since when it has had peers.
    pub since: Timestamp,
}

/// A page of the list.
#[derive(Debug, Serialize, Deserialize)]
pub struct Page {
    /// How many rooms the index has.
    pub count: usize,
    /// The rooms of this page, sorted by name.
    pub rooms: Vec<Entry>,
    /// The last room of this page, if more rooms follow.
    pub next: Option<String>,
}

/// The message to the index that a room has had peers since this time.
#[must_use]
pub fn opened(number: u64, room: &str, since: Timestamp) -> Post {
    tell(number, room, true, since)
}

/// The message to the index that a room is empty: the peers that it had since this time have left.
/// If the room has new peers, the index has a later time, and this message changes nothing.
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
    /// Loads the index from the store.
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
        let wrong = |_| refusal(400, Code::BadPayload, "the body is invalid for this action");
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

    /// The object keeps its storage as long as the index has rooms.
    fn is_busy(&self) -> bool {
        !self.rooms.is_empty()
    }
}
