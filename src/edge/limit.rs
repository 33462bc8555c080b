//! Rate limits of clients, by address. They limit how often clients wake objects. The platform
//! counts.

use std::sync::atomic::{AtomicBool, Ordering};

use worker::js_sys::{Object, Reflect};
use worker::wasm_bindgen_futures::JsFuture;
use worker::{Env, console_warn};

use super::incoming::Incoming;
use super::platform::{RateLimiter, Result, binding, log_error};
use crate::admission::network;

/// The limits of new sessions per address. A missing limiter counts nothing.
#[derive(Default)]
pub struct Limits {
    /// In one room.
    pub in_room: Option<RateLimiter>,
    /// In all rooms together. This limit is higher, because many people may share an address.
    pub in_all: Option<RateLimiter>,
}

impl Limits {
    /// The limits of `[[ratelimits]]` in `wrangler.toml`. A missing one is logged once.
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

/// The result of counting a handshake.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Every handshake is accepted.
    OfAll,
    /// A handshake is accepted only if its client may recover a socket that is away; the object checks this.
    OfReturning,
    /// No handshake is accepted.
    Refused,
}

/// A client for the rate limits: its network, in a room.
pub(super) struct Client<'a> {
    /// `None` for a client on this machine.
    network: Option<String>,
    room: &'a str,
    limits: &'a Limits,
}

impl<'a> Client<'a> {
    pub(super) fn of(request: &Incoming, room: &'a str, limits: &'a Limits) -> Result<Self> {
        let address = request.header("cf-connecting-ip")?;
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

    /// Counts a request of an unknown session, because it woke an object. Sessions expire, and
    /// their clients must still be able to open new ones. So these requests first have a limit of
    /// their own, as high as that of handshakes. Only beyond it do they count as handshakes.
    pub(super) async fn count_stray(&self) -> Result<()> {
        if let Some(network) = &self.network
            && is_over(self.limits.in_room.as_ref(), format!("stray {network}")).await?
        {
            self.count_handshake().await?;
        }
        Ok(())
    }
}

/// Counts one more under this key. Returns whether the limit is exceeded.
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
