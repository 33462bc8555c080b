//! The server: an engine, and a client for each of its sessions.

use std::collections::VecDeque;
use std::rc::Rc;

use super::DisconnectReason;
use super::app::{Ack, Event};
use super::args::Json;
use super::client::{self, Claim, Client, Link, Socket};
use super::config::Config;
use super::log::{Bounds, Log, Urgency};
use super::namespace::Namespace;
use super::packet::{Kind, Packet};
use super::socket_id::{Pid, SocketId};
use crate::engine::{self, Engine, Message, Sid};
use crate::io::{Input, Output, Post, Record, Reply, Response, Survivors};
use crate::map::{Map, Set};
use crate::time::Timestamp;

/// All clients of one place.
pub struct Server {
    pub(super) config: Config,
    pub(super) engine: Engine,
    pub(super) clients: Map<Sid, Client>,
    /// All sockets, those that are away included.
    pub(super) sockets: Map<SocketId, Socket>,
    /// Clients that have not joined a namespace, by when they must.
    connecting: Set<(Timestamp, Sid)>,
    /// Sockets that are away, by when they must be back.
    pub(super) away: Set<(Timestamp, SocketId)>,
    /// Clients that say they were here before, and may not be who they say.
    pub(super) claims: Vec<Claim>,
    /// What those who are away may miss; with recovery only.
    pub(super) log: Option<Log>,
    /// Clients and sockets of which what is kept is out of date.
    unsaved: Vec<Sid>,
    unsaved_sockets: Vec<SocketId>,
    pub(super) events: VecDeque<Event>,
    /// What is to be kept, and whether at once.
    pub(super) records: Vec<(Record, Urgency)>,
    /// What another server is to be asked.
    pub(super) post: Option<Post>,
    /// What is sent once all that the turn keeps is kept; `None` while nothing has to wait.
    pub(super) held: Option<Vec<(Sid, Message)>>,
    /// Answers to operators, which wait for the same.
    pub(super) answers: Vec<(Reply, Response)>,
}

impl Server {
    /// A server without clients, on an engine without sessions.
    #[must_use]
    pub fn new(config: Config, engine: Engine) -> Self {
        let log = config.recovery.as_ref().map(|recovery| {
            let bounds = Bounds {
                events: recovery.events,
                bytes: engine.max_queued(),
                age: engine.silence() * 2,
            };
            Log::new(Rc::clone(engine.platform()), bounds)
        });
        Self {
            config,
            engine,
            clients: Map::default(),
            sockets: Map::default(),
            connecting: Set::default(),
            away: Set::default(),
            claims: Vec::new(),
            log,
            unsaved: Vec::new(),
            unsaved_sockets: Vec::new(),
            events: VecDeque::new(),
            records: Vec::new(),
            post: None,
            held: None,
            answers: Vec::new(),
        }
    }

    /// Rebuilds the clients from what outlived memory.
    pub fn restore(&mut self, now: Timestamp, survivors: Survivors) {
        self.engine.restore(now, survivors);
        let mut sessions = Map::default();
        for sid in self.engine.sids().collect::<Vec<_>>() {
            let client = self.engine.memo(sid).and_then(Client::restore);
            let Some(client) = client.filter(|client| !client.claiming) else {
                self.engine.close(now, sid); // who came to claim a socket may do so again
                continue;
            };
            if let Some(by) = client.connect_by {
                self.connecting.insert((by, sid));
            }
            for id in &client.sockets {
                sessions.insert(*id, sid);
            }
            self.clients.insert(sid, client);
        }
        self.restore_sockets(now, &sessions);
        for (sid, client) in self.clients.iter() {
            // Its client does not know better: it has to come anew.
            if client
                .sockets
                .iter()
                .any(|id| !self.sockets.contains_key(id))
            {
                self.engine.close(now, *sid);
            }
        }
    }

