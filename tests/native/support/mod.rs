//! A virtual platform, and a script that drives a core on it.

mod done;
mod exchanges;
mod inputs;
mod outputs;
mod platform;

use std::collections::BTreeMap;
use std::rc::Rc;

use signalbox::io::{ConnectionId, Core, Input, Post, Reply, RequestId, Survivors};
use signalbox::store::Store;
use signalbox::time::Timestamp;

use crate::meter::Meter;

pub use done::{
    Done, accepted, closed, dismissed, ok, polled, refused, refused_bare, refused_upgrade, sent,
    sent_bytes,
};
pub use exchanges::{polling, sid_of, websocket};
pub use inputs::{POLLING, POLLING_3, WEBSOCKET, WEBSOCKET_3};
pub use platform::{Virtual, at, id, session_id};

/// Drives a core: passes inputs, performs the outputs, and checks that the core keeps the contract
/// of [`Output`].
pub struct Script<C> {
    pub platform: Rc<Virtual>,
    pub core: C,
    build: Box<dyn Fn(Rc<Store>) -> C>,
    now: u64,
    numbers: u64,
    /// Unanswered requests and open connections, with their attachments.
    pub requests: BTreeMap<u64, String>,
    pub connections: BTreeMap<u64, String>,
    /// The time limits of held requests.
    holds: BTreeMap<u64, u64>,
    /// How many rows were written or deleted.
    pub rows_written: u64,
    /// How many attachments were written.
    pub attached: u64,
    done: Vec<Done>,
    crash: Option<usize>,
    /// The pending request for relays.
    pub post: Option<Post>,
    /// The other pending requests to servers.
    pub posts: Vec<Post>,
    /// All requests to servers.
    pub all_posts: Vec<Post>,
    /// The address of requests.
    pub address: String,
    /// The cookies of requests, and the last cookie that was set.
    pub cookies: String,
    pub set_cookie: Option<String>,
    /// The time of the delayed commit.
    flush_at: Timestamp,
    /// Counts what a platform would write.
    pub meter: Meter,
}

impl<C: Core> Script<C> {
    pub fn new(build: impl Fn(Rc<Store>) -> C + 'static) -> Self {
        let platform = Rc::new(Virtual::default());
        Self {
            core: build(Store::new(platform.clone())),
            platform,
            build: Box::new(build),
            now: 0,
            numbers: 0,
            requests: BTreeMap::new(),
            connections: BTreeMap::new(),
            holds: BTreeMap::new(),
            rows_written: 0,
            attached: 0,
            done: Vec::new(),
            crash: None,
            post: None,
            posts: Vec::new(),
            all_posts: Vec::new(),
            address: "192.0.2.1".to_owned(),
            cookies: String::new(),
            set_cookie: None,
            flush_at: Timestamp::default(),
            meter: Meter::default(),
        }
    }

    /// Lets time pass until this point. The core is woken at its deadlines, and held requests end
    /// at their time limits.
    pub fn until(&mut self, millis: u64) -> &mut Self {
        loop {
            let deadline = self.core.deadline().map(Timestamp::as_millis);
            let holds = self.holds.iter();
            let hold = holds.map(|(&request, &until)| (until, request)).min();
            match (deadline, hold) {
                (deadline, Some((until, request)))
                    if until <= millis && deadline.is_none_or(|deadline| until <= deadline) =>
                {
                    self.now = self.now.max(until);
                    self.overdue(request);
                }
                (Some(deadline), _) if deadline <= millis => {
                    self.now = self.now.max(deadline);
                    self.wake();
                }
                _ => return self.skip_to(millis),
            }
        }
    }

    /// Lets time pass without waking the core: an alarm may be late.
    pub fn skip_to(&mut self, millis: u64) -> &mut Self {
        assert!(millis >= self.now, "skip_to does not go back");
        self.now = millis;
        if self.flush_at <= at(millis) {
            self.platform.flush();
        }
        self.meter.until(millis);
        self
    }

    /// Later requests have numbers above this.
    pub fn continue_numbers_at(&mut self, number: u64) {
        self.numbers = number;
    }

    /// Sets the clock back; nothing else happens.
    pub fn set_clock_back(&mut self, millis: u64) -> &mut Self {
        self.now -= millis;
        self
    }

    pub fn now(&self) -> u64 {
        self.now
    }

    pub fn wake(&mut self) -> &mut Self {
        self.handle(Input::Wake);
        if let Some(deadline) = self.core.deadline() {
            assert!(deadline > at(self.now), "after a wake, {deadline:?}");
        }
        self
    }

    /// Replaces all stored rows. A commit that is still delayed is lost.
    pub fn set_stored(&mut self, rows: BTreeMap<String, String>) {
        self.platform.soon.take();
        self.meter.kill(&rows);
        self.platform.rows.replace(rows);
    }

    /// The core loses its memory. Its records, open connections and requests survive.
    pub fn lose_memory(&mut self) -> &mut Self {
        let connections = self.connections.iter();
        let requests = self.requests.iter();
        let survivors = Survivors {
            connections: connections
                .map(|(number, kept)| (ConnectionId::new(*number), kept.clone()))
                .collect(),
            requests: requests
                .map(|(number, kept)| (Reply::to(RequestId::new(*number)), kept.clone()))
                .collect(),
        };
        self.post = None;
        self.posts.clear();
        let stored = self.platform.stored();
        let slept = self.meter.sleep();
        let differs = |key: &&String| slept.get(*key) != stored.get(*key);
        let different: Vec<_> = slept.keys().chain(stored.keys()).filter(differs).collect();
        assert!(
            different.is_empty(),
            "the journal has other values of {different:?}"
        );
        self.core = (self.build)(Store::new(self.platform.clone()));
        let outputs = self.core.restore(at(self.now), survivors);
        self.perform(outputs);
        self
    }

    /// The server is killed and restarted: connections and requests are lost.
    pub fn kill(&mut self) -> &mut Self {
        self.kill_until(self.now)
    }

    /// The server is killed now, and restarted at that time.
    pub fn kill_until(&mut self, millis: u64) -> &mut Self {
        self.connections.clear();
        self.requests.clear();
        self.holds.clear();
        self.platform.lost.replace(self.platform.soon.take());
        self.meter.kill(&self.platform.stored());
        self.skip_to(millis).lose_memory()
    }

    /// The server is killed in the next turn, after this many outputs.
    pub fn crash_after(&mut self, outputs: usize) -> &mut Self {
        self.crash = Some(outputs);
        self
    }
}
