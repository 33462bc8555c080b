//! A stage for tests of applications: clients, a clock and storage, without a server.
//!
//! ```
//! use signalbox::prelude::*;
//! use signalbox::stage::Stage;
//!
//! fn chat(io: &mut Io) {
//!     io.on("enter", |socket: Socket, Data(room): Data<String>| socket.join(&room));
//!     io.on("say", |socket: Socket, All((room, text)): All<(String, String)>, ack: Ack| {
//!         socket.to(room).emit("said", &text);
//!         ack.send(&"ok");
//!     });
//! }
//!
//! let mut stage = Stage::of(chat);
//! let [ann, bob] = [stage.connect().unwrap(), stage.connect().unwrap()];
//! for client in [ann, bob] {
//!     stage.emit(client, "enter", &["den"]);
//! }
//! stage.lose_memory(); // the object slept; its rooms are restored
//! assert_eq!(stage.ask(ann, "say", &("den", "hello")), Some(r#"["ok"]"#.to_owned()));
//! assert_eq!(stage.heard(bob), [r#"["said","hello"]"#]);
//! ```

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;

use crate::engine::{CloseReason, Handshake};
use crate::handlers::{Handlers, Io};
use crate::io::{ConnectionId, Output, Platform, Record};
use crate::room::config::Rates;
use crate::socket::{
    Ack, App, Args, Command, DisconnectReason, Event, Json, Namespace, Object, SocketId,
};
use crate::store::Store;
use crate::time::Timestamp;

/// The options of a client's connection.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// The namespace.
    pub namespace: Namespace,
    /// The client's `auth`.
    pub auth: Option<Json>,
    /// The client's address, the query of its URL, and its headers.
    pub handshake: Handshake,
}

/// An application and its clients.
pub struct Stage<A> {
    build: Box<dyn Fn(Rc<Store>) -> A>,
    app: A,
    platform: Rc<TestPlatform>,
    store: Rc<Store>,
    now: Timestamp,
    clients: BTreeMap<SocketId, ClientState>,
    /// The arguments of the last ack.
    acknowledged: Option<Args>,
    refused: Option<Json>,
}

/// A client.
#[derive(Default)]
struct ClientState {
    namespace: Namespace,
    kept: Option<Json>,
    is_away: bool,
    heard: Vec<(String, Args)>,
    /// The ids of the acks that the application waits for.
    asked: VecDeque<u64>,
}

/// Storage, and random numbers that are the same in every run.
#[derive(Default)]
struct TestPlatform {
    minted: Cell<u64>,
    rows: RefCell<BTreeMap<String, String>>,
    log: RefCell<Vec<String>>,
}

impl Platform for TestPlatform {
    fn mint(&self) -> [u8; 15] {
        let number = self.minted.get().saturating_add(1);
        self.minted.set(number);
        let mut bytes = [0x5a; 15];
        for (byte, digit) in bytes.iter_mut().zip(number.to_be_bytes()) {
            *byte = digit;
        }
        bytes
    }

    fn last_auto_response(&self, _: ConnectionId) -> Option<Timestamp> {
        None
    }

