//! Values: the results of paths.

use super::limits::{ITEMS, WRITTEN_BYTES};
use super::path::{Path, Root, Step};
use super::run::{Run, Trigger};
use crate::room::{Code, Error};
use crate::socket::{Json, SocketId};

/// The value at the end of a path.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A missing value.
    Nothing,
    Json(Json),
    Socket(SocketId),
    Sockets(Vec<SocketId>),
    Room(String),
}

impl Value {
    pub(super) fn of(json: Option<Json>) -> Self {
        json.map_or(Self::Nothing, Self::Json)
    }

    fn text(text: Option<&str>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Json(Json::of(text)))
    }

    fn number(number: usize) -> Self {
        Self::Json(Json::of(&number))
    }

    /// The value as JSON. A socket becomes its id.
    pub(super) fn json(self) -> Option<Json> {
        match self {
            Self::Nothing => None,
            Self::Json(json) => Some(json),
            Self::Socket(id) => Some(Json::of(&id)),
            Self::Sockets(ids) => Some(Json::of(&ids)),
            Self::Room(name) => Some(Json::of(&name)),
        }
    }

    /// The value as a name: a text, or the digits of a number.
    pub(super) fn name(&self) -> Option<String> {
        match self {
            Self::Json(json) => json.text().or_else(|| {
                let is_number = json
                    .as_str()
                    .starts_with(|c: char| c == '-' || c.is_ascii_digit());
                is_number.then(|| json.as_str().to_owned())
            }),
            Self::Socket(id) => Some(id.to_string()),
            Self::Room(name) => Some(name.clone()),
            Self::Nothing | Self::Sockets(_) => None,
        }
    }

    /// Whether the value counts as true, as in JavaScript's `if`, except that an empty list counts as false.
    pub(super) fn is_there(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Json(json) => !is_empty(json.as_str()),
            Self::Socket(_) | Self::Room(_) => true,
            Self::Sockets(ids) => !ids.is_empty(),
        }
    }

    /// The items of a list. Any other value is one item; a missing value has none.
    pub(super) fn items(self) -> Result<Vec<Self>, Error> {
        match self {
            Self::Nothing => Ok(Vec::new()),
            Self::Sockets(ids) => Ok(ids.into_iter().map(Self::Socket).collect()),
            Self::Json(json) => match json.elements() {
                Some(items) if items.len() > ITEMS => Err(too_large("a list")),
                Some(items) => Ok(items.into_iter().map(Self::Json).collect()),
                None if json.as_str() == "null" => Ok(Vec::new()),
                None => Ok(vec![Self::Json(json)]),
            },
            Self::Socket(_) | Self::Room(_) => Ok(vec![self]),
        }
    }

    /// The number of items.
    pub(super) fn count(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Sockets(ids) => ids.len(),
            Self::Json(json) if json.as_str() == "null" => 0,
            Self::Json(json) => json.elements().map_or(1, |items| items.len()),
            Self::Socket(_) | Self::Room(_) => 1,
        }
    }
}

pub(super) fn too_large(what: &str) -> Error {
    Error::new(
        Code::TooLarge,
        format!("{what} is larger than the limit for one event"),
    )
}

/// The field of an object. If a name occurs twice, the last field counts.
fn field(json: &Json, name: &str) -> Option<Json> {
    let scan = json.scan()?;
    let mut fields = scan.fields.as_ref()?.iter().rev();
    let (_, value) = fields.find(|(written, _)| {
        let written = json.as_str().get(written.clone()).unwrap_or_default();
        let inner = written
            .get(1..written.len().saturating_sub(1))
            .unwrap_or_default();
        inner == name || (inner.contains('\\') && json_text(written).as_deref() == Some(name))
    })?;
    Some(json.part(value.clone()))
}

fn json_text(written: &str) -> Option<String> {
    serde_json::from_str(written).ok()
}

/// The fields of an object, their names decoded. A name that is not valid Unicode is left out.
pub(super) fn fields(json: &Json) -> Result<Vec<(String, Json)>, Error> {
    let scan = json.scan();
    let Some(fields) = scan.as_ref().and_then(|scan| scan.fields.as_ref()) else {
        return Ok(Vec::new());
    };
    if fields.len() > ITEMS {
        return Err(too_large("an object"));
    }
    let fields = fields.iter().filter_map(|(name, value)| {
        Some((json.part(name.clone()).text()?, json.part(value.clone())))
    });
    Ok(fields.collect())
}

