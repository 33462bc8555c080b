//! The fields of a JSON object, in order, their values unread.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::socket::{Json, Object};

/// How deep what is passed on may be nested; parsers of some languages fail on more.
pub(super) const DEPTH: usize = 64;

/// More fields than any signal has; an object with more is refused.
const MAX: usize = 64;

/// The fields of an object. Of a name that occurs twice, the last counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<(String, Json)>);

impl Fields {
    /// `None` if `json` is no object.
    pub(super) fn read(json: &Json) -> Option<Self> {
        let Raw(raw) = json.read()?;
        let mut fields: Vec<(String, Json)> = Vec::with_capacity(raw.len());
        for (name, value) in raw {
            let value = json.part(value);
            match fields.iter_mut().find(|(known, _)| *known == name) {
                Some(field) => field.1 = value,
                None => fields.push((name, value)),
            }
        }
        Some(Self(fields))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        let (_, json) = self.0.iter().find(|(known, _)| known == name)?;
        Some(json)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(String, Json)> {
        self.0.iter()
    }

    /// The object, with `value` in those of `names` that it has, and in `required` in any case.
    pub(super) fn overwrite(&self, names: &[&str], required: &str, value: &Json) -> Json {
        let mut object = Object::new();
        for (name, json) in &self.0 {
            let claimed = names.contains(&name.as_str());
            object = object.with_json(name, if claimed { value } else { json });
        }
        if self.get(required).is_none() {
            object = object.with_json(required, value);
        }
        object.json()
    }
}

struct Raw<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Raw<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    if fields.len() == MAX {
                        return Err(serde::de::Error::custom("too many fields"));
                    }
                    fields.push(field);
                }
                Ok(Raw(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// Whether a JSON text is nested deeper than [`DEPTH`].
pub(super) fn is_too_deep(json: &Json) -> bool {
    // Most have so few brackets that these need not be told from those in texts.
    let brackets = json
        .as_str()
        .bytes()
        .filter(|byte| matches!(byte, b'[' | b'{'));
    brackets.count() > DEPTH && depth(json) > DEPTH
}

fn depth(json: &Json) -> usize {
    let mut bytes = json.as_str().bytes();
    let (mut level, mut deepest, mut quoted) = (0_usize, 0, false);
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                level = level.saturating_add(1);
                deepest = deepest.max(level);
            }
            b']' | b'}' if !quoted => level = level.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths() {
        for (value, expected) in [
            (serde_json::json!(null), 0),
            (serde_json::json!("[[{{"), 0),
            (serde_json::json!("\\\"[["), 0),
            (serde_json::json!([]), 1),
            (serde_json::json!([{ "a": [1] }, {}]), 3),
        ] {
            assert_eq!(depth(&Json::of(&value)), expected, "{value}");
        }
    }
}
