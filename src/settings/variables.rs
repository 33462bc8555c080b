//! The table of all variables: the form of each, and the setting that it changes.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::de::IgnoredAny;

use super::Settings;
use super::place::{self, Place};
use super::turn::Turn;
use super::webhook::Webhook;
use crate::admission::{ApiToken, Origins};
use crate::dialect::Dialects;
use crate::room::config::TokenSecret;
use crate::room::{Rate, ice};
use crate::socket::{self, Json};

/// The form of a variable, and the function that applies it.
pub(super) enum Kind {
    /// A whole number in this range.
    Whole(RangeInclusive<u64>, fn(&mut Settings, u64)),
    /// A text of this form. The error says what is wrong.
    Text(&'static str, fn(&mut Settings, &str) -> Result<(), String>),
    /// The tables of dialects. Clients see the error, because the tables are not secret.
    Tables(fn(&mut Settings, &str) -> Result<(), String>),
    /// A secret text that is not in `wrangler.toml`. The error does not quote it.
    Secret(&'static str, fn(&mut Settings, &str) -> Result<(), String>),
    /// A text about TURN relays. These variables are combined later.
    Turn(&'static str, fn(&mut Turn, &str) -> Result<(), String>),
    /// A secret about TURN relays.
    TurnSecret(&'static str, fn(&mut Turn, &str) -> Result<(), String>),
    /// A text about webhooks. These variables are combined later.
    Webhook(&'static str, fn(&mut Webhook, &str) -> Result<(), String>),
    /// A secret about webhooks.
    WebhookSecret(&'static str, fn(&mut Webhook, &str) -> Result<(), String>),
}

impl Kind {
    pub(super) fn is_secret(&self) -> bool {
        matches!(
            self,
            Self::Secret(..) | Self::TurnSecret(..) | Self::WebhookSecret(..)
        )
    }
}

/// The names of variables that error messages mention.
pub(super) const DIALECT: &str = "DIALECT";
pub(super) const TOKEN_SECRET: &str = "TOKEN_SECRET";

const HOUR: u64 = 3_600_000;

/// The largest packet. The platform stores 2 MB in a row: enough for the packet in base64, which is
/// a third longer, and for the data that is stored with it.
const PAYLOAD_BYTES: u64 = 1_000_000;

/// The longest finite time: ten years, in seconds.
const LONGEST_S: u64 = 3650 * 86_400;

/// How many WebSocket connections the platform allows in an object.
const SOCKETS: u64 = 32_768;

/// Every variable, in the order of `wrangler.toml` and the documents.
pub(super) const VARIABLES: [(&str, Kind); 39] = [
    (
        "ALLOWED_ORIGINS",
        Kind::Text(Origins::FORM, |settings, text| {
            settings.origins =
                Origins::parse(text).map_err(|entry| format!("{entry:?} is not an origin"))?;
            Ok(())
        }),
    ),
    (
        "PING_INTERVAL_MS",
        Kind::Whole(100..=HOUR, |settings, number| {
            settings.engine.ping_interval = Duration::from_millis(number);
        }),
    ),
    (
        "PING_TIMEOUT_MS",
        Kind::Whole(100..=HOUR, |settings, number| {
            settings.engine.ping_timeout = Duration::from_millis(number);
        }),
    ),
    (
        "RECOVERY_MS",
        Kind::Whole(0..=24 * HOUR, |settings, number| {
            settings.socket.recovery = (number > 0).then(|| socket::Recovery {
                window: Duration::from_millis(number),
                ..socket::Recovery::default()
            });
        }),
    ),
    (
        "RETENTION",
        Kind::Text(
            r#"a number of seconds, minutes, hours or days, such as "24h", or "0" or "forever""#,
            |settings, text| {
                settings.socket.retention = time(text)?;
                Ok(())
            },
        ),
    ),
    (
        "REVISION_3",
        Kind::Text(r#""on" or "off""#, |settings, text| {
            settings.engine.revision_3 = match text {
                "on" => true,
                "off" => false,
                _ => return Err(format!("it is {text:?}")),
            };
            Ok(())
        }),
    ),
    (
        // A smaller packet could not hold a description.
        "MAX_PAYLOAD",
        Kind::Whole(2048..=PAYLOAD_BYTES, |settings, number| {
            settings.engine.max_payload = size(number);
            settings.room.limits.max_payload = size(number);
        }),
    ),
    (
        "MAX_PEERS",
        Kind::Whole(1..=SOCKETS, |settings, number| {
            settings.room.limits.peers = size(number);
        }),
    ),
    (
        "MAX_SOCKETS",
        Kind::Whole(1..=SOCKETS, |settings, number| {
            settings.room.limits.sockets = size(number);
        }),
    ),
    (
        "MAX_SESSIONS",
        Kind::Whole(1..=SOCKETS, |settings, number| {
            settings.engine.max_sessions = size(number);
        }),
    ),
    (
        "MAX_DESCRIPTION",
        Kind::Whole(1024..=PAYLOAD_BYTES, |settings, number| {
            settings.room.limits.description = size(number);
        }),
    ),
    (
        "MAX_CANDIDATE",
        Kind::Whole(256..=PAYLOAD_BYTES, |settings, number| {
            settings.room.limits.candidate = size(number);
        }),
    ),
    (
        "MAX_MESSAGE",
        Kind::Whole(1..=PAYLOAD_BYTES, |settings, number| {
            settings.room.limits.chat = size(number);
        }),
    ),
    (
        "MAX_NAME",
        Kind::Whole(16..=1024, |settings, number| {
            settings.room.limits.name = size(number);
        }),
    ),
    (
        "CHAT_HISTORY",
        Kind::Whole(0..=10_000, |settings, number| {
            settings.room.limits.history = size(number);
        }),
    ),
    (
        "MAX_WAITING",
        Kind::Whole(0..=10_000, |settings, number| {
            settings.room.limits.waiting = size(number);
        }),
    ),
    (
        "WRONG_PASSWORDS",
        Kind::Whole(1..=100, |settings, number| {
            settings.room.limits.wrong_passwords = size(number);
        }),
    ),
    (
        "SIGNAL_RATE",
        Kind::Text(Rate::FORM, |settings, text| {
            settings.room.limits.rates.signal = rate(text)?;
            Ok(())
        }),
    ),
    (
        "CHAT_RATE",
        Kind::Text(Rate::FORM, |settings, text| {
            settings.room.limits.rates.chat = rate(text)?;
            Ok(())
        }),
    ),
    (
        "CONTROL_RATE",
        Kind::Text(Rate::FORM, |settings, text| {
            settings.room.limits.rates.control = rate(text)?;
            Ok(())
        }),
    ),
    (
        "ICE_SERVERS",
        Kind::Text(
            r#"a JSON list of RTCIceServer, such as [{"urls":"stun:stun.example.com"}]"#,
            |settings, text| {
                settings.room.ice.servers = ice_servers(text)?;
                Ok(())
            },
        ),
    ),
    ("TURN_URLS", Kind::Turn(Turn::URLS, Turn::set_urls)),
    (
        "CLOUDFLARE_TURN_KEY_ID",
        Kind::Turn(Turn::KEY_ID, Turn::set_key_id),
    ),
    ("CLOUDFLARE_TURN_API", Kind::Turn(Turn::API, Turn::set_api)),
    (
        // Credentials of less than a minute may expire before a call is connected. Cloudflare
        // allows 48 hours.
        "TURN_TTL_S",
        Kind::Whole(60..=172_800, |settings, number| {
            settings.room.ice.ttl = number;
        }),
    ),
    (
        "TOKENS",
        Kind::Text(r#""optional" or "required""#, |settings, text| {
            settings.room.tokens.required = match text {
                "optional" => false,
                "required" => true,
                _ => return Err(format!("it is {text:?}")),
            };
            Ok(())
        }),
    ),
    (
        "MAX_TOKEN_LIFE",
        Kind::Text(
            r#"a number of seconds, minutes, hours or days, such as "12h", or "forever""#,
            |settings, text| {
                let longest = time(text)?;
                if longest.is_some_and(|longest| longest.is_zero()) {
                    return Err("it is 0".to_owned());
                }
                settings.room.tokens.longest = longest;
                Ok(())
            },
        ),
    ),
    (
        DIALECT,
        Kind::Text(Dialects::NAME_FORM, |settings, text| {
            settings.dialects.set_default(text); // checked when all tables are known
            Ok(())
        }),
    ),
    (
        "DIALECTS",
        Kind::Tables(|settings, text| settings.dialects.set_own(text)),
    ),
    ("WEBHOOK_URL", Kind::Webhook(Webhook::URL, Webhook::set_url)),
    (
        "WEBHOOK_CHAT",
        Kind::Webhook(Webhook::CHAT, Webhook::set_chat),
    ),
    (
        "LOCATION",
        Kind::Text(Place::LOCATION_FORM, |settings, text| {
            settings.place.location = place::find(&Place::LOCATIONS, text)?;
            Ok(())
        }),
    ),
    (
        "JURISDICTION",
        Kind::Text(Place::JURISDICTION_FORM, |settings, text| {
            settings.place.jurisdiction = place::find(&Place::JURISDICTIONS, text)?;
            Ok(())
        }),
    ),
    (
        TOKEN_SECRET,
        Kind::Secret(TokenSecret::FORM, |settings, text| {
            settings.room.tokens.secret = Some(token_secret(text)?);
            Ok(())
        }),
    ),
    (
        "TOKEN_SECRET_OLD",
        Kind::Secret(TokenSecret::FORM, |settings, text| {
            settings.room.tokens.old_secret = Some(token_secret(text)?);
            Ok(())
        }),
    ),
    (
        "API_TOKEN",
        Kind::Secret(ApiToken::FORM, |settings, text| {
            // An empty token turns the API off, like a missing one.
            settings.api_token = match text.trim() {
                "" => None,
                text => Some(ApiToken::parse(text).ok_or("it is invalid")?),
            };
            settings.room.listed = settings.api_token.is_some(); // only the API reads the list
            Ok(())
        }),
    ),
    (
        "TURN_SECRET",
        Kind::TurnSecret(Turn::SECRET, Turn::set_secret),
    ),
    (
        "CLOUDFLARE_TURN_TOKEN",
        Kind::TurnSecret(Turn::TOKEN, Turn::set_token),
    ),
    (
        "WEBHOOK_SECRET",
        Kind::WebhookSecret(Webhook::SECRET, Webhook::set_secret),
    ),
];

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Reads a time; `None` means forever.
fn time(text: &str) -> Result<Option<Duration>, String> {
    let text = text.trim();
    if text == "forever" {
        return Ok(None);
    }
    let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("", 0)];
    let parsed = units.into_iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        // Only 0 needs no unit.
        (seconds > 0 || number == 0).then(|| number.saturating_mul(seconds))
    });
    let seconds = parsed.filter(|seconds| *seconds <= LONGEST_S);
    let seconds = seconds.ok_or_else(|| format!("it is {text:?}"))?;
    Ok(Some(Duration::from_secs(seconds)))
}

fn rate(text: &str) -> Result<Rate, String> {
    Rate::parse(text).ok_or_else(|| format!("it is {text:?}"))
}

fn token_secret(text: &str) -> Result<TokenSecret, String> {
    TokenSecret::parse(text).ok_or_else(|| "it is invalid".to_owned())
}

fn ice_servers(text: &str) -> Result<Vec<String>, String> {
    // This error gives the position if the text is not JSON.
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| error.to_string())?;
    let servers = ice::servers(&Json::unread(text))?;
    let texts = servers.iter().map(|server| server.as_str().to_owned());
    Ok(texts.collect())
}
