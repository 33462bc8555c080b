//! The sockets of an application: the rooms that they are in, their data, the acks asked of them.
//!
//! All of it is kept with each socket, by [`Command::Keep`], and is there again after memory was lost.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::acks::Asked;
use super::app::Command;
use super::args::Json;
use super::namespace::Namespace;
use super::socket_id::SocketId;
use crate::map::{Map, Set};
use crate::time::Timestamp;

/// In how many rooms a socket may be.
pub const MAX_ROOMS: usize = 64;

/// The longest name of a room, in bytes.
pub const MAX_ROOM_NAME: usize = 512;

/// Why a socket is not let into a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomError {
    /// The name is empty or longer than [`MAX_ROOM_NAME`].
    Name,
    /// The name is the id of another socket, whose events it would get.
    ForeignId,
    /// It is in [`MAX_ROOMS`] rooms already.
    TooMany,
    /// There is no such socket.
    Gone,
}

impl std::fmt::Display for RoomError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name => write!(f, "a room's name has 1 to {MAX_ROOM_NAME} bytes"),
            Self::ForeignId => f.write_str("a room cannot have the id of another socket"),
            Self::TooMany => write!(f, "a socket can be in {MAX_ROOMS} rooms"),
            Self::Gone => f.write_str("the socket is disconnected"),
        }
    }
}

/// The accepted sockets of an application, each with data of type `T`.
pub struct Sockets<T> {
    pub(super) all: Map<SocketId, Entry<T>>,
    pub(super) rooms: Map<Namespace, Map<String, Room>>,
    /// The number of the next join, or ack.
    next: u64,
    /// Acks that are awaited, by their deadlines.
    pub(super) asked: Set<(Timestamp, SocketId, u64)>,
    /// Sockets of which what is kept is out of date.
    unsaved: Vec<SocketId>,
}

/// The sockets in a room, each with the number of its join.
pub(super) type Room = Map<SocketId, u64>;

pub(super) struct Entry<T> {
    pub(super) namespace: Namespace,
    data: T,
    /// The number of its connection.
    pub(super) n: u64,
    /// The rooms that it joined, in that order, each with the number of the join.
    rooms: Vec<(String, u64)>,
    pub(super) asked: Vec<Asked>,
    unsaved: bool,
}

/// What is kept of a socket.
#[derive(Serialize)]
struct Kept<'a, T> {
    data: &'a T,
    n: u64,
    rooms: &'a [(String, u64)],
    asked: &'a [Asked],
}

/// The same, as it is read.
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
    /// A socket was accepted.
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

    /// A socket is there again after memory was lost. `false` if what was kept of it is not readable.
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

    /// Forgets a socket, which leaves its rooms. Returns its data.
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

    /// Changes the data of a socket. It is kept anew if `change` returns `true`.
    pub fn change(&mut self, id: SocketId, change: impl FnOnce(&mut T) -> bool) {
        if let Some(entry) = self.all.get_mut(&id)
            && change(&mut entry.data)
        {
            self.mark(id);
        }
    }

    /// The data of a socket, for changes that need not outlive memory.
    pub fn get_mut(&mut self, id: SocketId) -> Option<&mut T> {
        self.all.get_mut(&id).map(|entry| &mut entry.data)
    }

    // Rooms.

    /// Lets a socket join a room. `false` if it was there already.
    ///
    /// # Errors
    ///
    /// See [`RoomError`].
    pub fn join(&mut self, id: SocketId, room: &str) -> Result<bool, RoomError> {
        if room.is_empty() || room.len() > MAX_ROOM_NAME {
            return Err(RoomError::Name);
        }
        // Events for a socket must not reach one that joined a room named after it, be it connected
        // or not.
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

    /// Lets a socket leave a room. `false` if it was not there.
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

    /// Keeps what has changed, once for each socket.
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
            out.push(Command::Keep(id, Json::of(&kept)));
        }
    }
}

impl<T> Sockets<T> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether a socket is connected.
    #[must_use]
    pub fn contains(&self, id: SocketId) -> bool {
        self.all.contains_key(&id)
    }

    /// The data of a socket.
    #[must_use]
    pub fn get(&self, id: SocketId) -> Option<&T> {
        self.all.get(&id).map(|entry| &entry.data)
    }

    /// All sockets with their data, by their ids.
    pub fn iter(&self) -> impl Iterator<Item = (SocketId, &T)> {
        self.all.iter().map(|(id, entry)| (*id, &entry.data))
    }

    /// The namespace of a socket.
    #[must_use]
    pub fn namespace(&self, id: SocketId) -> Option<&Namespace> {
        self.all.get(&id).map(|entry| &entry.namespace)
    }

    /// The rooms that a socket joined, in that order. That of its own id is not among them.
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

    /// What is kept of a socket is out of date.
    pub(super) fn mark(&mut self, id: SocketId) {
        if let Some(entry) = self.all.get_mut(&id)
            && !std::mem::replace(&mut entry.unsaved, true)
        {
            self.unsaved.push(id);
        }
    }
}
