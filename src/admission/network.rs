//! Which addresses count as one client where handshakes are limited.

/// The network of a client's address, for rate limits. An IPv6 network of 64 bits usually belongs
/// to one customer. `None` is this machine itself, from which developers and tests connect; no
/// client elsewhere has such an address. The address is parsed by hand, because the standard
/// library's parser is large.
#[must_use]
pub fn network(address: &str) -> Option<String> {
    let address = match address.rsplit_once(':') {
        Some((_, embedded)) if embedded.contains('.') => embedded, // IPv4 in IPv6
        _ => address,
    };
    if address.starts_with("127.") || address == "::1" {
        return None;
    }
    let groups = |text: &str| text.split_terminator(':').count();
    let full = match address.split_once("::") {
        Some((head, tail)) => {
            let zeros = 8_usize.saturating_sub(groups(head) + groups(tail));
            format!("{head}{}:{tail}", ":0".repeat(zeros))
        }
        None => address.to_owned(),
    };
    let end = full.match_indices(':').nth(3);
    full.get(..end.map_or(full.len(), |(end, _)| end))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #[test]
    fn addresses_that_count_as_one() {
        for (address, network) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("::ffff:192.0.2.1", Some("192.0.2.1")),
            ("2001:db8:1:2:3:4:5:6", Some("2001:db8:1:2")),
            ("2001:db8:1:2::9", Some("2001:db8:1:2")),
            ("2001:db8:1:3::9", Some("2001:db8:1:3")),
            ("2001:db8::9", Some("2001:db8:0:0")),
            ("2001:db8::1:2:3:4:5", Some("2001:db8:0:1")),
            ("2001:db8:1:2::", Some("2001:db8:1:2")),
            ("2001::", Some("2001:0:0:0")),
            ("::", Some(":0:0:0")),
            (":::::::::", Some(":0::")),
            ("", Some("")),
            ("an address of the future", Some("an address of the future")),
            ("127.0.0.1", None),
            ("127.8.8.8", None),
            ("::1", None),
            ("::ffff:127.0.0.1", None),
        ] {
            assert_eq!(super::network(address).as_deref(), network, "{address}");
        }
    }
}
