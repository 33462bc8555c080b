//! All settings, and the variables that change them.

mod contradictions;
mod place;
mod turn;
mod unknown;
mod variables;
mod webhook;

use std::fmt;

use crate::admission::{ApiToken, Origins};
use crate::dialect::Dialects;
use crate::{engine, room, socket};
pub use place::Place;
use turn::Turn;
pub use unknown::unknown;
use variables::{Kind, VARIABLES};
use webhook::Webhook;

/// The settings of every layer.
#[derive(Debug, Default)]
pub struct Settings {
    /// Settings of the engine.
    pub engine: engine::Config,
    /// Settings of the Socket.IO server.
    pub socket: socket::Config,
    /// Settings of the room.
    pub room: room::Config,
    /// The configured dialects.
    pub dialects: Dialects,
    /// The origins whose pages may connect.
    pub origins: Origins,
    /// The operators' token; without it the API is off.
    pub api_token: Option<ApiToken>,
    /// Where the platform places rooms.
    pub place: Place,
}

/// An invalid variable.
#[derive(Debug, PartialEq, Eq)]
pub struct Invalid {
    /// Its name.
    pub name: &'static str,
    /// What is wrong with its value.
    pub found: String,
    /// The form of a valid value.
    pub form: String,
    /// Whether the variable is a secret.
    pub secret: bool,
}

impl Settings {
    /// The names of all secrets or, if `secret` is `false`, of all variables in `wrangler.toml`.
    pub fn variables(secret: bool) -> impl Iterator<Item = &'static str> {
        let variables = VARIABLES.into_iter();
        let of_this_kind = move |kind: &Kind| kind.is_secret() == secret;
        variables.filter_map(move |(name, kind)| of_this_kind(&kind).then_some(name))
    }

    /// Changes these settings as the variables say. `read` returns the value of a variable.
    ///
    /// # Errors
    ///
    /// All variables with an invalid value. If there are none: variables that contradict others.
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
                        done.ok_or_else(|| format!("it is {text:?}")),
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
}

/// Does not show `found`, because clients see this text. Only the forms of `DIALECT` and `DIALECTS`
/// quote a part of the value.
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
