//! Connection state recovery: a client that lost its connection comes back as the socket it was,
//! and gets what it missed.
//!
//! Specification: <https://socket.io/docs/v4/connection-state-recovery>. This server does more. A client
//! that has got no event yet recovers, too. A client that comes back before the server notices the loss of
//! its connection takes over its socket, unless the earlier connection proves that it is alive.

use std::rc::Rc;
use std::time::Duration;

use serde::Deserialize;

use super::DisconnectReason;
use super::app::Event;
use super::args::Json;
use super::client::{self, Claim, Link, Socket};
use super::namespace::Namespace;
use super::offset::Offset;
use super::server::Server;
use super::socket_id::{Pid, SocketId};
use crate::engine::{CloseReason, Sid};
use crate::map::Map;
use crate::time::Timestamp;

/// How long a connection may take to prove that it is alive.
const PROOF: Duration = Duration::from_millis(500);

/// How long a socket may be away if its WebSocket was closed with code 1001. Mostly its page was left and
/// does not come back, but a server or a proxy that shuts down may send the same code.
const LEFT_PAGE: Duration = Duration::from_secs(5);

/// What a client's `auth` says about the client's earlier socket.
#[derive(Deserialize)]
struct Past {
    pid: Pid,
    offset: Option<String>,
}

/// Whether a client says that it had a socket before. What it says may be false.
pub(super) fn has_past(auth: Option<&Json>) -> bool {
    auth.is_some_and(|auth| auth.read::<Past>().is_some())
}

impl Server {
    /// Restores the sockets from their rows. Sockets without a session are away.
    pub(super) fn restore_sockets(&mut self, now: Timestamp, sessions: &Map<SocketId, Sid>) {
        let window = self.window();
        let lost = DisconnectReason::Transport(CloseReason::TransportClose);
        let (mut left, mut lost_for_good) = (Vec::new(), Vec::new());
        let store = Rc::clone(self.engine.store());
        for row in store.load(client::PREFIX) {
            let link = |id: SocketId, until: Option<Timestamp>| match (sessions.get(&id), until) {
                (Some(sid), _) => Link::Connected(*sid),
                (None, Some(until)) => Link::Away(until, lost),
                (None, None) => {
                    left.push(id);
                    Link::Away(now, lost)
                }
            };
            let Some((id, socket)) = Socket::restore(&store, &row, link) else {
                continue;
            };
            if !socket.is_connected() && (window.is_none() || socket.pid.is_none()) {
                lost_for_good.push(id);
            }
            self.events.push_back(Event::Restore {
                socket: id,
                namespace: socket.namespace.clone(),
                state: socket.state.clone(),
            });
            self.sockets.insert(id, socket);
        }
        for id in lost_for_good {
            self.forget(id, lost);
        }
        left.retain(|id| self.sockets.contains_key(id));
        if let Some(replay) = &mut self.replay
            && (!left.is_empty() || self.engine.has_orphans())
        {
            replay.spare(now);
        }
        self.note_away(now + window.unwrap_or_default(), !left.is_empty());
        for socket in left {
            let reason = lost;
            self.events.push_back(Event::Away { socket, reason });
        }
    }

    /// Rebuilds the set of sockets that are away. With `was_down`, the server was down, and no client
    /// could come back meanwhile. So all clients have until `then`.
    fn note_away(&mut self, then: Timestamp, was_down: bool) {
        let mut away = Vec::new();
        for (id, socket) in self.sockets.iter_mut() {
            if let Link::Away(until, _) = &mut socket.link {
                *until = if was_down { then } else { *until };
                away.push((*until, *id));
            }
        }
        for (until, id) in away {
            self.away.insert((until, id));
            if was_down {
                self.save_socket(id);
            }
        }
    }

    fn window(&self) -> Option<Duration> {
        self.config
            .recovery
            .as_ref()
            .map(|recovery| recovery.window)
    }

    /// The session of a socket ended. `false` if that is the end of the socket, too.
    pub(super) fn leave_for_now(
        &mut self,
        now: Timestamp,
        id: SocketId,
        reason: DisconnectReason,
    ) -> bool {
        let Some(mut window) = self.window() else {
            return false;
        };
        match reason {
            DisconnectReason::Transport(CloseReason::GoingAway) => window = window.min(LEFT_PAGE),
            DisconnectReason::Transport(
                CloseReason::TransportClose
                | CloseReason::Unread
                | CloseReason::TransportError
                | CloseReason::PingTimeout
                | CloseReason::ForcedServerClose,
            ) => {}
            _ => return false, // such as the engine's "parse error"
        }
        let Some(socket) = self
            .sockets
            .get_mut(&id)
            .filter(|socket| socket.is_connected() && socket.pid.is_some())
        else {
            return false;
        };
        if reason == DisconnectReason::Transport(CloseReason::Unread) && socket.is_unseen {
            return false; // its client has no `pid` to come back with
        }
        socket.link = Link::Away(now + window, reason);
        self.away.insert((now + window, id));
        self.save_socket(id);
        self.events.push_back(Event::Away { socket: id, reason });
        true
    }

