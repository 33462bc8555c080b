//! Tokens: signed statements about who may enter this room, with which name and role.
//!
//! A token is a JWT (RFC 7519), signed with HMAC-SHA-256: `{room, exp, sub?, ref?, name?, role?, nbf?}`.

use std::fmt;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::claims::Claims;
use super::error::{Code, Error};
use super::name::RoomName;
use crate::base64;
use crate::engine::Handshake;
use crate::socket::Json;
use crate::time::Timestamp;

/// How much the signer's clock may differ from this one.
const SKEW: Duration = Duration::from_secs(60);

/// A time of this value or more was meant in milliseconds: in seconds it would be in the year 5138.
const MILLISECONDS: f64 = 1e11;

/// The longest reference, in characters; a longer one is cut.
const REFERENCE: usize = 128;

/// The secret that signs tokens. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSecret(String);

/// Whether tokens are required, and how they are checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// The secret. Without it, tokens are ignored.
    pub secret: Option<TokenSecret>,
    /// The previous secret: tokens that it signed stay valid while the operator changes the secret.
    pub old_secret: Option<TokenSecret>,
    /// Whether a client without a token is refused.
    pub required: bool,
    /// The longest time for which a token may still be valid; `None` for any time.
    pub longest: Option<Duration>,
}

/// The fields of `auth` that a client may send when it connects.
#[derive(Deserialize)]
struct Auth {
    token: Option<String>,
}

/// A client that is refused.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The error that it gets.
    pub(crate) error: Error,
    /// Its reference, if the token's signature is valid.
    pub(crate) reference: Option<String>,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self {
            error,
            reference: None,
        }
    }
}

impl Refused {
    fn new(flaw: Flaw, reference: Option<String>) -> Self {
        Self {
            error: Error::new(Code::BadToken, flaw.to_string()).because(flaw.reason()),
            reference,
        }
    }
}

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    Missing,
    NoJwt,
    Algorithm,
    Signature,
    /// The name of a claim, and what is wrong with it.
    Claim(&'static str, &'static str),
    OtherRoom,
    Expired,
    NotYet,
    TooLong,
}

impl Flaw {
    /// One word, for programs.
    fn reason(self) -> String {
        match self {
            Self::Missing => "missing",
            Self::NoJwt => "no-jwt",
            Self::Algorithm => "algorithm",
            Self::Signature => "signature",
            Self::Claim(name, _) => return format!("claim-{name}"),
            Self::OtherRoom => "other-room",
            Self::Expired => "expired",
            Self::NotYet => "not-yet-valid",
            Self::TooLong => "too-long",
        }
        .to_owned()
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self {
            Self::Missing => return f.write_str("a client needs a token here, as auth: { token }"),
            Self::NoJwt => "it is no JWT",
            Self::Algorithm => "it is not signed with HS256",
            Self::Signature => "its signature is wrong",
            Self::Claim(name, flaw) => {
                return write!(f, "this token does not let you in: its {name} {flaw}");
            }
            Self::OtherRoom => "it is for another room",
            Self::Expired => "it has expired",
            Self::NotYet => "it is not valid yet",
            Self::TooLong => "it is valid for longer than MAX_TOKEN_LIFE",
        };
        write!(f, "this token does not let you in: {why}")
    }
}

impl Tokens {
    /// The content of a client's token, if it has one. The token is in `auth`, or in the query of the
    /// URL.
    ///
    /// # Errors
    ///
    /// Why the client is refused.
    pub(crate) fn admit(
        &self,
        now: Timestamp,
        room: &RoomName,
        auth: Option<&Json>,
        handshake: &Handshake,
    ) -> Result<Option<Pass>, Refused> {
        let auth: Option<Auth> = auth.and_then(Json::read);
        let token = auth.and_then(|auth| auth.token);
        // Clients of Socket.IO 1 and 2 have no `auth`.
        let token = token.as_deref().or_else(|| handshake.parameter("token"));
        match (&self.secret, token) {
            (Some(_), Some(token)) => {
                let claims = self
                    .claims(token)
                    .map_err(|flaw| Refused::new(flaw, None))?;
                let reference = reference(&claims);
                let pass = self.pass(now, room, &claims, reference.clone());
                pass.map(Some).map_err(|flaw| Refused::new(flaw, reference))
            }
            _ if self.required => Err(Refused::new(Flaw::Missing, None)),
            _ => Ok(None),
        }
    }

