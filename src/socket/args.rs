//! The arguments of events and acks. Most are passed on without being parsed.

use std::fmt;
use std::ops::Range;
use std::rc::Rc;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::packet::placeholders_fit;
use super::surrogates;
use crate::io::Text;
use crate::scan::{Scan, elements, scan};

/// A JSON value: a part of the text in which it arrived, shared and not parsed.
#[derive(Clone)]
pub struct Json {
    source: Text,
    range: Range<usize>,
    /// The scan of this value, if it is an array or an object and the array around it was scanned.
    scan: Option<Rc<Scan>>,
}

impl Json {
    /// A value written as JSON. A value that JSON cannot express becomes `null`; this does not happen
    /// with the types of this crate.
    pub fn of(value: &(impl Serialize + ?Sized)) -> Self {
        Self::written(write(value))
    }

    /// A text that the caller says is JSON. It is not parsed.
    pub(crate) fn unread(text: &str) -> Self {
        Self::written(text.to_owned())
    }

    /// A value that is already written as JSON.
    pub(super) fn written(text: String) -> Self {
        Self {
            range: 0..text.len(),
            source: text.into(),
            scan: None,
        }
    }

    /// A list of these values.
    pub(crate) fn list(items: &[Self]) -> Self {
        let bytes = items
            .iter()
            .map(|json| json.as_str().len().saturating_add(1));
        let mut text = String::with_capacity(bytes.sum::<usize>().saturating_add(2));
        text.push('[');
        for (at, json) in items.iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            text.push_str(json.as_str());
        }
        text.push(']');
        Self::written(text)
    }

    /// The value with U+FFFD in place of each lone surrogate, which no text in Rust can have.
    pub(crate) fn without_lone_surrogates(&self) -> Self {
        surrogates::replace(self.as_str()).map_or_else(|| self.clone(), Self::written)
    }

    /// The value in this part of `source`.
    pub(super) fn slice(source: &Text, range: Range<usize>) -> Self {
        Self {
            source: source.clone(),
            range,
            scan: None,
        }
    }

    /// The value in this part of this value's text.
    pub(crate) fn part(&self, Range { start, end }: Range<usize>) -> Self {
        let offset = self.range.start;
        let range = offset.saturating_add(start)..offset.saturating_add(end);
        Self::slice(&self.source, range)
    }

    /// The elements of an array. `None` if this is not an array.
    pub(crate) fn elements(&self) -> Option<Vec<Self>> {
        let elements = elements(self.as_str())?.into_iter();
        let elements = elements.map(|(range, scan)| Self {
            scan: (scan.depth > 0).then(|| scan.into()),
            ..self.part(range)
        });
        Some(elements.collect())
    }

    /// The scan of this value, which is made now if there is none yet. `None` if it is not JSON.
    pub(crate) fn scan(&self) -> Option<Rc<Scan>> {
        let known = self.scan.clone();
        known.or_else(|| scan(self.as_str()).map(Rc::new))
    }

    /// The value's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.source.get(self.range.clone()).unwrap_or("null")
    }

    /// The value as a text, or `None` if it is not a text.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let inner = self.as_str().strip_prefix('"')?.strip_suffix('"')?;
        if inner.contains('\\') {
            return self.read();
        }
        Some(inner.to_owned()) // most texts have no escapes
    }

    /// The value as a `T`, or `None` if it is not a `T`.
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

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self::written(raw.get().to_owned()))
    }
}

fn write(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// Writes a text as JSON.
pub(super) fn write_text(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    if text
        .bytes()
        .any(|byte| matches!(byte, ..b' ' | b'"' | b'\\'))
    {
        return out.write_str(&write(text));
    }
    out.write_char('"')?; // most texts need no escapes
    out.write_str(text)?;
    out.write_char('"')
}

/// Builds a JSON object.
pub(crate) struct Object(String);

impl Object {
    /// An object without fields.
    pub(crate) fn new() -> Self {
        Self::with_capacity(0)
    }

    /// An object without fields, with space for this number of bytes.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        let mut text = String::with_capacity(bytes.saturating_add(2));
        text.push('{');
        Self(text)
    }

    /// The value as an object that further fields can be added to.
    pub(crate) fn of(fields: &impl Serialize) -> Self {
        let mut text = write(fields);
        text.pop();
        Self(text)
    }

    /// Adds a field. The object must not have it yet, and the name must need no escapes.
    pub(crate) fn with(self, name: &str, value: &(impl Serialize + ?Sized)) -> Self {
        self.with_text(name, &write(value))
    }

    /// Adds a field with a value in JSON.
    pub(crate) fn with_json(self, name: &str, value: &Json) -> Self {
        self.with_text(name, value.as_str())
    }

    /// Adds a field whose name is already written as JSON.
    pub(crate) fn with_named(mut self, name: &Json, value: &Json) -> Self {
        self.separate();
        self.0.push_str(name.as_str());
        self.0.push(':');
        self.0.push_str(value.as_str());
        self
    }

    /// Adds a field if there is a value.
    pub(crate) fn maybe(self, name: &str, value: Option<&(impl Serialize + ?Sized)>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    fn with_text(mut self, name: &str, value: &str) -> Self {
        self.separate();
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
        self.0.push_str(value);
        self
    }

    fn separate(&mut self) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
    }

    /// The object.
    pub(crate) fn json(mut self) -> Json {
        self.0.push('}');
        Json::written(self.0)
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

/// Arguments, with the attachments of their placeholders.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Args {
    /// The arguments, in order. A placeholder stands for each binary value and names its attachment.
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

    /// These arguments with U+FFFD in place of each lone surrogate, which no text in Rust can have;
    /// `None` if there is none.
    pub(crate) fn without_lone_surrogates(&self) -> Option<Self> {
        let mut without_lone_surrogates = None;
        for (position, value) in self.values.iter().enumerate() {
            let Some(text) = surrogates::replace(value.as_str()) else {
                continue;
            };
            let args: &mut Self = without_lone_surrogates.get_or_insert_with(|| self.clone());
            if let Some(value) = args.values.get_mut(position) {
                *value = Json::written(text);
            }
        }
        without_lone_surrogates
    }

    /// Arguments that contain values of `event`, with the attachments that they need. If `event` has
    /// attachments: `None` if a placeholder in `values` names an attachment that `event` does not have, or
    /// if a value has too many levels to tell.
    pub(crate) fn taken_from(values: Vec<Json>, event: &Self) -> Option<Self> {
        let count = event.attachments.len();
        let mut args = Self::new(values);
        if count > 0 && !placeholders_fit(&args.values, 0) {
            if !placeholders_fit(&args.values, count) {
                return None;
            }
            args.attachments.clone_from(&event.attachments);
        }
        Some(args)
    }

    /// The bytes of the arguments and their attachments.
    pub(crate) fn len(&self) -> usize {
        let values = self.values.iter().map(|json| json.as_str().len());
        let attachments = self.attachments.iter().map(|bytes| bytes.len());
        values.chain(attachments).sum()
    }

    /// The argument at `position`, counted from 0. `null` counts as missing, because clients send
    /// `undefined` as `null`.
    #[must_use]
    pub fn get(&self, position: usize) -> Option<&Json> {
        let json = self.values.get(position)?;
        (json.as_str() != "null").then_some(json)
    }
}
