//! The fields of a JSON object, in order, their values unread.

use crate::socket::{Json, Object};

/// How deep what is passed on may be nested; parsers of some languages fail on more.
pub(super) const DEPTH: usize = 64;

/// What quotes, commas and a sender take of an object, as a rule.
const AROUND: usize = 128;

/// More fields than any signal has; an object with more is refused.
const MAX: usize = 64;

/// The fields of an object. Of a name that occurs twice, the last counts.
#[derive(Debug, Default)]
pub(super) struct Fields {
    fields: Vec<Field>,
    is_too_deep: bool,
}

#[derive(Debug)]
struct Field {
    /// The name as it is written.
    written: Json,
    /// What its escapes stand for, if it has some.
    decoded: Option<String>,
    value: Json,
}

impl Field {
    /// `None` if the name is no text.
    fn new(written: Json, value: Json) -> Option<Self> {
        let decoded = if written.as_str().contains('\\') {
            Some(written.text()?)
        } else {
            None
        };
        Some(Self {
            written,
            decoded,
            value,
        })
    }

    fn name(&self) -> &str {
        let written = self.written.as_str();
        let decoded = self.decoded.as_deref();
        decoded.unwrap_or_else(|| written.get(1..written.len() - 1).unwrap_or_default())
    }
}

impl Fields {
    /// `None` if `json` is no object.
    pub(super) fn read(json: &Json) -> Option<Self> {
        let scan = json.scan()?;
        let parts = scan.fields.as_ref()?;
        if parts.len() > MAX {
            return None;
        }
        let mut fields: Vec<Field> = Vec::with_capacity(parts.len());
        for (name, value) in parts {
            let field = Field::new(json.part(name.clone()), json.part(value.clone()))?;
            match fields.iter_mut().find(|known| known.name() == field.name()) {
                Some(known) => known.value = field.value,
                None => fields.push(field),
            }
        }
        Some(Self {
            fields,
            is_too_deep: scan.depth > DEPTH,
        })
    }

    /// Whether the object is nested deeper than [`DEPTH`].
    pub(super) fn is_too_deep(&self) -> bool {
        self.is_too_deep
    }

    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        let field = self.fields.iter().find(|field| field.name() == name)?;
        Some(&field.value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        let fields = self.fields.iter();
        fields.map(|field| (field.name(), &field.value))
    }

    /// The object, with `value` in those of `names` that it has, and in `required` in any case.
    pub(super) fn overwrite(&self, names: &[&str], required: &str, value: &Json) -> Json {
        let size: usize = self.iter().map(|(_, json)| json.as_str().len()).sum();
        let mut object = Object::with_capacity(size + AROUND);
        for field in &self.fields {
            let claimed = names.contains(&field.name());
            let value = if claimed { value } else { &field.value };
            object = object.with_named(&field.written, value);
        }
        if self.get(required).is_none() {
            object = object.with_json(required, value);
        }
        object.json()
    }
}

/// Whether a JSON text is nested deeper than [`DEPTH`].
pub(super) fn is_too_deep(json: &Json) -> bool {
    json.scan().is_none_or(|scan| scan.depth > DEPTH)
}
