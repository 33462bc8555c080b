//! Runs an application on a server.

use super::app::{App, Command};
use super::server::Server;
use crate::io::{Core, Input, Output, Survivors};
use crate::time::Timestamp;

/// Runs an [`App`] on a [`Server`].
pub struct Runner<A> {
    server: Server,
    app: A,
    /// The commands of the app in this turn.
    commands: Vec<Command>,
}

impl<A: App> Runner<A> {
    /// Puts `app` on `server`.
    pub fn new(server: Server, app: A) -> Self {
        Self {
            server,
            app,
            commands: Vec::new(),
        }
    }

    /// The application.
    #[must_use]
    pub fn app(&self) -> &A {
        &self.app
    }

    fn run(&mut self, now: Timestamp) {
        while let Some(event) = self.server.poll(now) {
            self.app.event(now, event, &mut self.commands);
            self.server.perform(now, self.commands.drain(..));
        }
    }

    fn end_turn(&mut self, now: Timestamp) -> Vec<Output> {
        if self.server.look_at_retention(now, self.app.is_busy()) {
            self.app.reset();
        }
        self.server.drain()
    }
}

impl<A: App> Core for Runner<A> {
    fn restore(&mut self, now: Timestamp, survivors: Survivors) -> Vec<Output> {
        self.server.restore(now, survivors);
        self.run(now);
        self.end_turn(now)
    }

    fn handle(&mut self, now: Timestamp, input: Input) -> Vec<Output> {
        let wake = input == Input::Wake;
        self.server.handle(now, input);
        if wake {
            self.run(now);
            self.app.wake(now, &mut self.commands);
            self.server.perform(now, self.commands.drain(..));
        }
        self.run(now);
        self.end_turn(now)
    }

    fn deadline(&self) -> Option<Timestamp> {
        [self.server.deadline(), self.app.deadline()]
            .into_iter()
            .flatten()
            .min()
    }
}
