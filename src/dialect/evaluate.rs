//! Evaluates templates.

use super::limits::{ITEMS, WRITTEN_BYTES};
use super::run::Run;
use super::template::{Each, Part, Piece, Template};
use super::value::{Value, fields, too_large};
use crate::room::Error;
use crate::socket::{Json, Object};

/// Sets a field, and replaces an earlier one.
fn put(fields: &mut Vec<(String, Json)>, name: String, json: Json) {
    match fields.iter_mut().find(|(known, _)| *known == name) {
        Some((_, value)) => *value = json,
        None => fields.push((name, json)),
    }
}

impl Run<'_> {
    /// Evaluates a template.
    pub(super) fn value(&self, template: &Template) -> Result<Value, Error> {
        match template {
            Template::Path(path) => self.follow_path(path),
            template => Ok(Value::of(self.json(template)?)),
        }
    }

    /// Evaluates a template to JSON. `None` if the value is missing.
    pub(super) fn json(&self, template: &Template) -> Result<Option<Json>, Error> {
        Ok(Some(match template {
            Template::Literal(json) => json.clone(),
            Template::Path(path) => return self.written(self.follow_path(path)?),
            Template::Text(pieces) => self.interpolated(pieces)?,
            Template::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    list.push(self.json(item)?.unwrap_or_else(|| Json::unread("null")));
                }
                self.list(&list)?
            }
            Template::Object(parts) => self.merged(parts)?,
            Template::Each(each) => self.mapped(each)?,
        }))
    }

    /// A value as JSON. A list of sockets becomes new JSON, whose bytes are counted.
    fn written(&self, value: Value) -> Result<Option<Json>, Error> {
        let is_new = matches!(value, Value::Sockets(_));
        let json = value.json();
        if let (true, Some(json)) = (is_new, &json) {
            self.spend(json.as_str().len())?;
        }
        Ok(json)
    }

    /// Evaluates a template to the name of a room, a socket or an event.
    pub(super) fn name(&self, template: &Template) -> Result<Option<String>, Error> {
        let name = self.value(template)?.name();
        Ok(name.filter(|name| !name.is_empty()))
    }

    fn spend(&self, bytes: usize) -> Result<(), Error> {
        self.count_written(bytes);
        self.check_written()
    }

    pub(super) fn count_written(&self, bytes: usize) {
        self.written.set(self.written.get().saturating_add(bytes));
    }

    /// Fails if the event has written more bytes than one event may write.
    pub(super) fn check_written(&self) -> Result<(), Error> {
        if self.written.get() > WRITTEN_BYTES {
            return Err(too_large("the answer"));
        }
        Ok(())
    }

    fn list(&self, items: &[Json]) -> Result<Json, Error> {
        self.spend(
            items
                .iter()
                .map(|json| json.as_str().len().saturating_add(1))
                .sum(),
        )?;
        Ok(Json::list(items))
    }

    fn object(&self, fields: &[(String, Json)]) -> Result<Json, Error> {
        let mut object = Object::new();
        for (name, json) in fields {
            let name = Json::of(name);
            let bytes = name.as_str().len().saturating_add(json.as_str().len());
            self.spend(bytes.saturating_add(2))?;
            object = object.with_named(&name, json);
        }
        Ok(object.json())
    }

    fn interpolated(&self, pieces: &[Piece]) -> Result<Json, Error> {
        let mut text = String::new();
        for piece in pieces {
            let before = text.len();
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Path(path) => {
                    let value = self.follow_path(path)?;
                    match (value.name(), value) {
                        (Some(name), _) => text.push_str(&name),
                        (None, Value::Nothing) => {}
                        (None, value) => {
                            let json = self.written(value)?;
                            text.push_str(json.as_ref().map_or("", Json::as_str));
                        }
                    }
                }
            }
            self.spend(text.len().saturating_sub(before))?;
        }
        let json = Json::of(&text);
        self.spend(json.as_str().len().saturating_sub(text.len()))?; // escapes
        Ok(json)
    }

    fn merged(&self, parts: &[Part]) -> Result<Json, Error> {
        let is_explicit = |name: &str| {
            let mut parts = parts.iter();
            parts.any(|part| matches!(part, Part::Field(explicit, _) if explicit == name))
        };
        let mut merged = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Part::Field(name, template) => {
                    if let Some(json) = self.json(template)? {
                        put(&mut merged, name.clone(), json);
                    }
                }
                Part::Spread(template) => {
                    let Some(json) = self.json(template)? else {
                        continue;
                    };
                    for (name, json) in fields(&json)? {
                        if !is_explicit(&name) {
                            put(&mut merged, name, json);
                        }
                    }
                }
            }
        }
        self.object(&merged)
    }

    fn mapped(&self, each: &Each) -> Result<Json, Error> {
        let items = self.value(&each.list)?.items()?;
        let before = self.it.take();
        let made = self.mapped_items(each, items);
        self.it.set(before);
        made
    }

    fn mapped_items(&self, each: &Each, items: Vec<Value>) -> Result<Json, Error> {
        let (mut list, mut object) = (Vec::new(), Vec::new());
        for item in items {
            self.it.set(Some(item));
            let json = self.json(&each.value)?;
            let Some(key) = &each.key else {
                list.push(json.unwrap_or_else(|| Json::unread("null")));
                continue;
            };
            if let (Some(json), Some(key)) = (json, self.name(key)?) {
                put(&mut object, key, json);
            }
        }
        match each.key {
            None => self.list(&list),
            Some(_) => self.object(&object),
        }
    }

    /// Merges two objects: fields of the second replace those of the first, and `null` removes a field.
    pub(super) fn with_fields(&self, old: Option<&Json>, new: &Json) -> Result<Json, Error> {
        let mut merged = old.map_or_else(|| Ok(Vec::new()), fields)?;
        for (name, json) in fields(new)? {
            if json.as_str() == "null" {
                merged.retain(|(known, _)| *known != name);
            } else {
                put(&mut merged, name, json);
            }
        }
        if merged.len() > ITEMS {
            return Err(too_large("the data"));
        }
        self.object(&merged)
    }
}
