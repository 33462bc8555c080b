//! WebSocket frames.

use std::ops::Deref;
use std::rc::Rc;

/// A shared text. Making it from a `String` copies nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(Rc<String>);

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Rc::new(text))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// One WebSocket frame. Its receivers share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// A text frame.
    Text(Text),
    /// A binary frame.
    Binary(Rc<[u8]>),
}

#[cfg(target_arch = "wasm32")]
impl Data {
    /// Whether both are the same shared frame.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(text), Self::Text(other)) => Rc::ptr_eq(&text.0, &other.0),
            (Self::Binary(bytes), Self::Binary(other)) => Rc::ptr_eq(bytes, other),
            _ => false,
        }
    }
}
