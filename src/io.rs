//! The boundary of the core: what happened comes in as an [`Input`], what is to be done goes out as
//! [`Output`]s, and the little that the core must ask in between is the [`Platform`].

use std::ops::Deref;
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Names one HTTP request, for as long as it is unanswered. Chosen by the shell; never reused while
/// a request or connection of that number is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

impl RequestId {
    /// The request of this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number the shell chose.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// Names one WebSocket. It has the number of the request that opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

impl ConnectionId {
    /// The connection of this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number of the request that opened the connection.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl From<RequestId> for ConnectionId {
    fn from(request: RequestId) -> Self {
        Self(request.0)
    }
}

/// The right to answer one request, once: neither `Clone` nor `Copy`.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply(RequestId);

impl Reply {
    /// The right to answer `request`. Only the shell makes one, when the request arrives or, after
    /// its memory was lost, when it finds the request still waiting.
    #[must_use]
    pub const fn to(request: RequestId) -> Self {
        Self(request)
    }

    /// The request to be answered.
    #[must_use]
    pub const fn request(&self) -> RequestId {
        self.0
    }
}

/// A text that many share, made of a `String` without a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(Rc<String>);

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Rc::new(text))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// One WebSocket frame, shared by all who receive it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// A text frame.
    Text(Text),
    /// A binary frame.
    Binary(Rc<[u8]>),
}

#[cfg(target_arch = "wasm32")]
impl Data {
    /// Whether both are shares of one frame.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(text), Self::Text(other)) => Rc::ptr_eq(&text.0, &other.0),
            (Self::Binary(bytes), Self::Binary(other)) => Rc::ptr_eq(bytes, other),
            _ => false,
        }
    }
}

/// The methods that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// Any other.
    Other,
}

/// The headers of a handshake that an application may want to know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Headers {
    /// `Origin`: of the page that connects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// `User-Agent`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// `Cookie`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
}

impl Headers {
    /// The longest header that is kept, in bytes. One that is longer counts as missing.
    pub const BYTES: usize = 4096;

    /// The `Cookie` header, empty if absent.
    pub(crate) fn cookies(&self) -> &str {
        self.cookie.as_deref().unwrap_or_default()
    }

    /// These headers, without those that are too long.
    pub(crate) fn bounded(self) -> Self {
        let fits = |header: Option<String>| header.filter(|text| text.len() <= Self::BYTES);
        Self {
            origin: fits(self.origin),
            user_agent: fits(self.user_agent),
            cookie: fits(self.cookie),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An HTTP request. `CORS` and the path have been dealt with.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// The right to answer it.
    pub reply: Reply,
    /// Its method.
    pub method: Method,
    /// The URL's query, without the question mark, still percent-encoded.
    pub query: String,
    /// Whether it asks to become a WebSocket.
    pub upgrade: bool,
    /// The client's address, as the platform tells it; empty if it does not.
    pub address: String,
    /// The `Content-Type` header, empty if absent.
    pub content_type: String,
    /// What else is known of the client, if the application wants to know.
    pub headers: Headers,
    /// The body, in bytes.
    pub body: Vec<u8>,
}

/// Who gets a [`Post`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// The server at this URL.
    Server(String),
    /// Another object of the same class, as [`Input::Operate`] whose query is the action.
    Object {
        /// The object's name.
        name: String,
        /// What it is asked for.
        action: &'static str,
    },
}

/// A `POST` of JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The application's number for it, which comes back with the answer.
    pub number: u64,
    /// Who gets it.
    pub to: Recipient,
    /// The headers beside `Content-Type`. They may be secrets.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
    /// How long the answer may take.
    pub timeout: Duration,
}

/// What another server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; empty if it is longer than what a shell reads of it.
    pub body: String,
}

/// What happened.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    /// A request arrived. It is answered by [`Output::Respond`], now or later, or by
    /// [`Output::Accept`] or [`Output::Dismiss`].
    Request(Request),
    /// A handshake arrived from an address that has opened too many sessions lately. Only a client
    /// that comes back opens a session with it.
    OverLimit(Request),
    /// An unanswered request's client gave up.
    Aborted(RequestId),
    /// The shell would not hold an unanswered request any longer: of itself, or as [`Output::Hold`]
    /// said.
    Overdue(RequestId),
    /// An operator's request to the application arrived, whom the shell knows to be one. Its query
    /// names what is asked for. It is answered by [`Output::Respond`], at once.
    Operate(Request),
    /// A frame arrived.
    Received {
        /// On this connection.
        from: ConnectionId,
        /// The frame.
        data: Data,
    },
    /// A connection is gone, whoever closed it.
    Disconnected(ConnectionId),
    /// A client closed its connection because its page was left: code 1001 (RFC 6455, section 7.4.1).
    WentAway(ConnectionId),
    /// The [`Output::Post`] of this number was answered, or failed for this reason.
    Posted(u64, Result<Answer, String>),
    /// The deadline came.
    Wake,
}

impl Input {
    /// Whether a client is gone: it must not be sent anything in this turn before that is known.
    pub(crate) fn is_loss(&self) -> bool {
        matches!(
            self,
            Self::Disconnected(_) | Self::WentAway(_) | Self::Aborted(_)
        )
    }
}

/// A response's media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentType {
    /// `text/plain; charset=UTF-8`
    Text,
    /// `text/html`
    Html,
    /// `application/json`
    Json,
    /// `application/octet-stream`. The body is in base64, as what carries it from an object to a
    /// Worker is text.
    Octets,
}

