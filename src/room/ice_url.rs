//! URLs of ICE servers (RFC 7064, RFC 7065). They are checked as browsers do it, because a URL that a
//! browser refuses would break every call.
//!
//! ```text
//! stun:host[:port]   turn:host[:port][?transport=udp|tcp]   likewise stuns:, turns:
//! ```

/// The scheme of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Stun,
    Turn,
}

impl Scheme {
    /// The valid forms, for error messages.
    pub(super) const FORM: &str =
        "stun:host:port or turn:host:port, with ?transport=udp or tcp behind turn:";

    /// The scheme of a URL; `None` if it is invalid.
    pub(crate) fn of(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once(':')?;
        let scheme = match scheme {
            "stun" | "stuns" => Self::Stun,
            "turn" | "turns" => Self::Turn,
            _ => return None,
        };
        let authority = match rest.split_once('?') {
            None => rest,
            Some((authority, "transport=udp" | "transport=tcp")) if scheme == Self::Turn => {
                authority
            }
            Some(_) => return None,
        };
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']')?;
                let port = match rest {
                    "" => None,
                    rest => Some(rest.strip_prefix(':')?),
                };
                (is_ipv6(address), port)
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (is_name(host), Some(port)),
                None => (is_name(authority), None),
            },
        };
        (host && port.is_none_or(is_port)).then_some(scheme)
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Whether this is a host name or an IPv4 address.
fn is_name(host: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !host.is_empty() && host.len() <= 253 && host.bytes().all(is_allowed)
}

/// Written by hand, because the parser of the standard library makes the Worker larger.
fn is_ipv6(address: &str) -> bool {
    let is_group = |group: &str| {
        (1..=4).contains(&group.len()) && group.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let groups = |text: &str| match text {
        "" => Some(0),
        text => text
            .split(':')
            .all(is_group)
            .then(|| text.split(':').count()),
    };
    match address.split_once("::") {
        Some((head, tail)) => {
            let count = groups(head)
                .zip(groups(tail))
                .map(|(head, tail)| head + tail);
            count.is_some_and(|count| count < 8)
        }
        None => groups(address) == Some(8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_urls_browsers_take() {
        for (url, scheme) in [
            ("stun:a", Some(Scheme::Stun)),
            ("stun:stun.example.com:3478", Some(Scheme::Stun)),
            ("stuns:192.0.2.1:5349", Some(Scheme::Stun)),
            ("stun:[2001:db8::1]:3478", Some(Scheme::Stun)),
            ("stun:[::]", Some(Scheme::Stun)),
            ("stun:[1:2:3:4:5:6:7:8]", Some(Scheme::Stun)),
            ("turn:turn.example.com", Some(Scheme::Turn)),
            ("turn:a:1", Some(Scheme::Turn)),
            ("turns:a-b_c.d:65535?transport=tcp", Some(Scheme::Turn)),
            ("turn:a?transport=udp", Some(Scheme::Turn)),
            ("turn:[::1]:3478?transport=udp", Some(Scheme::Turn)),
            ("", None),
            ("a", None),
            ("https:a", None),
            ("STUN:a", None),
            ("stun:", None),
            ("stun://a", None),
            ("stun:a:0", None),
            ("stun:a:", None),
            ("stun:a:+1", None),
            ("stun:a:65536", None),
            ("turn:x:99999", None),
            ("stun:a:1:2", None),
            ("stun:a?", None),
            ("stun:a?transport=udp", None),
            ("turn:a?transport=sctp", None),
            ("turn:a?transport=", None),
            ("turn:a?transport=udp&x", None),
            ("turn:a?x", None),
            ("turn:x turn:y", None),
            ("turn: a", None),
            ("turn:u@a", None),
            ("turn:a/b", None),
            ("turn:a#b", None),
            ("turn:bücher", None),
            ("turn:[a", None),
            ("turn:[::1]3478", None),
            ("turn:[1:2:3:4:5:6:7]", None),
            ("turn:[1::2::3]", None),
            ("turn:[1:2:3:4:5:6:7:8:9]", None),
            ("turn:[::12345]", None),
            ("turn:[:::]", None),
            ("turn:::1", None),
        ] {
            assert_eq!(Scheme::of(url), scheme, "{url}");
        }
    }
}
