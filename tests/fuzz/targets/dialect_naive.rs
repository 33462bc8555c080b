//! A naive interpreter of tables: on parsed values, without bounds but those of lists, names and data.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// Beyond so many bytes of new values, the real one may have reached its bound.
const WRITTEN_BYTES: usize = 200_000;

/// What happened to a socket.
pub enum What {
    Connect,
    Event {
        name: String,
        args: Vec<Value>,
        wants_ack: bool,
    },
    Disconnect(&'static str),
}

/// How it ended.
pub enum End {
    Done,
    Refused(String, Option<Value>),
}

/// Why nothing more is done.
#[derive(Debug)]
enum Halt {
    Stop,
    Refuse(String, Option<Value>),
    Error(&'static str),
    /// A bound may be reached.
    Unknown,
}

/// A bound may be reached, and the model knows no more.
pub struct Unknown;

/// What a template comes to.
#[derive(Clone)]
enum Item {
    Nothing,
    Json(Value),
    Socket(String),
    Sockets(Vec<String>),
    Room(String),
}

use Item::{Json, Nothing, Room, Socket as One, Sockets};

#[derive(Default)]
struct Socket {
    id: String,
    address: String,
    is_away: bool,
    query: Value,
    auth: Value,
    rooms: Vec<String>,
    alias: Option<String>,
    data: Option<Value>,
    /// What it is to hear.
    due: Vec<Value>,
}

pub struct Model {
    pub table: Value,
    /// Whether an action joins a room, and whether `to` takes names of rooms and of sockets alike.
    joins: bool,
    mixes: bool,
    /// In the order in which they connected.
    sockets: Vec<Socket>,
    /// The sockets of each room, in the order in which they joined.
    rooms: Vec<(String, Vec<String>)>,
    /// All ids that there ever were.
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

    /// Does what the table says.
    pub fn run(&mut self, id: &str, what: What) -> Result<End, Unknown> {
        let on = &self.table["on"];
        let actions = match &what {
            What::Connect => on.get("connect").cloned().or(Some(json!([]))),
            What::Disconnect(_) => on.get("disconnect").cloned().or(Some(json!([]))),
            What::Event { name, .. } => on.get(name).or(on.get("*")).cloned(),
        };
        let mut run = Run {
            model: self,
            from: id.to_owned(),
            what,
            room: Chosen::Own,
            it: Nothing,
            actions: 0,
            written: 0,
            sent: Vec::new(),
            reply: None,
            missed: false,
        };
        let halt = match actions {
            Some(actions) => run.actions(&actions),
            None => Err(Halt::Error("unsupported")),
        };
        let Run {
            what,
            sent,
            reply,
            missed,
            ..
        } = run;
        let is_unknown_peer = missed && reply.is_none();
        let code = match halt {
            Err(Halt::Unknown) => return Err(Unknown),
            Err(Halt::Refuse(message, data)) => return Ok(End::Refused(message, data)),
            Err(Halt::Error(code)) => Some(code),
            Ok(()) | Err(Halt::Stop) => is_unknown_peer.then_some("unknown-peer"),
        };
        for (to, event) in sent {
            for socket in &mut self.sockets {
                if to.contains(&socket.id) {
                    socket.due.push(event.clone());
                }
            }
        }
        if matches!(what, What::Disconnect(_)) {
            return Ok(End::Done);
        }
        let due = &mut self.socket_mut(id).due;
        due.extend(code.map(|code| json!(["room:error", code])));
        if let What::Event {
            wants_ack: true, ..
        } = what
        {
            due.extend(reply.map(|reply| json!({"ack": reply})));
        }
        Ok(End::Done)
    }

    fn socket(&self, id: &str) -> &Socket {
        self.sockets.iter().find(|socket| socket.id == id).unwrap()
    }

    fn socket_mut(&mut self, id: &str) -> &mut Socket {
        let mut sockets = self.sockets.iter_mut();
        sockets.find(|socket| socket.id == id).unwrap()
    }

