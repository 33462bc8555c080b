//! The query of an Engine.IO request.
//!
//! ```text
//! <user query>&EIO=3|4&transport=polling|websocket[&sid=…][&b64=1][&t=…]
//! ```

use super::{Codec, Config, Rejection, Revision, Sid};
use crate::io::Method;

/// The parameters that the engine reads, as they were sent. If a parameter is repeated, the last
/// one counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query<'a> {
    /// `EIO`: the protocol's revision.
    pub protocol: &'a str,
    /// `transport`
    pub transport: &'a str,
    /// `sid`: empty for a handshake.
    pub sid: &'a str,
    /// `b64=1`: binary messages as text, even on a WebSocket.
    pub base64: bool,
}

impl<'a> Query<'a> {
    /// Reads a query. Unknown parameters belong to the application and are skipped.
    #[must_use]
    pub fn parse(query: &'a str) -> Self {
        let mut parsed = Self::default();
        for parameter in query.split('&') {
            match parameter.split_once('=') {
                Some(("EIO", value)) => parsed.protocol = value,
                Some(("transport", value)) => parsed.transport = value,
                Some(("sid", value)) => parsed.sid = value,
                Some(("b64", value)) => parsed.base64 = !matches!(value, "" | "0"),
                _ => {}
            }
        }
        parsed
    }

    /// Whether the query asks for a new session.
    #[must_use]
    pub const fn is_handshake(&self) -> bool {
        self.sid.is_empty()
    }

    /// Why a request with this query is refused, whatever sessions exist. The engine checks this
    /// first, in engine.io's order. A Worker may check it before it wakes an object.
    #[must_use]
    pub fn precheck(&self, method: Method, upgrade: bool, config: &Config) -> Option<Rejection> {
        if !matches!(self.transport, "polling" | "websocket") {
            return Some(Rejection::UnknownTransport);
        }
        if !self.is_handshake() {
            return Sid::parse(self.sid)
                .is_none()
                .then_some(Rejection::UnknownSid);
        }
        if method != Method::Get {
            return Some(Rejection::BadHandshakeMethod);
        }
        if self.wants_websocket() != upgrade {
            return Some(Rejection::BadRequest);
        }
        let is_spoken = self.revision(config).is_some();
        (!is_spoken).then_some(Rejection::UnsupportedProtocol)
    }

    /// Whether the transport is `websocket`.
    pub(super) fn wants_websocket(&self) -> bool {
        self.transport == "websocket"
    }

    /// The revision, if it is enabled.
    pub(super) fn revision(&self, config: &Config) -> Option<Revision> {
        match self.protocol {
            "4" => Some(Revision::Four),
            "3" if config.revision_3 => Some(Revision::Three),
            _ => None,
        }
    }

    /// How the client reads packets, even if its revision is disabled.
    #[must_use]
    pub fn codec(&self) -> Codec {
        let revision = match self.protocol {
            "3" => Revision::Three,
            _ => Revision::Four,
        };
        Codec::new(revision, self.base64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R-3
    #[test]
    fn parameters_come_in_any_order_and_the_last_of_a_name_counts() {
        let expected = Query {
            protocol: "4",
            transport: "polling",
            sid: "abc",
            base64: true,
        };
        for query in [
            "EIO=4&transport=polling&sid=abc&b64=1",
            "t=x1&b64=1&sid=abc&room=a%20b&transport=polling&EIO=4",
            "EIO=3&sid=zzz&transport=websocket&EIO=4&transport=polling&sid=abc&b64=1&&=&x",
        ] {
            assert_eq!(Query::parse(query), expected, "{query}");
        }
        assert_eq!(Query::parse(""), Query::default());
        assert!(Query::parse("sid=abc&sid=").is_handshake());
        assert!(!Query::parse("sid=&sid=abc").is_handshake());
    }
}
