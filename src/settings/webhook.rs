//! The variables for webhooks. Together they make one setting.

use super::Invalid;
use crate::room::config;

/// The value of each variable.
#[derive(Default)]
pub(super) struct Webhook {
    url: String,
    chat: bool,
    secret: String,
}

impl Webhook {
    pub(super) const URL: &str = "an http(s) URL, such as https://example.com/webhook, or nothing";
    pub(super) const CHAT: &str = r#""on" or "off""#;
    pub(super) const SECRET: &str = "32 or more bytes: `openssl rand -base64 48` prints good ones";

    pub(super) fn set_url(&mut self, text: &str) -> Result<(), String> {
        let url = text.trim();
        let host = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"));
        let is_url = host.is_some_and(|host| {
            !host.is_empty() && !host.starts_with('/') && host.bytes().all(|b| b.is_ascii_graphic())
        });
        url.clone_into(&mut self.url);
        (url.is_empty() || is_url)
            .then_some(())
            .ok_or_else(|| format!("it is {text:?}"))
    }

    pub(super) fn set_chat(&mut self, text: &str) -> Result<(), String> {
        self.chat = match text {
            "on" => true,
            "off" => false,
            _ => return Err(format!("it is {text:?}")),
        };
        Ok(())
    }

    /// The error does not quote the value.
    pub(super) fn set_secret(&mut self, text: &str) -> Result<(), String> {
        text.trim().clone_into(&mut self.secret);
        (self.secret.len() >= 32)
            .then_some(())
            .ok_or_else(|| "it is too short".to_owned())
    }

    /// Combines the variables into a setting.
    pub(super) fn setting(self) -> Result<Option<config::Webhook>, Invalid> {
        let Self { url, chat, secret } = self;
        if url.is_empty() {
            return Ok(None);
        }
        if secret.is_empty() {
            return Err(Invalid {
                name: "WEBHOOK_SECRET",
                found: "it is missing".to_owned(),
                form: format!("{}: it is needed, because WEBHOOK_URL is set", Self::SECRET),
                secret: true,
            });
        }
        Ok(Some(config::Webhook { url, secret, chat }))
    }
}
