//! The operators' API: the actions of a room, and its answers.

use serde::Serialize;

use super::Room;
use super::config::Limits;
use super::contract::{RoomInfo, names};
use super::counters::Counters;
use super::error::{Code, Error};
use super::fields::{Fields, is_too_deep};
use super::member::Member;
use super::presence::{info, shown};
use super::turn::Turn;
use crate::io::{ContentType, Request, Response};
use crate::socket::{Args, Command, Json, Object, SocketId, is_reserved};

/// An action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Get the room, its peers and its limits.
    Look,
    /// Get the number of peers.
    Count,
    /// Get the sockets that wait for admission.
    Waiting,
    /// Get the bans.
    Bans,
    /// Send an event to all members inside, or to one.
    Emit,
    /// Disconnect all sockets, and delete the state of the room.
    Close,
    /// Lift the bans of a kicked socket.
    Unban,
    /// Perform a host's event, with these fields.
    HostEvent(&'static str, &'static [&'static str]),
}

/// All actions by their names in the path.
const ACTIONS: [(&str, Action); 14] = [
    ("", Action::Look),
    ("count", Action::Count),
    ("waiting", Action::Waiting),
    ("bans", Action::Bans),
    ("emit", Action::Emit),
    ("close", Action::Close),
    ("unban", Action::Unban),
    ("kick", Action::HostEvent(names::HOST_KICK, &["id"])),
    ("admit", Action::HostEvent(names::HOST_ADMIT, &["id"])),
    ("deny", Action::HostEvent(names::HOST_DENY, &["id"])),
    ("host", Action::HostEvent(names::HOST_TRANSFER, &["id"])),
    ("lock", Action::HostEvent(names::HOST_LOCK, &["on"])),
    (
        "password",
        Action::HostEvent(names::HOST_PASSWORD, &["password"]),
    ),
    ("clear", Action::HostEvent(names::HOST_CLEAR, &[])),
];

impl Action {
    /// The action with this name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut actions = ACTIONS.into_iter();
        let (_, action) = actions.find(|(known, _)| *known == name)?;
        Some(action)
    }

    /// The names of all actions but [`Action::Look`], whose name is empty.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let names = ACTIONS.into_iter().map(|(name, _)| name);
        names.filter(|name| !name.is_empty())
    }

    /// The HTTP method of the action.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::Look | Self::Count | Self::Waiting | Self::Bans => "GET",
            _ => "POST",
        }
    }

    /// The fields that the body may have.
    const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Look | Self::Count | Self::Waiting | Self::Bans => &[],
            Self::Emit => &["event", "args", "to"],
            Self::Close => &["reason"],
            Self::Unban => &["id"],
            Self::HostEvent(_, fields) => fields,
        }
    }
}

/// The response to a request that is refused.
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

/// The room as operators see it.
#[derive(Serialize)]
struct State<'a> {
    room: RoomInfo<'a>,
    host: Option<SocketId>,
    sockets: usize,
    peers: Vec<Json>,
    limits: &'a Limits,
}

impl Room {
    pub(super) fn operate(&mut self, turn: &mut Turn, request: &Request) -> Response {
        let action = Action::named(&request.query);
        let action = action.ok_or_else(|| Error::new(Code::Unsupported, "there is no such action"));
        let done = action.and_then(|action| {
            let fields = read(request, action.fields())?;
            self.act_for_operator(turn, action, &fields)
        });
        match done {
            Ok(done) => answer(200, done.with("ok", &true)),
            Err(error) => {
                let status = match error.code {
                    Code::UnknownPeer | Code::Unsupported => 404,
                    Code::RoomFull => 409,
                    _ => 400,
                };
                refusal(status, error.code, &error.message)
            }
        }
    }

    fn act_for_operator(
        &mut self,
        turn: &mut Turn,
        action: Action,
        fields: &Fields,
    ) -> Result<Object, Error> {
        Ok(match action {
            Action::Look => Object::of(&self.state()),
            Action::Count => Object::new().with("peers", &self.peers().count()),
            Action::Waiting => Object::new().with("waiting", &self.waiting_list()),
            Action::Bans => Object::new().with("bans", &self.access.bans()),
            Action::Emit => Object::new().with("delivered", &self.emit(turn, fields)?),
            Action::Close => Object::new().with("closed", &self.end(turn, fields)?),
            Action::Unban => Object::new().with("lifted", &self.unban(turn, fields)?),
            Action::HostEvent(event, _) => {
                let args = Args::new(vec![fields.json().clone()]);
                self.perform_for_host(turn, None, event, &args)
                    .transpose()?;
                Object::new()
            }
        })
    }

