//! The variables for TURN relays. Together they make one setting.

use super::Invalid;
use crate::room::config::Relay;
use crate::room::ice_url::Scheme;

/// The value of each variable.
pub(super) struct Turn {
    urls: Vec<String>,
    secret: String,
    key_id: String,
    token: String,
    api: String,
}

impl Default for Turn {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            secret: String::new(),
            key_id: String::new(),
            token: String::new(),
            api: "https://rtc.live.cloudflare.com".to_owned(),
        }
    }
}

impl Turn {
    pub(super) const URLS: &str =
        "URLs with commas between them, such as turn:turn.example.com:3478";
    pub(super) const SECRET: &str = "the TURN server's static-auth-secret, one line";
    pub(super) const KEY_ID: &str = "the id of a TURN key of Cloudflare's, letters and digits";
    pub(super) const TOKEN: &str = "the API token of that TURN key, one word";
    pub(super) const API: &str = "a URL, such as https://rtc.live.cloudflare.com";

    pub(super) fn set_urls(&mut self, text: &str) -> Result<(), String> {
        let urls = text.split(',').map(str::trim);
        self.urls = urls
            .filter(|url| !url.is_empty())
            .map(str::to_owned)
            .collect();
        match self
            .urls
            .iter()
            .find(|url| Scheme::of(url) != Some(Scheme::Turn))
        {
            Some(url) => Err(format!(
                "{url:?} is not turn:host:port with an optional ?transport=udp or tcp"
            )),
            None => Ok(()),
        }
    }

    /// The error does not quote the value.
    pub(super) fn set_secret(&mut self, text: &str) -> Result<(), String> {
        text.trim().clone_into(&mut self.secret);
        if self.secret.chars().any(char::is_control) {
            return Err("it has a control character, such as a line break".to_owned());
        }
        Ok(())
    }

    pub(super) fn set_key_id(&mut self, text: &str) -> Result<(), String> {
        text.trim().clone_into(&mut self.key_id);
        self.key_id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric())
            .then_some(())
            .ok_or_else(|| format!("it is {text:?}"))
    }

    /// The error does not quote the value.
    pub(super) fn set_token(&mut self, text: &str) -> Result<(), String> {
        text.trim().clone_into(&mut self.token);
        self.token
            .bytes()
            .all(|byte| byte.is_ascii_graphic())
            .then_some(())
            .ok_or_else(|| "it is invalid".to_owned())
    }

    pub(super) fn set_api(&mut self, text: &str) -> Result<(), String> {
        text.trim().trim_end_matches('/').clone_into(&mut self.api);
        let mut schemes = ["https://", "http://"].into_iter();
        schemes
            .any(|scheme| self.api.len() > scheme.len() && self.api.starts_with(scheme))
            .then_some(())
            .ok_or_else(|| format!("it is {text:?}"))
    }

    /// Combines the variables into a setting.
    pub(super) fn relay(self) -> Result<Option<Relay>, Invalid> {
        let Self {
            urls,
            secret,
            key_id,
            token,
            api,
        } = self;
        let coturn = ("TURN_URLS", urls.is_empty(), Self::URLS, false);
        let coturn_secret = ("TURN_SECRET", secret.is_empty(), Self::SECRET, true);
        let cloudflare = (
            "CLOUDFLARE_TURN_KEY_ID",
            key_id.is_empty(),
            Self::KEY_ID,
            false,
        );
        let cloudflare_token = ("CLOUDFLARE_TURN_TOKEN", token.is_empty(), Self::TOKEN, true);
        for (one, other) in [
            (coturn, coturn_secret),
            (coturn_secret, coturn),
            (cloudflare, cloudflare_token),
            (cloudflare_token, cloudflare),
        ] {
            if let ((set, false, ..), (name, true, form, secret)) = (one, other) {
                return Err(Invalid {
                    name,
                    found: "it is missing".to_owned(),
                    form: format!("{form}: it is needed, because {set} is set"),
                    secret,
                });
            }
        }
        match (urls.is_empty(), key_id.is_empty()) {
            (true, true) => Ok(None),
            (false, true) => Ok(Some(Relay::Coturn { urls, secret })),
            (true, false) => Ok(Some(Relay::Cloudflare {
                url: format!("{api}/v1/turn/keys/{key_id}/credentials/generate-ice-servers"),
                token,
            })),
            (false, false) => Err(Invalid {
                name: "CLOUDFLARE_TURN_KEY_ID",
                found: "both are set".to_owned(),
                form: "empty while TURN_URLS is set: only one of the two can provide relays"
                    .to_owned(),
                secret: false,
            }),
        }
    }
}