    /// Called when a client without a past connects. If it is a page that was loaded again, removes
    /// the socket that the page had before, so that the old socket takes no place from the new one.
    pub(super) fn replace_left_page(&mut self, namespace: &Namespace, address: &str) {
        let left = DisconnectReason::Transport(CloseReason::GoingAway);
        let is_earlier = |id: &SocketId| {
            self.sockets.get(id).is_some_and(|socket| {
                matches!(socket.link, Link::Away(_, reason) if reason == left)
                    && socket.namespace == *namespace
                    && socket.address == address
                    && !address.is_empty()
            })
        };
        let earlier = {
            let mut away = self.away.iter().map(|(_, id)| *id);
            away.find(is_earlier)
        };
        if let Some(earlier) = earlier {
            self.forget(earlier, left);
        }
    }

    /// Whether a handshake from this address may be from a client that is away. For that, the address must
    /// have more sockets that are away than sessions that wait for their first CONNECT.
    pub(super) fn may_return(&self, address: &str) -> bool {
        let away = self.away.iter().filter(|(_, id)| {
            let socket = self.sockets.get(id);
            socket.is_some_and(|socket| socket.address == address)
        });
        let undecided = self.connecting.iter().filter(|(_, sid)| {
            let client = self.clients.get(sid);
            client.is_some_and(|client| client.handshake.address == address)
        });
        undecided.count() < away.count()
    }

    /// Forgets the sockets that were not recovered in time.
    pub(super) fn give_up_away(&mut self, now: Timestamp) {
        while let Some((_, id)) = self.away.first().copied().filter(|(by, _)| *by <= now) {
            let Some(Link::Away(_, reason)) = self.sockets.get(&id).map(|socket| socket.link)
            else {
                return; // cannot happen: each socket in `away` is away
            };
            self.forget(id, reason);
        }
    }

    /// The socket that a client was before, and the last event that the client got, if it got any. `None`
    /// if there is no such socket, or if the client got an event that this server does not know. Then the
    /// server cannot know which other events were lost with it.
    pub(super) fn past(
        &mut self,
        namespace: &Namespace,
        auth: Option<&Json>,
    ) -> Option<(SocketId, Option<Offset>)> {
        let past: Past = auth?.read()?;
        let offset = past.offset.map(|offset| Offset::parse(&offset));
        let last = self.replay.as_mut()?.last();
        if offset.is_some_and(|offset| offset.is_none_or(|offset| offset > last)) {
            return None;
        }
        let mut sockets = self.sockets.iter();
        let (id, _) = sockets.find(|(_, socket)| {
            socket.pid == Some(past.pid) && socket.namespace == *namespace && socket.is_accepted()
        })?;
        let claimed = self.claims.iter().any(|claim| claim.socket == *id);
        (!claimed).then_some((*id, offset.flatten()))
    }

    /// A client that was here before connects again.
    pub(super) fn claim(
        &mut self,
        now: Timestamp,
        sid: Sid,
        namespace: Namespace,
        auth: Option<Json>,
        (socket, offset): (SocketId, Option<Offset>),
    ) {
        if let Some(Link::Connected(earlier)) = self.sockets.get(&socket).map(|socket| socket.link)
        {
            self.engine.challenge(now, earlier);
        }
        self.save_client(sid);
        self.claims.push(Claim {
            sid,
            namespace,
            auth,
            socket,
            offset,
            by: now + PROOF,
        });
    }

    /// Decides the claims that can be decided. Returns whether it decided any.
    pub(super) fn settle_claims(&mut self, now: Timestamp) -> bool {
        let mut settled = false;
        for claim in std::mem::take(&mut self.claims) {
            let client = self.clients.get(&claim.sid);
            if client.is_none_or(|client| client.ending) {
                continue;
            }
            match self.sockets.get(&claim.socket).map(|socket| socket.link) {
                Some(Link::Away(..)) => self.recover(claim),
                Some(Link::Connected(_)) if now < claim.by => {
                    self.claims.push(claim);
                    continue;
                }
                Some(Link::Connected(earlier)) if !self.engine.answered(earlier) => {
                    // This makes the socket away, and the claim is decided after that.
                    self.engine.close(now, earlier);
                    self.claims.push(claim);
                }
                _ => self.connect(claim.sid, claim.namespace, claim.auth),
            }
            settled = true;
        }
        settled
    }

    /// Gives the client its earlier socket.
    fn recover(&mut self, claim: Claim) {
        let Claim {
            sid, socket: id, ..
        } = claim;
        let (Some(socket), Some(replay)) = (self.sockets.get_mut(&id), &mut self.replay) else {
            return;
        };
        let Link::Away(until, reason) = socket.link else {
            return;
        };
        let Some(missed) = replay.missed(id, claim.offset, socket.since) else {
            self.forget(id, reason);
            self.connect(sid, claim.namespace, claim.auth);
            return;
        };
        socket.link = Link::Connected(sid);
        if let Some(client) = self.clients.get_mut(&sid) {
            client.sockets.push(id);
            client.handshake.address.clone_into(&mut socket.address);
        }
        self.away.remove(&(until, id));
        self.save_socket(id);
        for messages in missed {
            self.dispatch(sid, &messages);
        }
        self.welcome(sid, id);
        self.events.push_back(Event::Back { socket: id });
    }
}
