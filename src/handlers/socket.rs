//! The handle that handlers have for a socket, and the receivers of events.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use crate::io::Headers;
use crate::rate::Allowance;
use crate::socket::{
    Args, Command, Json, Namespace, Object, RoomError, SocketId, Sockets, Target, emit, is_reserved,
};
use crate::store::Store;
use crate::time::Timestamp;

/// The prefix of the keys under which the application's values are stored.
const PREFIX: &str = "app/";

/// The state that all handlers share.
pub(super) type Shared = Rc<RefCell<State>>;

pub(super) struct State {
    pub(super) sockets: Sockets<Kept>,
    pub(super) store: Rc<Store>,
    pub(super) now: Timestamp,
    /// The commands of this turn.
    pub(super) out: Vec<Command>,
    /// The acks of this turn. They are last, because they promise that everything else is committed.
    pub(super) acks: Vec<Command>,
}

/// The stored state of a socket.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) data: Option<Json>,
    pub(super) address: String,
    pub(super) query: String,
    pub(super) headers: Headers,
    /// Whether the connection is lost and the client may recover it.
    #[serde(default)]
    pub(super) is_away: bool,
    #[serde(skip)]
    pub(super) allowance: Allowance,
}

/// A socket: one client in one namespace. This is a handle, which is cheap to clone. After the socket has
/// disconnected, calls that send to it, change it or disconnect it have no effect.
#[derive(Clone)]
pub struct Socket {
    pub(super) id: SocketId,
    pub(super) namespace: Namespace,
    pub(super) shared: Shared,
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Socket({} in {})", self.id, self.namespace)
    }
}

impl Socket {
    /// The socket's id, which other clients may know.
    #[must_use]
    pub fn id(&self) -> SocketId {
        self.id
    }

