//! Namespaces: they separate the sockets that share one session.

use std::fmt;
use std::rc::Rc;

/// `/`, or `/name`. Case-sensitive; a query belongs to the name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(Option<Rc<str>>); // `None` is `/`, the usual case

const MAIN: &str = "/";

impl Namespace {
    /// `None` unless `name` begins with a slash and has no comma. A comma would end it in a packet.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let is_valid = name.starts_with('/') && !name.contains(',');
        is_valid.then(|| Self((name != MAIN).then(|| name.into())))
    }

    /// The main namespace, `/`.
    #[must_use]
    pub const fn main() -> Self {
        Self(None)
    }

    /// Whether this is `/`.
    #[must_use]
    pub fn is_main(&self) -> bool {
        self.0.is_none()
    }

    /// The name, slash included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or(MAIN)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
