//! The sockets of an application: the rooms that they are in, their data, and their pending acks.
//!
//! All of this is kept with each socket by [`Command::Keep`], and restored after memory was lost.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::acks::Asked;
use super::app::Command;
use super::args::Json;
use super::namespace::Namespace;
use super::socket_id::SocketId;
use crate::map::{Map, Set};
use crate::time::Timestamp;

/// The number of rooms that a socket may be in.
pub const MAX_ROOMS: usize = 64;

/// The longest name of a room, in bytes.
pub const MAX_ROOM_NAME: usize = 512;

/// Why a socket cannot join a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomError {
    /// The name is empty or longer than [`MAX_ROOM_NAME`].
    Name,
    /// The name is the id of another socket. The socket would get the events for the other one.
    ForeignId,
    /// It is in [`MAX_ROOMS`] rooms already.
    TooMany,
    /// The socket does not exist.
    Gone,
}

impl std::fmt::Display for RoomError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name => write!(f, "a room's name has 1 to {MAX_ROOM_NAME} bytes"),
            Self::ForeignId => f.write_str("a room cannot have the id of another socket"),
            Self::TooMany => write!(f, "a socket can be in at most {MAX_ROOMS} rooms"),
            Self::Gone => f.write_str("the socket is disconnected"),
        }
    }
}

/// The accepted sockets of an application, each with data of type `T`.
pub struct Sockets<T> {
    pub(super) all: Map<SocketId, Entry<T>>,
    pub(super) rooms: Map<Namespace, Map<String, Room>>,
    /// The next number for a socket, a join or an ack.
    next: u64,
    /// The awaited acks, by deadline.
    pub(super) asked: Set<(Timestamp, SocketId, u64)>,
    /// Sockets whose kept state is out of date.
    unsaved: Vec<SocketId>,
}

/// The sockets in a room, each with the number of its join.
pub(super) type Room = Map<SocketId, u64>;

pub(super) struct Entry<T> {
    pub(super) namespace: Namespace,
    data: T,
    /// Its number: a socket that connected later has a greater one.
    pub(super) n: u64,
    /// The rooms that it joined, in order, each with the number of its join.
    rooms: Vec<(String, u64)>,
    pub(super) asked: Vec<Asked>,
    unsaved: bool,
}

/// The kept state of a socket, to be written.
#[derive(Serialize)]
struct Kept<'a, T> {
    data: &'a T,
    n: u64,
    rooms: &'a [(String, u64)],
    asked: &'a [Asked],
}

/// The kept state of a socket, to be read.
#[derive(Deserialize)]
struct Restored<T> {
    data: T,
    n: u64,
    rooms: Vec<(String, u64)>,
    asked: Vec<Asked>,
}

impl<T> Default for Sockets<T> {
    fn default() -> Self {
        Self {
            all: Map::default(),
            rooms: Map::default(),
            next: 1,
            asked: Set::default(),
            unsaved: Vec::new(),
        }
    }
}

impl<T: Serialize + DeserializeOwned> Sockets<T> {
    /// Adds a socket that is accepted.
    pub fn connect(&mut self, id: SocketId, namespace: Namespace, data: T) {
        let entry = Entry {
            namespace,
            data,
            n: self.number(),
            rooms: Vec::new(),
            asked: Vec::new(),
            unsaved: false,
        };
        self.all.insert(id, entry);
        self.mark(id);
    }

    /// Adds a socket again after memory was lost. `false` if its kept state cannot be read.
    #[must_use]
    pub fn restore(&mut self, id: SocketId, namespace: Namespace, state: Option<&Json>) -> bool {
        let Some(Restored::<T> {
            data,
            n,
            rooms,
            asked,
        }) = state.and_then(Json::read)
        else {
            return false;
        };
        let numbers = rooms.iter().map(|(_, n)| *n);
        let numbers = numbers.chain(asked.iter().map(|asked| asked.id));
        let last = numbers.chain([n]).max().unwrap_or_default();
        self.next = self.next.max(last.saturating_add(1));
        for (room, n) in &rooms {
            self.add_to(&namespace, room, id, *n);
        }
        for asked in &asked {
            self.asked.insert((asked.by, id, asked.id));
        }
        let entry = Entry {
            namespace,
            data,
            n,
            rooms,
            asked,
            unsaved: false,
        };
        self.all.insert(id, entry);
        true
    }

    /// Removes a socket from its rooms and from the sockets. Returns its data.
    pub fn disconnect(&mut self, id: SocketId) -> Option<T> {
        let entry = self.all.remove(&id)?;
        for (room, _) in &entry.rooms {
            self.remove_from(&entry.namespace, room, id);
        }
        for asked in &entry.asked {
            self.asked.remove(&(asked.by, id, asked.id));
        }
        Some(entry.data)
    }

    /// Changes the data of a socket. If `change` returns `true`, [`Sockets::save`] stores them again.
    pub fn change(&mut self, id: SocketId, change: impl FnOnce(&mut T) -> bool) {
        if let Some(entry) = self.all.get_mut(&id)
            && change(&mut entry.data)
            && !std::mem::replace(&mut entry.unsaved, true)
        {
            self.unsaved.push(id);
        }
    }

