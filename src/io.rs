//! The boundary of the core. Each event arrives as an [`Input`], and the core returns [`Output`]s
//! to perform. The few questions that the core asks meanwhile go to the [`Platform`].

use std::ops::Deref;
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The number of an HTTP request, as long as it is unanswered. The shell chooses it, and reuses no
/// number of an open request or connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

impl RequestId {
    /// Makes the id from the shell's number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The shell's number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// The number of a WebSocket: that of the request that opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

impl ConnectionId {
    /// Makes the id from the number of the request.
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

/// The right to answer one request once. It is neither `Clone` nor `Copy`.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply(RequestId);

impl Reply {
    /// Makes the right to answer `request`. Only the shell does so: when the request arrives, or
    /// when it finds an unanswered request after the loss of memory.
    #[must_use]
    pub const fn to(request: RequestId) -> Self {
        Self(request)
    }

    /// The request that it answers.
    #[must_use]
    pub const fn request(&self) -> RequestId {
        self.0
    }
}

/// A shared text. Making it from a `String` copies nothing.
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

/// One WebSocket frame. Its receivers share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// A text frame.
    Text(Text),
    /// A binary frame.
    Binary(Rc<[u8]>),
}

#[cfg(target_arch = "wasm32")]
impl Data {
    /// Whether both are the same shared frame.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(text), Self::Text(other)) => Rc::ptr_eq(&text.0, &other.0),
            (Self::Binary(bytes), Self::Binary(other)) => Rc::ptr_eq(bytes, other),
            _ => false,
        }
    }
}

/// The HTTP methods that the core distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// Any other method.
    Other,
}

/// The headers of a handshake that are available to the application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Headers {
    /// `Origin`: the origin of the page that connects
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
    /// The maximum size of a header, in bytes. A longer header counts as missing.
    pub const BYTES: usize = 4096;

    /// The `Cookie` header, or an empty text.
    pub(crate) fn cookies(&self) -> &str {
        self.cookie.as_deref().unwrap_or_default()
    }

    /// Removes the headers that are too long.
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

/// An HTTP request, after the shell has handled CORS and the path.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// The right to answer the request.
    pub reply: Reply,
    /// Its method.
    pub method: Method,
    /// The URL's query, without the question mark, still percent-encoded.
    pub query: String,
    /// Whether the request asks for a WebSocket.
    pub upgrade: bool,
    /// The client's address, if the platform tells it, else empty.
    pub address: String,
    /// The `Content-Type` header, empty if absent.
    pub content_type: String,
    /// More headers, if the application needs them.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

/// The recipient of a [`Post`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// The server at this URL.
    Server(String),
    /// Another object of the same class. It gets [`Input::Operate`] with the action as its query.
    Object {
        /// The object's name.
        name: String,
        /// The action.
        action: &'static str,
    },
}

/// An HTTP `POST` request with a JSON body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The application's number for this request. [`Input::Posted`] returns it.
    pub number: u64,
    /// The recipient.
    pub to: Recipient,
    /// The headers other than `Content-Type`. They may be secret.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
    /// The time limit for the answer.
    pub timeout: Duration,
}

/// The answer of another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; empty if it is longer than the shell's limit.
    pub body: String,
}

/// An event that the core handles.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    /// A request arrived. The core answers it, now or later, by [`Output::Respond`],
    /// [`Output::Accept`] or [`Output::Dismiss`].
    Request(Request),
    /// A handshake arrived from an address that has opened too many sessions recently. It may only
    /// restore an earlier session of the client.
    OverLimit(Request),
    /// The client of an unanswered request disconnected.
    Aborted(RequestId),
    /// The shell cannot hold an unanswered request any longer, or the time limit of an
    /// [`Output::Hold`] has passed.
    Overdue(RequestId),
    /// An operator's request to the application arrived. The shell has authenticated it. Its query
    /// is the action. The core answers it at once by [`Output::Respond`].
    Operate(Request),
    /// A WebSocket frame arrived.
    Received {
        /// The connection.
        from: ConnectionId,
        /// The frame.
        data: Data,
    },
    /// A connection closed, on either side.
    Disconnected(ConnectionId),
    /// A client closed its connection because the user left the page: code 1001 (RFC 6455, section
    /// 7.4.1).
    WentAway(ConnectionId),
    /// The answer to the [`Output::Post`] with this number, or the reason of its failure.
    Posted(u64, Result<Answer, String>),
    /// The deadline has passed.
    Wake,
}

impl Input {
    /// Whether a client is lost. The core must handle this before it sends that client anything.
    pub(crate) fn is_loss(&self) -> bool {
        matches!(
            self,
            Self::Disconnected(_) | Self::WentAway(_) | Self::Aborted(_)
        )
    }
}

/// The media type of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentType {
    /// `text/plain; charset=UTF-8`
    Text,
    /// `text/html`
    Html,
    /// `application/json`
    Json,
    /// `application/octet-stream`. The body is base64, because the object sends it to the Worker as
    /// text.
    Octets,
}

