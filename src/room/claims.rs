//! The claims of a token. Each is checked when it is read, so that an error can name it.

use std::fmt;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::token::Flaw;
use crate::socket::Json;

/// Claims, or the fields of a header, by their names, in the order of the token.
pub(super) struct Claims(Vec<(String, Json)>);

impl Claims {
    /// A claim that is a text; `null` counts as missing.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, Flaw> {
        self.get(name, "has to be a text")
    }

    /// A claim that is a time, in seconds since 1970; `null` counts as missing.
    pub(super) fn time(&self, name: &'static str) -> Result<Option<f64>, Flaw> {
        self.get(name, "has to be a number of seconds since 1970")
    }

    /// Whether there is such a field, of any value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    fn get<T: DeserializeOwned>(
        &self,
        name: &'static str,
        form: &'static str,
    ) -> Result<Option<T>, Flaw> {
        let mut claims = self.0.iter().filter(|(known, _)| known == name);
        let Some((_, value)) = claims.next() else {
            return Ok(None);
        };
        if claims.next().is_some() {
            return Err(Flaw::Claim(name, "is there twice"));
        }
        value.read::<Option<T>>().ok_or(Flaw::Claim(name, form))
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Claims;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of claims")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claims, A::Error> {
                let mut claims = Vec::new();
                while let Some(claim) = map.next_entry()? {
                    claims.push(claim);
                }
                Ok(Claims(claims))
            }
        }

        deserializer.deserialize_map(All)
    }
}