    /// The socket with this id or alias.
    fn peer(&self, name: &str) -> Option<String> {
        let by_id = self.sockets.iter().find(|socket| socket.id == name);
        let mut sockets = self.sockets.iter();
        let by_alias = || sockets.find(|socket| socket.alias.as_deref() == Some(name));
        by_id.or_else(by_alias).map(|socket| socket.id.clone())
    }

    fn everyone(&self) -> Vec<String> {
        self.sockets
            .iter()
            .map(|socket| socket.id.clone())
            .collect()
    }

    fn members(&self, room: &str) -> Vec<String> {
        let found = self.rooms.iter().find(|(name, _)| name == room);
        found.map(|(_, ids)| ids.clone()).unwrap_or_default()
    }

    fn join(&mut self, id: &str, room: &str) -> Result<(), Halt> {
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

    fn leave(&mut self, id: &str, room: &str) {
        self.socket_mut(id).rooms.retain(|joined| joined != room);
        for (name, ids) in &mut self.rooms {
            if name == room {
                ids.retain(|member| member != id);
            }
        }
        self.rooms.retain(|(_, ids)| !ids.is_empty());
    }

    fn take_alias(&mut self, id: &str, alias: &str) -> Result<(), Halt> {
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

    fn set(&mut self, id: &str, fields: &Value) -> Result<(), Halt> {
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

/// Whether a field anywhere in a table is so.
fn any(table: &Value, is_so: &impl Fn(&str, &Value) -> bool) -> bool {
    match table {
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| is_so(name, value) || any(value, is_so)),
        Value::Array(items) => items.iter().any(|item| any(item, is_so)),
        _ => false,
    }
}

/// Whether a `to` may name a room or a socket.
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

enum Chosen {
    Own,
    Room(String),
    Missing,
}

struct Run<'a> {
    model: &'a mut Model,
    from: String,
    what: What,
    room: Chosen,
    it: Item,
    actions: usize,
    written: usize,
    sent: Vec<(Vec<String>, Value)>,
    reply: Option<Value>,
    missed: bool,
}

impl Run<'_> {
    fn actions(&mut self, actions: &Value) -> Result<(), Halt> {
        for action in actions.as_array().unwrap() {
            let Some(list) = action.get("each") else {
                self.chosen(action)?;
                continue;
            };
            let room = action.get("in").filter(|room| !uses_it(room));
            let list = self.within(room, |run| {
                let list = run.item(list)?;
                items(list)
            })?;
            let before = std::mem::replace(&mut self.it, Nothing);
            for item in list {
                self.it = item;
                self.chosen(action)?;
            }
            self.it = before;
        }
        Ok(())
    }

    fn within<T>(
        &mut self,
        room: Option<&Value>,
        work: impl FnOnce(&mut Self) -> Result<T, Halt>,
    ) -> Result<T, Halt> {
        let Some(room) = room else {
            return work(self);
        };
        let room = self.name(room)?.map_or(Chosen::Missing, Chosen::Room);
        let before = std::mem::replace(&mut self.room, room);
        let done = work(self)?;
        self.room = before;
        Ok(done)
    }

    fn chosen(&mut self, action: &Value) -> Result<(), Halt> {
        self.actions += 1;
        if self.actions > 256 {
            return Err(Halt::Error("too-large"));
        }
        self.within(action.get("in"), |run| run.action(action))
    }

    fn action(&mut self, action: &Value) -> Result<(), Halt> {
        if let Some(when) = action.get("when")
            && !self.holds(when)?
        {
            return match action.get("else") {
                Some(actions) => self.actions(actions),
                None => Ok(()),
            };
        }
        if action.get("in").is_some() && matches!(self.room, Chosen::Missing) {
            return Err(Halt::Error("bad-payload"));
        }
        let from = self.from.clone();
        if let Some(rooms) = action.get("leave") {
            let rooms = if *rooms == json!(true) {
                self.path("room")
            } else {
                self.item(rooms)?
            };
            for room in items(rooms)?.iter().filter_map(name) {
                self.model.leave(&from, &room);
            }
        }
        if let Some(rooms) = action.get("join") {
            let rooms = self.item(rooms)?;
            let rooms = items(rooms)?;
            if rooms.is_empty() {
                return Err(Halt::Error("bad-payload"));
            }
            for room in rooms {
                let room = name(&room).ok_or(Halt::Error("bad-payload"))?;
                self.model.join(&from, &room)?;
            }
        }
        if let Some(alias) = action.get("alias") {
            let alias = self.name(alias)?.ok_or(Halt::Error("bad-payload"))?;
            self.model.take_alias(&from, &alias)?;
        }
        if let Some(fields) = action.get("set") {
            let fields = self.json(fields)?.ok_or(Halt::Error("bad-payload"))?;
            self.model.set(&from, &fields)?;
        }
        if let Some(event) = action.get("emit") {
            let event = self.name(event)?.ok_or(Halt::Error("bad-payload"))?;
            if event.len() > 256 {
                return Err(Halt::Error("bad-payload"));
            }
            let to = self.receivers(action.get("to").unwrap_or(&json!("sender")))?;
            if !to.is_empty() {
                let mut event = vec![json!(event)];
                event.extend(self.arguments(action.get("args").unwrap_or(&json!([])))?);
                self.sent.push((to, Value::Array(event)));
            }
        }
        if let Some(args) = action.get("ack") {
            let args = Value::Array(self.arguments(args)?);
            self.reply.get_or_insert(args);
        }
        if let Some(actions) = action.get("do") {
            self.actions(actions)?;
        }
        if let Some(message) = action.get("refuse") {
            let data = match action.get("data") {
                Some(data) => self.json(data)?,
                None => None,
            };
            return Err(Halt::Refuse(self.name(message)?.unwrap_or_default(), data));
        }
        if action.get("stop").is_some() {
            return Err(Halt::Stop);
        }
        Ok(())
    }

    fn arguments(&mut self, args: &Value) -> Result<Vec<Value>, Halt> {
        let one = [args.clone()];
        let templates = match (args, &self.what) {
            (Value::String(text), What::Event { args, .. }) if text == "$args" => {
                return Ok(args.clone());
            }
            (Value::String(text), _) if text == "$args" => return Ok(Vec::new()),
            (Value::Array(items), _) => items.as_slice(),
            _ => &one,
        };
        let mut values = Vec::new();
        for template in templates {
            values.push(self.json(template)?.unwrap_or_default());
        }
        Ok(values)
    }

    fn receivers(&mut self, to: &Value) -> Result<Vec<String>, Halt> {
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
            Sockets(ids) => return Ok(ids),
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

    fn own_room(&self) -> Option<String> {
        match &self.room {
            Chosen::Own => self.model.socket(&self.from).rooms.last().cloned(),
            Chosen::Room(room) => Some(room.clone()),
            Chosen::Missing => None,
        }
    }

    fn is_one_room(&self) -> bool {
        !self.model.joins && matches!(self.room, Chosen::Own)
    }

    /// Whom `all` means: an id is the room of its socket.
    fn in_room(&self) -> Vec<String> {
        match self.own_room() {
            Some(room) if self.model.everyone().contains(&room) => vec![room],
            Some(room) => self.model.members(&room),
            None if self.is_one_room() => self.model.everyone(),
            None => Vec::new(),
        }
    }

    fn members(&self, room: &str) -> Vec<String> {
        self.remaining(self.model.members(room))
    }

    /// Those of `$members`.
    fn here(&self) -> Vec<String> {
        match self.own_room() {
            Some(room) => self.members(&room),
            None if self.is_one_room() => self.remaining(self.model.everyone()),
            None => Vec::new(),
        }
    }

    /// A socket that disconnects is no member any more.
    fn remaining(&self, ids: Vec<String>) -> Vec<String> {
        match self.what {
            What::Disconnect(_) => without(&self.from, ids),
            _ => ids,
        }
    }

    fn holds(&mut self, condition: &Value) -> Result<bool, Halt> {
        let fields = match condition {
            Value::String(_) => return Ok(is_there(&self.item(condition)?)),
            Value::Array(items) => {
                for item in items {
                    if !self.holds(item)? {
                        return Ok(false);
                    }
                }
                return Ok(true);
            }
            condition => condition.as_object().unwrap(),
        };
        let of = fields.get("of");
        for (name, value) in fields {
            let holds = match name.as_str() {
                "has" => is_there(&self.item(value)?),
                "equal" => {
                    let mut values = Vec::new();
                    for value in value.as_array().unwrap() {
                        values.push(self.json(value)?.unwrap_or_default());
                    }
                    // Objects are equal if they are written alike, which the model does not know.
                    if values
                        .iter()
                        .filter(|value| any(value, &|_, _| true))
                        .count()
                        > 1
                    {
                        return Err(Halt::Unknown);
                    }
                    values.windows(2).all(|pair| pair[0] == pair[1])
                }
                "members" => {
                    let members = match of {
                        Some(room) => {
                            let room = self.name(room)?.unwrap_or_default();
                            self.members(&room)
                        }
                        None => self.here(),
                    };
                    compares(value, members.len())
                }
                "count" => compares(value, count(&self.item(of.unwrap())?)),
                "in" => {
                    let room = self.name(value)?.unwrap_or_default();
                    self.model.socket(&self.from).rooms.contains(&room)
                }
                "online" => {
                    let peer = self.name(value)?.unwrap_or_default();
                    self.model.peer(&peer).is_some()
                }
                "not" => !self.holds(value)?,
                "all" => self.holds(value)?,
                "any" => {
                    let mut any = false;
                    for value in value.as_array().unwrap() {
                        any = any || self.holds(value)?;
                    }
                    any
                }
                _ => continue, // of
            };
            if !holds {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn name(&mut self, template: &Value) -> Result<Option<String>, Halt> {
        Ok(name(&self.item(template)?).filter(|name| !name.is_empty()))
    }

    fn json(&mut self, template: &Value) -> Result<Option<Value>, Halt> {
        Ok(json_of(&self.item(template)?))
    }

    fn item(&mut self, template: &Value) -> Result<Item, Halt> {
        let item = match template {
            Value::String(text) => self.text(text)?,
            Value::Array(items) => {
                let mut list = Vec::new();
                for item in items {
                    list.push(self.json(item)?.unwrap_or_default());
                }
                Json(Value::Array(list))
            }
            Value::Object(fields) if fields.contains_key("$each") => self.each(fields)?,
            Value::Object(fields) => {
                let mut merged = Map::new();
                let spread = fields.get("...");
                if let Some(spread) = spread
                    && let Some(Value::Object(spread)) = self.json(spread)?
                {
                    merged = spread;
                    merged.retain(|name, _| !fields.contains_key(name));
                }
                for (name, value) in fields.iter().filter(|(name, _)| *name != "...") {
                    if let Some(value) = self.json(value)? {
                        merged.insert(name.clone(), value);
                    }
                }
                Json(Value::Object(merged))
            }
            other => Json(other.clone()),
        };
        let written = json_of(&item).map_or(0, |json| json.to_string().len());
        self.written += written + 8;
        if self.written > WRITTEN_BYTES {
            return Err(Halt::Unknown);
        }
        Ok(item)
    }

    fn each(&mut self, fields: &Map<String, Value>) -> Result<Item, Halt> {
        let list = self.item(&fields["$each"])?;
        let before = std::mem::replace(&mut self.it, Nothing);
        let (mut values, mut object) = (Vec::new(), Map::new());
        for item in items(list)? {
            self.it = item;
            let value = self.json(fields.get("$value").unwrap_or(&json!("$it")))?;
            match fields.get("$key") {
                None => values.push(value.unwrap_or_default()),
                Some(key) => {
                    if let (Some(key), Some(value)) = (self.name(key)?, value) {
                        object.insert(key, value);
                    }
                }
            }
        }
        self.it = before;
        Ok(Json(match fields.get("$key") {
            None => Value::Array(values),
            Some(_) => Value::Object(object),
        }))
    }

    fn text(&mut self, text: &str) -> Result<Item, Halt> {
        if let Some(rest) = text.strip_prefix("$$") {
            return Ok(Json(json!(format!("${rest}"))));
        }
        if !text.contains("${") {
            return Ok(match text.strip_prefix('$') {
                Some(path) => self.path(path),
                None => Json(json!(text)),
            });
        }
        let mut filled = String::new();
        let mut pieces = text.split("${");
        filled.push_str(pieces.next().unwrap());
        for piece in pieces {
            let (path, after) = piece.split_once('}').unwrap();
            let item = self.path(path);
            match (name(&item), json_of(&item)) {
                (Some(name), _) => filled.push_str(&name),
                // In what order its fields stand, the model does not know.
                (None, Some(json)) if any(&json, &|_, _| true) => return Err(Halt::Unknown),
                (None, Some(json)) => filled.push_str(&json.to_string()),
                (None, None) => {}
            }
            filled.push_str(after);
        }
        Ok(Json(json!(filled)))
    }

    fn path(&self, text: &str) -> Item {
        let text = text.replace('[', ".").replace(']', "");
        if let Some((inner, after)) = text.strip_prefix("socket(").and_then(|t| t.split_once(')')) {
            let named = name(&self.path(inner)).and_then(|name| self.model.peer(&name));
            return self.follow(
                named.map_or(Nothing, One),
                after.split('.').skip(1).collect(),
            );
        }
        if let Some((inner, after)) = text.strip_prefix("room(").and_then(|t| t.split_once(')')) {
            let named = name(&self.path(inner)).filter(|name| !name.is_empty());
            return self.follow(
                named.map_or(Nothing, Room),
                after.split('.').skip(1).collect(),
            );
        }
        let mut steps: Vec<&str> = text.split('.').collect();
        let root = steps.remove(0);
        let socket = self.model.socket(&self.from);
        let value = |value: Option<Value>| value.map_or(Nothing, Json);
        let (args, event, reason) = match &self.what {
            What::Event { name, args, .. } => (args.as_slice(), Some(json!(name)), None),
            What::Disconnect(reason) => (&[][..], None, Some(json!(reason))),
            What::Connect => (&[][..], None, None),
        };
        let is_event = event.is_some();
        let item = match root {
            "args" => value(is_event.then(|| json!(args))),
            "event" => value(event),
            "reason" => value(reason),
            "id" => One(self.from.clone()),
            "alias" | "rooms" | "data" => self.of_socket(&self.from, root),
            "room" => self.own_room().map_or(Nothing, Room),
            "members" => Sockets(self.here()),
            "others" => Sockets(without(&self.from, self.here())),
            "first" => self.here().first().cloned().map_or(Nothing, One),
            "everyone" => Sockets(self.remaining(self.model.everyone())),
            "allRooms" => {
                let mut names: Vec<&String> = self.model.rooms.iter().map(|(n, _)| n).collect();
                names.sort();
                Json(json!(names))
            }
            "it" => self.it.clone(),
            "now" => Json(json!(0)),
            "query" | "auth" => {
                let said = if root == "query" {
                    &socket.query
                } else {
                    &socket.auth
                };
                assert_eq!(steps.remove(0), "n");
                value((!said.is_null()).then(|| said.clone()))
            }
            number => value(args.get(number.parse::<usize>().unwrap()).cloned()),
        };
        self.follow(item, steps)
    }

    fn follow(&self, item: Item, mut steps: Vec<&str>) -> Item {
        if steps.is_empty() {
            return item;
        }
        let step = steps[0];
        let index = step.parse::<usize>();
        let next = match item {
            One(id) => self.of_socket(&id, step),
            Room(room) => match step {
                "members" => Sockets(self.members(&room)),
                "others" => Sockets(without(&self.from, self.members(&room))),
                "first" => self.members(&room).first().cloned().map_or(Nothing, One),
                _ => Nothing,
            },
            Json(Value::Array(list)) if step == "length" => Json(json!(list.len())),
            Json(Value::String(text)) if step == "length" => Json(json!(text.chars().count())),
            Json(Value::Object(fields)) => fields.get(step).cloned().map_or(Nothing, Json),
            Json(Value::Array(list)) => match index {
                Ok(index) => list.get(index).cloned().map_or(Nothing, Json),
                Err(_) => Nothing,
            },
            Nothing | Json(_) => Nothing,
            Sockets(ids) => match (step, index) {
                ("length", _) => Json(json!(ids.len())),
                ("id", _) => Sockets(ids),
                (_, Ok(index)) => ids.get(index).cloned().map_or(Nothing, One),
                _ => {
                    let each = ids
                        .into_iter()
                        .map(|id| self.follow(One(id), steps.clone()));
                    return Json(each.filter_map(|item| json_of(&item)).collect());
                }
            },
        };
        steps.remove(0);
        self.follow(next, steps)
    }

    fn of_socket(&self, id: &str, name: &str) -> Item {
        let mut sockets = self.model.sockets.iter();
        let Some(socket) = sockets.find(|socket| socket.id == id) else {
            return Nothing;
        };
        match name {
            "id" => One(id.to_owned()),
            "alias" => socket
                .alias
                .as_ref()
                .map_or(Nothing, |alias| Json(json!(alias))),
            "data" => socket.data.clone().map_or(Nothing, Json),
            "room" => socket.rooms.last().cloned().map_or(Nothing, Room),
            "rooms" => Json(json!(socket.rooms)),
            _ => Nothing,
        }
    }
}

/// Whether the name of a room is taken from the item of `each`.
fn uses_it(room: &Value) -> bool {
    let text = room.as_str().unwrap_or_default();
    text == "$it" || text.starts_with("$it.") || text.contains("(it") || text.contains("{it")
}

fn without(id: &str, mut ids: Vec<String>) -> Vec<String> {
    ids.retain(|other| other != id);
    ids
}

fn json_of(item: &Item) -> Option<Value> {
    match item {
        Nothing => None,
        Json(json) => Some(json.clone()),
        One(name) | Room(name) => Some(json!(name)),
        Sockets(ids) => Some(json!(ids)),
    }
}

fn name(item: &Item) -> Option<String> {
    match item {
        Json(Value::String(text)) => Some(text.clone()),
        Json(Value::Number(number)) => Some(number.to_string()),
        One(name) | Room(name) => Some(name.clone()),
        Json(_) | Nothing | Sockets(_) => None,
    }
}

fn is_there(item: &Item) -> bool {
    let nothing = [json!(null), json!(false), json!(0), json!(""), json!([])];
    json_of(item).is_some_and(|json| !nothing.contains(&json))
}

fn items(item: Item) -> Result<Vec<Item>, Halt> {
    match item {
        Nothing | Json(Value::Null) => Ok(Vec::new()),
        Sockets(ids) => Ok(ids.into_iter().map(One).collect()),
        Json(Value::Array(list)) if list.len() > 256 => Err(Halt::Error("too-large")),
        Json(Value::Array(list)) => Ok(list.into_iter().map(Json).collect()),
        item => Ok(vec![item]),
    }
}

fn count(item: &Item) -> usize {
    match json_of(item) {
        None | Some(Value::Null) => 0,
        Some(Value::Array(list)) => list.len(),
        Some(_) => 1,
    }
}

fn compares(with: &Value, count: usize) -> bool {
    let text = with
        .as_str()
        .map_or_else(|| with.to_string(), str::to_owned);
    let (sign, number) = text.split_once(' ').unwrap_or(("", &text));
    let number: usize = number.parse().unwrap();
    match sign {
        ">=" => count >= number,
        ">" => count > number,
        "<" => count < number,
        "!=" => count != number,
        _ => count == number,
    }
}
