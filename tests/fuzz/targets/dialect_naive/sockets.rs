//! What the naive interpreter keeps between events: the sockets, and their rooms, aliases and data.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Halt;

#[derive(Default)]
pub(super) struct Socket {
    pub(super) id: String,
    address: String,
    is_away: bool,
    pub(super) query: Value,
    pub(super) auth: Value,
    pub(super) rooms: Vec<String>,
    pub(super) alias: Option<String>,
    pub(super) data: Option<Value>,
    /// The events and acks that its client must get.
    pub(super) due: Vec<Value>,
}

pub struct Model {
    pub table: Value,
    /// Whether the table has an action that joins a room.
    pub(super) joins: bool,
    /// Whether the table has a `to` that may name either a room or a socket.
    mixes: bool,
    /// The sockets in the order in which they connected.
    pub(super) sockets: Vec<Socket>,
    /// The sockets of each room, in the order in which they joined.
    pub(super) rooms: Vec<(String, Vec<String>)>,
    /// The ids of all sockets, including those that disconnected.
    ids: BTreeSet<String>,
}

impl Model {
    pub fn new(table: Value) -> Self {
        Self {
            joins: any(&table, &|name, _| name == "join"),
            mixes: any(&table, &|name, value| name == "to" && is_mixed(value)),
            table,
            sockets: Vec::new(),
            rooms: Vec::new(),
            ids: BTreeSet::new(),
        }
    }

    pub fn connect(&mut self, id: &str, address: &str, query: Value, auth: Value) {
        self.ids.insert(id.to_owned());
        self.sockets.push(Socket {
            id: id.to_owned(),
            address: address.to_owned(),
            query,
            auth,
            ..Socket::default()
        });
    }

    pub fn set_away(&mut self, id: &str) {
        self.socket_mut(id).is_away = true;
    }

    pub fn forget(&mut self, id: &str) {
        for room in self.socket(id).rooms.clone() {
            self.leave(id, &room);
        }
        self.sockets.retain(|socket| socket.id != id);
    }

    pub fn take_due(&mut self, id: &str) -> Vec<Value> {
        std::mem::take(&mut self.socket_mut(id).due)
    }

    pub(super) fn socket(&self, id: &str) -> &Socket {
        self.sockets.iter().find(|socket| socket.id == id).unwrap()
    }

    pub(super) fn socket_mut(&mut self, id: &str) -> &mut Socket {
        let mut sockets = self.sockets.iter_mut();
        sockets.find(|socket| socket.id == id).unwrap()
    }

    /// The socket with this id or alias.
    pub(super) fn peer(&self, name: &str) -> Option<String> {
        let by_id = self.sockets.iter().find(|socket| socket.id == name);
        let mut sockets = self.sockets.iter();
        let by_alias = || sockets.find(|socket| socket.alias.as_deref() == Some(name));
        by_id.or_else(by_alias).map(|socket| socket.id.clone())
    }

    pub(super) fn everyone(&self) -> Vec<String> {
        self.sockets
            .iter()
            .map(|socket| socket.id.clone())
            .collect()
    }

    pub(super) fn members(&self, room: &str) -> Vec<String> {
        let found = self.rooms.iter().find(|(name, _)| name == room);
        found.map(|(_, ids)| ids.clone()).unwrap_or_default()
    }

    pub(super) fn join(&mut self, id: &str, room: &str) -> Result<(), Halt> {
        let holder = self.peer(room);
        if self.mixes && holder.is_some_and(|holder| holder != id) {
            return Err(Halt::Error("id-taken"));
        }
        if room.is_empty() || room.len() > 512 || (self.ids.contains(room) && room != id) {
            return Err(Halt::Error("bad-payload"));
        }
        let rooms = &mut self.socket_mut(id).rooms;
        if room == id || rooms.iter().any(|joined| joined == room) {
            return Ok(());
        }
        rooms.push(room.to_owned());
        match self.rooms.iter_mut().find(|(name, _)| name == room) {
            Some((_, ids)) => ids.push(id.to_owned()),
            None => self.rooms.push((room.to_owned(), vec![id.to_owned()])),
        }
        Ok(())
    }

    pub(super) fn leave(&mut self, id: &str, room: &str) {
        self.socket_mut(id).rooms.retain(|joined| joined != room);
        for (name, ids) in &mut self.rooms {
            if name == room {
                ids.retain(|member| member != id);
            }
        }
        self.rooms.retain(|(_, ids)| !ids.is_empty());
    }

    pub(super) fn take_alias(&mut self, id: &str, alias: &str) -> Result<(), Halt> {
        if alias.len() > 256 {
            return Err(Halt::Error("too-large"));
        }
        let others = self
            .members(alias)
            .iter()
            .filter(|member| *member != id)
            .count();
        let holder = self.peer(alias).filter(|holder| holder != id);
        let may_replace = |holder: &String| {
            let (holder, own) = (self.socket(holder), self.socket(id));
            holder.is_away && holder.address == own.address
        };
        let is_id = self.ids.contains(alias) && alias != id;
        let is_room = self.mixes && others > 0;
        if is_id || is_room || holder.as_ref().is_some_and(|holder| !may_replace(holder)) {
            return Err(Halt::Error("id-taken"));
        }
        if let Some(holder) = holder {
            self.socket_mut(&holder).alias = None;
        }
        self.socket_mut(id).alias = Some(alias.to_owned());
        Ok(())
    }

    pub(super) fn set(&mut self, id: &str, fields: &Value) -> Result<(), Halt> {
        let data = self.socket_mut(id).data.get_or_insert_with(|| json!({}));
        let before = data.clone();
        for (name, value) in fields.as_object().into_iter().flatten() {
            if value.is_null() {
                data.as_object_mut().unwrap().remove(name);
            } else {
                data[name] = value.clone();
            }
        }
        if data.to_string().len() > 8192 {
            *data = before;
            return Err(Halt::Error("too-large"));
        }
        Ok(())
    }
}

/// Whether `is_so` holds for any field in a table, at any depth.
pub(super) fn any(table: &Value, is_so: &impl Fn(&str, &Value) -> bool) -> bool {
    match table {
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| is_so(name, value) || any(value, is_so)),
        Value::Array(items) => items.iter().any(|item| any(item, is_so)),
        _ => false,
    }
}

/// Whether a `to` may name either a room or a socket.
fn is_mixed(to: &Value) -> bool {
    let Some(text) = to.as_str() else {
        return to.is_array();
    };
    let is_word = ["sender", "others", "all", "everyone", "broadcast"].contains(&text);
    let mut steps = text.split(['.', '[']);
    let of_server = ["$id", "$members", "$others", "$first", "$everyone"];
    let is_of_server = of_server.contains(&steps.next().unwrap())
        && steps.all(|step| step == "id" || step.trim_end_matches(']').parse::<usize>().is_ok());
    let is_socket = text.starts_with("$socket(") && text.ends_with(')');
    !(is_word || is_of_server || is_socket)
}
