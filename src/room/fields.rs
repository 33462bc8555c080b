//! The fields of a JSON object, in order, each with the role that its name states: see `role.rs`. The
//! values are not parsed.

use std::ops::Range;
use std::rc::Rc;

use super::role::Role;
use crate::scan::Scan;
use crate::socket::{Json, Object, SocketId};

/// How deep a relayed value may be nested. Parsers of some languages fail on deeper ones.
pub(super) const DEPTH: usize = 64;

/// How many bytes quotes, commas and a sender usually add to an object.
const OVERHEAD_BYTES: usize = 128;

/// The most fields that an object may have. Real clients send signals with fewer fields.
pub(super) const MAX: usize = 64;

/// The fields of an object. If a name occurs twice, the last field counts.
#[derive(Debug)]
pub(super) struct Fields {
    /// The object itself.
    json: Json,
    list: Vec<Field>,
    scan: Rc<Scan>,
}

#[derive(Debug)]
struct Field {
    /// The name, as written in the JSON.
    written: Json,
    /// The decoded name, if it has escapes.
    decoded: Option<String>,
    role: Role,
    value: Json,
    /// Its index in [`Scan::fields`].
    place: usize,
}

impl Field {
    /// `None` if the name is not valid Unicode.
    fn new(written: Json, value: Json, place: usize) -> Option<Self> {
        let decoded = if written.as_str().as_bytes().contains(&b'\\') {
            Some(written.text()?)
        } else {
            None
        };
        let name = decoded.as_deref().unwrap_or(inner(written.as_str()));
        Some(Self {
            role: Role::of(name),
            written,
            decoded,
            value,
            place,
        })
    }

    fn name(&self) -> &str {
        let decoded = self.decoded.as_deref();
        decoded.unwrap_or_else(|| inner(self.written.as_str()))
    }
}

/// A JSON string without its quotes.
fn inner(written: &str) -> &str {
    let inner = written.get(1..written.len().saturating_sub(1));
    inner.unwrap_or_default()
}

impl Default for Fields {
    /// The fields of an empty object.
    fn default() -> Self {
        Self {
            json: Object::new().json(),
            list: Vec::new(),
            scan: Rc::default(),
        }
    }
}

impl Fields {
    /// `None` if `json` is not an object, has more than [`MAX`] fields, or has a name that is not
    /// valid Unicode.
    pub(super) fn read(json: &Json) -> Option<Self> {
        if !json.as_str().trim_start().starts_with('{') {
            return None;
        }
        let scan = json.scan()?;
        let parts = scan.fields.as_ref()?;
        if parts.len() > MAX {
            return None;
        }
        let mut list: Vec<Field> = Vec::with_capacity(parts.len());
        for (place, (name, value)) in parts.iter().cloned().enumerate() {
            let field = Field::new(json.part(name), json.part(value), place)?;
            match list.iter_mut().find(|known| known.name() == field.name()) {
                Some(known) => (known.value, known.place) = (field.value, place),
                None => list.push(field),
            }
        }
        Some(Self {
            json: json.clone(),
            list,
            scan,
        })
    }

    /// Whether the field of this name has an object that may state a sender or a room. The value of the
    /// field is not scanned for this: the scan of the whole object has already found the names in it.
    pub(super) fn may_claim(&self, name: &str) -> bool {
        let place = self.field(name).map(|field| field.place);
        let mut nested = self.scan.nested.iter();
        nested.any(|(field, name)| Some(*field) == place && is_claim(&self.json, name))
    }

    /// The object itself.
    pub(super) fn json(&self) -> &Json {
        &self.json
    }

    /// Whether the object is nested deeper than [`DEPTH`].
    pub(super) fn is_too_deep(&self) -> bool {
        self.scan.depth > DEPTH
    }

    fn field(&self, name: &str) -> Option<&Field> {
        self.list.iter().find(|field| field.name() == name)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        Some(&self.field(name)?.value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        let list = self.list.iter();
        list.map(|field| (field.name(), &field.value))
    }

    /// The values, each with what its name states.
    pub(super) fn stated(&self) -> impl Iterator<Item = (Role, &Json)> {
        self.list.iter().map(|field| (field.role, &field.value))
    }

    /// The object with this value in the field of this name, which is added if it is missing.
    pub(super) fn with(&self, name: &str, value: &Json) -> Json {
        self.write(|field| field.name() == name, Some(name), value)
    }

    /// The object with the true sender in every field that states one, and in `from` if that is
    /// `required`. If there is nothing to replace, the object is unchanged.
    pub(super) fn with_sender(&self, sender: SocketId, required: bool) -> Json {
        let is_sender = |field: &Field| field.role == Role::Sender;
        if required || self.list.iter().any(is_sender) {
            return self.write(is_sender, required.then_some("from"), &Json::of(&sender));
        }
        self.json.clone()
    }

    /// The object with `value` in the chosen fields. If it has no field of this `name`, that field is
    /// added, with `value`.
    fn write(&self, is_chosen: impl Fn(&Field) -> bool, name: Option<&str>, value: &Json) -> Json {
        let size: usize = self.iter().map(|(_, json)| json.as_str().len()).sum();
        let mut object = Object::with_capacity(size + OVERHEAD_BYTES);
        for field in &self.list {
            let value = if is_chosen(field) {
                value
            } else {
                &field.value
            };
            object = object.with_named(&field.written, value);
        }
        match name.filter(|name| self.get(name).is_none()) {
            Some(name) => object.with_json(name, value).json(),
            None => object.json(),
        }
    }
}

/// Whether the name at this place may state a sender or a room. A name with escapes always may,
/// because it is not decoded here.
fn is_claim(json: &Json, name: &Range<usize>) -> bool {
    let name = inner(json.as_str().get(name.clone()).unwrap_or_default());
    let has_escapes = name.as_bytes().contains(&b'\\');
    has_escapes || matches!(Role::of(name), Role::Sender | Role::Room)
}

/// Whether a JSON text is nested deeper than [`DEPTH`].
pub(super) fn is_too_deep(json: &Json) -> bool {
    json.scan().is_none_or(|scan| scan.depth > DEPTH)
}
