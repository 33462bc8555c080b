//! The boundary of the core. What happens outside arrives as an [`Input`], and the core returns
//! [`Output`]s to perform. The few questions that the core asks meanwhile go to the [`Platform`].

mod data;
mod http;
mod ids;
mod platform;
mod post;

use std::time::Duration;

pub use data::{Data, Text};
pub use http::{ContentType, Headers, Method, Request, Response};
pub use ids::{ConnectionId, Reply, RequestId};
pub use platform::{Platform, Point};
pub use post::{Answer, Post, Recipient};

use crate::time::Timestamp;

/// What the core is told: something that happened outside.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    /// A request arrived. The core answers it, now or later, by [`Output::Respond`],
    /// [`Output::Accept`] or [`Output::Dismiss`].
    Request(Request),
    /// A handshake arrived from an address that has opened too many sessions recently. It is accepted only if
    /// its client may recover a socket: for that, the address must have more sockets that are away than sessions
    /// that wait for their first CONNECT.
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

/// A prefix with a number, for keys of records. Such texts sort in the order of their numbers if
/// these have at most 16 digits.
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
    /// Attach this text to what has this number: an open connection or an unanswered request. It
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
    /// Send a request to another server or object. [`Input::Posted`] follows, unless memory is lost before.
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

/// A state machine that a shell runs. [`socket::Runner`](crate::socket::Runner) is one.
pub trait Core {
    /// Rebuilds the state after the loss of memory, or builds it for the first time. Returns the
    /// outputs to perform. It is called before all other methods.
    fn restore(&mut self, now: Timestamp, survivors: Survivors) -> Vec<Output>;

    /// Handles an input. Returns the outputs to perform, in order.
    fn handle(&mut self, now: Timestamp, input: Input) -> Vec<Output>;

    /// When [`Input::Wake`] is due, unless another input comes first.
    fn deadline(&self) -> Option<Timestamp>;
}
