//! How much a client may ask of objects, which wake for it: counted by the platform, by address.

use worker::js_sys::{Object, Reflect};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::Request;

use super::platform::{RateLimiter, Result, log_error};
use crate::admission::network;

/// What is counted of a client's address.
pub(super) const HANDSHAKE: &str = "";
const STRAY: &str = "stray ";

/// A client, as far as it is limited: by its address, if somebody counts.
pub(super) struct Client<'a> {
    limit: Option<(&'a RateLimiter, String)>,
}

impl<'a> Client<'a> {
    pub(super) fn of(request: &Request, counter: Option<&'a RateLimiter>) -> Result<Self> {
        let address = request.headers().get("cf-connecting-ip")?;
        let network = address.and_then(|address| network(&address));
        Ok(Self {
            limit: counter.zip(network),
        })
    }

    /// Counts one more; whether that is too many.
    pub(super) async fn is_over_limit(&self, what: &str) -> Result<bool> {
        let Some((limit, network)) = &self.limit else {
            return Ok(false);
        };
        let options = Object::new();
        let key = format!("{what}{network}");
        Reflect::set(&options, &"key".into(), &key.into())?;
        match JsFuture::from(limit.limit(&options)?).await {
            Ok(outcome) => Ok(Reflect::get(&outcome, &"success".into())?.is_falsy()),
            Err(error) => {
                log_error("handshakes cannot be counted:", &error);
                Ok(false)
            }
        }
    }

    /// Counts a request of a session that there is not, as it woke an object. Sessions expire, and
    /// their clients then open another, which this must not prevent: such requests count as
    /// handshakes only beyond as many as handshakes may be.
    pub(super) async fn count_stray(&self) -> Result<()> {
        if self.is_over_limit(STRAY).await? {
            self.is_over_limit(HANDSHAKE).await?;
        }
        Ok(())
    }
}
