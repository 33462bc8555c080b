//! Settings that contradict each other: docs/configuration.md says so, too.

use signalbox::settings::Settings;

use crate::configuration::configure;

const DOCUMENT: &str = include_str!("../../docs/configuration.md");
const SECRET: &str = "a secret of 32 or more bytes, or so";

/// The row of a variable in one of the document's tables.
fn row(name: &str) -> &'static str {
    let start = format!("| `{name}` |");
    let mut lines = DOCUMENT.lines();
    lines
        .find(|line| line.starts_with(&start))
        .unwrap_or_else(|| panic!("no row of {name}"))
}

/// If the error about one variable names other variables, the document names the two together: in the row of the
/// refused variable, or in the row of the other one.
#[test]
fn the_document_has_every_contradiction() {
    for vars in [
        &[("MAX_PAYLOAD", "66559")][..],
        &[("MAX_CANDIDATE", "130049")],
        &[("MAX_MESSAGE", "10838")],
        &[
            ("MAX_NAME", "1024"),
            ("MAX_PAYLOAD", "13000"),
            ("MAX_DESCRIPTION", "1024"),
            ("MAX_MESSAGE", "1"),
        ],
        &[("MAX_SOCKETS", "7")],
        &[("MAX_SESSIONS", "99")],
        &[("TOKENS", "required")],
        &[("TOKEN_SECRET_OLD", SECRET)],
        &[("TURN_URLS", "turn:a")],
        &[("TURN_SECRET", "s")],
        &[("CLOUDFLARE_TURN_KEY_ID", "k")],
        &[("CLOUDFLARE_TURN_TOKEN", "t")],
        &[
            ("TURN_URLS", "turn:a"),
            ("TURN_SECRET", "s"),
            ("CLOUDFLARE_TURN_KEY_ID", "k"),
            ("CLOUDFLARE_TURN_TOKEN", "t"),
        ],
        &[("WEBHOOK_URL", "https://example.com")],
    ] {
        let invalid = configure(vars).expect_err("a contradiction");
        assert_eq!(invalid.len(), 1, "{invalid:?}");
        let said = invalid[0].to_string();
        let words: Vec<&str> = said
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .collect();
        let known = Settings::variables(false).chain(Settings::variables(true));
        let others: Vec<&str> = known
            .filter(|name| words.contains(name) && *name != invalid[0].name)
            .collect();
        assert!(!others.is_empty(), "{said}");
        for other in others {
            let has = |row: &str, name: &str| row.contains(&format!("`{name}`"));
            assert!(
                has(row(invalid[0].name), other) || has(row(other), invalid[0].name),
                "docs/configuration.md lacks: {said}"
            );
        }
    }
}
