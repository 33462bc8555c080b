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
    fields: Vec<(String, Json)>,
    is_too_deep: bool,
}

impl Fields {
    /// `None` if `json` is no object.
    pub(super) fn read(json: &Json) -> Option<Self> {
        let scan = json.scan()?;
        let parts = scan.fields.as_ref()?;
        if parts.len() > MAX {
            return None;
        }
        let mut fields: Vec<(String, Json)> = Vec::with_capacity(parts.len());
        for (name, value) in parts {
            let name = json.part(name.clone()).text()?;
            let value = json.part(value.clone());
            match fields.iter_mut().find(|(known, _)| *known == name) {
                Some(field) => field.1 = value,
                None => fields.push((name, value)),
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
        let (_, json) = self.fields.iter().find(|(known, _)| known == name)?;
        Some(json)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(String, Json)> {
        self.fields.iter()
    }

    /// The object, with `value` in those of `names` that it has, and in `required` in any case.
    pub(super) fn overwrite(&self, names: &[&str], required: &str, value: &Json) -> Json {
        let written = |(name, json): &(String, Json)| name.len() + json.as_str().len();
        let size: usize = self.fields.iter().map(written).sum();
        let mut object = Object::with_capacity(size + AROUND);
        for (name, json) in &self.fields {
            let claimed = names.contains(&name.as_str());
            object = object.with_json(name, if claimed { value } else { json });
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
