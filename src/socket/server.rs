//! The server: an engine, and a client for each of its sessions.

use std::collections::VecDeque;
use std::rc::Rc;

use super::DisconnectReason;
use super::app::Event;
use super::client::{self, Claim, Client, Link, Socket};
use super::config::Config;
use super::inbound::Deferred;
use super::namespace::Namespace;
use super::replay::{Bounds, Replay};
use super::retention::Retention;
use super::socket_id::SocketId;
use crate::engine::{self, Engine, Handshake, Sid};
use crate::io::{Input, Output, Survivors};
use crate::map::{Map, Set};
use crate::time::Timestamp;

/// All clients of one object.
pub struct Server {
    pub(super) config: Config,
    pub(super) engine: Engine,
    pub(super) clients: Map<Sid, Client>,
    /// All sockets, including those that are away.
    pub(super) sockets: Map<SocketId, Socket>,
    /// Clients that are in no namespace yet, by the deadline for their first CONNECT.
    pub(super) connecting: Set<(Timestamp, Sid)>,
    /// Sockets that are away, by the time until which they may come back.
    pub(super) away: Set<(Timestamp, SocketId)>,
    /// Clients whose claim to an earlier socket is not decided.
    pub(super) claims: Vec<Claim>,
    pub(super) deferred: Deferred,
    /// The replay log; only with recovery.
    pub(super) replay: Option<Replay>,
    /// Clients and sockets whose stored state is out of date.
    unsaved: Vec<Sid>,
    unsaved_sockets: Vec<SocketId>,
    pub(super) events: VecDeque<Event>,
    retention: Retention,
}

impl Server {
    /// A server without clients, on an engine without sessions.
    #[must_use]
    pub fn new(config: Config, engine: Engine) -> Self {
        let replay = config.recovery.as_ref().map(|recovery| {
            let bounds = Bounds {
                events: recovery.events,
                bytes: engine.max_queued(),
                age: engine.silence() * 2,
            };
            Replay::new(Rc::clone(engine.store()), bounds)
        });
        let retention = Retention::new(Rc::clone(engine.store()), config.retention);
        Self {
            config,
            engine,
            clients: Map::default(),
            sockets: Map::default(),
            connecting: Set::default(),
            away: Set::default(),
            claims: Vec::new(),
            deferred: Deferred::default(),
            replay,
            unsaved: Vec::new(),
            unsaved_sockets: Vec::new(),
            events: VecDeque::new(),
            retention,
        }
    }

