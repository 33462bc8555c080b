//! Open connections that send nothing.

use std::io::Read;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::cpu::Measured;
use super::swarm::Swarm;
use super::{Outcome, Result, Target, micros};

/// The runtime evicts an object after ten idle seconds.
const EVICTION: Duration = Duration::from_secs(13);

#[derive(Deserialize)]
pub struct Idle {
    rooms: usize,
    members: usize,
}

impl Idle {
    /// Reports the open connections, and waits until standard input ends.
    pub fn run(self, target: Target) -> Result<Outcome> {
        let measured = Measured::begin(target)?;
        let swarm = Swarm::join(target, self.rooms, self.members)?;
        println!("connected");
        std::io::stdin().read_to_end(&mut Vec::new())?;
        measured.end(swarm.members.len() as u64, Vec::new())
    }
}

#[derive(Deserialize)]
pub struct Wake {
    rooms: usize,
    members: usize,
}

impl Wake {
    /// When the objects are evicted, one member of each room sends a message. The time ends when
    /// the last member has it.
    pub fn run(self, target: Target) -> Result<Outcome> {
        let mut swarm = Swarm::join(target, self.rooms, self.members)?;
        let idle = Instant::now();
        while let Some(left) = EVICTION.checked_sub(idle.elapsed()) {
            swarm.turn(left, |_, _| {})?;
        }
        let measured = Measured::begin(target)?;
        let mut times = Vec::new();
        for room in 0..self.rooms {
            let start = Instant::now();
            swarm.send(room * self.members, br#"42["chat-message","good morning"]"#)?;
            let mut heard = 0;
            while heard < self.members {
                swarm.turn(EVICTION, |_, _| heard += 1)?;
                if start.elapsed() > EVICTION {
                    return Err("the room did not wake".into());
                }
            }
            times.push(micros(start.elapsed()));
        }
        measured.end(times.len() as u64, times)
    }
}
