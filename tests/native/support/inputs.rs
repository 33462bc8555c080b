//! What a script tells its core: requests, frames, lost connections and the answers of servers.

use serde_json::Value;
use signalbox::io::{
    Answer, ConnectionId, ContentType, Core, Data, Headers, Input, Method, Post, Reply, Request,
    RequestId,
};

use super::{Done, Script};

pub const POLLING: &str = "EIO=4&transport=polling";
pub const WEBSOCKET: &str = "EIO=4&transport=websocket";
pub const POLLING_3: &str = "EIO=3&transport=polling";
pub const WEBSOCKET_3: &str = "EIO=3&transport=websocket";

/// The headers of a client with these cookies.
fn cookie(cookies: String) -> Headers {
    Headers {
        cookie: (!cookies.is_empty()).then_some(cookies),
        ..Headers::default()
    }
}

/// A request without address and cookies.
fn bare(
    reply: Reply,
    method: Method,
    query: &str,
    content_type: &str,
    body: impl AsRef<[u8]>,
) -> Request {
    Request {
        reply,
        method,
        query: query.to_owned(),
        upgrade: false,
        address: String::new(),
        content_type: content_type.to_owned(),
        headers: Headers::default(),
        body: body.as_ref().to_vec(),
    }
}

impl<C: Core> Script<C> {
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
        self.ask(|reply| Request {
            address,
            headers: cookie(cookies),
            ..bare(reply, method, query, content_type, body)
        })
    }

    /// A request for a WebSocket.
    pub fn upgrade(&mut self, query: &str) -> u64 {
        let (address, cookies) = (self.address.clone(), self.cookies.clone());
        self.ask(|reply| Request {
            upgrade: true,
            address,
            headers: cookie(cookies),
            ..bare(reply, Method::Get, query, "", "")
        })
    }

    /// Sends the request that `request` makes for a new reply. Returns its number.
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
            upgrade: true,
            address: self.address.clone(),
            ..bare(reply, Method::Get, WEBSOCKET, "", "")
        }));
        match &self.take_for(number)[..] {
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
        let request = bare(reply, method, action, content_type, body);
        self.handle(Input::Operate(request));
        match &self.take_for(number)[..] {
            [Done::Responded(_, status, ContentType::Json, body)] => {
                (*status, serde_json::from_str(body).expect("JSON"))
            }
            other => panic!("no answer: {other:?}"),
        }
    }

    /// An operator's request whose answer is not checked.
    pub fn try_operate(&mut self, action: &str, body: &str) {
        let (_, reply) = self.number();
        let request = bare(reply, Method::Post, action, "application/json", body);
        self.handle(Input::Operate(request));
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

    /// The server that was asked for relays sends this answer, or fails.
    pub fn posted(&mut self, answer: Result<Answer, String>) -> &mut Self {
        assert!(self.post.take().is_some(), "no server was asked");
        self.handle(Input::Posted(0, answer))
    }

    /// The oldest pending request to a server, other than the one for relays, is answered or fails. Returns that
    /// request.
    pub fn answer_post(&mut self, answer: Result<Answer, String>) -> Post {
        let post = self.posts.remove(0);
        self.handle(Input::Posted(post.number, answer));
        post
    }
}
