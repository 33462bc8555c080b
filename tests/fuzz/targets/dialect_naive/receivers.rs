//! The sockets that get an event, and the sockets that words such as `$members` and `all` stand for.

use serde_json::Value;

use super::values::{Item, items, name};
use super::{Chosen, Halt, Run, What};

impl Run<'_> {
    pub(super) fn receivers(&mut self, to: &Value) -> Result<Vec<String>, Halt> {
        let from = self.from.clone();
        let mut ids = match to.as_str() {
            Some("sender") => vec![from.clone()],
            Some("everyone") => self.model.everyone(),
            Some("broadcast") => without(&from, self.model.everyone()),
            Some("all") => self.in_room(),
            Some("others") => without(&from, self.in_room()),
            _ => self.named(to)?,
        };
        if matches!(self.what, What::Disconnect(_)) {
            ids.retain(|id| *id != from);
        }
        Ok(ids)
    }

    fn named(&mut self, to: &Value) -> Result<Vec<String>, Halt> {
        let from = self.from.clone();
        if let Some(room) = to.get("room") {
            let room = self.name(room)?.ok_or(Halt::Error("bad-payload"))?;
            let members = self.model.members(&room);
            self.missed |= members.is_empty();
            return Ok(without(&from, members));
        }
        if let Some(peer) = to.get("peer") {
            let peer = self.name(peer)?.and_then(|name| self.model.peer(&name));
            self.missed |= peer.is_none();
            return Ok(peer.into_iter().collect());
        }
        let names = match self.item(to)? {
            Item::Sockets(ids) => return Ok(ids),
            other => items(other)?,
        };
        self.missed |= names.is_empty();
        let mut ids = Vec::new();
        for item in names {
            let name = name(&item).unwrap_or_default();
            if let Some(peer) = self.model.peer(&name) {
                ids.push(peer);
                continue;
            }
            let members = self.model.members(&name);
            self.missed |= members.is_empty();
            ids.extend(without(&from, members));
        }
        Ok(ids)
    }

    pub(super) fn own_room(&self) -> Option<String> {
        match &self.room {
            Chosen::Own => self.model.socket(&self.from).rooms.last().cloned(),
            Chosen::Room(room) => Some(room.clone()),
            Chosen::Missing => None,
        }
    }

    fn is_one_room(&self) -> bool {
        !self.model.joins && matches!(self.room, Chosen::Own)
    }

    /// The sockets that `all` means. A socket's id is also the name of a room with only that socket.
    fn in_room(&self) -> Vec<String> {
        match self.own_room() {
            Some(room) if self.model.everyone().contains(&room) => vec![room],
            Some(room) => self.model.members(&room),
            None if self.is_one_room() => self.model.everyone(),
            None => Vec::new(),
        }
    }

    /// The sockets of `$room(…).members`.
    pub(super) fn members(&self, room: &str) -> Vec<String> {
        self.remaining(self.model.members(room))
    }

    /// The sockets of `$members`.
    pub(super) fn here(&self) -> Vec<String> {
        match self.own_room() {
            Some(room) => self.members(&room),
            None if self.is_one_room() => self.remaining(self.model.everyone()),
            None => Vec::new(),
        }
    }

    /// A socket that disconnects is no member any more.
    pub(super) fn remaining(&self, ids: Vec<String>) -> Vec<String> {
        match self.what {
            What::Disconnect(_) => without(&self.from, ids),
            _ => ids,
        }
    }
}

pub(super) fn without(id: &str, mut ids: Vec<String>) -> Vec<String> {
    ids.retain(|other| other != id);
    ids
}
