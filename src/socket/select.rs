//! The sockets in a room, and the sockets that a target or a condition selects.

use super::app::Command;
use super::args::Args;
use super::namespace::Namespace;
use super::socket_id::SocketId;
use super::sockets::{Room, Sockets};
use super::target::Target;
use crate::map::{Map, Set};

impl<T> Sockets<T> {
    /// The number of sockets that have joined a room.
    #[must_use]
    pub fn count(&self, namespace: &Namespace, room: &str) -> usize {
        self.room(namespace, room).map_or(0, Map::len)
    }

    /// Whether a socket has joined a room. No socket joins the room of its own id.
    #[must_use]
    pub fn is_in(&self, id: SocketId, room: &str) -> bool {
        self.rooms(id).any(|joined| joined == room)
    }

    /// The sockets that have joined a room, in the order of their joins. If `room` is `None`, all sockets of the
    /// namespace, in the order of their connections.
    #[must_use]
    pub fn members(&self, namespace: &Namespace, room: Option<&str>) -> Vec<SocketId> {
        let members: Set<(u64, SocketId)> = if let Some(room) = room {
            let room = self.room(namespace, room).into_iter().flat_map(Map::iter);
            room.map(|(id, n)| (*n, *id)).collect()
        } else {
            let all = self.all.iter();
            let here = all.filter(|(_, entry)| entry.namespace == *namespace);
            here.map(|(id, entry)| (entry.n, *id)).collect()
        };
        members.into_sorted().map(|(_, id)| id).collect()
    }

    /// The socket with this id, or else the one whose data have this alias.
    #[must_use]
    pub fn find(&self, name: &str, alias: impl Fn(&T) -> Option<&str>) -> Option<SocketId> {
        let id = SocketId::parse(name).filter(|id| self.contains(*id));
        id.or_else(|| {
            let (id, _) = self.iter().find(|(_, data)| alias(data) == Some(name))?;
            Some(id)
        })
    }

    /// The sockets whose data match, sorted by id.
    #[must_use]
    pub fn matching(&self, matches: impl Fn(SocketId, &T) -> bool) -> Vec<SocketId> {
        let mut matching = Vec::with_capacity(self.all.len());
        let sockets = self.iter().filter(|(id, data)| matches(*id, data));
        matching.extend(sockets.map(|(id, _)| id));
        matching
    }

    /// The sockets that a target selects, sorted by id.
    #[must_use]
    pub fn select(&self, target: &Target) -> Vec<SocketId> {
        let namespace = &target.namespace;
        let mut selected = match &target.rooms {
            None => {
                let mut all = Vec::with_capacity(self.all.len());
                let here = self.all.iter();
                let here = here.filter(|(_, entry)| entry.namespace == *namespace);
                all.extend(here.map(|(id, _)| *id));
                all
            }
            Some(rooms) => {
                let mut selected = Vec::new();
                for room in rooms {
                    self.add_room(namespace, room, &mut selected);
                }
                if rooms.len() > 1 {
                    selected = Set::from_iter(selected).into_sorted().collect();
                }
                selected
            }
        };
        if let Some(but) = target.but {
            selected.retain(|id| *id != but);
        }
        if !target.except.is_empty() {
            let mut except = Vec::new();
            for room in &target.except {
                self.add_room(namespace, room, &mut except);
            }
            selected.retain(|id| !except.contains(id));
        }
        selected
    }

    fn add_room(&self, namespace: &Namespace, room: &str, selected: &mut Vec<SocketId>) {
        if let Some(id) = SocketId::parse(room)
            && self.namespace(id) == Some(namespace)
        {
            selected.push(id);
        } else if let Some(room) = self.room(namespace, room) {
            selected.reserve(room.len());
            selected.extend(room.keys());
        }
    }

    fn room(&self, namespace: &Namespace, room: &str) -> Option<&Room> {
        self.rooms.get(namespace)?.get(room)
    }
}

/// The command that sends an event to the sockets that a target selects. `None` if there are none.
#[must_use]
pub fn emit<T>(
    sockets: &Sockets<T>,
    target: &Target,
    name: impl Into<String>,
    args: Args,
) -> Option<Command> {
    let to = sockets.select(target);
    (!to.is_empty()).then(|| Command::Emit {
        to,
        name: name.into(),
        args,
        ack: None,
        volatile: target.volatile,
    })
}