    /// Tells the server what happened.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        if !input.is_loss() {
            self.close_unjoined(now);
            self.give_up_away(now);
        }
        match input {
            Input::Operate(request) => self.events.push_back(Event::Operate(request)),
            Input::Posted(answer) => self.events.push_back(Event::Posted(answer)),
            input => self.engine.handle(now, input),
        }
    }

    /// What that meant to the application, oldest first.
    pub fn poll(&mut self, now: Timestamp) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            match self.engine.poll() {
                Some(engine::Event::Open(sid, address)) => self.open(now, sid, address),
                Some(engine::Event::Message(sid, message)) => self.message(now, sid, &message),
                Some(engine::Event::Close(sid, reason)) => self.closed(now, sid, reason),
                None if self.settle_claims(now) => {}
                None => return None,
            }
        }
    }

    /// What is to be done, in order.
    pub fn drain(&mut self) -> Vec<Output> {
        for sid in std::mem::take(&mut self.unsaved) {
            let joined = |id| self.sockets.get(&id).is_some_and(Socket::is_joined);
            if let Some(client) = self.clients.get_mut(&sid) {
                client.unsaved = false;
                client.claiming = self.claims.iter().any(|claim| claim.sid == sid);
                if let Some(memo) = client.memo(joined) {
                    self.engine.remember(sid, memo);
                }
            }
        }
        for id in std::mem::take(&mut self.unsaved_sockets) {
            if let Some(socket) = self.sockets.get_mut(&id) {
                socket.unsaved = false;
                let record = socket.record(id);
                self.records
                    .extend(record.map(|record| (record, Urgency::Now)));
            }
        }
        let mut out = self.engine.drain();
        // Who is away depends on the log alone.
        let promised = self.held.is_some() || !self.away.is_empty();
        out.extend(
            self.records
                .drain(..)
                .map(|(record, urgency)| match urgency {
                    Urgency::Soon if !promised => Output::SaveSoon(record),
                    _ => Output::Save(record),
                }),
        );
        out.extend(self.post.take().map(Output::Post));
        out
    }

    /// Sends what had to wait until all that the turn keeps is kept. `false` if there was nothing,
    /// which ends the turn; else there is more to [`Server::poll`] and to [`Server::drain`].
    pub fn release(&mut self) -> bool {
        let Some(held) = self.held.take() else {
            return false;
        };
        for (sid, message) in held {
            self.engine.send(sid, &message);
        }
        for (reply, response) in std::mem::take(&mut self.answers) {
            self.engine.respond(reply, response);
        }
        true
    }

    /// When [`Input::Wake`] is due, if nothing else happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let connecting = self.connecting.first().map(|(by, _)| *by);
        let away = self.away.first().map(|(by, _)| *by);
        let claims = self.claims.iter().map(|claim| claim.by).min();
        [self.engine.deadline(), connecting, away, claims]
            .into_iter()
            .flatten()
            .min()
    }

    // Sessions.

    fn open(&mut self, now: Timestamp, sid: Sid, address: String) {
        let by = now + self.config.connect_timeout;
        self.connecting.insert((by, sid));
        let client = Client {
            address: address.into(),
            connect_by: Some(by),
            ..Client::default()
        };
        self.clients.insert(sid, client);
        self.save_client(sid);
    }

    /// What is kept of a client is out of date.
    pub(super) fn save_client(&mut self, sid: Sid) {
        if let Some(client) = self.clients.get_mut(&sid)
            && !std::mem::replace(&mut client.unsaved, true)
        {
            self.unsaved.push(sid);
        }
    }

    /// What is kept of a socket is out of date.
    pub(super) fn save_socket(&mut self, id: SocketId) {
        if let Some(socket) = self.sockets.get_mut(&id)
            && !std::mem::replace(&mut socket.unsaved, true)
        {
            self.unsaved_sockets.push(id);
        }
    }

    fn closed(&mut self, now: Timestamp, sid: Sid, reason: engine::CloseReason) {
        self.joined(sid);
        let Some(client) = self.clients.remove(&sid) else {
            return;
        };
        let reason = client.ending.unwrap_or(DisconnectReason::Transport(reason));
        for id in client.sockets {
            if !self.leave_for_now(now, id, reason) {
                self.forget(id, reason);
            }
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
    pub(super) fn joined(&mut self, sid: Sid) {
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
            // Beyond the spec: each CONNECT makes a socket and its rows, or a refusal.
            Ok(Some(packet))
                if matches!(packet.kind, Kind::Connect(_)) && !client.may_connect(now) =>
            {
                self.misuse(now, sid);
            }
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
        let Some(client) = self.clients.get(&sid) else {
            return;
        };
        let mut sockets = client.sockets.iter().copied();
        let socket = sockets.find_map(|id| {
            let socket = self.sockets.get(&id)?;
            (socket.namespace == namespace).then_some((id, socket.is_joined()))
        });
        match (kind, socket) {
            (Kind::Connect(auth), None) if !self.is_claiming(sid, &namespace) => {
                match self.past(&namespace, auth.as_ref()) {
                    Some(past) => self.claim(now, sid, namespace, auth, past),
                    None => self.connect(sid, namespace, auth),
                }
            }
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
                self.forget(id, DisconnectReason::ClientNamespaceDisconnect);
            }
            (Kind::ConnectError(_) | Kind::Connect(_), _) => self.misuse(now, sid),
            _ if client.removed.contains(&namespace) => {}
            _ => self.misuse(now, sid),
        }
    }

    pub(super) fn connect(&mut self, sid: Sid, namespace: Namespace, auth: Option<Json>) {
        let id = SocketId::new(self.engine.mint());
        let log = self.log.as_mut();
        let (pid, since) = log
            .map(|log| (Pid::new(self.engine.mint()), log.last()))
            .unzip();
        let Some(client) = self.clients.get_mut(&sid) else {
            return;
        };
        client.removed.retain(|removed| *removed != namespace);
        client.sockets.push(id);
        let address = Rc::clone(&client.address);
        let socket = Socket {
            namespace: namespace.clone(),
            link: Link::Joining(sid),
            state: None,
            pid,
            unsaved: false,
            since: since.unwrap_or_default(),
        };
        self.sockets.insert(id, socket);
        self.events.push_back(Event::Connect {
            socket: id,
            namespace,
            auth,
            address,
        });
    }

    /// Takes a socket out, wherever it is.
    pub(super) fn take(&mut self, id: SocketId) -> Option<Socket> {
        let socket = self.sockets.remove(&id)?;
        if let Link::Away(until, _) = socket.link {
            self.away.remove(&(until, id));
        }
        if let Some(sid) = socket.session()
            && let Some(client) = self.clients.get_mut(&sid)
        {
            client.sockets.retain(|other| *other != id);
            self.save_client(sid);
        }
        if socket.is_accepted() {
            let key = client::key(id);
            self.records.push((Record::Deleted { key }, Urgency::Soon));
        }
        Some(socket)
    }

    /// A socket is gone, and the app hears of it.
    pub(super) fn forget(&mut self, id: SocketId, reason: DisconnectReason) {
        self.take(id);
        self.events
            .push_back(Event::Disconnect { socket: id, reason });
    }
}
