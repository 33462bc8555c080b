//! Finds the members of rooms and the receivers of events.

use super::action::To;
use super::run::{CurrentRoom, Run, Trigger, missing};
use super::template::Template;
use super::value::Value;
use crate::map::Set;
use crate::room::Error;
use crate::socket::{Namespace, SocketId, Target};

impl<'a> Run<'a> {
    /// The receivers, sorted by their ids.
    pub(super) fn receivers(&mut self, to: &To) -> Result<Vec<SocketId>, Error> {
        let all = Target::all(self.namespace().clone());
        let mut receivers = match to {
            To::Sender => vec![self.from],
            To::Others => self.in_room(all.but(self.from)),
            To::All => self.in_room(all),
            To::Everyone => self.sockets.select(&all),
            To::Broadcast => self.sockets.select(&all.but(self.from)),
            To::Named(template) => self.named(template)?,
            To::Room(template) => {
                let room = self.name(template)?.ok_or_else(|| missing("the room"))?;
                let members = self.sockets.members(self.namespace(), Some(&room));
                self.missed |= members.is_empty();
                self.sorted(members, true)
            }
            To::Peer(template) => {
                let peer = self.name(template)?.and_then(|name| self.peer(&name));
                self.missed |= peer.is_none();
                peer.into_iter().collect()
            }
        };
        if matches!(self.happening, Trigger::Disconnect(_)) {
            receivers.retain(|id| *id != self.from);
        }
        Ok(receivers)
    }

    fn named(&mut self, template: &Template) -> Result<Vec<SocketId>, Error> {
        let value = self.value(template)?;
        if let Value::Sockets(ids) = value {
            return Ok(self.sorted(ids, false));
        }
        let names = value.items()?;
        self.missed |= names.is_empty();
        let mut receivers = Vec::with_capacity(names.len());
        for name in names {
            let name = name.name().filter(|name| !name.is_empty());
            let peer = name.as_ref().and_then(|name| self.peer(name));
            if let Some(peer) = peer {
                receivers.push(peer);
                continue;
            }
            let room = name.map(|name| self.sockets.members(self.namespace(), Some(&name)));
            let members = room.unwrap_or_default();
            self.missed |= members.is_empty();
            receivers.extend(members.into_iter().filter(|id| *id != self.from));
        }
        Ok(self.sorted(receivers, false))
    }

    fn sorted(&self, mut ids: Vec<SocketId>, without_sender: bool) -> Vec<SocketId> {
        ids.retain(|id| !without_sender || *id != self.from);
        Set::from_iter(ids).into_sorted().collect()
    }

    pub(super) fn namespace(&self) -> &'a Namespace {
        &self.table.namespace
    }

    /// The room that `in` names; without an `in`, the room that the sender joined last. `None` if there is
    /// no such room, or if `in` has no value.
    pub(super) fn room(&self) -> Option<String> {
        match &self.chosen {
            CurrentRoom::Own => self.sockets.rooms(self.from).next_back().map(str::to_owned),
            CurrentRoom::Room(room) => Some(room.clone()),
            CurrentRoom::Missing => None,
        }
    }

    /// Whether all sockets count as one room. This is so in a table that joins no rooms. In other tables, a
    /// socket without a room must not reach the members of all rooms.
    fn is_one_room(&self) -> bool {
        !self.table.names.join && matches!(self.chosen, CurrentRoom::Own)
    }

    /// The sockets of a target that are in the current room, sorted by their ids.
    fn in_room(&self, target: Target) -> Vec<SocketId> {
        match self.room() {
            Some(room) => self.sockets.select(&target.to(room)),
            None if self.is_one_room() => self.sockets.select(&target),
            None => Vec::new(),
        }
    }

    /// The members of the current room.
    pub(super) fn here(&self) -> Vec<SocketId> {
        match self.room() {
            Some(room) => self.members(&room),
            None if self.is_one_room() => self.everyone(),
            None => Vec::new(),
        }
    }

    /// The members of this room.
    pub(super) fn members(&self, room: &str) -> Vec<SocketId> {
        self.remaining(self.sockets.members(self.namespace(), Some(room)))
    }

    /// All sockets.
    pub(super) fn everyone(&self) -> Vec<SocketId> {
        self.remaining(self.sockets.members(self.namespace(), None))
    }

    /// Removes the sender while it disconnects: it is not a member any more.
    fn remaining(&self, ids: Vec<SocketId>) -> Vec<SocketId> {
        if matches!(self.happening, Trigger::Disconnect(_)) {
            return self.but_sender(ids);
        }
        ids
    }

    pub(super) fn but_sender(&self, mut ids: Vec<SocketId>) -> Vec<SocketId> {
        ids.retain(|id| *id != self.from);
        ids
    }

    /// The socket with this id or alias.
    pub(super) fn peer(&self, name: &str) -> Option<SocketId> {
        self.sockets.find(name, |peer| peer.alias.as_deref())
    }
}
