//! Variables become settings. wrangler.toml and docs/configuration.md have the same names and defaults.

use std::collections::BTreeSet;

use signalbox::settings::{Invalid, Settings};

const WRANGLER: &str = include_str!("../../wrangler.toml");
const SECRET: &str = "a secret of 32 or more characters";
const DOCUMENT: &str = include_str!("../../docs/configuration.md");

/// The `[vars]` of wrangler.toml, as names and texts.
fn vars() -> Vec<(&'static str, &'static str)> {
    let (_, vars) = WRANGLER.split_once("\n[vars]\n").expect("[vars]");
    let lines = vars.lines().take_while(|line| !line.is_empty());
    let text = |value: &'static str| {
        let quote = value.chars().next().expect("a text");
        value[1..].split_once(quote).expect("its end").0
    };
    lines
        .map(|line| line.split_once(" = ").expect("a variable"))
        .map(|(name, value)| (name, text(value)))
        .collect()
}

pub fn configure(vars: &[(&str, &str)]) -> Result<Settings, Vec<Invalid>> {
    let of = |name: &str| vars.iter().find(|(variable, _)| *variable == name);
    Settings::default().configure(|name| of(name).map(|(_, text)| (*text).to_owned()))
}

fn shown(settings: &Settings) -> String {
    format!("{settings:?}")
}

#[test]
fn wrangler_toml_states_every_default() {
    let names: Vec<_> = vars().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, Settings::variables(false).collect::<Vec<_>>());
    let settings = configure(&vars()).expect("valid settings");
    assert_eq!(shown(&settings), shown(&Settings::default()));
}

#[test]
fn the_document_states_every_default() {
    let (_, table) = DOCUMENT
        .split_once("| variable | default | what |\n|---|---|---|\n")
        .expect("the table");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let cells = rows.map(|row| {
        row.split(" | ")
            .map(|cell| cell.trim_matches(['|', ' ', '`']))
    });
    let stated: Vec<_> = cells
        .map(|mut cells| {
            (
                cells.next().unwrap_or_default(),
                cells.next().unwrap_or_default(),
            )
        })
        .collect();
    let expected: Vec<_> = vars()
        .into_iter()
        .map(|(name, text)| match name {
            "ICE_SERVERS" => (name, "Cloudflare's STUN"),
            _ if text.is_empty() => (name, "none"),
            _ => (name, text),
        })
        .collect();
    assert_eq!(stated, expected);
    let (_, table) = DOCUMENT
        .split_once("| secret | what |\n|---|---|\n")
        .expect("the table of secrets");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let stated: Vec<_> = rows.filter_map(|row| row.split('`').nth(1)).collect();
    assert_eq!(stated, Settings::variables(true).collect::<Vec<_>>());
}

/// A secret in wrangler.toml would be published with the repository.
#[test]
fn no_secret_is_in_wrangler_toml() {
    for secret in Settings::variables(true) {
        assert!(!WRANGLER.contains(&format!("{secret} =")), "{secret}");
    }
}

