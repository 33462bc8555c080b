//! HTTP requests: which session they belong to, and what is wrong with them.

use super::handshake::{Handshake, open_packet};
use super::heartbeat::Heartbeat;
use super::query::Query;
use super::session::{self, Session};
use super::transport::{Poll, Transport, WebSocket};
use super::{CloseReason, Engine, Event, Rejection, ServerPacket, Sid, payload};
use crate::io::{ContentType, Headers, Method, Output, Reply, Request, Response};
use crate::time::Timestamp;

impl Engine {
    pub(super) fn request(&mut self, now: Timestamp, request: Request) {
        let Request { reply, query, .. } = &request;
        let query = Query::parse(query);
        let sid = Sid::parse(query.sid);
        if let Some(rejection) = self.reject(now, &request, &query) {
            let response = if request.upgrade {
                rejection.upgrade_response()
            } else {
                rejection.response()
            };
            self.respond(request.reply, response);
            return;
        }
        let socket = WebSocket {
            connection: reply.request().into(),
            base64: query.base64,
        };
        if let Some(sid) = sid {
            self.with(sid, |session, _, out| {
                session.expire_probe(now, out);
                Ok(())
            });
        }
        match (sid, request.upgrade, request.method) {
            (None, upgrade, _) => {
                let headers = if self.config.keep_headers {
                    request.headers
                } else {
                    Headers::default()
                };
                let handshake = Handshake::new(request.address, request.query, headers);
                if upgrade {
                    self.open_websocket(now, request.reply, socket, handshake);
                } else {
                    self.open_polling(now, request.reply, handshake);
                }
            }
            (Some(sid), true, _) => self.upgrade(now, sid, request.reply, socket),
            (Some(sid), false, Method::Post) => self.post(now, sid, request),
            (Some(sid), false, _) => self.get(now, sid, request.reply),
        }
    }

    /// The checks, in engine.io's order.
    fn reject(&mut self, now: Timestamp, request: &Request, query: &Query) -> Option<Rejection> {
        let upgrade = request.upgrade;
        if let Some(rejection) = query.precheck(request.method, upgrade) {
            return Some(rejection);
        }
        let Some(sid) = Sid::parse(query.sid) else {
            let is_full = self.sessions.len() >= self.config.max_sessions;
            return is_full.then_some(Rejection::Full);
        };
        let websocket = query.wants_websocket();
        if let Some(session) = self.sessions.get(&sid) {
            let upgraded = matches!(session.transport, Transport::WebSocket(_));
            let is_other = request.method == Method::Other;
            if (!upgrade && websocket != upgraded) || !query.is_current() || is_other {
                return Some(Rejection::BadRequest);
            }
        } else if !self.has_farewell(now, request, sid) {
            return Some(Rejection::UnknownSid);
        }
        if websocket != upgrade {
            return Some(Rejection::BadRequest);
        }
        (!query.is_current()).then_some(Rejection::UnsupportedProtocol)
    }

    /// Whether an ended session still has something to say to this poll.
    fn has_farewell(&mut self, now: Timestamp, request: &Request, sid: Sid) -> bool {
        self.forget_farewells(now);
        request.method == Method::Get && !request.upgrade && self.farewell(sid).is_some()
    }

    fn open_polling(&mut self, now: Timestamp, reply: Reply, handshake: Handshake) {
        let sid = Sid::new(self.mint());
        let open = ServerPacket::Open(open_packet(sid, &["websocket"], &self.config));
        self.open(now, sid, Transport::Polling(Poll::Idle), handshake);
        self.respond(reply, session::packets(payload::encode(&[open])));
    }

    fn open_websocket(
        &mut self,
        now: Timestamp,
        reply: Reply,
        socket: WebSocket,
        handshake: Handshake,
    ) {
        let sid = Sid::new(self.mint());
        let open = ServerPacket::Open(open_packet(sid, &[], &self.config));
        self.out.push(Output::Accept(reply));
        self.out
            .push(Output::Send(socket.connection, open.to_frame(false)));
        self.connections.insert(socket.connection, sid);
        self.open(now, sid, Transport::WebSocket(socket), handshake);
    }

    fn open(&mut self, now: Timestamp, sid: Sid, transport: Transport, handshake: Handshake) {
        let heartbeat = Heartbeat::start(now, &self.config);
        self.insert(Session::new(sid, transport, heartbeat));
        self.events.push_back(Event::Open(sid, handshake));
    }

    fn upgrade(&mut self, now: Timestamp, sid: Sid, reply: Reply, socket: WebSocket) {
        let expires = now + self.config.upgrade_timeout;
        if let Some(session) = self.sessions.get_mut(&sid)
            && session.probe(socket, expires)
        {
            self.out.push(Output::Accept(reply));
            self.connections.insert(socket.connection, sid);
            self.touch(sid);
        } else {
            // "the server MUST close it" (v4, Upgrade). Refusing it over HTTP would look the same
            // to a browser, but not to every client.
            self.out.push(Output::Dismiss(reply));
        }
    }

    fn get(&mut self, now: Timestamp, sid: Sid, reply: Reply) {
        if let Some(body) = self.take_farewell(sid) {
            self.respond(reply, session::packets(body));
            return;
        }
        self.with(sid, |session, config, out| {
            session.adopt(now, config);
            session.poll(reply, now, out)
        });
    }

    fn post(&mut self, now: Timestamp, sid: Sid, request: Request) {
        if request.body.len() > self.config.max_body() {
            self.respond(request.reply, Rejection::TooLarge.response());
            return;
        }
        if request.content_type.starts_with("application/octet-stream") {
            // Revision 3 sent binary bodies; in revision 4 a body is text.
            self.respond(request.reply, Rejection::Misuse.response());
            self.fail(sid, CloseReason::TransportError);
            return;
        }
        let packets = match payload::parse(&request.body, self.config.max_payload) {
            Ok(packets) => packets,
            Err(rejection) => {
                self.respond(request.reply, rejection.response());
                return;
            }
        };
        self.with(sid, |session, config, _| {
            session.adopt(now, config);
            Ok(())
        });
        for packet in packets {
            self.packet(now, sid, packet);
        }
        let ok = Response {
            status: 200,
            content_type: ContentType::Html,
            body: "ok".to_owned(),
        };
        self.respond(request.reply, ok);
    }
}
