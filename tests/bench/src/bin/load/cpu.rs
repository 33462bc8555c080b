//! The processor time of processes, from /proc.

use std::fs;
use std::time::Instant;

use super::{Outcome, Result, Target};

/// A measurement in progress.
pub struct Measured {
    since: Instant,
    generator: f64,
    server: f64,
    target: Target,
}

impl Measured {
    pub fn begin(target: Target) -> Result<Self> {
        Ok(Self {
            since: Instant::now(),
            generator: used("self")?,
            server: used(&target.pid.to_string())?,
            target,
        })
    }

    pub fn end(self, count: u64, times: Vec<u32>) -> Result<Outcome> {
        let seconds = self.since.elapsed().as_secs_f64();
        Ok(Outcome {
            count,
            seconds,
            times,
            generator: (used("self")? - self.generator) / seconds,
            server: (used(&self.target.pid.to_string())? - self.server) / seconds,
        })
    }
}

/// The processor time of a process and all its threads, in seconds.
fn used(process: &str) -> Result<f64> {
    let mut nanoseconds = 0.0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread may end meanwhile.
        let statistics = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        let running = statistics.split_whitespace().next();
        nanoseconds += running
            .and_then(|running| running.parse::<f64>().ok())
            .unwrap_or(0.0);
    }
    Ok(nanoseconds / 1e9)
}