    fn state(&self) -> State<'_> {
        let host = self.host();
        let peers = shown(&self.members, host).into_iter();
        let peers: Vec<_> = peers
            .map(|peer| {
                let member = self.member(peer.id);
                Object::of(&peer)
                    .maybe("sub", member.and_then(Member::subject))
                    .maybe("ref", member.and_then(Member::reference))
                    .json()
            })
            .collect();
        State {
            room: info(&self.name, &self.access, &self.config.limits, peers.len()),
            host,
            sockets: self.members.len(),
            peers,
            limits: &self.config.limits,
        }
    }

    /// The sockets that wait for admission, in the order of their knocks.
    fn waiting_list(&self) -> Vec<Json> {
        let knocking = self.knocking().into_iter();
        let knocking = knocking.filter_map(|id| {
            let member = self.member(id)?;
            let name = member.knocking.as_ref()?.name.as_deref();
            let waiting = Object::new()
                .with("id", &id)
                .with("name", &name)
                .with("since", &member.knocked_at)
                .maybe("sub", member.subject())
                .maybe("ref", member.reference());
            Some(waiting.json())
        });
        knocking.collect()
    }

    /// Sends an event. Returns the number of receivers.
    fn emit(&self, turn: &mut Turn, fields: &Fields) -> Result<usize, Error> {
        let form = "emit takes {event, args?: [...], to?}";
        let event = text(fields, "event", form)?.unwrap_or_default();
        if event.is_empty() || is_reserved(&event) || names::is_own(&event) {
            let message = "event has to be a name that neither the room nor Socket.IO uses";
            return Err(Error::bad_payload(message));
        }
        let mut values = Vec::new();
        if let Some(list) = fields.get("args") {
            let elements = list.elements().filter(|_| !is_too_deep(list));
            values = elements.ok_or_else(|| Error::bad_payload(form))?;
        }
        let to = match text(fields, "to", form)? {
            Some(name) => vec![self.find(&name)?],
            None => self.everyone(),
        };
        let delivered = to.len();
        turn.emit(to, &event, values);
        Ok(delivered)
    }

    /// Disconnects all sockets, and deletes the state of the room. Only the counters go on, in memory,
    /// because clients may remember them. Returns the number of sockets. A socket that is away is
    /// disconnected when it reconnects, so that its client is told, too.
    fn end(&mut self, turn: &mut Turn, fields: &Fields) -> Result<usize, Error> {
        let reason = text(fields, "reason", "close takes {reason?}, a text")?;
        let ids = self.members.matching(|_, _| true);
        let told = Object::new().with("reason", &reason).json();
        turn.emit(ids.clone(), names::ROOM_CLOSED, vec![told]);
        for id in &ids {
            let Some(member) = self.members.disconnect(*id) else {
                continue;
            };
            turn.out.push(if member.is_away() {
                Command::Keep(*id, None) // Room::back closes it
            } else {
                Command::Close(*id)
            });
            if member.profile.is_some() {
                self.log(turn.now, "leave", Some(*id), None, Some("closed"));
                self.tell_leave(turn.now, *id, "closed");
            }
        }
        self.log(turn.now, "close", None, None, None);
        self.forget_chat(turn);
        self.access.forget();
        self.counters.forget();
        Counters::delete(&self.store);
        self.deliveries.end();
        Ok(ids.len())
    }

    /// Lifts the bans of a kicked socket. Returns their number.
    fn unban(&mut self, turn: &mut Turn, fields: &Fields) -> Result<usize, Error> {
        let form = "unban takes {id}, the id of a socket that was kicked";
        let id = text(fields, "id", form)?.ok_or_else(|| Error::bad_payload(form))?;
        let lifted = self.access.lift(&id);
        if lifted == 0 {
            return Err(Error::new(Code::UnknownPeer, "no ban has that id"));
        }
        self.access_changed(turn);
        Ok(lifted)
    }
}

/// Reads the body: a JSON object that has only these fields, or nothing.
fn read(request: &Request, names: &[&str]) -> Result<Fields, Error> {
    if request.body.is_empty() {
        return Ok(Fields::default());
    }
    if !is_json(&request.content_type) {
        let message = "the body has to be JSON, with the header content-type: application/json";
        return Err(Error::bad_payload(message));
    }
    let text = String::from_utf8_lossy(&request.body);
    let fields = Fields::read(&Json::unread(&text))
        .ok_or_else(|| Error::bad_payload("the body is not a JSON object"))?;
    if let Some((unknown, _)) = fields.iter().find(|(name, _)| !names.contains(name)) {
        let names = names.join(", ");
        let message = format!("there is no field {unknown:?}: this takes {{{names}}}");
        return Err(Error::bad_payload(message));
    }
    Ok(fields)
}

/// Whether a `Content-Type` header names JSON (RFC 9110, section 8.3.1: case does not matter, and
/// parameters follow a semicolon).
fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/json")
}

/// Reads a field that is a text. Any other value, including `null`, is an error that quotes `form`.
fn text(fields: &Fields, name: &str, form: &str) -> Result<Option<String>, Error> {
    let text = fields.get(name).map(Json::read::<String>);
    text.map(|text| text.ok_or_else(|| Error::bad_payload(form)))
        .transpose()
}
