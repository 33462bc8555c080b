//! Variables for ICE servers and relays.

use crate::configuration::configure;
use crate::configuration_errors::refuses;

#[test]
fn a_wrong_list_of_ice_servers() {
    let ice = "ICE_SERVERS in wrangler.toml has to be a JSON list of RTCIceServer";
    refuses(&[
        ("ICE_SERVERS", "stun:a", ice, "line 1 column 1"),
        (
            "ICE_SERVERS",
            r#"{"urls":"stun:a"}"#,
            ice,
            "it is not a list",
        ),
        ("ICE_SERVERS", "[1]", ice, "server 1 has no urls"),
        (
            "ICE_SERVERS",
            r#"[{"urls":"stun:a"},{"urls":[]}]"#,
            ice,
            "server 2 has no urls",
        ),
        (
            "ICE_SERVERS",
            r#"[{"urls":["stun:a",7]}]"#,
            ice,
            "server 1 has a URL that is no stun:host:port or turn:host:port",
        ),
        (
            "ICE_SERVERS",
            r#"[{"urls":"https://a"}]"#,
            ice,
            "server 1 has a URL that is no stun:host:port or turn:host:port",
        ),
        (
            "ICE_SERVERS",
            r#"[{"urls":"stun:x?transport=udp"}]"#,
            ice,
            "server 1 has a URL that is no stun:host:port",
        ),
        (
            "ICE_SERVERS",
            r#"[{"urls":"stun:x:0"}]"#,
            ice,
            "server 1 has a URL that is no stun:host:port",
        ),
        (
            "ICE_SERVERS",
            r#"[{"urls":"turn:a","username":"u"}]"#,
            ice,
            "server 1 has no username or no credential",
        ),
    ]);
}

#[test]
fn a_wrong_value_about_relays() {
    let turn = "TURN_URLS in wrangler.toml has to be URLs with commas between them";
    let key = "CLOUDFLARE_TURN_KEY_ID in wrangler.toml has to be the id of a TURN key";
    refuses(&[
        (
            "TURN_URLS",
            "turn:a,stun:b",
            turn,
            r#""stun:b" is not turn:"#,
        ),
        ("TURN_URLS", "turn://a", turn, r#""turn://a" is not turn:"#),
        (
            "TURN_URLS",
            "turn:x:99999",
            turn,
            r#""turn:x:99999" is not turn:"#,
        ),
        (
            "TURN_URLS",
            "turn:x turn:y",
            turn,
            r#""turn:x turn:y" is not turn:"#,
        ),
        (
            "TURN_URLS",
            "turn:x?transport=sctp",
            turn,
            r#""turn:x?transport=sctp" is not turn:"#,
        ),
        ("TURN_URLS", "turn:", turn, r#""turn:" is not turn:"#),
        (
            "TURN_URLS",
            "a.example",
            turn,
            r#""a.example" is not turn:"#,
        ),
        ("CLOUDFLARE_TURN_KEY_ID", "a/b", key, r#"it is "a/b""#),
        (
            "CLOUDFLARE_TURN_API",
            "rtc.live.cloudflare.com",
            "CLOUDFLARE_TURN_API in wrangler.toml has to be a URL",
            "it is",
        ),
        ("CLOUDFLARE_TURN_API", "", "has to be a URL", "it is"),
        (
            "CLOUDFLARE_TURN_API",
            "https://",
            "has to be a URL",
            "it is",
        ),
        ("TURN_TTL_S", "59", "from 60 to 172800", r#"it is "59""#),
        ("TURN_TTL_S", "172801", "from 60 to 172800", "it is"),
    ]);
}

/// Relays come from a TURN server or from Cloudflare. Each needs a variable and a secret.
#[test]
fn settings_of_relays_must_be_complete() {
    for (vars, message) in [
        (
            &[("TURN_URLS", "turn:a")][..],
            "the secret TURN_SECRET has to be the TURN server's static-auth-secret, one line: it is \
                 needed, because TURN_URLS is set",
        ),
        (
            &[("TURN_URLS", "turn:a"), ("TURN_SECRET", " ")],
            "the secret TURN_SECRET has to be ",
        ),
        (
            &[("TURN_SECRET", "hunter2")],
            "TURN_URLS in wrangler.toml has to be URLs with commas between them, such as \
                 turn:turn.example.com:3478: it is needed, because TURN_SECRET is set",
        ),
        (
            &[("CLOUDFLARE_TURN_KEY_ID", "k")],
            "the secret CLOUDFLARE_TURN_TOKEN has to be the API token of that TURN key",
        ),
        (
            &[("CLOUDFLARE_TURN_TOKEN", "hunter2")],
            "CLOUDFLARE_TURN_KEY_ID in wrangler.toml has to be the id of a TURN key of Cloudflare's, \
                 letters and digits: it is needed, because CLOUDFLARE_TURN_TOKEN is set",
        ),
        (
            &[
                ("TURN_URLS", "turn:a"),
                ("TURN_SECRET", "s"),
                ("CLOUDFLARE_TURN_KEY_ID", "k"),
                ("CLOUDFLARE_TURN_TOKEN", "hunter2"),
            ],
            "CLOUDFLARE_TURN_KEY_ID in wrangler.toml has to be empty while TURN_URLS is set",
        ),
        (
            &[("TURN_URLS", "turn:a"), ("TURN_SECRET", "hunter2\nx")],
            "the secret TURN_SECRET has to be the TURN server's static-auth-secret, one line",
        ),
        (
            &[
                ("CLOUDFLARE_TURN_KEY_ID", "k"),
                ("CLOUDFLARE_TURN_TOKEN", "hunter2 x"),
            ],
            "the secret CLOUDFLARE_TURN_TOKEN has to be the API token of that TURN key, one word",
        ),
    ] {
        let invalid = configure(vars).expect_err(message);
        assert_eq!(invalid.len(), 1, "{invalid:?}");
        assert!(invalid[0].to_string().starts_with(message), "{invalid:?}");
        assert!(!format!("{invalid:?}").contains("hunter2"), "{invalid:?}");
    }
}