    /// The claims of a token whose signature is valid.
    fn claims(&self, token: &str) -> Result<Claims, Flaw> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Flaw::NoJwt)?;
        let (header, claims) = signed.split_once('.').ok_or(Flaw::NoJwt)?;
        // The server decides about the algorithm, not the token.
        let header: Claims = decode(header).ok_or(Flaw::NoJwt)?;
        let algorithm = header.text("alg").ok().flatten().ok_or(Flaw::NoJwt)?;
        // No extension that `crit` could list is known.
        if algorithm != "HS256" || header.has("crit") {
            return Err(Flaw::Algorithm);
        }
        let signature = base64::decode(signature);
        let mut secrets = [&self.secret, &self.old_secret].into_iter().flatten();
        if !secrets.any(|secret| secret.signed(signed, &signature)) {
            return Err(Flaw::Signature);
        }
        decode(claims).ok_or(Flaw::NoJwt)
    }

    /// The content of these claims, if they are valid for this room now.
    fn pass(
        &self,
        now: Timestamp,
        room: &RoomName,
        claims: &Claims,
        reference: Option<String>,
    ) -> Result<Pass, Flaw> {
        let for_room = claims.text("room")?;
        let for_room = for_room.ok_or(Flaw::Claim("room", "is missing"))?;
        let exp = claims.time("exp")?;
        let exp = exp.ok_or(Flaw::Claim("exp", "is missing"))?;
        let nbf = claims.time("nbf")?;
        for (name, time) in [("exp", Some(exp)), ("nbf", nbf)] {
            if time.is_some_and(|time| time >= MILLISECONDS) {
                return Err(Flaw::Claim(
                    name,
                    "is in milliseconds: it has to be in seconds",
                ));
            }
        }
        let pass = Pass {
            sub: claims.text("sub")?,
            reference,
            name: claims.text("name")?,
            host: is_host(claims.text("role")?.as_deref())?,
        };
        claims.text("ref")?;
        if RoomName::parse(&for_room).as_ref() != Ok(room) {
            return Err(Flaw::OtherRoom);
        }
        let now = Duration::from_millis(now.as_millis()).as_secs_f64();
        let skew = SKEW.as_secs_f64();
        if exp + skew <= now {
            return Err(Flaw::Expired);
        }
        if nbf.is_some_and(|nbf| nbf - skew > now) {
            return Err(Flaw::NotYet);
        }
        let longest = self.longest.map(|longest| longest.as_secs_f64());
        if longest.is_some_and(|longest| exp - now > longest + skew) {
            return Err(Flaw::TooLong);
        }
        Ok(pass)
    }
}

/// Whether a role is that of the host. All other roles are guests. A misspelt `host` is an error:
/// its client was probably not meant to be a guest.
fn is_host(role: Option<&str>) -> Result<bool, Flaw> {
    let role = role.unwrap_or_default();
    if role != "host" && role.trim().eq_ignore_ascii_case("host") {
        return Err(Flaw::Claim("role", "has to be written \"host\""));
    }
    Ok(role == "host")
}

/// The text by which operators find a client: the `ref` of its token, or its `sub`.
fn reference(claims: &Claims) -> Option<String> {
    let text = |name| claims.text(name).ok().flatten();
    let reference = text("ref").or_else(|| text("sub"))?;
    Some(reference.chars().take(REFERENCE).collect())
}

/// The content of a valid token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pass {
    /// The subject: who the token is for.
    pub(super) sub: Option<String>,
    /// The text by which operators find the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<String>,
    /// The client's name, which it cannot change.
    pub(super) name: Option<String>,
    /// Whether the client is host.
    pub(super) host: bool,
}

impl TokenSecret {
    /// The form of a secret, for error messages.
    pub const FORM: &str = "32 or more bytes: `openssl rand -base64 48` prints good ones";

    /// `None` if `text` is invalid: a short secret could be guessed. White space around the secret is
    /// removed, because people paste such white space together with a secret without noticing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        (text.len() >= 32).then(|| Self(text.to_owned()))
    }

    /// Whether this is the signature of a text.
    fn signed(&self, text: &str, signature: &[u8]) -> bool {
        let hmac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes());
        hmac.is_ok_and(|hmac| hmac.chain_update(text).verify_slice(signature).is_ok())
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