impl Run<'_> {
    /// Follows a path. The bytes of new values are counted.
    pub(super) fn follow_path(&self, path: &Path) -> Result<Value, Error> {
        let steps = path.steps.as_slice();
        let value = match (path.root, steps.split_first()) {
            (Root::Query, Some((Step::Field(name), rest))) => self.follow(self.query(name), rest),
            (Root::Auth, Some((Step::Field(name), rest))) => {
                let peer = self.sockets.get(self.from);
                let auth = peer.and_then(|peer| field(peer.auth.as_ref()?, name));
                self.follow(Value::of(auth), rest)
            }
            (root, _) => self.follow(self.root(root), steps),
        };
        self.check_written()?;
        Ok(value)
    }

    /// Makes a new value of this size in bytes. Beyond the limit the value is missing, and
    /// [`Run::follow_path`] fails.
    fn made(&self, bytes: usize, make: impl FnOnce() -> Json) -> Value {
        self.count_written(bytes);
        if self.written.get() > WRITTEN_BYTES {
            return Value::Nothing;
        }
        Value::Json(make())
    }

    /// Makes a list, and counts its bytes item by item, as [`Run::made`] does for one value.
    fn made_of(&self, items: impl Iterator<Item = Json>) -> Value {
        let mut list = Vec::new();
        for json in items {
            self.count_written(json.as_str().len().saturating_add(1));
            if self.check_written().is_err() {
                return Value::Nothing;
            }
            list.push(json);
        }
        Value::Json(Json::list(&list))
    }

    fn root(&self, root: Root) -> Value {
        match root {
            Root::Argument(n) => match self.happening {
                Trigger::Event { args, .. } => Value::of(args.values.get(n).cloned()),
                _ => Value::Nothing,
            },
            Root::Arguments => match self.happening {
                Trigger::Event { args, .. } => self.made(args.len(), || Json::list(&args.values)),
                _ => Value::Nothing,
            },
            Root::Event => match self.happening {
                Trigger::Event { name, .. } => Value::text(Some(name)),
                _ => Value::Nothing,
            },
            Root::Reason => match self.happening {
                Trigger::Disconnect(reason) => Value::text(Some(&reason.to_string())),
                _ => Value::Nothing,
            },
            Root::Id => Value::Socket(self.from),
            Root::Alias => self.of_socket(self.from, "alias"),
            Root::Room => self.room().map_or(Value::Nothing, Value::Room),
            Root::Rooms => self.of_socket(self.from, "rooms"),
            Root::Data => self.of_socket(self.from, "data"),
            Root::Members => Value::Sockets(self.here()),
            Root::Others => Value::Sockets(self.but_sender(self.here())),
            Root::First => first(&self.here()),
            Root::Everyone => Value::Sockets(self.everyone()),
            Root::AllRooms => {
                let rooms = self.sockets.room_names(self.namespace());
                self.made_of(rooms.map(Json::of))
            }
            Root::It => {
                let it = self.it.take();
                self.it.set(it.clone());
                it.unwrap_or(Value::Nothing)
            }
            Root::Ice => Value::Json(self.ice()),
            Root::Uuid => Value::text(Some(self.uuid.get_or_init(|| self.new_uuid()))),
            Root::Now => Value::Json(Json::of(&self.now.as_millis())),
            Root::Query | Root::Auth => Value::Nothing, // `follow_path` handles them
        }
    }

    /// A parameter of the URL that the sender connected with.
    fn query(&self, name: &str) -> Value {
        let query = self
            .sockets
            .get(self.from)
            .and_then(|peer| peer.query.as_deref());
        let mut parameters = query.unwrap_or_default().split('&').rev();
        let found =
            parameters.find_map(|parameter| parameter.strip_prefix(name)?.strip_prefix('='));
        Value::text(found.map(decode).as_deref())
    }

    fn follow(&self, value: Value, steps: &[Step]) -> Value {
        let Some((step, rest)) = steps.split_first() else {
            return value;
        };
        let name = match step {
            Step::Field(name) => name.as_str(),
            Step::Socket => {
                let id = value.name().and_then(|name| self.peer(&name));
                return self.follow(id.map_or(Value::Nothing, Value::Socket), rest);
            }
            Step::Room => {
                let name = value.name().filter(|name| !name.is_empty());
                return self.follow(name.map_or(Value::Nothing, Value::Room), rest);
            }
        };
        match value {
            Value::Nothing => Value::Nothing,
            Value::Socket(id) => self.follow(self.of_socket(id, name), rest),
            Value::Room(room) => self.follow(self.of_room(&room, name), rest),
            Value::Json(json) => self.follow(of_json(&json, name), rest),
            Value::Sockets(ids) => match (name, name.parse()) {
                ("length", _) => Value::number(ids.len()),
                ("id", _) => self.follow(Value::Sockets(ids), rest),
                (_, Ok(index)) => {
                    let id: Option<&SocketId> = ids.get::<usize>(index);
                    self.follow(id.copied().map_or(Value::Nothing, Value::Socket), rest)
                }
                _ => self.of_each(ids, steps),
            },
        }
    }

    /// Follows the path from each socket, and skips missing values.
    fn of_each(&self, ids: Vec<SocketId>, steps: &[Step]) -> Value {
        let values = ids.into_iter();
        self.made_of(values.filter_map(|id| self.follow(Value::Socket(id), steps).json()))
    }

    /// The property `name` of a socket.
    fn of_socket(&self, id: SocketId, name: &str) -> Value {
        let Some(peer) = self.sockets.get(id) else {
            return Value::Nothing;
        };
        match name {
            "id" => Value::Socket(id),
            "alias" => Value::text(peer.alias.as_deref()),
            "data" => Value::of(peer.data.clone()),
            "room" => {
                let room = self.sockets.rooms(id).next_back();
                room.map_or(Value::Nothing, |room| Value::Room(room.to_owned()))
            }
            "rooms" => self.made_of(self.sockets.rooms(id).map(Json::of)),
            _ => Value::Nothing,
        }
    }

    /// The property `name` of a room.
    fn of_room(&self, room: &str, name: &str) -> Value {
        match name {
            "members" => Value::Sockets(self.members(room)),
            "others" => Value::Sockets(self.but_sender(self.members(room))),
            "first" => first(&self.members(room)),
            _ => Value::Nothing,
        }
    }
}

