//! How much a client may ask of objects, which wake for it: counted by the platform, by address.

use std::sync::atomic::{AtomicBool, Ordering};

use worker::js_sys::{Object, Reflect};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::Request;
use worker::{Env, console_warn};

use super::platform::{RateLimiter, Result, binding, log_error};
use crate::admission::network;

/// How many sessions an address may open. Without a limiter nothing is counted.
#[derive(Default)]
pub struct Limits {
    /// In one room.
    pub in_room: Option<RateLimiter>,
    /// In all rooms together: more, as many people may share an address.
    pub in_all: Option<RateLimiter>,
}

impl Limits {
    /// The limits that `[[ratelimits]]` in `wrangler.toml` sets. The log tells once of a missing one.
    #[must_use]
    pub fn of(env: &Env) -> Self {
        static WARNED: AtomicBool = AtomicBool::new(false);
        let limits = Self {
            in_room: binding(env, "HANDSHAKES"),
            in_all: binding(env, "ADDRESSES"),
        };
        let all_set = limits.in_room.is_some() && limits.in_all.is_some();
        if !all_set && !WARNED.swap(true, Ordering::Relaxed) {
            for (limit, name) in [
                (
                    &limits.in_room,
                    "HANDSHAKES: an address may open any number of sessions in a room",
                ),
                (
                    &limits.in_all,
                    "ADDRESSES: an address may open sessions in any number of rooms",
                ),
            ] {
                if limit.is_none() {
                    console_warn!("[[ratelimits]] in wrangler.toml has no {name}");
                }
            }
        }
        limits
    }
}

/// Who may open a session with a handshake.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Everybody.
    OfAll,
    /// Only a client that comes back, which the room decides.
    OfReturning,
    /// Nobody.
    Refused,
}

/// A client, as far as it is limited: by its address, in a room.
pub(super) struct Client<'a> {
    /// `None` for a client of the machine itself.
    network: Option<String>,
    room: &'a str,
    limits: &'a Limits,
}

impl<'a> Client<'a> {
    pub(super) fn of(request: &Request, room: &'a str, limits: &'a Limits) -> Result<Self> {
        let address = request.headers().get("cf-connecting-ip")?;
        let network = address.and_then(|address| network(&address));
        Ok(Self {
            network,
            room,
            limits,
        })
    }

    /// Counts a handshake.
    pub(super) async fn count_handshake(&self) -> Result<Admission> {
        let Some(network) = &self.network else {
            return Ok(Admission::OfAll);
        };
        if is_over(self.limits.in_all.as_ref(), network.clone()).await? {
            return Ok(Admission::Refused);
        }
        let in_room = format!("{network} {}", self.room);
        if is_over(self.limits.in_room.as_ref(), in_room).await? {
            return Ok(Admission::OfReturning);
        }
        Ok(Admission::OfAll)
    }

    /// Counts a request of a session that does not exist, as it woke an object. Sessions expire, and
    /// their clients then open another, which this must not prevent: such requests count as
    /// handshakes only beyond as many as handshakes may be.
    pub(super) async fn count_stray(&self) -> Result<()> {
        if let Some(network) = &self.network
            && is_over(self.limits.in_room.as_ref(), format!("stray {network}")).await?
        {
            self.count_handshake().await?;
        }
        Ok(())
    }
}

/// Counts one more under this key; whether that is too many.
async fn is_over(limit: Option<&RateLimiter>, key: String) -> Result<bool> {
    let Some(limit) = limit else {
        return Ok(false);
    };
    let options = Object::new();
    Reflect::set(&options, &"key".into(), &key.into())?;
    match JsFuture::from(limit.limit(&options)?).await {
        Ok(outcome) => Ok(Reflect::get(&outcome, &"success".into())?.is_falsy()),
        Err(error) => {
            log_error("handshakes cannot be counted:", &error);
            Ok(false)
        }
    }
}
