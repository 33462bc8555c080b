//! Who is where, and whom an event is for.

use super::action::To;
use super::run::{Happening, Run, missing};
use super::template::Template;
use super::value::Value;
use crate::map::Set;
use crate::room::Error;
use crate::socket::{Namespace, SocketId, Target};

impl<'a> Run<'a> {
    /// The receivers, by their ids.
    pub(super) fn receivers(&mut self, to: &To) -> Result<Vec<SocketId>, Error> {
        let all = Target::all(self.namespace().clone());
        let in_room = |target: Target| match self.room() {
            Some(room) => target.to(room),
            None => target,
        };
        let mut receivers = match to {
            To::Sender => vec![self.from],
            To::Others => self.sockets.select(&in_room(all).but(self.from)),
            To::All => self.sockets.select(&in_room(all)),
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
        if matches!(self.happening, Happening::Disconnect(_)) {
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

    /// The room that `in` chose, or else the one that the sender joined last.
    pub(super) fn room(&self) -> Option<String> {
        let last = || self.sockets.rooms(self.from).next_back().map(str::to_owned);
        self.chosen.clone().or_else(last)
    }

    /// The sockets in a room, or all; who is disconnecting is not among them any more.
    pub(super) fn members(&self, room: Option<&str>) -> Vec<SocketId> {
        let mut members = self.sockets.members(self.namespace(), room);
        if matches!(self.happening, Happening::Disconnect(_)) {
            members.retain(|id| *id != self.from);
        }
        members
    }

    pub(super) fn others(&self, room: Option<&str>) -> Vec<SocketId> {
        let mut members = self.sockets.members(self.namespace(), room);
        members.retain(|id| *id != self.from);
        members
    }

    /// The socket with this id or alias.
    pub(super) fn peer(&self, name: &str) -> Option<SocketId> {
        let id = SocketId::parse(name).filter(|id| self.sockets.contains(*id));
        id.or_else(|| {
            let mut peers = self.sockets.iter();
            let (id, _) = peers.find(|(_, peer)| peer.alias.as_deref() == Some(name))?;
            Some(id)
        })
    }
}
