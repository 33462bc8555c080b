//! The arguments of events and acks, which mostly pass through unread.

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

/// A JSON value: a slice of the text in which it arrived, shared and unread.
#[derive(Clone)]
pub struct Json {
    source: Text,
    range: Range<usize>,
    /// What is known of it from where it arrived, if it is an array or an object.
    scan: Option<Rc<Scan>>,
}

impl Json {
    /// A value written as JSON. One that JSON cannot express becomes `null`; the types of this
    /// crate all can.
    pub fn of(value: &(impl Serialize + ?Sized)) -> Self {
        Self::written(write(value))
    }

    /// A text that is said to be JSON, unread.
    pub(crate) fn unread(text: &str) -> Self {
        Self::written(text.to_owned())
    }

    /// A value that is written already.
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

    /// The value with U+FFFD in place of each lone surrogate, which no text can hold.
    pub(crate) fn mended(&self) -> Self {
        surrogates::replace(self.as_str()).map_or_else(|| self.clone(), Self::written)
    }

    /// The value that is in this part of `source`.
    pub(super) fn slice(source: &Text, range: Range<usize>) -> Self {
        Self {
            source: source.clone(),
            range,
            scan: None,
        }
    }

    /// The value that is in this part of this one's text.
    pub(crate) fn part(&self, Range { start, end }: Range<usize>) -> Self {
        let offset = self.range.start;
        let range = offset.saturating_add(start)..offset.saturating_add(end);
        Self::slice(&self.source, range)
    }

    /// The elements that an array has, each with what is known of it. `None` if this is no array.
    pub(crate) fn elements(&self) -> Option<Vec<Self>> {
        let elements = elements(self.as_str())?.into_iter();
        let elements = elements.map(|(range, scan)| Self {
            scan: (scan.depth > 0).then(|| scan.into()),
            ..self.part(range)
        });
        Some(elements.collect())
    }

    /// Where the values are that this one holds.
    pub(crate) fn scan(&self) -> Option<Rc<Scan>> {
        let known = self.scan.clone();
        known.or_else(|| scan(self.as_str()).map(Rc::new))
    }

    /// The value's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.source.get(self.range.clone()).unwrap_or("null")
    }

    /// The text that the value is, or `None` if it is none.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let inner = self.as_str().strip_prefix('"')?.strip_suffix('"')?;
        if inner.contains('\\') {
            return self.read();
        }
        Some(inner.to_owned()) // as most are
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
    out.write_char('"')?; // as most are
    out.write_str(text)?;
    out.write_char('"')
}

/// A JSON object in the making.
pub(crate) struct Object(String);

impl Object {
    /// An object without fields.
    pub(crate) fn new() -> Self {
        Self::with_capacity(0)
    }

    /// The same, with room for so many bytes.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        let mut text = String::with_capacity(bytes.saturating_add(2));
        text.push('{');
        Self(text)
    }

    /// What this is as an object.
    pub(crate) fn of(fields: &impl Serialize) -> Self {
        let mut text = write(fields);
        text.pop();
        Self(text)
    }

    /// The object with one more field, which it does not have yet, and whose name needs no escapes.
    pub(crate) fn with(self, name: &str, value: &(impl Serialize + ?Sized)) -> Self {
        self.with_text(name, &write(value))
    }

    /// The same, its value passed on unread.
    pub(crate) fn with_json(self, name: &str, value: &Json) -> Self {
        self.with_text(name, value.as_str())
    }

    /// The same, its name passed on as it is written.
    pub(crate) fn with_named(mut self, name: &Json, value: &Json) -> Self {
        self.separate();
        self.0.push_str(name.as_str());
        self.0.push(':');
        self.0.push_str(value.as_str());
        self
    }

    /// The same, if there is a value.
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
                *value = Json::written(text);
            }
        }
        mended
    }

    /// Arguments that were made of those of `event`, with the attachments that they need. `None` if
    /// one of them names an attachment that there is not.
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

    /// How many bytes they have, attachments included.
    pub(crate) fn len(&self) -> usize {
        let values = self.values.iter().map(|json| json.as_str().len());
        let attachments = self.attachments.iter().map(|bytes| bytes.len());
        values.chain(attachments).sum()
    }

    /// The argument at `position`, counted from 0. `null` is none: that is how an `undefined`
    /// arrives.
    #[must_use]
    pub fn get(&self, position: usize) -> Option<&Json> {
        let json = self.values.get(position)?;
        (json.as_str() != "null").then_some(json)
    }
}
