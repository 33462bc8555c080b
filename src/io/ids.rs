//! The numbers of requests and connections, and the right to answer a request.

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