#[test]
fn every_variable_changes_a_setting_of_its_own() {
    let coturn = [("TURN_URLS", "turn:a"), ("TURN_SECRET", "s")];
    let cloudflare = [
        ("CLOUDFLARE_TURN_KEY_ID", "k"),
        ("CLOUDFLARE_TURN_TOKEN", "t"),
    ];
    let webhook = [
        ("WEBHOOK_URL", "https://a.example"),
        ("WEBHOOK_SECRET", SECRET),
    ];
    // Each variable with the others that it needs.
    let changes: [(&str, &str, &[_]); 39] = [
        ("ALLOWED_ORIGINS", "https://a.example", &[]),
        ("PING_INTERVAL_MS", "100", &[]),
        ("PING_TIMEOUT_MS", "3600000", &[]),
        ("RECOVERY_MS", "0", &[]),
        ("RETENTION", "7d", &[]),
        ("REVISION_3", "off", &[]),
        ("MAX_PAYLOAD", "131073", &[]),
        ("MAX_PEERS", "1", &[]),
        ("MAX_SOCKETS", " 99 ", &[]),
        ("MAX_SESSIONS", "32768", &[]),
        ("MAX_DESCRIPTION", "1024", &[]),
        ("MAX_CANDIDATE", "256", &[]),
        ("MAX_MESSAGE", "1", &[]),
        ("MAX_NAME", "16", &[]),
        ("CHAT_HISTORY", "0", &[]),
        ("MAX_WAITING", "0", &[]),
        ("WRONG_PASSWORDS", "1", &[]),
        ("SIGNAL_RATE", "1/2", &[]),
        ("CHAT_RATE", "1/2", &[]),
        ("CONTROL_RATE", "1/2", &[]),
        (
            "ICE_SERVERS",
            r#"[{"urls":["stun:a","turns:b"],"username":"u","credential":"c"}]"#,
            &[],
        ),
        ("TURN_URLS", "turn:b, turns:c:443?transport=tcp", &coturn),
        ("CLOUDFLARE_TURN_KEY_ID", "other", &cloudflare),
        ("CLOUDFLARE_TURN_API", "http://127.0.0.1:9", &cloudflare),
        ("TURN_TTL_S", "172800", &[]),
        ("TOKENS", "required", &[("TOKEN_SECRET", SECRET)]),
        ("MAX_TOKEN_LIFE", "12h", &[]),
        ("DIALECT", "codelab", &[]),
        ("DIALECTS", r#"{"mine": {"on": {}}}"#, &[]),
        ("WEBHOOK_URL", "https://b.example/hook", &webhook),
        ("WEBHOOK_CHAT", "on", &webhook),
        ("LOCATION", "weur", &[]),
        ("JURISDICTION", " eu ", &[]),
        ("TOKEN_SECRET", SECRET, &[]),
        ("TOKEN_SECRET_OLD", SECRET, &[("TOKEN_SECRET", SECRET)]),
        ("API_TOKEN", "0123456789abcdef", &[]),
        ("TURN_SECRET", "other", &coturn),
        ("CLOUDFLARE_TURN_TOKEN", "other", &cloudflare),
        (
            "WEBHOOK_SECRET",
            "fedcba9876543210fedcba9876543210",
            &webhook,
        ),
    ];
    let variables = Settings::variables(false).chain(Settings::variables(true));
    assert_eq!(
        changes.map(|(name, ..)| name).to_vec(),
        variables.collect::<Vec<_>>()
    );
    let mut seen: BTreeSet<_> = [&[][..], &coturn, &cloudflare, &webhook]
        .map(|vars| shown(&configure(vars).expect("valid")))
        .into();
    for (name, text, others) in changes {
        let mut vars = vec![(name, text)]; // if a name is repeated, the first value counts
        vars.extend(others);
        let settings = configure(&vars).expect(name);
        assert!(seen.insert(shown(&settings)), "{name} changes nothing");
    }
    let settings = configure(&[("MAX_PAYLOAD", "66560"), ("RECOVERY_MS", "5")]).expect("valid");
    assert_eq!(
        (
            settings.engine.max_payload,
            settings.room.limits.max_payload
        ),
        (66_560, 66_560)
    );
    assert_eq!(
        settings
            .socket
            .recovery
            .expect("recovery")
            .window
            .as_millis(),
        5
    );
}

#[test]
fn required_tokens_need_a_secret() {
    let invalid = configure(&[("TOKENS", "required")]).expect_err("no secret");
    assert_eq!(invalid[0].name, "TOKEN_SECRET");
    assert!(invalid[0].found.contains("it is missing"));
    let settings = configure(&[("TOKENS", "required"), ("TOKEN_SECRET", SECRET)]);
    assert!(settings.expect("valid settings").room.tokens.required);
}

/// The old secret is only valid beside a new one.
#[test]
fn an_old_secret_needs_a_new_one() {
    let invalid = configure(&[("TOKEN_SECRET_OLD", SECRET)]).expect_err("no secret");
    assert_eq!(invalid[0].name, "TOKEN_SECRET");
    assert_eq!(
        invalid[0].found,
        "it is missing, and TOKEN_SECRET_OLD is set"
    );
}

/// White space around a secret is ignored.
#[test]
fn secrets_are_trimmed() {
    let secret = |text: &str| {
        let settings = configure(&[("TOKEN_SECRET", text)]).expect("valid");
        settings.room.tokens.secret.expect("a secret")
    };
    assert!(secret(SECRET) == secret(&format!(" {SECRET}\n")));
    let blank = " ".repeat(40);
    configure(&[("TOKEN_SECRET", blank.as_str())]).expect_err("nothing but white space");
}

/// An empty `API_TOKEN` turns the API off. An empty `TOKEN_SECRET` is an error, because without it
/// tokens are not checked.
#[test]
fn empty_secrets() {
    for text in ["", " ", "\n"] {
        let settings = configure(&[("API_TOKEN", text)]).expect("valid");
        assert!(settings.api_token.is_none());
        configure(&[("TOKEN_SECRET", text)]).expect_err("no secret");
    }
}

/// The tables of dialects, and the name of the default dialect, are checked when the deployment
/// starts.
#[test]
fn dialects() {
    let mine = r#"{"mine": {"on": {"x": [{"emit": "y", "to": "$target"}]}}}"#;
    let place = "mine: on.x[0].to: there is no $target; did you mean $0.target?";
    for (vars, part) in [
        (&[("DIALECTS", mine)][..], place),
        (
            &[("DIALECTS", "{")],
            "it is not JSON: EOF while parsing an object at line 1 column 1",
        ),
        (&[("DIALECTS", "[]")], "it is no object of tables"),
        (
            &[("DIALECTS", r#"{"a/b": {"on": {}}}"#)],
            "\"a/b\" cannot be a dialect's name",
        ),
        (
            &[("DIALECTS", r#"{"room": {"on": {}}}"#)],
            "\"room\" cannot be a dialect's name",
        ),
        (
            &[("DIALECT", "codlab")],
            "there is no dialect \"codlab\"; did you mean \"codelab\"? There are: ",
        ),
        (
            &[("DIALECT", "zzzzzz")],
            "there is no dialect \"zzzzzz\". There are: ",
        ),
    ] {
        let invalid = configure(vars).expect_err(part);
        let [invalid] = &invalid[..] else {
            panic!("not one: {invalid:?}");
        };
        assert!(invalid.to_string().contains(part), "{invalid}");
    }
    let mine = r#"{"mine": {"on": {}}, "codelab": {"about": "my own", "on": {}}}"#;
    let settings = configure(&[("DIALECTS", mine), ("DIALECT", "mine")]).expect("valid");
    assert_eq!(settings.dialects.default_name(), Some("mine"));
    let about = |name| {
        settings
            .dialects
            .table(name)
            .map(|table| table.about().to_owned())
    };
    assert_eq!(
        about("codelab").as_deref(),
        Some("my own"),
        "the deployment's table comes first"
    );
    assert!(about("mine").is_some() && about("nextjs").is_some() && about("none").is_none());
    let native = configure(&[("DIALECT", "room")]).expect("valid");
    assert_eq!(native.dialects.default_name(), None);
}
