//! Namespaces: the sockets that share one session are told apart by them.

use std::fmt;
use std::rc::Rc;

/// `/`, or `/name`. Case-sensitive; a query belongs to the name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(Rc<str>);

impl Namespace {
    /// `None` unless `name` begins with a slash and holds no comma, which would end it in a packet.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        (name.starts_with('/') && !name.contains(',')).then(|| Self(name.into()))
    }

    /// The main namespace, `/`.
    #[must_use]
    pub fn main() -> Self {
        Self("/".into())
    }

    /// Whether this is `/`.
    #[must_use]
    pub fn is_main(&self) -> bool {
        &*self.0 == "/"
    }

    /// The name, slash included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