fn first(ids: &[SocketId]) -> Value {
    ids.first().copied().map_or(Value::Nothing, Value::Socket)
}

/// A field, an element, or the length of a JSON value. A text has only a length: a client may send the name
/// of a room or a socket, and a path must not lead from the name into the room or the socket.
fn of_json(json: &Json, name: &str) -> Value {
    match json.as_str().as_bytes().first() {
        Some(b'{') => Value::of(field(json, name)),
        Some(b'[') => {
            let items = json.elements().unwrap_or_default();
            match (name, name.parse::<usize>()) {
                ("length", _) => Value::number(items.len()),
                (_, Ok(index)) => Value::of(items.get(index).cloned()),
                _ => Value::Nothing,
            }
        }
        _ => match json.text() {
            Some(text) if name == "length" => Value::number(text.chars().count()),
            _ => Value::Nothing,
        },
    }
}

/// Decodes a parameter of a URL. Invalid UTF-8 stays encoded.
fn decode(written: &str) -> String {
    let mut bytes = Vec::with_capacity(written.len());
    let mut rest = written.as_bytes();
    loop {
        let hex = |digits: &[u8; 2]| {
            let digits = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 16).ok()
        };
        rest = match rest {
            [] => break,
            [b'%', a, b, after @ ..] if hex(&[*a, *b]).is_some() => {
                bytes.extend(hex(&[*a, *b]));
                after
            }
            [b'+', after @ ..] => {
                bytes.push(b' ');
                after
            }
            [byte, after @ ..] => {
                bytes.push(*byte);
                after
            }
        };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| written.to_owned())
}

/// Whether a JSON text is `null`, `false`, a zero however it is written, an empty text or an empty list.
fn is_empty(json: &str) -> bool {
    let digits = json.split(['e', 'E']).next().unwrap_or_default();
    let is_zero = digits.contains('0') && digits.bytes().all(|byte| b"-0.".contains(&byte));
    let items = json
        .strip_prefix('[')
        .and_then(|list| list.strip_suffix(']'));
    is_zero
        || matches!(json, "null" | "false" | "\"\"")
        || items.is_some_and(|items| items.trim().is_empty())
}