/// The response to a request. It must not be cached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The type of the body.
    pub content_type: ContentType,
    /// The body.
    pub body: String,
    /// The `Set-Cookie` header.
    pub cookie: Option<String>,
}

/// A change of the stored state. All changes of a turn are committed together, one per key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Store a value. It replaces an earlier value of the key.
    Stored {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// Delete a value.
    Deleted {
        /// The key.
        key: String,
    },
    /// Remove all traces of deleted and replaced values from storage.
    Purged,
    /// Delete everything that is stored. The storage is then as if it had never been used.
    Erased,
}

/// A prefix with a number, for keys of records. Such texts sort in the order of their numbers.
pub(crate) fn numbered(prefix: &str, number: u64) -> String {
    const DIGITS: usize = 16; // minimum
    const LONGEST: usize = 20;
    let behind = 1; // callers may append this much
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

/// How long a commit without a promise may wait, so that one write serves several turns.
pub const SOON: Duration = Duration::from_millis(25);

/// An action that the shell performs. The order matters.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// Respond to a request.
    Respond(Reply, Response),
    /// Upgrade a request to a WebSocket.
    Accept(Reply),
    /// Upgrade a request to a WebSocket and close it at once, without a code. No other output and
    /// no input refers to it.
    Dismiss(Reply),
    /// Hold an unanswered request for at most this time from now. [`Input::Overdue`] follows, even
    /// if memory is lost meanwhile.
    Hold(RequestId, Duration),
    /// Send a frame.
    Send(ConnectionId, Data),
    /// Close a connection, with this code if there is one.
    Close(ConnectionId, Option<u16>),
    /// Attach this text to an open connection or to the unanswered request of that number. It
    /// replaces an earlier attachment. It survives the loss of memory, and is lost with the
    /// connection.
    Attach(ConnectionId, String),
    /// Commit these records, and all earlier uncommitted ones, as a whole. The outputs that follow
    /// promise this commit: if it fails, none of them may be performed.
    Commit(Vec<Record>),
    /// Commit these records within [`SOON`], or with the next [`Output::Commit`] if that is
    /// earlier. They are lost only if the server is killed before that.
    CommitSoon(Vec<Record>),
    /// Stop, because the storage cannot be read, for this reason. It is the only output of its
    /// turn. The shell logs the reason and ends the object; clients are told to retry.
    Halt(String),
    /// Send a request to another server. [`Input::Posted`] follows, unless memory is lost before.
    Post(Post),
}

/// What is still open after the loss of memory. Stored values are read through
/// [`Store`](crate::store::Store).
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Survivors {
    /// Open connections, each with its attachment.
    pub connections: Vec<(ConnectionId, String)>,
    /// Unanswered requests, each with its attachment.
    pub requests: Vec<(Reply, String)>,
}

/// A state machine that a shell runs. [`socket::Host`](crate::socket::Host) is one.
pub trait Core {
    /// Rebuilds the state after the loss of memory, or builds it for the first time. Returns the
    /// outputs to perform. It is called before all other methods.
    fn restore(&mut self, now: Timestamp, survivors: Survivors) -> Vec<Output>;

    /// Handles an input. Returns the outputs to perform, in order.
    fn handle(&mut self, now: Timestamp, input: Input) -> Vec<Output>;

    /// When [`Input::Wake`] is due, unless another input comes first.
    fn deadline(&self) -> Option<Timestamp>;
}

/// An event that operators count: one row of a data set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point<'a> {
    /// The event.
    pub event: &'a str,
    /// The room.
    pub room: &'a str,
    /// The reason, or the kind; may be empty.
    pub detail: &'a str,
    /// The measured value, if there is one: milliseconds, or a number of receivers.
    pub value: f64,
    /// The number of peers at that time.
    pub peers: f64,
}

/// What the core asks of the platform. All answers are immediate.
pub trait Platform {
    /// Fifteen random bytes, for an unguessable id.
    fn mint(&self) -> [u8; 15];

    /// When the platform last answered a frame on this connection (see
    /// [`crate::engine::AUTO_RESPONSE`]); `None` if it never did.
    fn last_auto_response(&self, connection: ConnectionId) -> Option<Timestamp>;

    /// The stored records whose keys begin with `prefix`, as keys and values, sorted by key.
    /// Uncommitted changes are included.
    ///
    /// # Errors
    ///
    /// The reason why the storage cannot be read.
    fn load(&self, prefix: &str) -> Result<Vec<(String, String)>, String>;

    /// Whether the storage has been empty since it was made, or since it was last deleted as a
    /// whole. A storage whose records were deleted one by one is not blank.
    fn is_blank(&self) -> bool {
        true
    }

    /// Writes a line into the operators' log.
    fn log(&self, line: &str);

    /// Whether data points are written.
    fn is_measuring(&self) -> bool {
        false
    }

    /// Writes a data point, if [`Platform::is_measuring`].
    fn measure(&self, _point: &Point) {}
}
