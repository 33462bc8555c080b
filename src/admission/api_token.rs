//! The operators' token.

use std::fmt;
use std::hint::black_box;

/// The token that an operator sends with each request. It has no `Display`, and its `Debug` hides
/// the text.
pub struct ApiToken(String);

impl ApiToken {
    /// The form of a token, in words.
    pub const FORM: &str =
        "16 or more visible ASCII characters: `openssl rand -hex 32` prints good ones";

    /// Reads a token. `None` if it is invalid or too short: a short token could be guessed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let token = text.trim();
        let fits = token.len() >= 16 && token.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(token.to_owned()))
    }

    /// Whether an `Authorization` header has this token. The time of the comparison reveals only
    /// the token's length.
    #[must_use]
    pub fn is_in(&self, authorization: Option<&str>) -> bool {
        let shown = authorization.and_then(|header| header.split_once(' '));
        let Some((scheme, shown)) = shown else {
            return false;
        };
        let shown = shown.trim();
        let pairs = shown.bytes().zip(self.0.bytes());
        let difference = pairs.fold(0, |difference, (a, b)| black_box(difference | (a ^ b)));
        scheme.eq_ignore_ascii_case("bearer") && shown.len() == self.0.len() && difference == 0
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_with_the_token() {
        let token = ApiToken::parse(" 0123456789abcdef\n");
        for (header, shows) in [
            (Some("Bearer 0123456789abcdef"), true),
            (Some("bearer  0123456789abcdef "), true),
            (None, false),
            (Some(""), false),
            (Some("Bearer"), false),
            (Some("Bearer "), false),
            (Some("0123456789abcdef"), false),
            (Some("Basic 0123456789abcdef"), false),
            (Some("Bearer 0123456789abcde"), false),
            (Some("Bearer 0123456789abcdee"), false),
            (Some("Bearer 1123456789abcdef"), false),
            (Some("Bearer 0123456789abcdef0"), false),
            (Some("Bearer 0123456789ABCDEF"), false),
        ] {
            let found = token.as_ref().map(|token| token.is_in(header));
            assert_eq!(found, Some(shows), "{header:?}");
        }
        assert_eq!(format!("{token:?}"), "Some(ApiToken)");
    }

    #[test]
    fn invalid_tokens() {
        for text in [
            "",
            "short",
            "0123456789 abcdef",
            "0123456789äbcdef",
            "0123456789abcde",
        ] {
            assert!(ApiToken::parse(text).is_none(), "{text:?}");
        }
    }
}
