//! CONNECT: a client wants to connect to a namespace.

use std::rc::Rc;

use super::app::Event;
use super::args::Json;
use super::client::{self, Link, Socket};
use super::namespace::Namespace;
use super::offset::Offset;
use super::recovery::has_past;
use super::server::Server;
use super::socket_id::{Pid, SocketId};
use crate::engine::Sid;
use crate::time::Timestamp;

impl Server {
    /// Handles a CONNECT to a namespace. One with a query is ignored if the client is in the namespace already.
    pub(super) fn enter(
        &mut self,
        now: Timestamp,
        sid: Sid,
        namespace: Namespace,
        auth: Option<Json>,
    ) {
        let (namespace, query) = self.split_query(sid, namespace);
        if query.is_some() && self.socket_in(sid, &namespace).is_some() {
            return;
        }
        let Some(client) = self.clients.get(&sid) else {
            return;
        };
        let auth_bytes = auth.as_ref().map_or(0, |auth| auth.as_str().len());
        let query_fits = |query: &String| client.handshake.has_space_for(query);
        let refusal = if namespace.as_str().len() > client::NAMESPACE_BYTES {
            Some("Invalid namespace")
        } else if client.sockets.len() >= client::NAMESPACES {
            Some("too many namespaces: a connection may be in 32 at a time")
        } else if auth_bytes > client::AUTH_BYTES {
            Some("auth is too large: it may have 16384 bytes as JSON")
        } else if !query.as_ref().is_none_or(query_fits) {
            Some("the query is too long: it may have 2048 bytes together with that of the URL")
        } else {
            None
        };
        if let Some(message) = refusal {
            self.cancel_connect_timeout(sid);
            self.refuse_connect(sid, namespace, message, None);
            return;
        }
        match self.past(&namespace, auth.as_ref()) {
            Some(past) => self.claim(now, sid, namespace, auth, past),
            None => self.connect_with(sid, namespace, auth, query.as_deref()),
        }
    }

    /// The name and the query of a namespace. In revision 4 the query is part of the name.
    fn split_query(&self, sid: Sid, namespace: Namespace) -> (Namespace, Option<String>) {
        let split = namespace.as_str().split_once('?');
        if let Some((name, query)) = split.filter(|_| self.engine.speaks_revision_3(sid))
            && let Some(name) = Namespace::parse(name)
        {
            let query = query.to_owned();
            return (name, Some(query));
        }
        (namespace, None)
    }

    pub(super) fn connect(&mut self, sid: Sid, namespace: Namespace, auth: Option<Json>) {
        self.connect_with(sid, namespace, auth, None);
    }

    fn connect_with(
        &mut self,
        sid: Sid,
        namespace: Namespace,
        auth: Option<Json>,
        query: Option<&str>,
    ) {
        // A client of revision 3 derives the socket's id from the session's id.
        let known = self.engine.public_id(sid);
        let is_recoverable = self.replay.is_some() && known.is_none();
        let id = match known {
            Some(sid) => SocketId::of_session(sid, &namespace),
            None => SocketId::new(self.engine.mint()),
        };
        let pid = is_recoverable.then(|| Pid::new(self.engine.mint()));
        let Some(client) = self.clients.get_mut(&sid) else {
            return;
        };
        client.removed.retain(|removed| *removed != namespace);
        client.sockets.push(id);
        let handshake = match query {
            Some(query) => Rc::new(client.handshake.with(query)),
            None => Rc::clone(&client.handshake),
        };
        if !has_past(auth.as_ref()) {
            self.replace_left_page(&namespace, &handshake.address);
        }
        let socket = Socket {
            namespace: namespace.clone(),
            address: handshake.address.clone(),
            link: Link::Connecting(sid),
            state: None,
            pid,
            unsaved: false,
            since: Offset::default(),
            is_unseen: false,
        };
        self.sockets.insert(id, socket);
        self.events.push_back(Event::Connect {
            socket: id,
            namespace,
            auth,
            handshake,
        });
    }
}
