//! The load generator: opens sockets, keeps events in flight, and prints the result as one line of
//! JSON. `npm run bench` runs it; all servers get the same bytes.

mod cpu;
mod handshakes;
mod idle;
mod socket;
mod swarm;
mod traffic;

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The task: the first argument, as JSON.
#[derive(Deserialize)]
struct Order {
    /// The address at which the server listens.
    server: SocketAddr,
    /// The server's process id.
    pid: u32,
    #[serde(flatten)]
    scenario: Scenario,
}

#[derive(Deserialize)]
#[serde(tag = "scenario", rename_all = "lowercase")]
enum Scenario {
    /// Events between the members of rooms.
    Traffic(traffic::Traffic),
    /// Connections that open and close.
    Handshakes(handshakes::Handshakes),
    /// Idle connections.
    Idle(idle::Idle),
    /// A message to sockets whose object was evicted.
    Wake(idle::Wake),
}

/// The result.
#[derive(Serialize)]
struct Outcome {
    /// The number of deliveries, handshakes, connections or woken rooms.
    count: u64,
    seconds: f64,
    /// How long each handshake took, or each event from sending to delivery: in microseconds, sorted.
    #[serde(skip)]
    times: Vec<u32>,
    /// How much processor time the generator and the server used: 1 is a whole core.
    generator: f64,
    server: f64,
}

impl Outcome {
    fn percentile(&self, share: f64) -> Option<u32> {
        let last = self.times.len().saturating_sub(1) as f64;
        let index = (last * share).round() as usize;
        self.times.get(index).copied()
    }
}

fn main() -> Result<()> {
    let order = std::env::args()
        .nth(1)
        .ok_or("the task is missing: run `npm run bench`")?;
    let order: Order = serde_json::from_str(&order)?;
    let target = Target {
        server: order.server,
        pid: order.pid,
    };
    let mut outcome = match order.scenario {
        Scenario::Traffic(traffic) => traffic.run(target)?,
        Scenario::Handshakes(handshakes) => handshakes.run(target)?,
        Scenario::Idle(idle) => idle.run(target)?,
        Scenario::Wake(wake) => wake.run(target)?,
    };
    outcome.times.sort_unstable();
    let mut json = serde_json::to_value(&outcome)?;
    json["p50"] = outcome.percentile(0.5).into();
    json["p99"] = outcome.percentile(0.99).into();
    println!("{json}");
    Ok(())
}

/// The measured processes.
#[derive(Clone, Copy)]
struct Target {
    server: SocketAddr,
    pid: u32,
}

/// A duration in microseconds. It is less than an hour.
fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}
