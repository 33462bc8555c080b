//! What a script does with the outputs of its core, and what it asserts of them.

use signalbox::io::{ConnectionId, Core, Data, Input, Output, Record, Reply, SOON};

use super::platform::is_of_session;
use super::{Done, Script, at, sent, sent_bytes};

fn is_ack(packet: &str) -> bool {
    packet.starts_with("43") || packet.starts_with("46")
}

impl<C: Core> Script<C> {
    pub fn handle(&mut self, input: Input) -> &mut Self {
        let mut outputs = self.core.handle(at(self.now), input);
        let Some(crash) = self.crash.take() else {
            self.perform(outputs);
            return self;
        };
        outputs.truncate(crash);
        self.perform(outputs);
        self.kill_until(self.now + 1)
    }

    pub(super) fn perform(&mut self, outputs: Vec<Output>) {
        self.meter.turn(self.now, &outputs);
        let mut acknowledged = false;
        for output in outputs {
            match &output {
                Output::Send(_, Data::Text(frame)) => acknowledged |= is_ack(frame),
                Output::Respond(_, response) => {
                    acknowledged |= response.body.split('\x1e').any(is_ack);
                }
                // An ack that waits for a poll is stored with its session.
                Output::Commit(records) | Output::CommitSoon(records)
                    if !records.iter().all(is_of_session) =>
                {
                    assert!(!acknowledged, "committed after an ack: {records:?}");
                }
                _ => {}
            }
            match output {
                Output::Respond(reply, response) => {
                    let number = self.answered(&reply);
                    let (status, kind) = (response.status, response.content_type);
                    self.set_cookie = response.cookie.or(self.set_cookie.take());
                    let done = Done::Responded(number, status, kind, response.body);
                    self.done.push(done);
                }
                Output::Accept(reply) => {
                    let number = self.answered(&reply);
                    self.connections.insert(number, String::new());
                    self.done.push(Done::Accepted(number));
                }
                Output::Dismiss(reply) => {
                    let number = self.answered(&reply);
                    self.done.push(Done::Dismissed(number));
                }
                Output::Hold(request, limit) => {
                    let number = request.number();
                    let waiting = self.requests.contains_key(&number);
                    assert!(waiting, "held {number}, which does not wait");
                    let until = self.now + u64::try_from(limit.as_millis()).unwrap();
                    self.holds.insert(number, until);
                }
                Output::Send(to, data) => {
                    let number = to.number();
                    let open = self.connections.contains_key(&number);
                    assert!(open, "sent to {number}, which is closed: {data:?}");
                    self.done.push(match data {
                        Data::Text(text) => sent(number, &*text),
                        Data::Binary(bytes) => sent_bytes(number, &*bytes),
                    });
                }
                Output::Close(connection, code) => {
                    let number = connection.number();
                    let open = self.connections.remove(&number).is_some();
                    assert!(open, "closed {number} twice");
                    self.done.push(Done::Closed(number, code));
                }
                Output::Attach(to, text) => self.attach(to, text),
                Output::Commit(records) => {
                    self.platform.flush();
                    for record in records {
                        self.rows_written += 1;
                        self.platform.keep(record);
                    }
                }
                Output::CommitSoon(records) => self.commit_soon(records),
                Output::Halt(reason) => self.done.push(Done::Halted(reason)),
                Output::Post(post) if post.number > 0 => {
                    self.all_posts.push(post.clone());
                    self.posts.push(post);
                }
                Output::Post(post) => {
                    let earlier = self.post.replace(post);
                    assert_eq!(earlier, None, "one at a time");
                }
            }
        }
    }

    fn answered(&mut self, reply: &Reply) -> u64 {
        let number = reply.request().number();
        let waiting = self.requests.remove(&number).is_some();
        assert!(waiting, "answered {number}, which does not wait");
        self.holds.remove(&number);
        number
    }

    fn attach(&mut self, to: ConnectionId, text: String) {
        self.attached += 1;
        let number = to.number();
        let mut open = [&mut self.connections, &mut self.requests].into_iter();
        let kept = open.find_map(|open| open.get_mut(&number));
        *kept.unwrap_or_else(|| panic!("attached to {number}, which is gone")) = text;
    }

    fn commit_soon(&mut self, mut records: Vec<Record>) {
        self.rows_written += records.len() as u64;
        let mut soon = self.platform.soon.borrow_mut();
        if soon.is_empty() {
            self.flush_at = at(self.now) + SOON;
        }
        soon.append(&mut records);
    }

    /// What the core did since the last call.
    pub fn take(&mut self) -> Vec<Done> {
        std::mem::take(&mut self.done)
    }

    /// What the core did with this connection or request since the last call.
    pub fn take_for(&mut self, number: u64) -> Vec<Done> {
        let of = |done: &Done| match done {
            Done::Responded(n, ..)
            | Done::Accepted(n)
            | Done::Dismissed(n)
            | Done::Sent(n, _)
            | Done::SentBytes(n, _)
            | Done::Closed(n, _) => *n == number,
            Done::Halted(_) => false,
        };
        let (own, rest) = self.take().into_iter().partition(of);
        self.done = rest;
        own
    }

    /// The text frames that one connection got since the last `take`. The next `take` returns them, too.
    pub fn sent_to(&self, number: u64) -> Vec<&str> {
        let sent = |done| match done {
            &Done::Sent(n, ref frame) if n == number => Some(&**frame),
            _ => None,
        };
        self.done.iter().filter_map(sent).collect()
    }

    /// Asserts that the core did exactly this since the last call.
    #[track_caller]
    pub fn expect(&mut self, expected: impl IntoIterator<Item = Done>) -> &mut Self {
        let expected: Vec<Done> = expected.into_iter().collect();
        assert_eq!(self.take(), expected);
        self
    }

    /// Asserts that the core did exactly this with this connection or request since the last call.
    #[track_caller]
    pub fn expect_of(&mut self, number: u64, expected: impl IntoIterator<Item = Done>) {
        let expected: Vec<Done> = expected.into_iter().collect();
        assert_eq!(self.take_for(number), expected);
    }
}
