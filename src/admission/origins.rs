//! Which origins may connect.

/// The origins whose pages may connect.
///
/// Browsers send a page's origin in every request to another origin, and whenever they open a
/// WebSocket. A request without an origin comes from the deployment's own page, or from a client
/// that is no browser. Such a request is allowed: a client that is no browser could claim any
/// origin, and no site can make it send a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// All origins.
    Any,
    /// The deployment's own origin, and those that match these patterns. A pattern is a normalized
    /// origin whose host may begin with `*.`, which stands for one or more names; or `loopback`.
    Listed(Vec<String>),
}

/// Matches all origins on this machine, for requests to this machine. `npm start` adds this pattern
/// for pages of other development servers.
const LOOPBACK: &str = "loopback";

impl Default for Origins {
    /// Only the deployment's own origin.
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

impl Origins {
    /// The form that [`parse`](Self::parse) accepts, in words.
    pub const FORM: &str = r#""same" (the deployment's own origin alone), "*" (any), or origins like https://example.com, https://*.example.com, http://localhost:5173 or file://, with commas between them"#;

    /// Reads a policy.
    ///
    /// # Errors
    ///
    /// The first invalid entry.
    pub fn parse(text: &str) -> Result<Self, &str> {
        match text.trim() {
            "*" => Ok(Self::Any),
            "" | "same" => Ok(Self::default()),
            list => {
                let mut patterns = Vec::new();
                for entry in list.split(',') {
                    match entry.trim() {
                        "same" => {}
                        LOOPBACK => patterns.push(LOOPBACK.to_owned()),
                        origin => patterns.push(normalize(origin).ok_or(entry)?),
                    }
                }
                Ok(Self::Listed(patterns))
            }
        }
    }

    /// Whether a request with this `Origin` header is allowed if it was sent to `host`, a name with
    /// an optional port. `host` is the deployment's own origin without its scheme, which a proxy
    /// that ends TLS hides. So only names and ports are compared, and the default port of either
    /// scheme counts as no port.
    #[must_use]
    pub fn allow(&self, origin: Option<&str>, host: &str) -> bool {
        let (Self::Listed(patterns), Some(origin)) = (self, origin) else {
            return true;
        };
        let Some(origin) = normalize(origin) else {
            return false;
        };
        let host = host.to_ascii_lowercase();
        let own = origin.split_once("://").is_some_and(|(_, authority)| {
            !authority.is_empty() && without_port(authority) == without_port(&host)
        });
        let loopback = || is_loopback(&host) && is_loopback(without_scheme(&origin));
        own || patterns.iter().any(|pattern| match pattern.as_str() {
            LOOPBACK => loopback(),
            pattern => matches(pattern, &origin),
        })
    }
}

fn without_scheme(origin: &str) -> &str {
    origin
        .split_once("://")
        .map_or("", |(_, authority)| authority)
}

/// Whether an authority is this machine: `localhost`, a name below it, or a loopback address.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => authority,
    };
    let is_address = || {
        let mut parts = host.split('.');
        parts.next() == Some("127")
            && host.split('.').count() == 4
            && parts.all(|part| part.parse::<u8>().is_ok())
    };
    host == "[::1]" || host == "localhost" || host.ends_with(".localhost") || is_address()
}

fn matches(pattern: &str, origin: &str) -> bool {
    match pattern.split_once('*') {
        None => origin == pattern,
        Some((scheme, domain)) => origin
            .strip_prefix(scheme)
            .and_then(|host| host.strip_suffix(domain))
            .is_some_and(is_name),
    }
}

/// An authority without a default port.
fn without_port(authority: &str) -> &str {
    let stripped = authority.strip_suffix(":443");
    stripped
        .or_else(|| authority.strip_suffix(":80"))
        .unwrap_or(authority)
}

