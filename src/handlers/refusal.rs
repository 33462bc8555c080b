//! The refusal of a connection or of an event.

use std::fmt;

use serde::Serialize;

use crate::socket::{Json, Object, RoomError};

/// The reason of a refusal: a message for people, and data for programs.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub(super) message: String,
    pub(super) data: Option<Json>,
}

impl Refusal {
    /// A refusal with this message.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            data: None,
        }
    }

    /// Adds data for programs.
    #[must_use]
    pub fn with_data(mut self, data: &(impl Serialize + ?Sized)) -> Self {
        self.data = Some(Json::of(data));
        self
    }

    /// The refusal of an event, as the client gets it.
    pub(super) fn for_event(&self, event: &str) -> Json {
        Object::new()
            .with("message", &self.message)
            .with("event", event)
            .maybe("data", self.data.as_ref())
            .json()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<&str> for Refusal {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl From<RoomError> for Refusal {
    fn from(error: RoomError) -> Self {
        Self::new(error.to_string())
    }
}