/// The answer to a request. It is never to be cached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The type of the body.
    pub content_type: ContentType,
    /// The body.
    pub body: String,
    /// The `Set-Cookie` header, if there is one.
    pub cookie: Option<String>,
}

/// A change to what is stored. A turn's changes are committed together, each key once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Store a value, in place of an earlier one, until it is deleted.
    Stored {
        /// Where.
        key: String,
        /// What.
        value: String,
    },
    /// Delete a stored value.
    Deleted {
        /// Where.
        key: String,
    },
    /// Leave nothing in storage of values that were deleted or replaced.
    Purged,
    /// Delete everything that is stored, so that the storage is as if it had never been used.
    Erased,
}

/// A number behind a prefix, as in the keys of records: such texts sort as their numbers do.
pub(crate) fn numbered(prefix: &str, number: u64) -> String {
    const DIGITS: usize = 16; // at least
    const LONGEST: usize = 20;
    let behind = 1; // what callers may add
    let mut digits = [b'0'; LONGEST];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit |= (rest % 10).to_le_bytes()[0];
        rest /= 10;
    }
    let [first, second, third, fourth, shown @ ..] = &digits;
    let is_short = [first, second, third, fourth] == [&b'0'; LONGEST - DIGITS];
    let shown = if is_short { &shown[..] } else { &digits };
    let mut text = String::with_capacity(prefix.len() + LONGEST + behind);
    text.push_str(prefix);
    text.push_str(str::from_utf8(shown).unwrap_or_default());
    text
}

/// How long a commit that nothing was promised for may wait, so that one write serves several turns.
pub const SOON: Duration = Duration::from_millis(25);

/// What is to be done, in this order.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// Answer a request.
    Respond(Reply, Response),
    /// Answer a request by making it a WebSocket.
    Accept(Reply),
    /// Answer a request by making it a WebSocket that is closed at once, without a code. No other
    /// output, and no input, is about it.
    Dismiss(Reply),
    /// Hold an unanswered request no longer than this, from now: [`Input::Overdue`] follows then. If
    /// memory is lost meanwhile, it follows all the same.
    Hold(RequestId, Duration),
    /// Send a frame.
    Send(ConnectionId, Data),
    /// Close a connection; with this code, if any.
    Close(ConnectionId, Option<u16>),
    /// Attach this text, in place of an earlier one, to an open connection or, under the same number,
    /// to an unanswered request. It survives the loss of memory and is lost with the connection.
    Attach(ConnectionId, String),
    /// Commit these records and all that still wait, as a whole. The outputs that follow promise
    /// that this was done: none of them may happen if it fails.
    Commit(Vec<Record>),
    /// Commit these records within [`SOON`], or with the next [`Output::Commit`] if that is earlier.
    /// Only a server that is killed before forgets them.
    CommitSoon(Vec<Record>),
    /// Stop: what is stored cannot be read, for this reason. It is the only output of its turn. The
    /// shell writes the reason into the log and ends the object; clients are told to try again.
    Halt(String),
    /// Ask another server: [`Input::Posted`] follows in any case, unless memory is lost before.
    Post(Post),
}

/// What is still open when memory was lost. What is stored is read through [`Store`](crate::store::Store).
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Survivors {
    /// Open connections, each with its attachment.
    pub connections: Vec<(ConnectionId, String)>,
    /// Unanswered requests, each with its attachment.
    pub requests: Vec<(Reply, String)>,
}

/// A state machine that a shell can run. [`socket::Host`](crate::socket::Host) is one.
pub trait Core {
    /// Memory was lost, or there never was any: rebuilds the state from what survived, and returns
    /// what is to be done. Comes first.
    fn restore(&mut self, now: Timestamp, survivors: Survivors) -> Vec<Output>;

    /// Something happened; returns what is to be done, in order.
    fn handle(&mut self, now: Timestamp, input: Input) -> Vec<Output>;

    /// When [`Input::Wake`] is due, if nothing else happens before.
    fn deadline(&self) -> Option<Timestamp>;
}

/// Something that operators count: one row of a data set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point<'a> {
    /// What happened.
    pub event: &'a str,
    /// In which room.
    pub room: &'a str,
    /// Why, or of what kind; may be empty.
    pub detail: &'a str,
    /// What is measured, if anything: milliseconds, or a number of receivers.
    pub value: f64,
    /// How many peers there are then.
    pub peers: f64,
}

/// What the core asks of the place where it runs. All answers are immediate.
pub trait Platform {
    /// Fifteen random bytes, for an id that cannot be guessed.
    fn mint(&self) -> [u8; 15];

    /// When the platform last answered a frame on this connection by itself
    /// (see [`crate::engine::AUTO_RESPONSE`]), if it ever did.
    fn last_auto_response(&self, connection: ConnectionId) -> Option<Timestamp>;

    /// The stored records whose keys begin with `prefix`, as key and value, in the keys' order. It sees
    /// what is yet to be committed.
    ///
    /// # Errors
    ///
    /// Why the storage cannot be read.
    fn load(&self, prefix: &str) -> Result<Vec<(String, String)>, String>;

    /// Whether nothing was stored since the storage was made or everything in it was deleted. A
    /// storage whose records were deleted one by one is not blank.
    fn is_blank(&self) -> bool {
        true
    }

    /// Writes a line into the log that operators read.
    fn log(&self, line: &str);

    /// Whether points are counted.
    fn is_measuring(&self) -> bool {
        false
    }

    /// Counts something, if points are counted.
    fn measure(&self, _point: &Point) {}
}