/// Normalizes an origin or a pattern to a browser's form: lower case, without the scheme's default
/// port. Other clients may write the default port, or `ws` or `wss`, which count as `http` and
/// `https`. `None` if the entry is invalid.
fn normalize(entry: &str) -> Option<String> {
    let entry = entry.to_ascii_lowercase();
    let (scheme, authority) = entry.split_once("://")?;
    let scheme = match scheme {
        "ws" => "http",
        "wss" => "https",
        "file" if authority.is_empty() => return Some(entry), // used by apps and by pages on a disk
        scheme => scheme,
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port_number(port)?)),
        _ => (authority, None),
    };
    let is_address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .is_some_and(|host| {
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_hexdigit() || b == b':')
        });
    if !is_name(scheme) || !(is_address || is_name(host.strip_prefix("*.").unwrap_or(host))) {
        return None;
    }
    match (scheme, port) {
        (_, None) | ("http", Some(80)) | ("https", Some(443)) => Some(format!("{scheme}://{host}")),
        (_, Some(port)) => Some(format!("{scheme}://{host}:{port}")),
    }
}

/// A port. Unlike `parse` alone, this accepts no sign.
fn port_number(text: &str) -> Option<u16> {
    text.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
    text.parse().ok()
}

fn is_name(text: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    !text.is_empty() && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages of another development server on the same machine connect.
    #[test]
    fn which_origins_pass_on_the_machine_itself() {
        let policy = Origins::parse("same,loopback").unwrap_or_default();
        for (host, origin, passes) in [
            ("localhost:3000", "http://localhost:5173", true),
            ("localhost:3000", "https://localhost:5173", true),
            ("127.0.0.1:3000", "http://localhost:5173", true),
            ("localhost:3000", "http://127.0.0.1:5500", true),
            ("[::1]:3000", "http://[::1]:5173", true),
            ("localhost:3000", "http://app.localhost:5173", true),
            ("localhost:3000", "https://evil.example", false),
            ("localhost:3000", "http://127.0.0.1.evil.example", false),
            ("localhost:3000", "http://127.evil.example.com", false),
            ("localhost:3000", "http://localhost.evil.example", false),
            ("localhost:3000", "http://evillocalhost", false),
            ("localhost:3000", "null", false),
            ("localhost:3000", "file://", false),
            ("calls.example", "http://localhost:5173", false),
            ("calls.example", "http://127.0.0.1", false),
            ("127.0.0.1.evil.example", "http://localhost:5173", false),
        ] {
            assert_eq!(policy.allow(Some(origin), host), passes, "{host} {origin}");
        }
        let alone = Origins::default();
        assert!(!alone.allow(Some("http://localhost:5173"), "localhost:3000"));
    }

    const OWN: &str = "calls.example:8443";

    #[test]
    fn which_origins_pass() {
        let list = "file://,https://a.example, HTTPS://B.example:443,https://*.wild.example,http://*.ports.example:8080,http://localhost:5173,http://[::1]:80,capacitor://localhost,wss://sockets.example";
        for (policy, origin, passes) in [
            ("same", "https://calls.example:8443", true),
            ("", "https://calls.example:8443", true),
            (" same ", "http://calls.example:8443", true), // behind a proxy that ends TLS
            ("same", "https://calls.example", false),
            ("same", "https://calls.example:8444", false),
            ("same", "https://evil.example", false),
            ("same", "https://calls.example:8443.evil.example", false),
            ("same", "https://evil.example/calls.example:8443", false),
            ("same", "calls.example:8443", false),
            ("same", "null", false),
            ("same", "", false),
            ("*", "https://evil.example", true),
            ("*", "null", true),
            (list, "https://calls.example:8443", true),
            (list, "https://a.example", true),
            (list, "http://a.example", false),
            (list, "https://a.example:444", false),
            (list, "https://a.example.evil.example", false),
            (list, "https://b.example", true),
            (list, "https://x.wild.example", true),
            (list, "https://x.y.wild.example", true),
            (list, "https://wild.example", false),
            (list, "https://.wild.example", false),
            (list, "https://evilwild.example", false),
            (list, "https://evil.example/.wild.example", false),
            (list, "https://evil.example:1@.wild.example", false),
            (list, "https://x.wild.example:8080", false),
            (list, "http://x.ports.example:8080", true),
            (list, "http://localhost:5173", true),
            (list, "http://localhost:5174", false),
            (list, "http://[::1]", true),
            (list, "capacitor://localhost", true),
            (list, "null", false),
            ("same,loopback", "http://localhost:5173", false), // `OWN` is another machine
            ("same, loopback", "https://calls.example:8443", true),
            // Clients that are no browsers write origins in other ways.
            ("same", "wss://calls.example:8443", true),
            ("same", "HTTPS://Calls.Example:8443", true),
            ("same", "wss://calls.example:443", false),
            (list, "wss://a.example:443", true),
            (list, "WSS://A.example", true),
            (list, "ws://a.example", false),
            (list, "wss://a.example:80", false),
            (list, "wss://x.wild.example:443", true),
            (list, "ws://localhost:5173", true),
            (list, "https://sockets.example:443", true),
            (list, "https://*.wild.example", false),
            (list, "https://a.example:", false),
            (list, "https://a.example/", false),
            // Pages on a disk, and some device libraries.
            ("same", "file://", false),
            (list, "file://", true),
            (list, "FILE://", true),
            (list, "file:///", false),
            (list, "file://a.example", false),
            ("https://a.example", "file://", false),
            ("*", "file://", true),
        ] {
            let allow = |origin| Origins::parse(policy).map(|origins| origins.allow(origin, OWN));
            assert_eq!(allow(Some(origin)), Ok(passes), "{policy}: {origin}");
            assert_eq!(allow(None), Ok(true), "{policy}: no origin");
        }
    }

    /// The deployment's own origin, as it is written in `Origin` and in `Host`.
    #[test]
    fn the_own_origin_passes_however_it_is_written() {
        let same = Origins::default();
        for (host, origin, passes) in [
            ("calls.example", "https://calls.example", true),
            ("calls.example", "wss://calls.example:443", true),
            ("calls.example", "ws://calls.example:80", true),
            ("calls.example", "https://CALLS.example", true),
            ("Calls.Example", "https://calls.example", true),
            ("calls.example:443", "https://calls.example", true),
            ("calls.example:80", "http://calls.example", true),
            ("calls.example:80", "https://calls.example:443", true), // behind a proxy
            ("calls.example:443", "http://calls.example:443", true), // the same
            ("[2001:db8::1]", "https://[2001:DB8::1]:443", true),
            ("[::1]:3000", "ws://[::1]:3000", true),
            ("calls.example", "https://calls.example:8443", false),
            ("calls.example:8443", "https://calls.example", false),
            ("calls.example", "https://calls.example:4433", false),
            ("calls.example", "https://www.calls.example", false),
            ("calls.example", "null", false),
            ("", "file://", false),
            ("", "https://", false),
            ("*.calls.example", "https://a.calls.example", false),
        ] {
            assert_eq!(same.allow(Some(origin), host), passes, "{origin} at {host}");
        }
    }

    #[test]
    fn invalid_origins() {
        for (policy, entry) in [
            ("example.com", "example.com"),
            ("https://", "https://"),
            ("://a.example", "://a.example"),
            ("https://a.example/", "https://a.example/"),
            ("https://a.example/path", "https://a.example/path"),
            ("https://a.example?", "https://a.example?"),
            ("https://user@a.example", "https://user@a.example"),
            ("https://a.example:", "https://a.example:"),
            ("https://a.example:65536", "https://a.example:65536"),
            ("https://a.*.example", "https://a.*.example"),
            ("https://*", "https://*"),
            ("https://*.", "https://*."),
            ("https://*.[::1]", "https://*.[::1]"),
            ("https://[x]", "https://[x]"),
            ("https://bücher.example", "https://bücher.example"),
            ("https://a.example,*", "*"),
            ("https://a.example,", ""),
            (
                "https://a.example https://b.example",
                "https://a.example https://b.example",
            ),
            ("null", "null"),
            ("file:///", "file:///"),
            ("file://*", "file://*"),
        ] {
            assert_eq!(Origins::parse(policy), Err(entry), "{policy}");
        }
    }
}
