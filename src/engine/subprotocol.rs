//! The subprotocol of a WebSocket.

/// The subprotocol that the response confirms: the first one in the request's
/// `Sec-WebSocket-Protocol` header, as engine.io does. A client that offered subprotocols closes
/// the connection if the response confirms none. `None` if the first one is not a valid token: a
/// response must not contain it.
#[must_use]
pub fn subprotocol(offered: &str) -> Option<&str> {
    let first = offered.split(',').next()?.trim_matches([' ', '\t']);
    let is_token = !first.is_empty() && first.bytes().all(is_token_byte);
    is_token.then_some(first)
}

/// RFC 9110, section 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// W-8
    #[test]
    fn the_first_one_offered_is_confirmed() {
        for (offered, confirmed) in [
            ("chat.v1", Some("chat.v1")),
            ("chat.v2, chat.v1", Some("chat.v2")),
            (" \tchat.v1 ,x", Some("chat.v1")),
            ("!#$%&'*+-.^_`|~aZ09", Some("!#$%&'*+-.^_`|~aZ09")),
            ("", None),
            (" ", None),
            (",chat.v1", None),
            ("chat v1", None),
            ("chat/v1", None),
            ("\"chat\"", None),
            ("chat\r\nset-cookie: x", None),
            ("ch\u{e4}t", None),
        ] {
            assert_eq!(subprotocol(offered), confirmed, "{offered:?}");
        }
    }
}