    /// The socket's namespace.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The time, in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.shared.borrow().now.as_millis()
    }

    // The receivers of an event.

    /// Sends an event with one argument to this socket.
    pub fn emit(&self, event: &str, value: &(impl Serialize + ?Sized)) {
        self.emit_args(event, Args::of(value));
    }

    /// Sends an event with any arguments, for example several or binary ones.
    pub fn emit_args(&self, event: &str, args: Args) {
        self.everyone().to(self.id).emit_args(event, args);
    }

    /// All sockets of the namespace except this one.
    pub fn broadcast(&self) -> Broadcast {
        let everyone = self.everyone();
        Broadcast {
            target: everyone.target.but(self.id),
            shared: everyone.shared,
        }
    }

    /// The sockets in a room, except this one. The id of any socket is also the name of a room in which only the
    /// socket with that id is.
    pub fn to(&self, room: impl Into<String>) -> Broadcast {
        self.broadcast().to(room)
    }

    /// All sockets of the namespace, including this one.
    pub fn everyone(&self) -> Broadcast {
        Broadcast {
            target: Target::all(self.namespace.clone()),
            shared: self.shared.clone(),
        }
    }

    /// Sends an event that the client must acknowledge within `timeout`. The handler that
    /// [`Io::on_answer`](super::Io::on_answer) registered for `answer` gets the ack, or `None` after the
    /// timeout or when the socket disconnects. Returns `false` if too many acks of this socket are pending. An
    /// event with a reserved name, such as `connect`, is not sent either.
    pub fn ask(
        &self,
        event: &str,
        value: &(impl Serialize + ?Sized),
        answer: &str,
        timeout: Duration,
    ) -> bool {
        self.ask_args(event, Args::of(value), answer, timeout)
    }

    /// Like [`Socket::ask`], with any arguments.
    #[expect(clippy::must_use_candidate, reason = "callers may ignore the result")]
    pub fn ask_args(&self, event: &str, args: Args, answer: &str, timeout: Duration) -> bool {
        if is_reserved(event) {
            return false;
        }
        let State {
            sockets, out, now, ..
        } = &mut *self.shared.borrow_mut();
        sockets.ask(*now, self.id, (event, args), (answer, timeout), out)
    }

    // Rooms.

    /// Joins a room. Returns `false` if the socket is already in it.
    ///
    /// # Errors
    ///
    /// See [`RoomError`].
    pub fn join(&self, room: &str) -> Result<bool, RoomError> {
        self.shared.borrow_mut().sockets.join(self.id, room)
    }

    /// Leaves a room. Returns `false` if the socket is not in it.
    #[expect(clippy::must_use_candidate, reason = "callers may ignore the result")]
    pub fn leave(&self, room: &str) -> bool {
        self.shared.borrow_mut().sockets.leave(self.id, room)
    }

    /// The rooms that the socket has joined, in the order of joining.
    #[must_use]
    pub fn rooms(&self) -> Vec<String> {
        let state = self.shared.borrow();
        state.sockets.rooms(self.id).map(str::to_owned).collect()
    }

    /// The sockets that have joined a room, in the order of their joins. No socket joins the room of its own id.
    #[must_use]
    pub fn members(&self, room: &str) -> Vec<Self> {
        self.handles(Some(room))
    }

    /// All sockets of the namespace, in the order in which they connected.
    #[must_use]
    pub fn all(&self) -> Vec<Self> {
        self.handles(None)
    }

    fn handles(&self, room: Option<&str>) -> Vec<Self> {
        let ids = self.shared.borrow().sockets.members(&self.namespace, room);
        let handle = |id| Self { id, ..self.clone() };
        ids.into_iter().map(handle).collect()
    }

    // Data.

    /// Stores data for the socket, and replaces earlier data. The data survives a loss of memory.
    pub fn set(&self, data: &(impl Serialize + ?Sized)) {
        let data = Json::of(data);
        let mut state = self.shared.borrow_mut();
        state.sockets.change(self.id, |kept| {
            kept.data.replace(data.clone()) != Some(data)
        });
    }

    /// The data of the socket. `None` if it is missing or not a `T`.
    #[must_use]
    pub fn data<T: DeserializeOwned>(&self) -> Option<T> {
        let state = self.shared.borrow();
        let data = state.sockets.get(self.id)?.data.as_ref()?;
        serde_json::from_str(data.as_str()).ok()
    }

    /// Stores a value for the whole application. The value survives a loss of memory.
    pub fn store(&self, key: &str, value: &impl Serialize) {
        let state = self.shared.borrow();
        state.store.put_json(format!("{PREFIX}{key}"), value);
    }

    /// The stored value with this key; `None` if it is missing.
    ///
    /// # Errors
    ///
    /// The value is not a `T`, for example because `T` has changed since. The log says what to do: give new
    /// fields `#[serde(default)]`, or delete the value with [`Socket::unstore`].
    pub fn stored<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Refusal> {
        let store = Rc::clone(&self.shared.borrow().store);
        let stored = store.load(&format!("{PREFIX}{key}"));
        let mut stored = stored.iter();
        let Some((_, value)) = stored.find(|(found, _)| found.strip_prefix(PREFIX) == Some(key))
        else {
            return Ok(None);
        };
        serde_json::from_str(value).map(Some).map_err(|error| {
            let todo = "give new fields #[serde(default)], or delete the value with unstore";
            let line = Object::new()
                .with("event", "stored")
                .with("key", key)
                .with("error", &format!("{:?}", error.classify())) // its text may quote personal data
                .with("todo", todo)
                .json();
            store.platform().log(line.as_str());
            Refusal::new(format!(
                "the value that is stored as {key:?} cannot be read"
            ))
        })
    }

    /// Deletes the stored value with this key.
    pub fn unstore(&self, key: &str) {
        let state = self.shared.borrow();
        state.store.delete(format!("{PREFIX}{key}"));
    }

    // The handshake.

    /// The client's address, from the platform.
    #[must_use]
    pub fn address(&self) -> String {
        self.kept(|kept| kept.address.clone())
    }

    /// The query of the URL that the client connected with, still percent-encoded.
    #[must_use]
    pub fn query(&self) -> String {
        self.kept(|kept| kept.query.clone())
    }

    /// The origin of the page that connected, if the browser sent one.
    #[must_use]
    pub fn origin(&self) -> Option<String> {
        self.kept(|kept| kept.headers.origin.clone())
    }

    /// The `User-Agent` that the client connected with.
    #[must_use]
    pub fn user_agent(&self) -> Option<String> {
        self.kept(|kept| kept.headers.user_agent.clone())
    }

    /// The `Cookie` header that the client connected with: a secret of the client.
    #[must_use]
    pub fn cookie(&self) -> Option<String> {
        self.kept(|kept| kept.headers.cookie.clone())
    }

    fn kept<T: Default>(&self, get: impl FnOnce(&Kept) -> T) -> T {
        let state = self.shared.borrow();
        state.sockets.get(self.id).map(get).unwrap_or_default()
    }

    /// Disconnects the socket. Its client does not reconnect automatically.
    pub fn disconnect(&self) {
        let mut state = self.shared.borrow_mut();
        state.out.push(Command::Disconnect(self.id));
    }
}

/// The receivers of an event.
#[derive(Clone)]
#[must_use = "`emit` sends an event"]
pub struct Broadcast {
    target: Target,
    shared: Shared,
}

impl Broadcast {
    /// Adds the sockets in this room. Without this call, the receivers are all sockets of the
    /// namespace.
    pub fn to(mut self, room: impl Into<String>) -> Self {
        self.target = self.target.to(room);
        self
    }

    /// Removes the sockets in this room.
    pub fn except(mut self, room: impl Into<String>) -> Self {
        self.target = self.target.except(room);
        self
    }

    /// Only sockets that are connected now. Sockets that are away miss the event.
    pub fn volatile(mut self) -> Self {
        self.target = self.target.volatile();
        self
    }

    /// Sends an event with one argument.
    pub fn emit(&self, event: &str, value: &(impl Serialize + ?Sized)) {
        self.emit_args(event, Args::of(value));
    }

    /// Sends an event with any arguments. An event with a reserved name, such as `connect`, is not sent.
    pub fn emit_args(&self, event: &str, args: Args) {
        if is_reserved(event) {
            return;
        }
        let State { sockets, out, .. } = &mut *self.shared.borrow_mut();
        out.extend(emit(sockets, &self.target, event, args));
    }
}
