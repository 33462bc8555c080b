//! Engine.IO alone: each message is echoed, a message that begins with `all ` goes to all clients,
//! and `bye` closes the session.

use std::time::Duration;

use signalbox::engine::{CloseReason, Config, Engine, Event, Message};
use signalbox::io::{Core, Input, Output, Survivors};
use signalbox::time::Timestamp;

pub use crate::settings::conformance;
use crate::support::Script;

pub struct Raw {
    engine: Engine,
    /// The reasons of closed sessions.
    pub ended: Vec<CloseReason>,
}

impl Core for Raw {
    fn handle(&mut self, now: Timestamp, input: Input) -> Vec<Output> {
        self.engine.handle(now, input);
        while let Some(event) = self.engine.poll() {
            match event {
                Event::Open(..) => {}
                Event::Message(sid, Message::Text(frame)) if frame.text() == "bye" => {
                    self.engine.close(now, sid);
                }
                Event::Message(_, Message::Text(frame)) if frame.text().starts_with("all ") => {
                    for sid in self.engine.sids().collect::<Vec<_>>() {
                        self.engine.send(sid, &Message::text(frame.text()));
                    }
                }
                Event::Message(sid, message) => self.engine.send(sid, &message),
                Event::Close(_, reason) => self.ended.push(reason),
            }
        }
        self.engine.drain()
    }

    fn restore(&mut self, now: Timestamp, survivors: Survivors) -> Vec<Output> {
        self.engine.restore(now, survivors);
        self.engine.drain()
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.engine.deadline()
    }
}

/// engine.io's defaults.
pub fn defaults() -> Config {
    Config {
        ping_interval: Duration::from_secs(25),
        ping_timeout: Duration::from_secs(20),
        ..conformance()
    }
}

pub fn script(config: Config) -> Script<Raw> {
    Script::new(move |platform| Raw {
        engine: Engine::new(config.clone(), platform),
        ended: Vec::new(),
    })
}
