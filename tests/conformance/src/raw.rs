//! T-1: Engine.IO without Socket.IO. Each message is returned to its sender.

use signalbox::engine::{Engine, Event};
use signalbox::io::{Core, Input, Output, Survivors};
use signalbox::time::Timestamp;

pub struct Raw {
    engine: Engine,
}

impl Raw {
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }
}

impl Core for Raw {
    fn restore(&mut self, now: Timestamp, survivors: Survivors) -> Vec<Output> {
        self.engine.restore(now, survivors);
        self.engine.drain()
    }

    fn handle(&mut self, now: Timestamp, input: Input) -> Vec<Output> {
        self.engine.handle(now, input);
        while let Some(event) = self.engine.poll() {
            if let Event::Message(sid, message) = event {
                self.engine.send(sid, &message);
            }
        }
        self.engine.drain()
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.engine.deadline()
    }
}
