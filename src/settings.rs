//! All settings, and the one table of the variables that name them.

mod turn;
mod webhook;

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::de::IgnoredAny;

use crate::admission::{ApiToken, Origins};
use crate::dialect::Dialects;
use crate::room::config::TokenSecret;
use crate::room::signal::WRAPPING_BYTES;
use crate::room::{Rate, ice};
use crate::socket::{self, Json};
use crate::{engine, room};
use turn::Turn;
use webhook::Webhook;

/// The settings of every layer.
#[derive(Debug, Default)]
pub struct Settings {
    /// The engine's.
    pub engine: engine::Config,
    /// The server's.
    pub socket: socket::Config,
    /// The room's.
    pub room: room::Config,
    /// The dialects.
    pub dialects: Dialects,
    /// Whose pages may connect.
    pub origins: Origins,
    /// What operators show; without it nobody is one.
    pub api_token: Option<ApiToken>,
}

/// A variable whose value is none.
#[derive(Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The variable.
    pub name: &'static str,
    /// What is wrong with its value.
    pub found: String,
    /// What its value may be.
    pub form: String,
    /// Whether it is a secret.
    pub secret: bool,
}

/// What a variable may be, and where it goes.
enum Kind {
    /// A whole number of this range.
    Whole(RangeInclusive<u64>, fn(&mut Settings, u64)),
    /// A text of this form; an error says what is wrong with another.
    Text(&'static str, fn(&mut Settings, &str) -> Result<(), String>),
    /// Tables of dialects. What is wrong with them is told with the form: they are no secret.
    Tables(fn(&mut Settings, &str) -> Result<(), String>),
    /// A text that is kept out of `wrangler.toml`. What is wrong with it is told without quoting it.
    Secret(&'static str, fn(&mut Settings, &str) -> Result<(), String>),
    /// A text about relays, which count together.
    Turn(&'static str, fn(&mut Turn, &str) -> Result<(), String>),
    /// A secret about relays.
    TurnSecret(&'static str, fn(&mut Turn, &str) -> Result<(), String>),
    /// A text about webhooks, and a secret.
    Webhook(&'static str, fn(&mut Webhook, &str) -> Result<(), String>),
    WebhookSecret(&'static str, fn(&mut Webhook, &str) -> Result<(), String>),
}

impl Kind {
    fn is_secret(&self) -> bool {
        matches!(
            self,
            Self::Secret(..) | Self::TurnSecret(..) | Self::WebhookSecret(..)
        )
    }
}

const DIALECTS: &str = "DIALECTS";

const TOKEN_SECRET: &str = "TOKEN_SECRET";

const HOUR: u64 = 3_600_000;

/// The largest packet. The platform stores 2 MB in a row: that is enough for such a packet
/// in base64, which is a third longer, and what is stored with it.
const PAYLOAD_BYTES: u64 = 1_000_000;

/// The most bytes that a character takes in JSON: `\ud83d\ude00`, as Python writes it.
const CHARACTER_BYTES: usize = 12;

/// The longest retention but for ever: ten years, in seconds.
const RETENTION_S: u64 = 3650 * 86_400;

/// As many sockets as the platform gives an object.
const SOCKETS: u64 = 32_768;

/// Every variable, in the order of `wrangler.toml` and the README.
const VARIABLES: [(&str, Kind); 35] = [
    (
        "ALLOWED_ORIGINS",
        Kind::Text(Origins::FORM, |settings, text| {
            settings.origins =
                Origins::parse(text).map_err(|entry| format!("{entry:?} is no origin"))?;
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
                settings.socket.retention = retention(text)?;
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
                _ => return Err(format!("{text:?} is neither")),
            };
            Ok(())
        }),
    ),
    (
        // Below the smallest there is no room for a description.
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
        // Less than a minute would not last until a call is up; Cloudflare allows 48 hours.
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
                _ => return Err(format!("{text:?} is neither")),
            };
            Ok(())
        }),
    ),
    (
        "DIALECT",
        Kind::Text(Dialects::NAME_FORM, |settings, text| {
            settings.dialects.set_default(text); // checked when all tables are known
            Ok(())
        }),
    ),
    (
        DIALECTS,
        Kind::Tables(|settings, text| settings.dialects.set_own(text)),
    ),
    ("WEBHOOK_URL", Kind::Webhook(Webhook::URL, Webhook::set_url)),
    (
        "WEBHOOK_CHAT",
        Kind::Webhook(Webhook::CHAT, Webhook::set_chat),
    ),
    (
        TOKEN_SECRET,
        Kind::Secret(TokenSecret::FORM, |settings, text| {
            settings.room.tokens.secret = Some(TokenSecret::parse(text).ok_or("it is none")?);
            Ok(())
        }),
    ),
    (
        "API_TOKEN",
        Kind::Secret(ApiToken::FORM, |settings, text| {
            settings.api_token = Some(ApiToken::parse(text).ok_or("it is none")?);
            settings.room.listed = true; // nobody else could ask
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

impl Settings {
    /// The names of all variables: those in `wrangler.toml` or, if `secret`, those that are not.
    pub fn variables(secret: bool) -> impl Iterator<Item = &'static str> {
        let variables = VARIABLES.into_iter();
        let of_this_kind = move |kind: &Kind| kind.is_secret() == secret;
        variables.filter_map(move |(name, kind)| of_this_kind(&kind).then_some(name))
    }

    /// These settings, with what `read` knows of the variables in place of their own.
    ///
    /// # Errors
    ///
    /// All variables whose values are none.
    pub fn configure(
        mut self,
        read: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Vec<Invalid>> {
        let mut invalid = Vec::new();
        let (mut turn, mut webhook) = (Turn::default(), Webhook::default());
        for (name, kind) in VARIABLES {
            let Some(text) = read(name) else { continue };
            let secret = kind.is_secret();
            let (form, done) = match kind {
                Kind::Whole(range, set) => {
                    let number = text.trim().parse().ok();
                    let number = number.filter(|number| range.contains(number));
                    let done = number.map(|number| set(&mut self, number));
                    let (from, to) = range.into_inner();
                    (
                        format!("a whole number from {from} to {to}"),
                        done.ok_or_else(|| format!("{text:?} is none")),
                    )
                }
                Kind::Text(form, set) | Kind::Secret(form, set) => {
                    (form.to_owned(), set(&mut self, &text))
                }
                Kind::Tables(set) => match set(&mut self, &text) {
                    Ok(()) => (String::new(), Ok(())),
                    Err(found) => (format!("{}: {found}", Dialects::FORM), Err(found)),
                },
                Kind::Turn(form, set) | Kind::TurnSecret(form, set) => {
                    (form.to_owned(), set(&mut turn, &text))
                }
                Kind::Webhook(form, set) | Kind::WebhookSecret(form, set) => {
                    (form.to_owned(), set(&mut webhook, &text))
                }
            };
            if let Err(found) = done {
                invalid.push(Invalid {
                    name,
                    found,
                    form,
                    secret,
                });
            }
        }
        let tokens = &self.room.tokens;
        if invalid.is_empty() && tokens.required && tokens.secret.is_none() {
            invalid.push(Invalid {
                name: TOKEN_SECRET,
                found: "it is missing, and TOKENS is \"required\"".to_owned(),
                form: TokenSecret::FORM.to_owned(),
                secret: true,
            });
        }
        if invalid.is_empty()
            && let Err(found) = self.dialects.check_default()
        {
            invalid.push(Invalid {
                name: "DIALECT",
                form: format!("{}: {found}", Dialects::NAME_FORM),
                found,
                secret: false,
            });
        }
        if invalid.is_empty() {
            invalid.extend(self.contradictions());
        }
        if invalid.is_empty() {
            match turn.relay() {
                Ok(None) => {}
                Ok(relay) => self.room.ice.relay = relay,
                Err(contradiction) => invalid.push(contradiction),
            }
        }
        if invalid.is_empty() {
            match webhook.setting() {
                Ok(None) => {}
                Ok(webhook) => self.room.webhook = webhook,
                Err(contradiction) => invalid.push(contradiction),
            }
        }
        if invalid.is_empty() {
            Ok(self)
        } else {
            Err(invalid)
        }
    }

    /// Limits that could never be met, as others are below them.
    fn contradictions(&self) -> impl Iterator<Item = Invalid> {
        let limits = &self.room.limits;
        let content = limits.max_payload.saturating_sub(WRAPPING_BYTES);
        let pairs = [
            (
                "MAX_DESCRIPTION",
                limits.description,
                content,
                "1024 less than MAX_PAYLOAD",
            ),
            (
                "MAX_CANDIDATE",
                limits.candidate,
                content,
                "1024 less than MAX_PAYLOAD",
            ),
            (
                "MAX_MESSAGE",
                limits.chat,
                content / CHARACTER_BYTES,
                "a twelfth of what is 1024 less than MAX_PAYLOAD: JSON may take 12 bytes for a character",
            ),
            ("MAX_PEERS", limits.peers, limits.sockets, "MAX_SOCKETS"),
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

/// Without the value, which strangers may see.
impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = if self.secret {
            ("the secret ", "")
        } else {
            ("", " in wrangler.toml")
        };
        write!(f, "{before}{}{after} has to be {}", self.name, self.form)
    }
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// How long; `None` is for ever.
fn retention(text: &str) -> Result<Option<Duration>, String> {
    let text = text.trim();
    if text == "forever" {
        return Ok(None);
    }
    let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("", 0)];
    let parsed = units.into_iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        // Only 0 goes without a unit.
        (seconds > 0 || number == 0).then(|| number.saturating_mul(seconds))
    });
    let seconds = parsed.filter(|seconds| *seconds <= RETENTION_S);
    let seconds = seconds.ok_or_else(|| format!("{text:?} is none"))?;
    Ok(Some(Duration::from_secs(seconds)))
}

fn rate(text: &str) -> Result<Rate, String> {
    Rate::parse(text).ok_or_else(|| format!("{text:?} is none"))
}

fn ice_servers(text: &str) -> Result<Vec<String>, String> {
    // This tells where it is none.
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| error.to_string())?;
    let servers = ice::servers(&Json::unread(text))?;
    let texts = servers.iter().map(|server| server.as_str().to_owned());
    Ok(texts.collect())
}
