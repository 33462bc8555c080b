//! The arguments of events and acks, which mostly pass through unread.

use std::fmt;
use std::ops::Range;
use std::rc::Rc;

use serde::Serialize;
use serde::de::Deserialize;
use serde_json::value::RawValue;

use super::surrogates;

/// A JSON value: a slice of the text in which it arrived, shared and unread.
#[derive(Clone)]
pub struct Json {
    source: Rc<str>,
    range: Range<usize>,
}

impl Json {
    /// A value written as JSON. One that JSON cannot express becomes `null`; the types of this
    /// crate all can.
    pub fn of(value: &(impl Serialize + ?Sized)) -> Self {
        let text = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
        Self {
            range: 0..text.len(),
            source: text.into(),
        }
    }

    /// An object of these fields.
    pub(crate) fn object<'a>(fields: impl IntoIterator<Item = (&'a str, &'a Self)>) -> Self {
        let mut text = String::from("{");
        for (name, value) in fields {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(Self::of(name).as_str());
            text.push(':');
            text.push_str(value.as_str());
        }
        text.push('}');
        Self {
            range: 0..text.len(),
            source: text.into(),
        }
    }

    /// This object with one more field, which it does not have yet, at its head.
    pub(crate) fn with(&self, name: &str, value: &Self) -> Self {
        let rest = self.as_str().strip_prefix('{').unwrap_or("}");
        let comma = if rest == "}" { "" } else { "," };
        let text = format!(
            "{{{}:{}{comma}{rest}",
            Self::of(name).as_str(),
            value.as_str()
        );
        Self {
            range: 0..text.len(),
            source: text.into(),
        }
    }

    /// A value found inside this one by borrowing from it.
    pub(crate) fn part(&self, part: &RawValue) -> Self {
        Self::slice(&self.source, part)
    }

    /// The slice of `source` that `part`, a value found inside it, occupies.
    pub(super) fn slice(source: &Rc<str>, part: &RawValue) -> Self {
        let start = (part.get().as_ptr() as usize).saturating_sub(source.as_ptr() as usize);
        Self {
            source: Rc::clone(source),
            range: start..start.saturating_add(part.get().len()),
        }
    }

    /// The value's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.source.get(self.range.clone()).unwrap_or("null")
    }

    /// The value as a `T`, or `None` if it is none.
    #[must_use]
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_str(self.as_str()).ok()
    }
}

impl Serialize for Json {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<&RawValue>(self.as_str()) {
            Ok(raw) => raw.serialize(serializer),
            Err(_) => serializer.serialize_unit(),
        }
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Arguments, with the attachments that their placeholders stand for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Args {
    /// The arguments, in order; where one is binary, a placeholder names its attachment.
    pub values: Vec<Json>,
    /// The attachments: at most ten.
    pub attachments: Vec<Rc<[u8]>>,
}

impl Args {
    /// Arguments without attachments.
    #[must_use]
    pub fn new(values: Vec<Json>) -> Self {
        Self {
            values,
            attachments: Vec::new(),
        }
    }

    /// One argument.
    pub fn of(value: &(impl Serialize + ?Sized)) -> Self {
        Self::new(vec![Json::of(value)])
    }

    /// These arguments with U+FFFD in place of each lone surrogate, which no text can hold; `None` if
    /// there is none.
    pub(crate) fn mended(&self) -> Option<Self> {
        let mut mended = None;
        for (position, value) in self.values.iter().enumerate() {
            let Some(text) = surrogates::replace(value.as_str()) else {
                continue;
            };
            let args: &mut Self = mended.get_or_insert_with(|| self.clone());
            if let Some(value) = args.values.get_mut(position) {
                *value = Json {
                    range: 0..text.len(),
                    source: text.into(),
                };
            }
        }
        mended
    }

    /// The argument at `position`, counted from 0. `null` is none: that is how an `undefined`
    /// arrives.
    #[must_use]
    pub fn get(&self, position: usize) -> Option<&Json> {
        let json = self.values.get(position)?;
        (json.as_str() != "null").then_some(json)
    }
}
