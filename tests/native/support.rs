//! A virtual platform, and a script that drives a core on it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;
use signalbox::io::{
    Answer, ConnectionId, ContentType, Core, Data, Headers, Input, Method, Output, Platform, Point,
    Post, Record, Reply, Request, RequestId, SOON, Survivors,
};
use signalbox::socket::SocketId;
use signalbox::store::Store;
use signalbox::time::Timestamp;

use crate::meter::Meter;
use crate::random::Random;

pub fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// The socket id from the platform's `n`th bytes, counted from 1. The order of ids is not that of
/// their creation.
pub fn id(n: u64) -> String {
    SocketId::new(minted(n)).to_string()
}

/// The session id from the same bytes, which has the same form.
pub fn session_id(n: u64) -> String {
    id(n)
}

fn minted(n: u64) -> [u8; 15] {
    let mut bytes = [0; 15];
    bytes[..8].copy_from_slice(&Random::new(n).next().to_be_bytes());
    bytes[8..].copy_from_slice(&n.to_be_bytes()[1..]);
    bytes
}

/// The platform of a core: its storage, and the answers to its questions.
#[derive(Default)]
pub struct Virtual {
    minted: Cell<u64>,
    pub rows: RefCell<BTreeMap<String, String>>,
    /// The records of delayed commits.
    soon: RefCell<Vec<Record>>,
    /// The records that were not committed when the server was killed last.
    lost: RefCell<Vec<Record>>,
    /// The error of reading the storage.
    pub broken: RefCell<Option<String>>,
    /// Whether something was stored since everything was deleted.
    pub written: Cell<bool>,
    /// The operators' log.
    pub lines: RefCell<Vec<String>>,
    /// The data points: event, detail, value and peers.
    pub points: RefCell<Vec<(String, String, f64, f64)>>,
    /// When the platform last answered a frame on each connection.
    pub auto_responses: RefCell<BTreeMap<u64, Timestamp>>,
}

impl Platform for Virtual {
    fn mint(&self) -> [u8; 15] {
        self.minted.set(self.minted.get() + 1);
        minted(self.minted.get())
    }

    fn last_auto_response(&self, connection: ConnectionId) -> Option<Timestamp> {
        let answered = self.auto_responses.borrow();
        answered.get(&connection.number()).copied()
    }

