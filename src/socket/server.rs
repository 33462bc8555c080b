//! The server: an engine, and a client for each of its sessions.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::DisconnectReason;
use super::app::{Ack, Command, Event};
use super::args::{Args, Json};
use super::client::{Client, Socket};
use super::namespace::Namespace;
use super::packet::{Kind, Packet};
use super::socket_id::SocketId;
use crate::engine::{self, Engine, Message, Sid};
use crate::io::{Input, Output, Record, Survivors};
use crate::time::Timestamp;

/// The server's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// How long a client may take to join its first namespace.
    pub connect_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(45),
        }
    }
}

/// All clients of one place.
pub struct Server {
    config: Config,
    engine: Engine,
    clients: BTreeMap<Sid, Client>,
    /// The session of each socket.
    sockets: BTreeMap<SocketId, Sid>,
    /// Clients that have not joined a namespace, by when they must.
    connecting: BTreeSet<(Timestamp, Sid)>,
    /// Clients whose memo is out of date.
    unsaved: BTreeSet<Sid>,
    events: VecDeque<Event>,
    records: Vec<Record>,
}

impl Server {
    /// A server without clients, on an engine without sessions.
    #[must_use]
    pub fn new(config: Config, engine: Engine) -> Self {
        Self {
            config,
            engine,
            clients: BTreeMap::new(),
            sockets: BTreeMap::new(),
            connecting: BTreeSet::new(),
            unsaved: BTreeSet::new(),
            events: VecDeque::new(),
            records: Vec::new(),
        }
    }

    /// Rebuilds the clients from what outlived memory.
    pub fn restore(&mut self, now: Timestamp, survivors: Survivors) {
        self.engine.restore(now, survivors);
        for sid in self.engine.sids().collect::<Vec<_>>() {
            let Some(client) = self.engine.memo(sid).and_then(Client::restore) else {
                self.engine.close(now, sid);
                continue;
            };
            if let Some(by) = client.connect_by {
                self.connecting.insert((by, sid));
            }
            for socket in &client.sockets {
                self.sockets.insert(socket.id, sid);
                self.events.push_back(Event::Restore {
                    socket: socket.id,
                    namespace: socket.namespace.clone(),
                    state: socket.state.clone(),
                });
            }
            self.clients.insert(sid, client);
        }
    }

