//! The room's password.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::base64;

/// A password in the form in which it is stored: its HMAC-SHA-256 with a random salt.
///
/// A slow hash would protect a weak password from readers of the storage, but only the operator can
/// read the storage. A slow hash would also cost the operator money: it takes much processor time, and
/// any client could make the object compute it. Clients can only guess, so guesses are limited instead:
/// see [`Access::check`].
///
/// [`Access::check`]: super::access::Access::check
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Password {
    salt: String,
    digest: String,
}

impl Password {
    pub(super) fn new(text: &str, salt: &[u8]) -> Option<Self> {
        let mut digest = String::new();
        base64::encode(&hmac(salt, text)?.finalize().into_bytes(), &mut digest);
        let mut encoded = String::new();
        base64::encode(salt, &mut encoded);
        Some(Self {
            salt: encoded,
            digest,
        })
    }

    /// Whether this is the password. The time that this takes does not depend on how much of it is right.
    pub(super) fn is(&self, text: &str) -> bool {
        let digest = base64::decode(&self.digest);
        hmac(&base64::decode(&self.salt), text)
            .is_some_and(|hmac| hmac.verify_slice(&digest).is_ok())
    }
}

/// `None` never happens, because HMAC takes a key of any length.
fn hmac(salt: &[u8], text: &str) -> Option<Hmac<Sha256>> {
    let hmac = Hmac::new_from_slice(salt).ok()?;
    Some(hmac.chain_update(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_itself_matches() {
        let password = Password::new("öffne dich", b"salt");
        let is = |text| password.as_ref().is_some_and(|password| password.is(text));
        assert!(is("öffne dich"));
        for other in ["", "öffne dic", "öffne dich ", "Öffne dich", "salt"] {
            assert!(!is(other), "{other:?}");
        }
    }
}
