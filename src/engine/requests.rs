//! Checks HTTP requests, and passes each to its session.

use super::handshake::{Handshake, open_packet};
use super::heartbeat::Heartbeat;
use super::owner::Owner;
use super::query::Query;
use super::queue::Queue;
use super::session::Session;
use super::transport::{Poll, Transport, WebSocket};
use super::{CloseReason, Codec, Engine, Event, Rejection, Revision, ServerPacket, Sid};
use crate::io::{ContentType, Headers, Method, Output, Reply, Request, Response};
use crate::time::Timestamp;

impl Engine {
    pub(super) fn request(&mut self, now: Timestamp, request: Request) {
        let Request { reply, query, .. } = &request;
        let query = Query::parse(query);
        let sid = Sid::parse(query.sid);
        if let Some(rejection) = self.reject(now, &request, &query) {
            return self.refuse(request, rejection);
        }
        let socket = WebSocket {
            connection: reply.request().into(),
            codec: query.codec(),
        };
        if let Some(sid) = sid {
            self.with(sid, |session, _, out| {
                session.expire_probe(now, out);
                Ok(())
            });
        }
        match (sid, request.upgrade, request.method) {
            (None, true, _) => self.open_websocket(now, request, socket),
            (None, false, _) => self.open_polling(now, request, socket.codec),
            (Some(sid), true, _) => self.upgrade(now, sid, request.reply, socket),
            (Some(sid), false, Method::Post) => self.post(now, sid, request),
            (Some(sid), false, _) => self.get(now, sid, request.reply),
        }
    }

    pub(super) fn refuse(&mut self, request: Request, rejection: Rejection) {
        let response = if request.upgrade {
            rejection.upgrade_response()
        } else {
            rejection.response()
        };
        self.respond(request.reply, response);
    }

    /// The checks, in engine.io's order.
    fn reject(&mut self, now: Timestamp, request: &Request, query: &Query) -> Option<Rejection> {
        let upgrade = request.upgrade;
        if let Some(rejection) = query.precheck(request.method, upgrade, &self.config) {
            return Some(rejection);
        }
        let Some(sid) = Sid::parse(query.sid) else {
            let is_full = self.sessions.len() >= self.config.max_sessions;
            return is_full.then_some(Rejection::Full);
        };
        let websocket = query.wants_websocket();
        let revision = query.revision(&self.config);
        if let Some(session) = self.sessions.get_mut(sid) {
            if !session.admits(request) {
                return Some(Rejection::UnknownSid);
            }
            let upgraded = matches!(session.transport, Transport::WebSocket(_));
            let is_current = revision == Some(session.codec.revision);
            let is_other = request.method == Method::Other;
            if session.unsaved {
                self.sessions.touch(sid); // `admits` has noted the returned cookie
            }
            if (!upgrade && websocket != upgraded) || !is_current || is_other {
                return Some(Rejection::BadRequest);
            }
        } else if !self.has_farewell(now, request, sid) {
            return Some(Rejection::UnknownSid);
        }
        if websocket != upgrade {
            return Some(Rejection::BadRequest);
        }
        revision.is_none().then_some(Rejection::UnsupportedProtocol)
    }

    fn open_polling(&mut self, now: Timestamp, request: Request, codec: Codec) {
        let reply = request.reply;
        if codec.revision == Revision::Four {
            let sid = Sid::new(self.mint());
            let open = self.open_packet(sid, &["websocket"], codec);
            let handshake = self.handshake(request.address, request.query, request.headers);
            let transport = Transport::Polling(Poll::Idle);
            self.open(self.session(now, sid, transport, codec), handshake);
            self.respond(reply, codec.answer(&[open]));
            return;
        }
        // The response also carries packets that follow at once, such as a CONNECT.
        let sid = Sid::new(self.mint());
        let open = self.open_packet(sid, &["websocket"], codec);
        let transport = Transport::Polling(Poll::Parked {
            reply,
            since: now,
            saved: false,
        });
        let mut session = self.session(now, sid, transport, codec);
        let owner = Owner::new(&request.address, request.headers.cookies(), || self.mint());
        session.owner = Some(Box::new(owner));
        session.send(open, &mut self.out);
        let handshake = self.handshake(request.address, request.query, request.headers);
        self.open(session, handshake);
    }

    fn open_websocket(&mut self, now: Timestamp, request: Request, socket: WebSocket) {
        let sid = Sid::new(self.mint());
        let open = self.open_packet(sid, &[], socket.codec);
        self.out.push(Output::Accept(request.reply));
        self.out
            .push(Output::Send(socket.connection, open.to_frame(false)));
        self.sessions.connections.insert(socket.connection, sid);
        let transport = Transport::WebSocket(socket);
        let session = self.session(now, sid, transport, socket.codec);
        let handshake = self.handshake(request.address, request.query, request.headers);
        self.open(session, handshake);
    }

    /// The handshake that the application gets.
    fn handshake(&self, address: String, query: String, headers: Headers) -> Handshake {
        let keep = self.config.keep_headers;
        let headers = if keep { headers } else { Headers::default() };
        Handshake::new(address, query, headers)
    }

    fn open_packet(&self, sid: Sid, upgrades: &[&str], codec: Codec) -> ServerPacket {
        ServerPacket::Open(open_packet(sid, upgrades, &self.config, codec.revision))
    }

    fn session(&self, now: Timestamp, sid: Sid, transport: Transport, codec: Codec) -> Session {
        let heartbeat = Heartbeat::start(now, &self.config, codec.revision);
        Session::new(sid, transport, codec, heartbeat, Queue::new(&self.queues))
    }

    fn open(&mut self, session: Session, handshake: Handshake) {
        let sid = session.sid;
        self.sessions.insert(session);
        self.events.push_back(Event::Open(sid, handshake));
    }

    fn upgrade(&mut self, now: Timestamp, sid: Sid, reply: Reply, socket: WebSocket) {
        let expires = now + self.config.upgrade_timeout;
        if let Some(session) = self.sessions.get_mut(sid)
            && session.probe(socket, expires)
        {
            self.out.push(Output::Accept(reply));
            self.sessions.connections.insert(socket.connection, sid);
            self.sessions.touch(sid);
        } else {
            // "the server MUST close it" (v4, Upgrade). A browser sees no difference to an HTTP
            // error, but other clients do.
            self.out.push(Output::Dismiss(reply));
        }
    }

    fn get(&mut self, now: Timestamp, sid: Sid, reply: Reply) {
        if let Some(response) = self.take_farewell(sid) {
            self.respond(reply, response);
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
        let max_payload = self.config.max_payload;
        let Some(session) = self.sessions.get_mut(sid) else {
            return; // an ended session accepts no POST
        };
        let was = session.codec;
        let packets = session
            .codec
            .read_body(&request.content_type, &request.body, max_payload);
        session.unsaved |= session.codec != was;
        let packets = match packets {
            Ok(packets) => packets,
            Err(rejection) => {
                self.respond(request.reply, rejection.response());
                if rejection == Rejection::Misuse {
                    self.fail(sid, CloseReason::TransportError);
                }
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
            cookie: None,
        };
        self.respond(request.reply, ok);
    }
}
