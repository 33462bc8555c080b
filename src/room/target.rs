//! The receivers of a signal, and the check that the sender means this room.

use super::error::{Code, Error};
use super::fields::Fields;
use super::role::{Role, word};
use super::signal::{self, Signal};
use super::{Room, RoomName};
use crate::socket::{Json, SocketId};

/// Refuses an object that names another room: pages that name different rooms must not receive each
/// other's events.
pub(super) fn check_room(room: &RoomName, fields: &Fields) -> Result<(), Error> {
    let stated = fields.stated();
    let rooms = stated.filter(|(role, json)| *role == Role::Room && json.as_str() != "null");
    for (_, json) in rooms {
        let name = word(json).unwrap_or_default();
        if name != room.as_str() {
            return Err(elsewhere(room, &name));
        }
    }
    Ok(())
}

/// The error for a sender that means another room. It has the URL to use.
fn elsewhere(room: &RoomName, name: &str) -> Error {
    let room = room.as_str();
    let message = match RoomName::parse(name) {
        Ok(_) => format!(
            "this is room {room:?}: to be in room {name:?}, connect to /r/{name}/socket.io/"
        ),
        Err(why) => format!(
            "this is room {room:?}, and the event names a room that cannot exist ({why}): \
             connect to /r/<room>/socket.io/"
        ),
    };
    Error::new(Code::Unsupported, message)
}

fn unknown_peer() -> Error {
    Error::new(Code::UnknownPeer, "no socket in this room has that id")
}

impl Room {
    /// The receivers of a signal: its target if it has one. Without a target, an answer or a candidate
    /// goes to the sender's [partner](Room::partner), if that is inside. Any other signal without a target goes
    /// to all members inside except the sender.
    pub(super) fn receivers(
        &self,
        from: SocketId,
        signal: &Signal,
    ) -> Result<Vec<SocketId>, Error> {
        if let Some(target) = self.target(from, signal)? {
            return Ok(vec![target]);
        }
        signal.check_untargeted()?;
        let partner = self.partner(from);
        if let (signal::Kind::Answer | signal::Kind::Candidate, Some(partner)) =
            (signal.kind, partner)
            && self.is_inside(partner)
        {
            return Ok(vec![partner]);
        }
        Ok(self.others(from))
    }

    /// The target that the sender names, by the first of these: the first argument, a field whose
    /// name states a target, a later argument, any other field with the id or alias of another
    /// socket.
    fn target(&self, from: SocketId, signal: &Signal) -> Result<Option<SocketId>, Error> {
        if let Some(name) = signal.first_word() {
            let unknown = || {
                let message = "no socket in this room has that id; if you mean a room, connect to \
                               /r/<room>/socket.io/";
                Error::new(Code::UnknownPeer, message)
            };
            return self.insider(&name).ok_or_else(unknown).map(Some);
        }
        let later = self.later_target(from, signal)?;
        let is_own = |json| word(json).is_some_and(|name| self.holder(&name) == Some(from));
        let named = signal.stated().filter(|(role, json)| match role {
            Role::Tutorial | Role::Target(_) => may_state(json),
            Role::Peer(_) | Role::Id => may_state(json) && !is_own(json),
            _ => false,
        });
        if let Some((_, json)) = named.min_by_key(|(role, _)| *role) {
            let name = word(json).ok_or_else(|| {
                Error::bad_payload("a target is the id or alias of one peer, as a text")
            })?;
            return self.find(&name).map(Some);
        }
        let mut unknown = signal.stated().filter(|(role, _)| *role == Role::Other);
        let by_value = || unknown.find_map(|(_, json)| self.other(from, &word(json)?));
        Ok(later.or_else(by_value))
    }

    /// The target that a later argument names. If one names the room, the next may name the target.
    fn later_target(&self, from: SocketId, signal: &Signal) -> Result<Option<SocketId>, Error> {
        let mut target = None;
        for (place, name) in signal.later_words() {
            if name == self.name.as_str() {
                continue;
            }
            if self.insider(&name).is_some() {
                target = target.or(self.other(from, &name));
                continue;
            }
            if SocketId::is_id(&name) {
                return Err(unknown_peer());
            }
            if place == 0 {
                return Err(elsewhere(&self.name, &name));
            }
        }
        Ok(target)
    }

    /// The socket with this id or alias, or an error if there is none.
    pub(super) fn find(&self, name: &str) -> Result<SocketId, Error> {
        self.insider(name).ok_or_else(unknown_peer)
    }

    /// The socket with this id or alias, if it is not the sender. The room's name is not read as an
    /// alias here.
    fn other(&self, from: SocketId, name: &str) -> Option<SocketId> {
        let found = self.insider(name).filter(|id| *id != from);
        found.filter(|_| name != self.name.as_str())
    }

    /// The socket with this id or alias, if it is inside.
    fn insider(&self, name: &str) -> Option<SocketId> {
        self.holder(name).filter(|id| self.is_inside(*id))
    }
}

/// Whether a field may state a target. `null` stands for `undefined`, and a flag such as `remote:
/// true` states no target.
fn may_state(json: &Json) -> bool {
    !matches!(json.as_str(), "null" | "true" | "false")
}