    fn load(&self, prefix: &str) -> Result<Vec<(String, String)>, String> {
        let rows = self.rows.borrow();
        let rows = rows.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(rows
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    fn log(&self, line: &str) {
        self.log.borrow_mut().push(line.to_owned());
    }
}

impl Stage<Handlers> {
    /// A stage for an application of handlers. The application gets no variables of the environment: see
    /// [`Io::variable`].
    #[must_use]
    pub fn of(add: fn(&mut Io)) -> Self {
        Self::new(move |store| Handlers::new(add, Rates::default(), store))
    }
}

impl<A: App> Stage<A> {
    /// A stage for the application that `build` creates.
    #[must_use]
    pub fn new(build: impl Fn(Rc<Store>) -> A + 'static) -> Self {
        let platform = Rc::<TestPlatform>::default();
        let store = Store::new(platform.clone());
        Self {
            app: build(Rc::clone(&store)),
            build: Box::new(build),
            platform,
            store,
            now: Timestamp::from_millis(1_000),
            clients: BTreeMap::new(),
            acknowledged: None,
            refused: None,
        }
    }

    /// Connects a client to the namespace `/`.
    ///
    /// # Errors
    ///
    /// The refusal: an object with `message` and `data`.
    pub fn connect(&mut self) -> Result<SocketId, Json> {
        self.connect_as(Client::default())
    }

    /// Connects a client with these options.
    ///
    /// # Errors
    ///
    /// The refusal: an object with `message` and `data`.
    pub fn connect_as(&mut self, client: Client) -> Result<SocketId, Json> {
        let socket = SocketId::new(self.platform.mint());
        let entry = ClientState {
            namespace: client.namespace.clone(),
            ..ClientState::default()
        };
        self.clients.insert(socket, entry);
        self.tell(Event::Connect {
            socket,
            namespace: client.namespace,
            auth: client.auth,
            handshake: Rc::new(client.handshake),
        });
        self.refused.take().map_or(Ok(socket), Err)
    }

    /// Sends an event of a client. `args` is a list or a tuple of its arguments.
    pub fn emit(&mut self, from: SocketId, event: &str, args: &impl Serialize) {
        let args = Json::of(args).elements().unwrap_or_default();
        self.emit_args(from, event, Args::new(args), None);
    }

    /// Sends an event that asks for an ack. Returns the ack's arguments, a list in JSON; `None` without an
    /// ack.
    pub fn ask(&mut self, from: SocketId, event: &str, args: &impl Serialize) -> Option<String> {
        let args = Json::of(args).elements().unwrap_or_default();
        let ack = self.emit_args(from, event, Args::new(args), Some(Ack::new(from, 1)))?;
        Some(Json::list(&ack.values).as_str().to_owned())
    }

    /// Sends an event with any arguments, for example binary ones. Returns the ack's arguments.
    pub(crate) fn emit_args(
        &mut self,
        from: SocketId,
        event: &str,
        args: Args,
        ack: Option<Ack>,
    ) -> Option<Args> {
        self.acknowledged = None;
        self.tell(Event::Emit {
            from,
            name: event.to_owned(),
            args,
            ack,
        });
        self.acknowledged.take()
    }

    /// Sends a client's ack of the oldest event that still waits for one. Returns `false` if no event
    /// waits.
    pub fn acknowledge(&mut self, from: SocketId, args: &impl Serialize) -> bool {
        let entry = self.clients.get_mut(&from);
        let Some(id) = entry.and_then(|entry| entry.asked.pop_front()) else {
            return false;
        };
        let args = Args::new(Json::of(args).elements().unwrap_or_default());
        self.tell(Event::Ack { from, id, args });
        true
    }

    /// Takes the events that a client got since the last call. Each is a list in JSON that begins with the
    /// event's name.
    pub fn heard(&mut self, client: SocketId) -> Vec<String> {
        let events = self.heard_args(client).into_iter();
        let written = |(name, args): (String, Args)| {
            let event = [&[Json::of(&name)], args.values.as_slice()].concat();
            Json::list(&event).as_str().to_owned()
        };
        events.map(written).collect()
    }

    /// Takes the events as names and arguments. A client that is away gets its events when it reconnects.
    pub(crate) fn heard_args(&mut self, client: SocketId) -> Vec<(String, Args)> {
        let entry = self.clients.get_mut(&client).filter(|entry| !entry.is_away);
        entry
            .map(|entry| std::mem::take(&mut entry.heard))
            .unwrap_or_default()
    }

    /// Loses the connection of a client, which may recover it.
    pub fn lose(&mut self, socket: SocketId) {
        self.set_away(socket, true);
        let reason = DisconnectReason::Transport(CloseReason::TransportClose);
        self.tell(Event::Away { socket, reason });
    }

    /// Recovers the lost connection of a client.
    pub fn recover(&mut self, socket: SocketId) {
        self.set_away(socket, false);
        self.tell(Event::Back { socket });
    }

    fn set_away(&mut self, socket: SocketId, is_away: bool) {
        if let Some(entry) = self.clients.get_mut(&socket) {
            entry.is_away = is_away;
        }
    }

    /// Disconnects a client.
    pub fn disconnect(&mut self, socket: SocketId) {
        self.gone(socket, DisconnectReason::ClientNamespaceDisconnect);
    }

    fn gone(&mut self, socket: SocketId, reason: DisconnectReason) {
        if self.clients.remove(&socket).is_some() {
            self.tell(Event::Disconnect { socket, reason });
        }
    }

    /// Moves the clock forward.
    pub fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(deadline) = self.app.deadline().filter(|deadline| *deadline <= until) {
            self.now = self.now.max(deadline);
            let mut commands = Vec::new();
            self.app.wake(self.now, &mut commands);
            self.perform(commands);
        }
        self.now = until;
    }

    /// Loses the application's memory, as if its object slept. Stored data stays.
    pub fn lose_memory(&mut self) {
        self.store = Store::new(self.platform.clone());
        self.app = (self.build)(Rc::clone(&self.store));
        let restore = |(socket, entry): (&SocketId, &ClientState)| Event::Restore {
            socket: *socket,
            namespace: entry.namespace.clone(),
            state: entry.kept.clone(),
        };
        let restored: Vec<Event> = self.clients.iter().map(restore).collect();
        for event in restored {
            self.tell(event);
        }
    }

    /// Takes the lines that the application wrote into the log since the last call.
    pub fn logged(&mut self) -> Vec<String> {
        self.platform.log.take()
    }

    fn tell(&mut self, event: Event) {
        let mut commands = Vec::new();
        self.app.event(self.now, event, &mut commands);
        self.perform(commands);
    }

    fn perform(&mut self, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Emit {
                    to,
                    name,
                    args,
                    ack,
                    volatile,
                } => {
                    for id in to {
                        if let Some(entry) = self.clients.get_mut(&id)
                            && !(entry.is_away && (volatile || ack.is_some()))
                        {
                            entry.heard.push((name.clone(), args.clone()));
                            entry.asked.extend(ack);
                        }
                    }
                }
                Command::Acknowledge(_, args) => self.acknowledged = Some(args),
                Command::Refuse {
                    socket,
                    message,
                    data,
                } => {
                    self.clients.remove(&socket);
                    let refusal = Object::new().with("message", &message);
                    self.refused = Some(refusal.maybe("data", data.as_ref()).json());
                }
                Command::Keep(socket, state) => {
                    if let Some(entry) = self.clients.get_mut(&socket) {
                        entry.kept = state;
                    }
                }
                Command::Disconnect(socket) | Command::Close(socket) => {
                    self.gone(socket, DisconnectReason::ServerNamespaceDisconnect);
                }
                Command::Accept { .. }
                | Command::Respond(..)
                | Command::Post(_)
                | Command::Forget(_) => {}
            }
        }
        for output in self.store.end_turn(Vec::new()) {
            if let Output::Commit(records) | Output::CommitSoon(records) = output {
                self.commit(records);
            }
        }
    }

    fn commit(&self, records: Vec<Record>) {
        let mut rows = self.platform.rows.borrow_mut();
        for record in records {
            match record {
                Record::Stored { key, value } => drop(rows.insert(key, value)),
                Record::Deleted { key } => drop(rows.remove(&key)),
                Record::Erased => rows.clear(),
                Record::Purged => {}
            }
        }
    }
}