    /// The data of a socket, for a change that may be lost with memory.
    pub fn get_mut(&mut self, id: SocketId) -> Option<&mut T> {
        self.all.get_mut(&id).map(|entry| &mut entry.data)
    }

    // Rooms.

    /// Joins a room. `false` if the socket is in it already.
    ///
    /// # Errors
    ///
    /// See [`RoomError`].
    pub fn join(&mut self, id: SocketId, room: &str) -> Result<bool, RoomError> {
        if room.is_empty() || room.len() > MAX_ROOM_NAME {
            return Err(RoomError::Name);
        }
        // A socket must not get the events for another one by joining a room with the other's id,
        // even if the other is not connected.
        if SocketId::is_id(room) {
            let is_own = SocketId::parse(room) == Some(id);
            return is_own.then_some(false).ok_or(RoomError::ForeignId);
        }
        let n = self.number();
        let entry = self.all.get_mut(&id).ok_or(RoomError::Gone)?;
        if entry.rooms.iter().any(|(joined, _)| joined == room) {
            return Ok(false);
        }
        if entry.rooms.len() >= MAX_ROOMS {
            return Err(RoomError::TooMany);
        }
        entry.rooms.push((room.to_owned(), n));
        let namespace = entry.namespace.clone();
        self.add_to(&namespace, room, id, n);
        self.mark(id);
        Ok(true)
    }

    /// Leaves a room. `false` if the socket is not in it.
    pub fn leave(&mut self, id: SocketId, room: &str) -> bool {
        let Some(entry) = self.all.get_mut(&id) else {
            return false;
        };
        let Some(at) = entry.rooms.iter().position(|(joined, _)| joined == room) else {
            return false;
        };
        entry.rooms.remove(at);
        let namespace = entry.namespace.clone();
        self.remove_from(&namespace, room, id);
        self.mark(id);
        true
    }

    /// Adds one [`Command::Keep`] for each socket that changed.
    pub fn save(&mut self, out: &mut Vec<Command>) {
        for id in std::mem::take(&mut self.unsaved) {
            let Some(entry) = self.all.get_mut(&id) else {
                continue;
            };
            entry.unsaved = false;
            let kept = Kept {
                data: &entry.data,
                n: entry.n,
                rooms: &entry.rooms,
                asked: &entry.asked,
            };
            out.push(Command::Keep(id, Some(Json::of(&kept))));
        }
    }
}

impl<T> Sockets<T> {
    /// The number of sockets.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is no socket.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether this socket exists. A socket that is away exists, too.
    #[must_use]
    pub fn contains(&self, id: SocketId) -> bool {
        self.all.contains_key(&id)
    }

    /// The data of a socket.
    #[must_use]
    pub fn get(&self, id: SocketId) -> Option<&T> {
        self.all.get(&id).map(|entry| &entry.data)
    }

    /// All sockets with their data, sorted by id.
    pub fn iter(&self) -> impl Iterator<Item = (SocketId, &T)> {
        self.all.iter().map(|(id, entry)| (*id, &entry.data))
    }

    /// The namespace of a socket.
    #[must_use]
    pub fn namespace(&self, id: SocketId) -> Option<&Namespace> {
        self.all.get(&id).map(|entry| &entry.namespace)
    }

    /// The rooms that a socket joined, in order, without the room of its own id.
    #[must_use]
    pub fn rooms(&self, id: SocketId) -> impl DoubleEndedIterator<Item = &str> {
        let entry = self.all.get(&id);
        let rooms = entry
            .map(|entry| entry.rooms.as_slice())
            .unwrap_or_default();
        rooms.iter().map(|(room, _)| room.as_str())
    }

    /// The names of all rooms of a namespace, sorted.
    pub fn room_names(&self, namespace: &Namespace) -> impl Iterator<Item = &str> {
        let rooms = self.rooms.get(namespace).into_iter().flat_map(Map::keys);
        rooms.map(String::as_str)
    }

    fn add_to(&mut self, namespace: &Namespace, room: &str, id: SocketId, n: u64) {
        self.rooms.change(namespace.clone(), |rooms| {
            rooms.change(room.to_owned(), |members| members.insert(id, n));
        });
    }

    fn remove_from(&mut self, namespace: &Namespace, room: &str, id: SocketId) {
        let Some(rooms) = self.rooms.get_mut(namespace) else {
            return;
        };
        if let Some(members) = rooms.get_mut(room) {
            members.remove(&id);
            if members.is_empty() {
                rooms.remove(room);
            }
        }
    }

    pub(super) fn number(&mut self) -> u64 {
        let number = self.next;
        self.next = number.saturating_add(1);
        number
    }

    /// Makes [`Sockets::save`] store a socket again.
    pub(super) fn mark(&mut self, id: SocketId) {
        if let Some(entry) = self.all.get_mut(&id)
            && !std::mem::replace(&mut entry.unsaved, true)
        {
            self.unsaved.push(id);
        }
    }
}