    /// Tells the server what happened.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        if !input.is_loss() {
            self.close_unjoined(now);
        }
        self.engine.handle(now, input);
    }

    /// What that meant to the application, oldest first.
    pub fn poll(&mut self, now: Timestamp) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            match self.engine.poll()? {
                engine::Event::Open(sid) => self.open(now, sid),
                engine::Event::Message(sid, message) => self.message(now, sid, &message),
                engine::Event::Close(sid, reason) => self.closed(sid, reason),
            }
        }
    }

    /// What the application wants.
    pub fn perform(&mut self, now: Timestamp, commands: impl IntoIterator<Item = Command>) {
        for command in commands {
            match command {
                Command::Accept(id) => self.accept(id),
                Command::Refuse {
                    socket,
                    message,
                    data,
                } => self.refuse(socket, &message, data),
                Command::Emit {
                    to,
                    name,
                    args,
                    ack,
                } => self.emit(&to, name, args, ack),
                Command::Acknowledge(Ack { socket, id }, args) => {
                    let kind = Kind::Ack { id: Some(id), args };
                    self.send(socket, kind);
                }
                Command::Disconnect(id) => self.disconnect(id),
                Command::Close(id) => self.close(now, id),
                Command::Keep(id, state) => {
                    if let Some((sid, socket)) = self.socket(id) {
                        socket.state = Some(state);
                        self.unsaved.insert(sid);
                    }
                }
                Command::Save(record) => self.records.push(record),
            }
        }
    }

    /// What is to be done, in order; ends the turn.
    pub fn drain(&mut self) -> Vec<Output> {
        for sid in std::mem::take(&mut self.unsaved) {
            if let Some(memo) = self.clients.get(&sid).and_then(Client::memo) {
                self.engine.remember(sid, memo);
            }
        }
        let mut out = self.engine.drain();
        out.extend(self.records.drain(..).map(Output::Save));
        out
    }

    /// When [`Input::Wake`] is due, if nothing else happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let connecting = self.connecting.first().map(|(by, _)| *by);
        [self.engine.deadline(), connecting]
            .into_iter()
            .flatten()
            .min()
    }

    // Sessions.

    fn open(&mut self, now: Timestamp, sid: Sid) {
        let by = now + self.config.connect_timeout;
        self.connecting.insert((by, sid));
        self.unsaved.insert(sid);
        let client = Client {
            connect_by: Some(by),
            ..Client::default()
        };
        self.clients.insert(sid, client);
    }

    fn closed(&mut self, sid: Sid, reason: engine::CloseReason) {
        self.joined(sid);
        let Some(client) = self.clients.remove(&sid) else {
            return;
        };
        let reason = client.ending.unwrap_or(DisconnectReason::Transport(reason));
        for socket in client.sockets {
            self.forget(socket.id, reason);
        }
    }

    /// Closes the sessions that did not join a namespace in time.
    fn close_unjoined(&mut self, now: Timestamp) {
        while let Some((_, sid)) = self
            .connecting
            .first()
            .copied()
            .filter(|(by, _)| *by <= now)
        {
            self.joined(sid);
            self.engine.close(now, sid);
        }
    }

    /// Stops waiting for a client to join its first namespace.
    fn joined(&mut self, sid: Sid) {
        if let Some(by) = self.clients.get_mut(&sid).and_then(|c| c.connect_by.take()) {
            self.connecting.remove(&(by, sid));
        }
    }

    fn message(&mut self, now: Timestamp, sid: Sid, message: &Message) {
        let Some(client) = self.clients.get_mut(&sid) else {
            return;
        };
        if client.ending.is_some() {
            return;
        }
        match client.decoder.push(message) {
            Ok(Some(packet)) => self.packet(now, sid, packet),
            Ok(None) => {}
            Err(_) => self.misuse(now, sid),
        }
    }

    /// The client broke the protocol.
    fn misuse(&mut self, now: Timestamp, sid: Sid) {
        if let Some(client) = self.clients.get_mut(&sid) {
            client.ending = Some(DisconnectReason::ParseError);
        }
        self.engine.close(now, sid);
    }

    // Packets.

    fn packet(&mut self, now: Timestamp, sid: Sid, packet: Packet) {
        let Packet { namespace, kind } = packet;
        let Some(client) = self.clients.get_mut(&sid) else {
            return;
        };
        let socket = client.in_namespace(&namespace);
        match (kind, socket.map(|socket| (socket.id, socket.accepted))) {
            (Kind::Connect(auth), None) => self.connect(sid, namespace, auth),
            (Kind::Nothing, Some((_, true))) => {}
            (Kind::Event { id, name, args }, Some((from, true))) => {
                let ack = id.map(|id| Ack { socket: from, id });
                self.events.push_back(Event::Emit {
                    from,
                    name,
                    args,
                    ack,
                });
            }
            (Kind::Ack { id, args }, Some((from, true))) => {
                if let Some(id) = id.and_then(|id| id.number()) {
                    self.events.push_back(Event::Ack { from, id, args });
                }
            }
            (Kind::Disconnect, Some((id, _))) => {
                client.remove(id);
                self.unsaved.insert(sid);
                self.forget(id, DisconnectReason::ClientNamespaceDisconnect);
            }
            (Kind::ConnectError(_) | Kind::Connect(_), _) => self.misuse(now, sid),
            _ if client.removed.contains(&namespace) => {}
            _ => self.misuse(now, sid),
        }
    }

    fn connect(&mut self, sid: Sid, namespace: Namespace, auth: Option<Json>) {
        let id = SocketId::new(self.engine.mint());
        let Some(client) = self.clients.get_mut(&sid) else {
            return;
        };
        client.removed.retain(|removed| *removed != namespace);
        client.sockets.push(Socket {
            id,
            namespace: namespace.clone(),
            accepted: false,
            state: None,
        });
        self.sockets.insert(id, sid);
        self.events.push_back(Event::Connect {
            socket: id,
            namespace,
            auth,
        });
    }

    // Commands.

    fn socket(&mut self, id: SocketId) -> Option<(Sid, &mut Socket)> {
        let sid = *self.sockets.get(&id)?;
        let socket = self.clients.get_mut(&sid)?.socket(id)?;
        Some((sid, socket))
    }

    fn accept(&mut self, id: SocketId) {
        let Some((sid, socket)) = self.socket(id) else {
            return;
        };
        socket.accepted = true;
        self.joined(sid);
        self.unsaved.insert(sid);
        let payload = serde_json::json!({ "sid": id });
        self.send(id, Kind::Connect(Some(Json::of(&payload))));
    }

    fn refuse(&mut self, id: SocketId, message: &str, data: Option<Json>) {
        let mut payload = serde_json::json!({ "message": message });
        if let (Some(data), Some(fields)) = (data, payload.as_object_mut()) {
            fields.insert("data".to_owned(), data.read().unwrap_or_default());
        }
        self.send(id, Kind::ConnectError(Json::of(&payload)));
        self.take(id);
    }

    fn disconnect(&mut self, id: SocketId) {
        self.send(id, Kind::Disconnect);
        if let Some((sid, socket)) = self.take(id) {
            if let Some(client) = self.clients.get_mut(&sid) {
                client.removed.push(socket.namespace);
            }
            self.unsaved.insert(sid);
            self.events.push_back(Event::Disconnect {
                socket: id,
                reason: DisconnectReason::ServerNamespaceDisconnect,
            });
        }
    }

    fn close(&mut self, now: Timestamp, id: SocketId) {
        let Some(&sid) = self.sockets.get(&id) else {
            return;
        };
        let Some(client) = self.clients.get(&sid) else {
            return;
        };
        let ids: Vec<SocketId> = client.sockets.iter().map(|socket| socket.id).collect();
        for id in ids {
            self.disconnect(id);
        }
        self.engine.close(now, sid);
    }

    fn take(&mut self, id: SocketId) -> Option<(Sid, Socket)> {
        let sid = self.sockets.remove(&id)?;
        let socket = self.clients.get_mut(&sid)?.remove(id)?;
        Some((sid, socket))
    }

    /// A socket is gone, and the app hears of it.
    fn forget(&mut self, id: SocketId, reason: DisconnectReason) {
        self.sockets.remove(&id);
        self.events
            .push_back(Event::Disconnect { socket: id, reason });
    }

    fn send(&mut self, id: SocketId, kind: Kind) {
        if let Some((sid, socket)) = self.socket(id) {
            let namespace = socket.namespace.clone();
            for message in messages(Packet { namespace, kind }) {
                self.engine.send(sid, &message);
            }
        }
    }

    /// Sends one event to many; it is written once for each namespace.
    fn emit(&mut self, to: &[SocketId], name: String, args: Args, ack: Option<u64>) {
        let mut written: Option<(Namespace, Vec<Message>)> = None;
        let kind = Kind::Event {
            id: ack.map(Into::into),
            name,
            args,
        };
        for id in to {
            let Some(&sid) = self.sockets.get(id) else {
                continue;
            };
            let Some(socket) = self.clients.get_mut(&sid).and_then(|c| c.socket(*id)) else {
                continue;
            };
            if !socket.accepted {
                continue;
            }
            let (_, messages) = match written.take() {
                Some(written) if written.0 == socket.namespace => written,
                _ => (
                    socket.namespace.clone(),
                    messages(Packet {
                        namespace: socket.namespace.clone(),
                        kind: kind.clone(),
                    }),
                ),
            };
            for message in &messages {
                self.engine.send(sid, message);
            }
            written = Some((socket.namespace.clone(), messages));
        }
    }
}

/// A packet as messages: its text, then its attachments.
fn messages(packet: Packet) -> Vec<Message> {
    let mut messages = vec![Message::text(&packet)];
    if let Kind::Event { args, .. } | Kind::Ack { args, .. } = packet.kind {
        messages.extend(args.attachments.into_iter().map(Message::Binary));
    }
    messages
}
