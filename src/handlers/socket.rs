//! A socket as handlers see it, and the receivers of events.

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

/// Where an application's own values are stored.
const PREFIX: &str = "app/";

/// The state that all handlers share.
pub(super) type Shared = Rc<RefCell<State>>;

pub(super) struct State {
    pub(super) sockets: Sockets<Kept>,
    pub(super) store: Rc<Store>,
    pub(super) now: Timestamp,
    /// The commands of this turn.
    pub(super) out: Vec<Command>,
    /// Acks come last, as they promise that all else is committed.
    pub(super) acks: Vec<Command>,
}

/// The data that is kept with a socket.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) data: Option<Json>,
    pub(super) address: String,
    pub(super) query: String,
    pub(super) headers: Headers,
    /// Whether its connection is lost.
    #[serde(default)]
    pub(super) is_away: bool,
    #[serde(skip)]
    pub(super) allowance: Allowance,
}

/// A socket: one client in one namespace. This is a handle, which is cheap to clone. Calls for a socket that
/// has disconnected have no effect.
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
    /// Its id, which others may know.
    #[must_use]
    pub fn id(&self) -> SocketId {
        self.id
    }

    /// Its namespace.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The time, in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.shared.borrow().now.as_millis()
    }

    // Whom an event is for.

    /// Sends an event with one argument to this socket.
    pub fn emit(&self, event: &str, value: &(impl Serialize + ?Sized)) {
        self.emit_args(event, Args::of(value));
    }

    /// Sends an event with any arguments, such as several or binary ones.
    pub fn emit_args(&self, event: &str, args: Args) {
        self.everyone().to(self.id).emit_args(event, args);
    }

    /// All sockets of the namespace but this one.
    pub fn broadcast(&self) -> Broadcast {
        let everyone = self.everyone();
        Broadcast {
            target: everyone.target.but(self.id),
            shared: everyone.shared,
        }
    }

    /// The sockets in a room, but this one. A socket's id is a room, too.
    pub fn to(&self, room: impl Into<String>) -> Broadcast {
        self.broadcast().to(room)
    }

    /// All sockets of the namespace, this one included.
    pub fn everyone(&self) -> Broadcast {
        Broadcast {
            target: Target::all(self.namespace.clone()),
            shared: self.shared.clone(),
        }
    }

    /// Sends an event that the client is to acknowledge within `timeout`. The handler that
    /// [`Io::on_answer`](super::Io::on_answer) registered for `answer` gets the ack, or is told that there
    /// is none. `false` if too many acks of this socket are awaited.
    pub fn ask(
        &self,
        event: &str,
        value: &(impl Serialize + ?Sized),
        answer: &str,
        timeout: Duration,
    ) -> bool {
        self.ask_args(event, Args::of(value), answer, timeout)
    }

    /// The same with any arguments.
    #[expect(clippy::must_use_candidate, reason = "what it does is what counts")]
    pub fn ask_args(&self, event: &str, args: Args, answer: &str, timeout: Duration) -> bool {
        let State {
            sockets, out, now, ..
        } = &mut *self.shared.borrow_mut();
        sockets.ask(*now, self.id, (event, args), (answer, timeout), out)
    }

    // Rooms.

    /// Joins a room. `false` if it was there already.
    ///
    /// # Errors
    ///
    /// See [`RoomError`].
    pub fn join(&self, room: &str) -> Result<bool, RoomError> {
        self.shared.borrow_mut().sockets.join(self.id, room)
    }

    /// Leaves a room. `false` if it was not there.
    #[expect(clippy::must_use_candidate, reason = "what it does is what counts")]
    pub fn leave(&self, room: &str) -> bool {
        self.shared.borrow_mut().sockets.leave(self.id, room)
    }

    /// The rooms that it joined, in that order.
    #[must_use]
    pub fn rooms(&self) -> Vec<String> {
        let state = self.shared.borrow();
        state.sockets.rooms(self.id).map(str::to_owned).collect()
    }

    /// The sockets in a room, in the order in which they joined.
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

    /// Keeps data with the socket, in place of earlier data. It outlives memory.
    pub fn set(&self, data: &(impl Serialize + ?Sized)) {
        let data = Json::of(data);
        let mut state = self.shared.borrow_mut();
        state.sockets.change(self.id, |kept| {
            kept.data.replace(data.clone()) != Some(data)
        });
    }

    /// The data that is kept with the socket, if there is any and it is a `T`.
    #[must_use]
    pub fn data<T: DeserializeOwned>(&self) -> Option<T> {
        let state = self.shared.borrow();
        let data = state.sockets.get(self.id)?.data.as_ref()?;
        serde_json::from_str(data.as_str()).ok()
    }

    /// Stores a value of the application, for all its sockets. It outlives memory.
    pub fn store(&self, key: &str, value: &impl Serialize) {
        let state = self.shared.borrow();
        state.store.put_json(format!("{PREFIX}{key}"), value);
    }

    /// The value that was stored under this key; `None` if there is none.
    ///
    /// # Errors
    ///
    /// The value is no `T`, as when `T` has changed since. The log says what to do: give new fields
    /// `#[serde(default)]`, or delete the value with [`Socket::unstore`].
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
                .with("error", &format!("{:?}", error.classify())) // its text may have values of people
                .with("todo", todo)
                .json();
            store.platform().log(line.as_str());
            Refusal::new(format!(
                "the value that is stored as {key:?} cannot be read"
            ))
        })
    }

    /// Deletes what was stored under this key.
    pub fn unstore(&self, key: &str) {
        let state = self.shared.borrow();
        state.store.delete(format!("{PREFIX}{key}"));
    }

    // How it connected.

    /// The client's address, as the platform tells it.
    #[must_use]
    pub fn address(&self) -> String {
        self.kept(|kept| kept.address.clone())
    }

    /// The query of the URL that the client connected with, still percent-encoded.
    #[must_use]
    pub fn query(&self) -> String {
        self.kept(|kept| kept.query.clone())
    }

    /// The origin of the page that connected, if a browser said so.
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

    /// Disconnects the socket; its client does not come back by itself.
    pub fn disconnect(&self) {
        let mut state = self.shared.borrow_mut();
        state.out.push(Command::Disconnect(self.id));
    }
}

/// Sockets to which something can be sent.
#[derive(Clone)]
#[must_use = "`emit` sends an event"]
pub struct Broadcast {
    target: Target,
    shared: Shared,
}

impl Broadcast {
    /// Those in this room, and in the rooms named before.
    pub fn to(mut self, room: impl Into<String>) -> Self {
        self.target = self.target.to(room);
        self
    }

    /// None of those in this room.
    pub fn except(mut self, room: impl Into<String>) -> Self {
        self.target = self.target.except(room);
        self
    }

    /// Only those that are connected now: sockets that are away miss it.
    pub fn volatile(mut self) -> Self {
        self.target = self.target.volatile();
        self
    }

    /// Sends an event with one argument.
    pub fn emit(&self, event: &str, value: &(impl Serialize + ?Sized)) {
        self.emit_args(event, Args::of(value));
    }

    /// Sends an event with any arguments. One whose name a socket keeps for itself, such as `connect`, is
    /// not sent.
    pub fn emit_args(&self, event: &str, args: Args) {
        if is_reserved(event) {
            return;
        }
        let State { sockets, out, .. } = &mut *self.shared.borrow_mut();
        out.extend(emit(sockets, &self.target, event, args));
    }
}
