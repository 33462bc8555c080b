//! A server and the application on it, as one.

use super::app::App;
use super::server::Server;
use crate::io::{Input, Output, Survivors};
use crate::time::Timestamp;

/// Runs an [`App`] on a [`Server`].
pub struct Host<A> {
    server: Server,
    app: A,
}

impl<A: App> Host<A> {
    /// Puts `app` on `server`. After memory was lost, [`Host::restore`] comes next.
    pub fn new(server: Server, app: A) -> Self {
        Self { server, app }
    }

    /// Rebuilds server and app from what outlived memory.
    pub fn restore(&mut self, now: Timestamp, survivors: Survivors) -> Vec<Output> {
        self.server.restore(now, survivors);
        self.run(now);
        self.server.drain()
    }

    /// What happened; returns what is to be done, in order.
    pub fn handle(&mut self, now: Timestamp, input: Input) -> Vec<Output> {
        let wake = input == Input::Wake;
        self.server.handle(now, input);
        self.run(now);
        if wake {
            let mut commands = Vec::new();
            self.app.wake(now, &mut commands);
            self.server.perform(now, commands);
            self.run(now);
        }
        self.server.drain()
    }

    /// When [`Input::Wake`] is due, if nothing else happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        [self.server.deadline(), self.app.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The application.
    #[must_use]
    pub fn app(&self) -> &A {
        &self.app
    }

    fn run(&mut self, now: Timestamp) {
        let mut commands = Vec::new();
        while let Some(event) = self.server.poll(now) {
            self.app.event(now, event, &mut commands);
            self.server.perform(now, commands.drain(..));
        }
    }
}