    /// Rebuilds the clients from storage and from the survivors.
    pub fn restore(&mut self, now: Timestamp, survivors: Survivors) {
        self.engine.restore(now, survivors);
        let mut sessions = Map::default();
        for sid in self.engine.sids().collect::<Vec<_>>() {
            let client = self.engine.memo(sid).and_then(Client::restore);
            let Some(client) = client.filter(|client| !client.claiming) else {
                self.engine.close(now, sid); // a client that claimed a socket may claim it again
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
            // The client does not know that a socket is lost, so it has to connect again.
            if client
                .sockets
                .iter()
                .any(|id| !self.sockets.contains_key(id))
            {
                self.engine.close(now, *sid);
            }
        }
        self.retention.restore(self.is_empty());
    }

    /// Whether there is no client, and no stored state for a client that may come back.
    fn is_empty(&self) -> bool {
        self.sockets.is_empty() && self.engine.is_empty()
    }

    /// Tells the server what happened.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        if !input.is_loss() {
            self.close_unconnected(now);
            self.give_up_away(now);
        }
        match input {
            Input::Operate(request) => self.events.push_back(Event::Operate(request)),
            Input::Posted(number, answer) => {
                self.events.push_back(Event::Posted(number, answer));
            }
            Input::OverLimit(request) if self.may_return(&request.address) => {
                self.engine.handle(now, Input::Request(request));
            }
            input => self.engine.handle(now, input),
        }
    }

    /// The next event for the application, oldest first.
    pub fn poll(&mut self, now: Timestamp) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            match self.engine.poll() {
                Some(engine::Event::Open(sid, handshake)) => self.open(now, sid, handshake),
                Some(engine::Event::Message(sid, message)) => self.message(now, sid, message),
                Some(engine::Event::Close(sid, reason)) => self.closed(now, sid, reason),
                None if self.settle_claims(now) || self.take_up_deferred(now) => {}
                None => return None,
            }
        }
    }

    /// Checks whether everything that is stored has to be deleted; a busy application prevents that.
    /// Returns whether it is deleted with this turn.
    pub(super) fn look_at_retention(&mut self, now: Timestamp, is_busy: bool) -> bool {
        let is_empty = self.is_empty() && !is_busy;
        let is_over = self.retention.look(now, is_empty);
        if is_over && let Some(replay) = &mut self.replay {
            replay.reset();
        }
        is_over
    }

    /// The outputs to perform, in order. Ends the turn.
    pub fn drain(&mut self) -> Vec<Output> {
        for sid in std::mem::take(&mut self.unsaved) {
            let is_connected = |id| self.sockets.get(&id).is_some_and(Socket::is_connected);
            if let Some(client) = self.clients.get_mut(&sid) {
                client.unsaved = false;
                client.claiming = self.claims.iter().any(|claim| claim.sid == sid);
                if let Some(memo) = client.memo(is_connected) {
                    self.engine.remember(sid, memo);
                }
            }
        }
        for id in std::mem::take(&mut self.unsaved_sockets) {
            if let Some(socket) = self.sockets.get_mut(&id) {
                socket.unsaved = false;
                socket.save(id, self.engine.store());
            }
        }
        self.engine.drain()
    }

    /// When [`Input::Wake`] is due, if there is no earlier input.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let connecting = self.connecting.first().map(|(by, _)| *by);
        let away = self.away.first().map(|(by, _)| *by);
        let claims = self.claims.iter().map(|claim| claim.by).min();
        let retention = self.retention.deadline();
        [self.engine.deadline(), connecting, away, claims, retention]
            .into_iter()
            .flatten()
            .min()
    }

    // Sessions.

    fn open(&mut self, now: Timestamp, sid: Sid, handshake: Handshake) {
        let by = now + self.config.connect_timeout;
        self.connecting.insert((by, sid));
        let client = Client {
            handshake: handshake.into(),
            connect_by: Some(by),
            ..Client::default()
        };
        self.clients.insert(sid, client);
        self.save_client(sid);
        if self.engine.speaks_revision_3(sid) {
            self.connect(sid, Namespace::main(), None); // revision 3 has no CONNECT for the main namespace
        }
    }

    /// Stores the state of a client at the end of the turn.
    pub(super) fn save_client(&mut self, sid: Sid) {
        if let Some(client) = self.clients.get_mut(&sid)
            && !std::mem::replace(&mut client.unsaved, true)
        {
            self.unsaved.push(sid);
        }
    }

    /// Stores the state of a socket at the end of the turn.
    pub(super) fn save_socket(&mut self, id: SocketId) {
        if let Some(socket) = self.sockets.get_mut(&id)
            && !std::mem::replace(&mut socket.unsaved, true)
        {
            self.unsaved_sockets.push(id);
        }
    }

    fn closed(&mut self, now: Timestamp, sid: Sid, reason: engine::CloseReason) {
        self.cancel_connect_timeout(sid);
        let Some(client) = self.clients.remove(&sid) else {
            return;
        };
        let reason = DisconnectReason::Transport(reason);
        for id in client.sockets {
            if !self.leave_for_now(now, id, reason) {
                self.forget(id, reason);
            }
        }
    }

    /// Closes the sessions that did not join a namespace in time.
    fn close_unconnected(&mut self, now: Timestamp) {
        while let Some((_, sid)) = self
            .connecting
            .first()
            .copied()
            .filter(|(by, _)| *by <= now)
        {
            self.cancel_connect_timeout(sid);
            self.engine.close(now, sid);
        }
    }

    /// Stops waiting for a client's first CONNECT.
    pub(super) fn cancel_connect_timeout(&mut self, sid: Sid) {
        if let Some(by) = self.clients.get_mut(&sid).and_then(|c| c.connect_by.take()) {
            self.connecting.remove(&(by, sid));
        }
    }

    /// The client violated the protocol, so its session ends. Its sockets can be recovered, as in the
    /// JavaScript server.
    pub(super) fn misuse(&mut self, now: Timestamp, sid: Sid) {
        if let Some(client) = self.clients.get_mut(&sid) {
            client.ending = true;
        }
        self.engine.close(now, sid);
    }

    /// The socket of a client in this namespace.
    pub(super) fn socket_in(&self, sid: Sid, namespace: &Namespace) -> Option<SocketId> {
        let mut sockets = self.clients.get(&sid)?.sockets.iter().copied();
        sockets.find(|id| {
            let socket = self.sockets.get(id);
            socket.is_some_and(|socket| socket.namespace == *namespace)
        })
    }

    /// Removes a socket from every index. After the last one, the replay log is not needed any more.
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
            self.engine.store().delete(client::key(id));
        }
        if self.sockets.is_empty()
            && let Some(replay) = &mut self.replay
        {
            replay.clear();
        }
        Some(socket)
    }

    /// A socket has left. Tells the app.
    pub(super) fn forget(&mut self, id: SocketId, reason: DisconnectReason) {
        self.take(id);
        self.events
            .push_back(Event::Disconnect { socket: id, reason });
    }
}
