//! Tokens: who may come in, as what, by the word of whoever knows the secret.
//!
//! A token is a JWT (RFC 7519), signed with HMAC-SHA-256: `{room, exp, sub?, name?, role?, nbf?}`.

use std::fmt;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::error::{Code, Error};
use super::name::RoomName;
use crate::base64;
use crate::socket::Json;
use crate::time::Timestamp;

/// How much the clock of whoever signs may differ from this one.
const SKEW: Duration = Duration::from_secs(60);

/// The secret that tokens are signed with. It does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSecret(String);

/// Whether tokens are needed, and how they are checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Without it no token is looked at.
    pub secret: Option<TokenSecret>,
    /// Whether only who has a token may come in.
    pub required: bool,
}

/// What a client may say of itself on connecting.
#[derive(Deserialize)]
struct Auth {
    token: Option<String>,
}

impl Tokens {
    /// What the token in this `auth` says, if there is one.
    ///
    /// # Errors
    ///
    /// Why its client is refused.
    pub(crate) fn admit(
        &self,
        now: Timestamp,
        room: &RoomName,
        auth: Option<&Json>,
    ) -> Result<Option<Pass>, Error> {
        let auth: Option<Auth> = auth.and_then(Json::read);
        match (&self.secret, auth.and_then(|auth| auth.token)) {
            (Some(secret), Some(token)) => {
                let refused = |why| {
                    let message = format!("this token does not let you in: {why}");
                    Error::new(Code::BadToken, message)
                };
                secret.verify(now, room, &token).map(Some).map_err(refused)
            }
            _ if self.required => {
                let message = "a client needs a token here, as auth: { token }";
                Err(Error::new(Code::BadToken, message))
            }
            _ => Ok(None),
        }
    }
}

/// What a token says of who has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pass {
    /// Who it is, whatever name it has and wherever it comes from.
    pub(super) sub: Option<String>,
    /// What it is called, whatever it calls itself.
    pub(super) name: Option<String>,
    /// Whether it is the host.
    pub(super) host: bool,
}

/// The header. What else it says is of no matter, but for what it says must be understood.
#[derive(Deserialize)]
struct Header {
    alg: String,
    crit: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    room: String,
    exp: f64,
    nbf: Option<f64>,
    sub: Option<String>,
    name: Option<String>,
    role: Option<String>,
}

impl TokenSecret {
    /// What a secret is, in words.
    pub const FORM: &str = "32 or more characters: `openssl rand -base64 48` prints good ones";

    /// `None` if `text` is none: one that is short could be guessed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() >= 32).then(|| Self(text.to_owned()))
    }

    /// What a token for this room says.
    ///
    /// # Errors
    ///
    /// Why it is none that counts.
    pub(super) fn verify(
        &self,
        now: Timestamp,
        room: &RoomName,
        token: &str,
    ) -> Result<Pass, &'static str> {
        let (signed, signature) = token.rsplit_once('.').ok_or("it is no JWT")?;
        let (header, claims) = signed.split_once('.').ok_or("it is no JWT")?;
        // Which algorithm is used is ours to say.
        let header: Header = decode(header).ok_or("it is no JWT")?;
        if header.alg != "HS256" || header.crit.is_some() {
            return Err("it is not signed with HS256");
        }
        let hmac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes());
        let hmac = hmac.map_err(|_| "the secret is none")?;
        hmac.chain_update(signed)
            .verify_slice(&base64::decode(signature))
            .map_err(|_| "its signature is wrong")?;
        let claims: Claims = decode(claims).ok_or("it has no room or no exp")?;
        if RoomName::parse(&claims.room).as_ref() != Ok(room) {
            return Err("it is for another room");
        }
        let now = Duration::from_millis(now.as_millis()).as_secs_f64();
        let skew = SKEW.as_secs_f64();
        if claims.exp + skew <= now {
            return Err("it has expired");
        }
        if claims.nbf.is_some_and(|nbf| nbf - skew > now) {
            return Err("it is not valid yet");
        }
        Ok(Pass {
            sub: claims.sub,
            name: claims.name,
            host: claims.role.as_deref() == Some("host"),
        })
    }
}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecret")
    }
}

fn decode<T: DeserializeOwned>(part: &str) -> Option<T> {
    let json = String::from_utf8(base64::decode(part)).ok()?;
    serde_json::from_str(&json).ok()
}
