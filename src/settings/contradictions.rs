//! Settings that contradict each other.

use super::variables::{DIALECT, TOKEN_SECRET};
use super::{Invalid, Settings};
use crate::dialect::Dialects;
use crate::room::config::TokenSecret;
use crate::room::signal::WRAPPING_BYTES;

/// The maximum size of a character in JSON: `\ud83d\ude00`, as Python writes it.
const CHARACTER_BYTES: usize = 12;

impl Settings {
    /// The settings that contradict other settings.
    pub(super) fn contradictions(&self) -> Vec<Invalid> {
        let tokens = self.token_contradiction();
        let dialect = self.dialect_contradiction();
        let limits = self.limit_contradictions();
        tokens.into_iter().chain(dialect).chain(limits).collect()
    }

    fn token_contradiction(&self) -> Option<Invalid> {
        let tokens = &self.room.tokens;
        let other = if tokens.required {
            "TOKENS is \"required\""
        } else if tokens.old_secret.is_some() {
            "TOKEN_SECRET_OLD is set"
        } else {
            return None;
        };
        tokens.secret.is_none().then(|| Invalid {
            name: TOKEN_SECRET,
            found: format!("it is missing, and {other}"),
            form: format!("{}, as {other}", TokenSecret::FORM),
            secret: true,
        })
    }

    fn dialect_contradiction(&self) -> Option<Invalid> {
        let found = self.dialects.check_default().err()?;
        Some(Invalid {
            name: DIALECT,
            form: format!("{}: {found}", Dialects::NAME_FORM),
            found,
            secret: false,
        })
    }

    /// The limits that must not exceed other limits.
    fn limit_contradictions(&self) -> impl Iterator<Item = Invalid> {
        let limits = &self.room.limits;
        let content = limits.max_payload.saturating_sub(WRAPPING_BYTES);
        let in_payload = "1024 less than MAX_PAYLOAD";
        let in_json = "a twelfth of (MAX_PAYLOAD - 1024): JSON may take 12 bytes for a character";
        let pairs = [
            ("MAX_DESCRIPTION", limits.description, content, in_payload),
            ("MAX_CANDIDATE", limits.candidate, content, in_payload),
            (
                "MAX_MESSAGE",
                limits.chat,
                content / CHARACTER_BYTES,
                in_json,
            ),
            ("MAX_NAME", limits.name, content / CHARACTER_BYTES, in_json),
            ("MAX_PEERS", limits.peers, limits.sockets, "MAX_SOCKETS"),
            (
                "MAX_SOCKETS",
                limits.sockets,
                self.engine.max_sessions,
                "MAX_SESSIONS",
            ),
        ];
        let wrong = pairs.into_iter().filter(|(_, set, most, _)| set > most);
        wrong.map(|(name, set, most, other)| Invalid {
            name,
            found: format!("it is {set}"),
            form: format!("at most {most}, {other}"),
            secret: false,
        })
    }
}