    fn load(&self, prefix: &str) -> Result<Vec<(String, String)>, String> {
        if let Some(reason) = self.broken.borrow().clone() {
            return Err(reason);
        }
        self.flush();
        let rows = self.rows.borrow();
        let rows = rows.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(rows
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    fn is_blank(&self) -> bool {
        self.flush();
        !self.written.get()
    }

    fn log(&self, line: &str) {
        self.lines.borrow_mut().push(line.to_owned());
    }

    fn is_measuring(&self) -> bool {
        true
    }

    fn measure(&self, point: &Point) {
        let (event, detail) = (point.event.to_owned(), point.detail.to_owned());
        let mut points = self.points.borrow_mut();
        points.push((event, detail, point.value, point.peers));
    }
}

impl Virtual {
    /// Commits the delayed records.
    pub fn flush(&self) {
        for record in self.soon.take() {
            self.keep(record);
        }
    }

    /// The stored values, after all commits.
    pub fn stored(&self) -> BTreeMap<String, String> {
        self.flush();
        self.rows.borrow().clone()
    }

    /// Whether nothing waits to be committed but what waits for polls.
    pub fn is_committed(&self) -> bool {
        self.soon.borrow().iter().all(is_of_queue)
    }

    /// Whether that was so when the server was killed last.
    pub fn lost_nothing(&self) -> bool {
        self.lost.borrow().iter().all(is_of_queue)
    }

    fn keep(&self, record: Record) {
        let mut rows = self.rows.borrow_mut();
        match record {
            Record::Stored { key, value } => {
                rows.insert(key, value);
                self.written.set(true);
            }
            Record::Deleted { key } => {
                rows.remove(&key);
            }
            Record::Erased => {
                rows.clear();
                self.written.set(false);
            }
            Record::Purged => {}
        }
    }
}

/// The headers of a client with these cookies.
fn cookie(cookies: String) -> Headers {
    Headers {
        cookie: (!cookies.is_empty()).then_some(cookies),
        ..Headers::default()
    }
}

/// What the core did, without records.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    Responded(u64, u16, ContentType, String),
    Accepted(u64),
    /// A WebSocket was accepted and closed.
    Dismissed(u64),
    Sent(u64, String),
    SentBytes(u64, Vec<u8>),
    Closed(u64, Option<u16>),
    /// The object stopped, for this reason.
    Halted(String),
}

fn is_of_session(record: &Record) -> bool {
    match record {
        Record::Stored { key, .. } | Record::Deleted { key } => {
            key.starts_with("session/") || key.starts_with("farewell/")
        }
        Record::Purged | Record::Erased => true,
    }
}

/// Whether a record is only about what waits for polls. A session is deleted when it is upgraded: its
/// client has a connection from then on.
fn is_of_queue(record: &Record) -> bool {
    let is_upgrade = matches!(record, Record::Deleted { key } if key.split('/').count() == 2);
    is_of_session(record) && !is_upgrade && *record != Record::Erased
}

fn is_ack(packet: &str) -> bool {
    packet.starts_with("43") || packet.starts_with("46")
}

/// The response to a poll.
pub fn polled(request: u64, body: impl Into<String>) -> Done {
    Done::Responded(request, 200, ContentType::Text, body.into())
}

/// The response to a POST.
pub fn ok(request: u64) -> Done {
    Done::Responded(request, 200, ContentType::Html, "ok".to_owned())
}

/// A refusal with engine.io's code.
pub fn refused(request: u64, code: u8) -> Done {
    let message = reason(code);
    let body = format!(r#"{{"code":{code},"message":"{message}"}}"#);
    Done::Responded(request, 400, ContentType::Json, body)
}

/// The refusal of a WebSocket.
pub fn refused_upgrade(request: u64, code: u8) -> Done {
    let message = reason(code).to_owned();
    Done::Responded(request, 400, ContentType::Html, message)
}

/// A refusal without a message.
pub fn refused_bare(request: u64, status: u16) -> Done {
    Done::Responded(request, status, ContentType::Text, String::new())
}

fn reason(code: u8) -> &'static str {
    match code {
        0 => "Transport unknown",
        1 => "Session ID unknown",
        2 => "Bad handshake method",
        3 => "Bad request",
        5 => "Unsupported protocol version",
        _ => panic!("no such code: {code}"),
    }
}

pub fn accepted(request: u64) -> Done {
    Done::Accepted(request)
}

pub fn dismissed(request: u64) -> Done {
    Done::Dismissed(request)
}

pub fn sent(connection: u64, frame: impl Into<String>) -> Done {
    Done::Sent(connection, frame.into())
}

pub fn sent_bytes(connection: u64, frame: impl Into<Vec<u8>>) -> Done {
    Done::SentBytes(connection, frame.into())
}

pub fn closed(connection: u64) -> Done {
    Done::Closed(connection, None)
}

pub const POLLING: &str = "EIO=4&transport=polling";
pub const WEBSOCKET: &str = "EIO=4&transport=websocket";
pub const POLLING_3: &str = "EIO=3&transport=polling";
pub const WEBSOCKET_3: &str = "EIO=3&transport=websocket";

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
    /// The number of rows that were written or deleted, and of attachments.
    pub rows_written: u64,
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
                _ => return self.late(millis),
            }
        }
    }

    /// Lets time pass without waking the core: an alarm may be late.
    pub fn late(&mut self, millis: u64) -> &mut Self {
        assert!(millis >= self.now, "time goes on");
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

    /// Writes into the storage, as another object would.
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
        self.late(millis).lose_memory()
    }

    /// The server is killed in the next turn, after this many outputs.
    pub fn crash_after(&mut self, outputs: usize) -> &mut Self {
        self.crash = Some(outputs);
        self
    }

    pub fn get(&mut self, query: &str) -> u64 {
        self.request(Method::Get, query, "", "")
    }

    pub fn post(&mut self, query: &str, body: &str) -> u64 {
        self.request(Method::Post, query, "text/plain;charset=UTF-8", body)
    }

    pub fn request(
        &mut self,
        method: Method,
        query: &str,
        content_type: &str,
        body: impl AsRef<[u8]>,
    ) -> u64 {
        let (address, cookies) = (self.address.clone(), self.cookies.clone());
        let request = |reply| Request {
            reply,
            method,
            query: query.to_owned(),
            upgrade: false,
            address,
            content_type: content_type.to_owned(),
            headers: cookie(cookies),
            body: body.as_ref().to_vec(),
        };
        self.ask(request)
    }

    /// A request for a WebSocket.
    pub fn upgrade(&mut self, query: &str) -> u64 {
        let (address, cookies) = (self.address.clone(), self.cookies.clone());
        let request = |reply| Request {
            reply,
            method: Method::Get,
            query: query.to_owned(),
            upgrade: true,
            address,
            content_type: String::new(),
            headers: cookie(cookies),
            body: Vec::new(),
        };
        self.ask(request)
    }

    /// Any request, made with the right to answer it.
    pub fn ask(&mut self, request: impl FnOnce(Reply) -> Request) -> u64 {
        let (number, reply) = self.number();
        self.handle(Input::Request(request(reply)));
        number
    }

    /// A handshake for a WebSocket from an address over its limit. Returns the connection, unless
    /// it is refused.
    pub fn over_limit(&mut self) -> Option<u64> {
        let (number, reply) = self.number();
        self.handle(Input::OverLimit(Request {
            reply,
            method: Method::Get,
            query: WEBSOCKET.to_owned(),
            upgrade: true,
            address: self.address.clone(),
            content_type: String::new(),
            headers: Headers::default(),
            body: Vec::new(),
        }));
        match &self.take_of(number)[..] {
            [Done::Accepted(_), Done::Sent(_, _)] => Some(number),
            [Done::Responded(_, 429, _, message)] => {
                assert!(message.starts_with("Too many new connections"));
                None
            }
            other => panic!("neither opened nor refused: {other:?}"),
        }
    }

    /// An operator's request. Returns the answer.
    pub fn operate(
        &mut self,
        action: &str,
        content_type: &str,
        body: impl AsRef<[u8]>,
    ) -> (u16, Value) {
        let (number, reply) = self.number();
        let method = if action.is_empty() {
            Method::Get
        } else {
            Method::Post
        };
        self.handle(Input::Operate(Request {
            reply,
            method,
            query: action.to_owned(),
            upgrade: false,
            address: String::new(),
            content_type: content_type.to_owned(),
            headers: Headers::default(),
            body: body.as_ref().to_vec(),
        }));
        match &self.take_of(number)[..] {
            [Done::Responded(_, status, ContentType::Json, body)] => {
                (*status, serde_json::from_str(body).expect("JSON"))
            }
            other => panic!("no answer: {other:?}"),
        }
    }

    /// An operator's request with any answer.
    pub fn try_operate(&mut self, action: &str, body: &str) {
        let (_, reply) = self.number();
        self.handle(Input::Operate(Request {
            reply,
            method: Method::Post,
            query: action.to_owned(),
            upgrade: false,
            address: String::new(),
            content_type: "application/json".to_owned(),
            headers: Headers::default(),
            body: body.as_bytes().to_vec(),
        }));
    }

    fn number(&mut self) -> (u64, Reply) {
        self.numbers += 1;
        self.requests.insert(self.numbers, String::new());
        (self.numbers, Reply::to(RequestId::new(self.numbers)))
    }

    pub fn text(&mut self, connection: u64, frame: impl AsRef<str>) -> &mut Self {
        self.frame(connection, Data::Text(frame.as_ref().into()))
    }

    pub fn bytes(&mut self, connection: u64, frame: &[u8]) -> &mut Self {
        self.frame(connection, Data::Binary(frame.into()))
    }

    fn frame(&mut self, connection: u64, data: Data) -> &mut Self {
        let from = ConnectionId::new(connection);
        self.handle(Input::Received { from, data })
    }

    /// A connection closes.
    pub fn lost(&mut self, connection: u64) -> &mut Self {
        self.connections.remove(&connection);
        self.handle(Input::Disconnected(ConnectionId::new(connection)))
    }

    /// The user leaves the page of this connection.
    pub fn went_away(&mut self, connection: u64) -> &mut Self {
        self.connections.remove(&connection);
        self.handle(Input::WentAway(ConnectionId::new(connection)))
    }

    /// The client of an unanswered request disconnects.
    pub fn aborted(&mut self, request: u64) -> &mut Self {
        self.requests.remove(&request);
        self.holds.remove(&request);
        self.handle(Input::Aborted(RequestId::new(request)))
    }

    pub fn overdue(&mut self, request: u64) -> &mut Self {
        self.holds.remove(&request);
        self.handle(Input::Overdue(RequestId::new(request)))
    }

    /// The server of the request for relays answers, or fails.
    pub fn posted(&mut self, answer: Result<Answer, String>) -> &mut Self {
        assert!(self.post.take().is_some(), "no server was asked");
        self.handle(Input::Posted(0, answer))
    }

    /// The server of the oldest other request answers, or fails. Returns the request.
    pub fn answer_post(&mut self, answer: Result<Answer, String>) -> Post {
        let post = self.posts.remove(0);
        self.handle(Input::Posted(post.number, answer));
        post
    }

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

    fn perform(&mut self, outputs: Vec<Output>) {
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
    pub fn take_of(&mut self, number: u64) -> Vec<Done> {
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

    /// The text frames since the last `take`, which still returns them.
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
        assert_eq!(self.take_of(number), expected);
    }

    // Whole exchanges, for tests of what follows them.

    /// Opens a polling session; returns its `sid`.
    pub fn open_polling(&mut self) -> String {
        let request = self.get(POLLING);
        match &self.take_of(request)[..] {
            [Done::Responded(_, 200, _, body)] => sid_of(body),
            other => panic!("no handshake: {other:?}"),
        }
    }

    /// Opens a polling session of revision 3; returns the query of its requests.
    pub fn open_revision_3(&mut self, query: &str) -> String {
        let request = self.get(query);
        match &self.take_of(request)[..] {
            [Done::Responded(_, 200, ContentType::Text, body)] => {
                let (length, packet) = body.split_once(':').expect("a payload");
                assert_eq!(length.parse(), Ok(packet.len()), "{body}");
                format!("{query}&sid={}", sid_of(packet))
            }
            other => panic!("no handshake: {other:?}"),
        }
    }

    /// Opens a session on a WebSocket.
    pub fn open_websocket(&mut self) -> u64 {
        let connection = self.upgrade(WEBSOCKET);
        match &self.take_of(connection)[..] {
            [Done::Accepted(_), Done::Sent(_, _)] => connection,
            other => panic!("no handshake: {other:?}"),
        }
    }

    /// Opens a polling session and a WebSocket to probe; returns its `sid` and the connection.
    pub fn open_probe(&mut self) -> (String, u64) {
        let sid = self.open_polling();
        let probe = self.upgrade(&websocket(&sid));
        assert_eq!(self.take_of(probe), [accepted(probe)]);
        (sid, probe)
    }

    pub fn poll(&mut self, sid: &str) -> u64 {
        self.get(&polling(sid))
    }

    pub fn send(&mut self, sid: &str, body: &str) -> u64 {
        self.post(&polling(sid), body)
    }
}

pub fn polling(sid: &str) -> String {
    format!("{POLLING}&sid={sid}")
}

pub fn websocket(sid: &str) -> String {
    format!("{WEBSOCKET}&sid={sid}")
}

/// The `sid` in an `open` packet.
pub fn sid_of(open: &str) -> String {
    let json = open.strip_prefix('0').expect("an open packet");
    let handshake: serde_json::Value = serde_json::from_str(json).expect("a handshake");
    handshake["sid"].as_str().expect("a sid").to_owned()
}
