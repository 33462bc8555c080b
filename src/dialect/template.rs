//! Templates: JSON in which paths stand for values.

use super::limits::ITEMS;
use super::path::{Path, Root};
use super::read::{Node, Reader, node};
use crate::socket::Json;

/// A value that may depend on the event.
#[derive(Clone, Debug)]
pub(super) enum Template {
    /// A constant.
    Literal(Json),
    /// `"$0.offer"`: the value itself, unchanged.
    Path(Path),
    /// `"${0.name} has joined"`: a text that contains values.
    Text(Vec<Piece>),
    List(Vec<Template>),
    Object(Vec<Part>),
    /// `{"$each": "$members", "$value": …}`: a list with one value for each item. With `$key` it is an
    /// object.
    Each(Box<Each>),
}

/// A piece of a text.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(String),
    Path(Path),
}

/// A part of an object.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// The name and the value of a field.
    Field(String, Template),
    /// `"...": "$0"`: the fields of another object, without those whose names the template itself has.
    Spread(Template),
}

#[derive(Clone, Debug)]
pub(super) struct Each {
    pub(super) list: Template,
    pub(super) key: Option<Template>,
    pub(super) value: Template,
}

impl Template {
    /// Reads a template. Errors go to the reader.
    pub(super) fn read(reader: &mut Reader, place: &str, json: &Json) -> Option<Self> {
        Self::read_in(reader, place, json, 0)
    }

    fn read_in(reader: &mut Reader, place: &str, json: &Json, depth: usize) -> Option<Self> {
        if reader.is_too_deep(place, depth) {
            return None;
        }
        let next = depth.saturating_add(1);
        let node = node(json);
        if let Node::Object(fields) = &node {
            reader.check_keys(place, fields);
        }
        match node {
            Node::Text(text) => Self::of_text(reader, place, &text),
            Node::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (at, item) in items.iter().enumerate() {
                    list.push(Self::read_in(
                        reader,
                        &format!("{place}[{at}]"),
                        item,
                        next,
                    )?);
                }
                Some(Self::List(list))
            }
            Node::Object(fields) if fields.iter().any(|(name, _)| name == "$each") => {
                Self::each(reader, place, &fields, next)
            }
            Node::Object(fields) => {
                if fields.len() > ITEMS {
                    reader.error(place, format!("an object has at most {ITEMS} fields"));
                    return None;
                }
                let mut parts = Vec::with_capacity(fields.len());
                for (name, value) in &fields {
                    let place = format!("{place}.{name}");
                    if name.starts_with('$') {
                        let message = "a field's name cannot be a path: to make names from values, write \
                            {\"$each\": list, \"$key\": name, \"$value\": value}";
                        reader.error(&place, message);
                        return None;
                    }
                    let value = Self::read_in(reader, &place, value, next)?;
                    parts.push(if name == "..." {
                        reader.check_varies(&place, matches!(value, Self::Literal(_)));
                        Part::Spread(value)
                    } else {
                        Part::Field(name.clone(), value)
                    });
                }
                Some(Self::Object(parts))
            }
            Node::Other => Some(Self::Literal(json.clone())),
        }
    }

    fn each(
        reader: &mut Reader,
        place: &str,
        fields: &[(String, Json)],
        depth: usize,
    ) -> Option<Self> {
        let (mut list, mut key, mut value) = (None, None, None);
        for (name, json) in fields {
            let place = format!("{place}.{name}");
            let into = match name.as_str() {
                "$each" => &mut list,
                "$key" => &mut key,
                "$value" => &mut value,
                _ => {
                    reader.error(&place, "beside $each only $value and $key are valid");
                    return None;
                }
            };
            let template = Self::read_in(reader, &place, json, depth)?;
            let is_list = name == "$each";
            reader.check_varies(&place, is_list && matches!(template, Self::Literal(_)));
            *into = Some(template);
        }
        // Nested lists would multiply the number of values.
        if [&list, &key, &value]
            .into_iter()
            .flatten()
            .any(Self::has_each)
        {
            reader.error(place, "$each cannot stand in another $each");
            return None;
        }
        let it = || {
            Self::Path(Path {
                root: Root::It,
                steps: Vec::new(),
            })
        };
        Some(Self::Each(Box::new(Each {
            list: list?,
            key,
            value: value.unwrap_or_else(it),
        })))
    }

    /// Whether a path of the template begins with this root. The template is the name of a room, so objects
    /// are not searched.
    pub(super) fn uses(&self, root: Root) -> bool {
        match self {
            Self::Path(path) => path.root == root,
            Self::Text(pieces) => pieces.iter().any(|piece| match piece {
                Piece::Path(path) => path.root == root,
                Piece::Text(_) => false,
            }),
            Self::List(items) => items.iter().any(|item| item.uses(root)),
            Self::Object(_) | Self::Each(_) | Self::Literal(_) => false,
        }
    }

    /// Whether the template has no path. Then it has the same value for every event.
    pub(super) fn is_constant(&self) -> bool {
        match self {
            Self::Literal(_) => true,
            Self::Path(_) | Self::Text(_) | Self::Each(_) => false,
            Self::List(items) => items.iter().all(Self::is_constant),
            Self::Object(parts) => parts.iter().all(|part| {
                let (Part::Field(_, value) | Part::Spread(value)) = part;
                value.is_constant()
            }),
        }
    }

    /// Reads a template that must depend on the event. A constant is an error: its dollar sign is missing.
    pub(super) fn read_varying(reader: &mut Reader, place: &str, json: &Json) -> Option<Self> {
        let template = Self::read(reader, place, json)?;
        reader.check_varies(place, template.is_constant());
        Some(template)
    }

    fn has_each(&self) -> bool {
        match self {
            Self::Each(_) => true,
            Self::List(items) => items.iter().any(Self::has_each),
            Self::Object(parts) => parts.iter().any(|part| {
                let (Part::Field(_, value) | Part::Spread(value)) = part;
                value.has_each()
            }),
            Self::Literal(_) | Self::Path(_) | Self::Text(_) => false,
        }
    }

    fn of_text(reader: &mut Reader, place: &str, text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("$$") {
            return Some(Self::Literal(Json::of(&format!("${rest}"))));
        }
        if text.contains("${") {
            return Self::pieces(reader, place, text).map(Self::Text);
        }
        match text.strip_prefix('$') {
            Some(path) => reader.path(place, path).map(Self::Path),
            None => Some(Self::Literal(Json::of(text))),
        }
    }

    fn pieces(reader: &mut Reader, place: &str, text: &str) -> Option<Vec<Piece>> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            let Some((path, after)) = behind.split_once('}') else {
                reader.error(place, "${ is not closed by }");
                return None;
            };
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            let path = path.trim();
            let path = reader.path(place, path.strip_prefix('$').unwrap_or(path))?;
            pieces.push(Piece::Path(path));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Some(pieces)
    }
}
