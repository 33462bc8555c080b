//! The values of templates and paths.

use serde_json::{Map, Value, json};

use super::receivers::without;
use super::sockets::any;
use super::{Halt, Run, What};

/// If a run writes more bytes of new values, the real interpreter may have reached its limit.
const WRITTEN_BYTES: usize = 200_000;

/// The value of a template.
#[derive(Clone)]
pub(super) enum Item {
    Nothing,
    Json(Value),
    Socket(String),
    Sockets(Vec<String>),
    Room(String),
}

use Item::{Json, Nothing, Room, Socket as One, Sockets};

impl Run<'_> {
    pub(super) fn name(&mut self, template: &Value) -> Result<Option<String>, Halt> {
        Ok(name(&self.item(template)?).filter(|name| !name.is_empty()))
    }

    pub(super) fn json(&mut self, template: &Value) -> Result<Option<Value>, Halt> {
        Ok(json_of(&self.item(template)?))
    }

    pub(super) fn item(&mut self, template: &Value) -> Result<Item, Halt> {
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
                // The model does not know the order of the fields.
                (None, Some(json)) if any(&json, &|_, _| true) => return Err(Halt::Unknown),
                (None, Some(json)) => filled.push_str(&json.to_string()),
                (None, None) => {}
            }
            filled.push_str(after);
        }
        Ok(Json(json!(filled)))
    }

    pub(super) fn path(&self, text: &str) -> Item {
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

pub(super) fn json_of(item: &Item) -> Option<Value> {
    match item {
        Nothing => None,
        Json(json) => Some(json.clone()),
        One(name) | Room(name) => Some(json!(name)),
        Sockets(ids) => Some(json!(ids)),
    }
}

pub(super) fn name(item: &Item) -> Option<String> {
    match item {
        Json(Value::String(text)) => Some(text.clone()),
        Json(Value::Number(number)) => Some(number.to_string()),
        One(name) | Room(name) => Some(name.clone()),
        Json(_) | Nothing | Sockets(_) => None,
    }
}

pub(super) fn items(item: Item) -> Result<Vec<Item>, Halt> {
    match item {
        Nothing | Json(Value::Null) => Ok(Vec::new()),
        Sockets(ids) => Ok(ids.into_iter().map(One).collect()),
        Json(Value::Array(list)) if list.len() > 256 => Err(Halt::Error("too-large")),
        Json(Value::Array(list)) => Ok(list.into_iter().map(Json).collect()),
        item => Ok(vec![item]),
    }
}
