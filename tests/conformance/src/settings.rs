//! T-2: the settings for the protocols' own tests.

use std::time::Duration;

use signalbox::room::Rate;
use signalbox::room::config::Rates;
use signalbox::{engine, socket};

pub fn conformance() -> engine::Config {
    engine::Config {
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_millis(200),
        max_payload: 1_000_000,
        max_queued: 4_000_000, // echoes of a POST wait for a poll
        ping_slack: Some(Duration::ZERO),
        absorb_pongs: false,
        ..engine::Config::default()
    }
}

pub fn without_recovery() -> socket::Config {
    socket::Config {
        recovery: None,
        ..socket::Config::default()
    }
}

pub fn unlimited() -> Rates {
    let rate = Rate {
        burst: u32::MAX,
        per_second: u32::MAX,
    };
    Rates {
        signal: rate,
        ..Rates::default()
    }
}
