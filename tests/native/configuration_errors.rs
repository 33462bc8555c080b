//! Invalid variables: the error names the variable, states its valid form, and shows no secret.

use signalbox::settings::unknown;

use crate::configuration::configure;

#[test]
fn an_invalid_value_is_an_error_that_states_the_valid_form() {
    let ping = "PING_INTERVAL_MS in wrangler.toml has to be a whole number from 100 to 3600000";
    refuses(&[
        ("PING_INTERVAL_MS", "soon", ping, r#"it is "soon""#),
        ("PING_INTERVAL_MS", "", ping, r#"it is """#),
        ("PING_INTERVAL_MS", "0", ping, r#"it is "0""#),
        ("PING_INTERVAL_MS", "99", ping, r#"it is "99""#),
        ("PING_INTERVAL_MS", "3600001", ping, r#"it is "3600001""#),
        ("PING_INTERVAL_MS", "-1", ping, r#"it is "-1""#),
        ("PING_INTERVAL_MS", "4.5e4", ping, r#"it is "4.5e4""#),
        ("PING_INTERVAL_MS", "99999999999999999999", ping, "it is"),
        (
            "PING_TIMEOUT_MS",
            "0",
            "PING_TIMEOUT_MS in wrangler.toml",
            "it is",
        ),
        ("RECOVERY_MS", "86400001", "from 0 to 86400000", "it is"),
        ("RETENTION", "24", "such as \"24h\"", r#"it is "24""#),
        ("MAX_TOKEN_LIFE", "0", "such as \"12h\"", "it is 0"),
        ("MAX_TOKEN_LIFE", "1", "or \"forever\"", "it is"),
        ("LOCATION", "europe", "wnam, enam", r#"it is "europe""#),
        ("JURISDICTION", "EU", "eu, us", r#"it is "EU""#),
        ("RETENTION", "never", "or \"forever\"", "it is"),
        ("RETENTION", "-1h", "such as \"24h\"", "it is"),
        ("RETENTION", "3651d", "such as \"24h\"", "it is"),
        ("REVISION_3", "yes", r#""on" or "off""#, r#"it is "yes""#),
        ("MAX_PAYLOAD", "2047", "from 2048 to 1000000", "it is"),
        ("MAX_PAYLOAD", "1000001", "from 2048 to 1000000", "it is"),
        ("MAX_PEERS", "0", "from 1 to 32768", "it is"),
        ("MAX_SOCKETS", "32769", "from 1 to 32768", "it is"),
        ("MAX_SESSIONS", "0", "from 1 to 32768", "it is"),
        ("MAX_DESCRIPTION", "1023", "from 1024 to 1000000", "it is"),
        ("MAX_CANDIDATE", "255", "from 256 to 1000000", "it is"),
        ("MAX_MESSAGE", "0", "from 1 to 1000000", "it is"),
        ("MAX_NAME", "15", "from 16 to 1024", "it is"),
        ("CHAT_HISTORY", "10001", "from 0 to 10000", "it is"),
        ("MAX_WAITING", "10001", "from 0 to 10000", "it is"),
        ("WRONG_PASSWORDS", "0", "from 1 to 100", "it is"),
        ("SIGNAL_RATE", "20", "such as 200/20", "it is"),
        ("CHAT_RATE", "0/1", "such as 200/20", "it is"),
        ("CONTROL_RATE", "x", "such as 200/20", "it is"),
        (
            "ALLOWED_ORIGINS",
            "https://a.example,b.example",
            "ALLOWED_ORIGINS in wrangler.toml has to be \"same\"",
            r#""b.example" is not an origin"#,
        ),
        (
            "ALLOWED_ORIGINS",
            "https://[]",
            "ALLOWED_ORIGINS in wrangler.toml has to be \"same\"",
            r#""https://[]" is not an origin"#,
        ),
        (
            "ALLOWED_ORIGINS",
            "https://a.example:+443",
            "ALLOWED_ORIGINS in wrangler.toml has to be \"same\"",
            r#""https://a.example:+443" is not an origin"#,
        ),
        (
            "TOKENS",
            "yes",
            "TOKENS in wrangler.toml has to be \"optional\" or \"required\"",
            r#"it is "yes""#,
        ),
        (
            "TOKEN_SECRET",
            "hunter2",
            "the secret TOKEN_SECRET has to be 32 or more bytes",
            "it is invalid",
        ),
        (
            "API_TOKEN",
            "hunter2",
            "the secret API_TOKEN has to be 16 or more visible ASCII characters",
            "it is invalid",
        ),
    ]);
}

/// Each variable with this value is refused with this message and this cause.
pub fn refuses(rows: &[(&str, &str, &str, &str)]) {
    for (name, text, message, found) in rows {
        let invalid = configure(&[(*name, *text)]).expect_err(text);
        assert_eq!(invalid.len(), 1, "{name} {text}");
        assert_eq!(invalid[0].name, *name);
        let said = invalid[0].to_string();
        assert!(said.contains(message), "{text}: {said}");
        assert!(
            invalid[0].found.contains(found),
            "{text}: {}",
            invalid[0].found
        );
    }
}

/// If one limit contradicts another, the message names both.
#[test]
fn limits_that_contradict_each_other() {
    let said = |vars: &[(&str, &str)]| {
        let invalid = configure(vars).expect_err("a contradiction").into_iter();
        let said = invalid.map(|invalid| format!("{invalid}: {}", invalid.found));
        said.collect::<Vec<_>>()
    };
    let description = "MAX_DESCRIPTION in wrangler.toml has to be at most 65535, 1024 less than MAX_PAYLOAD: it is 65536";
    let peers = "MAX_PEERS in wrangler.toml has to be at most 7, MAX_SOCKETS: it is 8";
    assert_eq!(said(&[("MAX_PAYLOAD", "66559")]), [description]);
    assert_eq!(said(&[("MAX_SOCKETS", "7")]), [peers]);
    let both = [("MAX_SOCKETS", "7"), ("MAX_PAYLOAD", "66559")];
    assert_eq!(said(&both), [description, peers]);
    let small = [("MAX_PAYLOAD", "4096"), ("MAX_DESCRIPTION", "3072")];
    let candidate = "MAX_CANDIDATE in wrangler.toml has to be at most 3072, 1024 less than MAX_PAYLOAD: it is 3073";
    let message = "MAX_MESSAGE in wrangler.toml has to be at most 256, a twelfth of (MAX_PAYLOAD - 1024): JSON may take 12 bytes for a character: it is 257";
    assert_eq!(
        said(
            &[
                &small[..],
                &[("MAX_CANDIDATE", "3073"), ("MAX_MESSAGE", "257")]
            ]
            .concat()
        ),
        [candidate, message]
    );
    let largest = [("MAX_PAYLOAD", "1000000"), ("MAX_DESCRIPTION", "998976")];
    let sockets = "MAX_SOCKETS in wrangler.toml has to be at most 99, MAX_SESSIONS: it is 100";
    assert_eq!(said(&[("MAX_SESSIONS", "99")]), [sockets]);
    let long_names = [&small[..], &[("MAX_MESSAGE", "256"), ("MAX_NAME", "257")]].concat();
    let name = "MAX_NAME in wrangler.toml has to be at most 256, a twelfth of (MAX_PAYLOAD - 1024): JSON may take 12 bytes for a character: it is 257";
    assert_eq!(said(&long_names), [name]);
    let peers = [("MAX_PEERS", "7"), ("MAX_SOCKETS", "7")];
    for vars in [
        &peers[..],
        &[
            &small[..],
            &[("MAX_CANDIDATE", "3072"), ("MAX_MESSAGE", "256")],
        ]
        .concat(),
        &[
            &largest[..],
            &[("MAX_CANDIDATE", "998976"), ("MAX_MESSAGE", "83248")],
        ]
        .concat(),
    ] {
        configure(vars).expect("no contradiction");
    }
}

/// A misspelt variable is reported with the name that was meant. An application's own variables are
/// not reported.
#[test]
fn variables_that_are_misspelt() {
    for (name, meant) in [
        ("TOKEN", Some("TOKENS")),
        ("ALOWED_ORIGINS", Some("ALLOWED_ORIGINS")),
        ("ALLOWED_ORIGIN", Some("ALLOWED_ORIGINS")),
        ("allowed_origins", Some("ALLOWED_ORIGINS")),
        ("TOKENSECRET", Some("TOKEN_SECRET")),
        ("MAX_PEER", Some("MAX_PEERS")),
        ("PING_INTERVAL", Some("PING_INTERVAL_MS")),
        ("TOKENS", None),
        ("TOKEN_SECRET", None),
        ("GREETING", None),
        ("DATABASE_URL", None),
        ("", None),
    ] {
        let found: Vec<_> = unknown([name]).collect();
        let expected: Vec<_> = meant.into_iter().map(|meant| (name, meant)).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn all_invalid_values_are_reported_at_once_without_credentials() {
    let secret = r#"[{"urls":"turn:a","credential":"hunter2"}]"#;
    let invalid = configure(&[
        ("MAX_PEERS", "many"),
        ("ICE_SERVERS", secret),
        ("API_TOKEN", "hunter2"),
    ])
    .expect_err("three");
    assert_eq!(
        invalid
            .iter()
            .map(|invalid| invalid.name)
            .collect::<Vec<_>>(),
        ["MAX_PEERS", "ICE_SERVERS", "API_TOKEN"]
    );
    assert!(!format!("{invalid:?}").contains("hunter2"));
}
