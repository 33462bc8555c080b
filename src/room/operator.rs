//! What operators ask of a room: how it is, an event into it, its end.

use serde::Serialize;

use super::config::Limits;
use super::contract::{Peer, RoomInfo, names};
use super::error::{Code, Error};
use super::fields::{Fields, is_too_deep};
use super::ledger::Ledger;
use super::presence::{info, shown};
use super::{Room, Turn};
use crate::io::{ContentType, Request, Response};
use crate::socket::{Command, Json, Object, SocketId, is_reserved};

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// How the room is.
    Look,
    /// An event to everyone inside, or to one.
    Emit,
    /// The end: everyone is put out, and the room forgets what it knew of them.
    Close,
}

impl Action {
    /// The action of this name; `None` if there is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "" => Self::Look,
            "emit" => Self::Emit,
            "close" => Self::Close,
            _ => return None,
        })
    }

    /// The HTTP method that asks for it.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::Look => "GET",
            Self::Emit | Self::Close => "POST",
        }
    }
}

/// The answer to what is not done.
#[must_use]
pub fn refusal(status: u16, code: Code, message: &str) -> Response {
    let error = Error::new(code, message).data();
    answer(
        status,
        Object::new().with("ok", &false).with_json("error", &error),
    )
}

fn answer(status: u16, body: Object) -> Response {
    Response {
        status,
        content_type: ContentType::Json,
        body: body.json().as_str().to_owned(),
        cookie: None,
    }
}

/// The room, as an operator is told.
#[derive(Serialize)]
struct State<'a> {
    room: RoomInfo<'a>,
    host: Option<SocketId>,
    sockets: usize,
    peers: Vec<Peer<'a>>,
    limits: &'a Limits,
}

impl Room {
    pub(super) fn operate(&mut self, turn: &mut Turn, request: &Request) -> Response {
        let done = match Action::named(&request.query) {
            Some(Action::Look) => {
                let state = Object::of(&self.state());
                return answer(200, state.with("ok", &true));
            }
            Some(Action::Emit) => read(request)
                .and_then(|fields| self.emit(turn, &fields))
                .map(|delivered| ("delivered", delivered)),
            Some(Action::Close) => read(request)
                .and_then(|fields| self.end(turn, &fields))
                .map(|closed| ("closed", closed)),
            None => Err(Error::new(Code::Unsupported, "there is no such action")),
        };
        match done {
            Ok((name, count)) => {
                let done = Object::new().with("ok", &true);
                answer(200, done.with(name, &count))
            }
            Err(error) => {
                let status = match error.code {
                    Code::UnknownPeer | Code::Unsupported => 404,
                    _ => 400,
                };
                refusal(status, error.code, &error.message)
            }
        }
    }

    fn state(&self) -> State<'_> {
        let host = self.host();
        let peers = shown(&self.members, host);
        State {
            room: info(&self.name, &self.door, &self.config.limits, peers.len()),
            host,
            sockets: self.members.len(),
            peers,
            limits: &self.config.limits,
        }
    }

    /// Sends an event; to how many.
    fn emit(&self, turn: &mut Turn, fields: &Fields) -> Result<usize, Error> {
        let form = "emit takes {event, args?: [...], to?}";
        let event = text(fields, "event", form)?.unwrap_or_default();
        if event.is_empty() || is_reserved(&event) {
            let message = "event has to be a name, and none that means something to sockets";
            return Err(Error::bad_payload(message));
        }
        let mut values = Vec::new();
        let list = fields.get("args");
        if let Some(list) = list.filter(|list| list.as_str() != "null") {
            let elements = list.elements().filter(|_| !is_too_deep(list));
            values = elements.ok_or_else(|| Error::bad_payload(form))?;
        }
        let to = match text(fields, "to", form)? {
            Some(name) => vec![self.find(&name)?],
            None => self.inside().map(|(id, _)| id).collect(),
        };
        let delivered = to.len();
        turn.emit(to, &event, values);
        Ok(delivered)
    }

    /// Puts everyone out, and forgets all but the counters that clients may still know; how many.
    fn end(&mut self, turn: &mut Turn, fields: &Fields) -> Result<usize, Error> {
        let reason = text(fields, "reason", "close takes {reason?}, a text")?;
        let members: Vec<SocketId> = self.members.keys().copied().collect();
        let told = Object::new().with("reason", &reason).json();
        turn.emit(members.clone(), names::ROOM_CLOSED, vec![told]);
        self.log(turn.now, "close", None, None, None);
        for id in &members {
            turn.out.push(Command::Close(*id));
            let member = self.members.remove(id);
            if member.is_some_and(|member| member.profile.is_some()) {
                self.log(turn.now, "leave", Some(*id), None, Some("closed"));
            }
        }
        self.forget_chat(turn);
        self.door.forget();
        self.ledger.forget();
        Ledger::delete(&self.store);
        Ok(members.len())
    }
}

/// The fields of the body, which is a JSON object or nothing.
fn read(request: &Request) -> Result<Fields, Error> {
    if request.body.is_empty() {
        return Ok(Fields::default());
    }
    if !request.content_type.starts_with("application/json") {
        let message = "the body has to be JSON, and to say so: content-type: application/json";
        return Err(Error::bad_payload(message));
    }
    let text = String::from_utf8_lossy(&request.body);
    Fields::read(&Json::unread(&text))
        .ok_or_else(|| Error::bad_payload("the body is no JSON object"))
}

/// A text among them; of another kind, it is none of what `form` says.
fn text(fields: &Fields, name: &str, form: &str) -> Result<Option<String>, Error> {
    match fields.get(name) {
        None => Ok(None),
        Some(json) => json.read().ok_or_else(|| Error::bad_payload(form)),
    }
}
