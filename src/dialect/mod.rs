//! Dialects: the signaling server of a tutorial, or of your own application, as a table.
//!
//! A [`Table`] states what the server does when a client connects, sends an event or disconnects. For
//! example, the server joins the socket to a room, emits an event or acknowledges. A [`Dialect`] runs a
//! table. `docs/dialects.md` explains the form.
//!
//! The work for one event is limited: see [`limits`]. The only loop is `each`, over an existing list.
//! Recursion is impossible.

mod action;
mod condition;
mod evaluate;
mod keep;
pub mod limits;
mod path;
mod peer;
mod place;
mod read;
mod receivers;
mod references;
mod run;
mod shipped;
mod steps;
mod table;
mod template;
pub mod transcript;
mod value;

use std::rc::Rc;

pub use place::TableError;
pub(crate) use place::nearest;
pub use read::{ACTION_KEYS, CONDITION_KEYS, TABLE_KEYS};
pub use shipped::{Dialects, NATIVE, SHIPPED};
pub use table::Table;

use crate::engine::Handshake;
use crate::rate::{Allowance, Excess, KeptBuckets, LogLimit};
use crate::room::config::Config;
use crate::room::{Code, Error, Refused, RoomName, operator};
use crate::socket::{
    App, Args, Command, DisconnectReason, Event, Json, Namespace, Object, SocketId, Sockets,
    is_strict,
};
use crate::store::Store;
use crate::time::Timestamp;
use peer::Peer;
use run::{Done, Run, Scene, Trigger};

/// The event that reports an error to a client. A room uses the same name.
const ERROR: &str = "room:error";

/// Runs a table for the sockets of one dialect and one room of the URL.
pub struct Dialect {
    name: String,
    place: RoomName,
    table: Rc<Table>,
    config: Config,
    store: Rc<Store>,
    sockets: Sockets<Peer>,
    kept_buckets: KeptBuckets<Allowance>,
    log_limit: LogLimit,
}

impl App for Dialect {
    fn reset(&mut self) {} // only sockets have stored state, and there are none now

    fn event(&mut self, now: Timestamp, event: Event, out: &mut Vec<Command>) {
        let mut reply = None;
        match event {
            Event::Connect {
                socket,
                namespace,
                auth,
                handshake,
            } => self.connect(now, socket, (namespace, auth), &handshake, out),
            Event::Restore {
                socket,
                namespace,
                state,
            } => {
                if !self.sockets.restore(socket, namespace, state.as_ref()) {
                    self.store.damaged("socket", "it is no socket of a dialect");
                }
            }
            Event::Emit {
                from,
                name,
                args,
                ack,
            } => {
                let happening = Trigger::Event {
                    name: &name,
                    args: &args,
                };
                let (done, said) = self.serve(now, from, &happening, out);
                settle(from, &name, done, out);
                reply = ack.zip(said);
            }
            // A dialect never asks for acks. Packets without effect count against the rate, too.
            Event::Ack { from, .. } | Event::Empty { from } => {
                let done = self.check_rate(now, from, out).map(|()| Done::All);
                settle(from, "", done, out);
            }
            Event::Away { socket, .. } => self.set_away(socket, true),
            Event::Back { socket } => self.set_away(socket, false),
            Event::Disconnect { socket, reason } => self.disconnect(now, socket, reason, out),
            Event::Operate(request) => {
                let message = "the API is for rooms without a dialect";
                let response = operator::refusal(404, Code::Unsupported, message);
                out.push(Command::Respond(request.reply, response));
            }
            Event::Posted(..) => {}
        }
        self.sockets.save(out);
        // The ack is last, because it promises that everything else was done.
        if let Some((ack, reply)) = reply {
            out.push(Command::Acknowledge(ack, reply));
        }
    }
}

impl Dialect {
    /// A dialect with this name and table, in this room of the URL.
    #[must_use]
    pub fn new(
        name: String,
        place: RoomName,
        table: Rc<Table>,
        config: Config,
        store: Rc<Store>,
    ) -> Self {
        Self {
            name,
            place,
            table,
            config,
            store,
            sockets: Sockets::default(),
            kept_buckets: KeptBuckets::default(),
            log_limit: LogLimit::default(),
        }
    }

    fn connect(
        &mut self,
        now: Timestamp,
        socket: SocketId,
        (namespace, auth): (Namespace, Option<Json>),
        handshake: &Handshake,
        out: &mut Vec<Command>,
    ) {
        if namespace != self.table.namespace {
            out.push(Command::Refuse {
                socket,
                message: "Invalid namespace".to_owned(),
                data: None,
            });
            return;
        }
        if let Err(refused) = self.admit(now, auth.as_ref(), handshake) {
            let Refused { error, reference } = refused;
            let reason = error.reason.as_deref();
            let about = [("ref", reference.as_deref()), ("reason", reason)];
            self.log_line(now, "refusal", socket, Some(error.code), &about);
            out.push(Command::Refuse {
                socket,
                data: Some(error.data()),
                message: error.message,
            });
            return;
        }
        let recoverable = !is_strict(auth.as_ref(), handshake);
        let mut peer = Peer::new(&self.table, auth, handshake);
        peer.allowance = self.buckets_of(&handshake.address);
        self.sockets.connect(socket, namespace, peer);
        let mut commands = Vec::new();
        let (done, _) = self.run(now, socket, &Trigger::Connect, &mut commands);
        if let Ok(Done::Refused { message, data }) = done {
            self.forget(socket);
            self.log(now, "refusal", socket, None);
            out.push(Command::Refuse {
                socket,
                message,
                data,
            });
            return;
        }
        out.push(Command::Accept {
            socket,
            recoverable,
        });
        out.append(&mut commands);
        settle(socket, "connect", done, out);
        self.log(now, "join", socket, None);
    }

    /// Refuses a client with an invalid token, and any client if the room is full.
    fn admit(
        &self,
        now: Timestamp,
        auth: Option<&Json>,
        handshake: &Handshake,
    ) -> Result<(), Refused> {
        let tokens = &self.config.tokens;
        tokens.admit(now, &self.place, auth, handshake)?;
        if self.sockets.len() >= self.config.limits.sockets {
            let message = "the room is full: try again when somebody has left";
            return Err(Error::new(Code::RoomFull, message).into());
        }
        Ok(())
    }

    /// The remaining allowance of this address. A client whose socket is away, or has just disconnected,
    /// gets no new allowance when it connects as another socket.
    fn buckets_of(&mut self, address: &str) -> Allowance {
        let mut peers = self.sockets.iter().map(|(_, peer)| peer);
        match peers.find(|peer| peer.is_away && peer.address == address) {
            Some(away) => away.allowance,
            None => self.kept_buckets.take(address),
        }
    }

    /// Handles an event. Returns the result, and the arguments of the ack. If an action fails after an
    /// `ack`, the ack is sent nevertheless.
    fn serve(
        &mut self,
        now: Timestamp,
        from: SocketId,
        happening: &Trigger,
        out: &mut Vec<Command>,
    ) -> (Result<Done, Error>, Option<Args>) {
        match self.check(now, from, happening, out) {
            Ok(()) => self.run(now, from, happening, out),
            Err(error) => (Err(error), None),
        }
    }

    fn check(
        &mut self,
        now: Timestamp,
        from: SocketId,
        happening: &Trigger,
        out: &mut Vec<Command>,
    ) -> Result<(), Error> {
        self.check_rate(now, from, out)?;
        if let Trigger::Event { args, .. } = happening {
            let limit = self.config.limits.description;
            if args.len() > limit {
                let message = format!("an event has at most {limit} bytes here");
                return Err(Error::new(Code::TooLarge, message));
            }
            let mut scans = args.values.iter().map(Json::scan);
            if scans.any(|scan| scan.is_none_or(|scan| scan.depth > limits::ARGUMENT_DEPTH)) {
                let message = format!(
                    "an argument may have at most {} nested levels",
                    limits::ARGUMENT_DEPTH
                );
                return Err(Error::new(Code::BadPayload, message));
            }
        }
        Ok(())
    }

    fn run(
        &mut self,
        now: Timestamp,
        from: SocketId,
        happening: &Trigger,
        out: &mut Vec<Command>,
    ) -> (Result<Done, Error>, Option<Args>) {
        let table = Rc::clone(&self.table);
        let scene = Scene {
            table: &table,
            place: &self.place,
            config: &self.config,
            store: &self.store,
            sockets: &mut self.sockets,
        };
        Run::new(scene, now, from, happening, out).all()
    }

    /// Refuses events beyond the rate, and disconnects a client that keeps sending them.
    fn check_rate(
        &mut self,
        now: Timestamp,
        from: SocketId,
        out: &mut Vec<Command>,
    ) -> Result<(), Error> {
        let Some(peer) = self.sockets.get_mut(from) else {
            return Ok(()); // only accepted sockets are served
        };
        let rates = &self.config.limits.rates;
        let taken = peer.allowance.take(now, rates.signal, rates.patience);
        let Err(Excess {
            retry_after,
            should_report,
            is_last,
        }) = taken
        else {
            return Ok(());
        };
        if should_report {
            self.log(now, "limit", from, Some(Code::RateLimited));
        }
        if is_last {
            self.log(now, "kick", from, Some(Code::RateLimited));
            out.push(Command::Close(from));
        }
        Err(Error::rate_limited(retry_after))
    }

    fn set_away(&mut self, socket: SocketId, is_away: bool) {
        self.sockets.change(socket, |peer| {
            std::mem::replace(&mut peer.is_away, is_away) != is_away
        });
    }

    fn disconnect(
        &mut self,
        now: Timestamp,
        socket: SocketId,
        reason: DisconnectReason,
        out: &mut Vec<Command>,
    ) {
        if !self.sockets.contains(socket) {
            return;
        }
        // The client has disconnected, so nobody gets the error.
        let _ = self.run(now, socket, &Trigger::Disconnect(reason), out);
        self.forget(socket);
        self.log(now, "leave", socket, None);
    }

    /// Removes a socket, and keeps its allowance for its address.
    fn forget(&mut self, socket: SocketId) {
        if let Some(peer) = self.sockets.disconnect(socket) {
            self.kept_buckets.keep(peer.address, peer.allowance);
        }
    }

    /// Writes a line into the operators' log. The line identifies people by their ids only.
    fn log(&mut self, now: Timestamp, event: &str, peer: SocketId, code: Option<Code>) {
        self.log_line(now, event, peer, code, &[]);
    }

    fn log_line(
        &mut self,
        now: Timestamp,
        event: &str,
        peer: SocketId,
        code: Option<Code>,
        about: &[(&str, Option<&str>)],
    ) {
        let Some(dropped) = self.log_limit.take(now) else {
            return;
        };
        let line = Object::new()
            .with("event", event)
            .with("dialect", &self.name)
            .with("room", self.place.as_str())
            .with("peer", &peer)
            .maybe("code", code.as_ref());
        let line = about
            .iter()
            .fold(line, |line, (name, value)| line.maybe(name, *value))
            .with("sockets", &self.sockets.len())
            .with("dropped", &dropped)
            .json();
        self.store.platform().log(line.as_str());
    }
}

/// Sends an error as an event, because each dialect has its own form of acks.
fn settle(socket: SocketId, event: &str, done: Result<Done, Error>, out: &mut Vec<Command>) {
    if let Err(error) = done {
        out.push(Command::Emit {
            to: vec![socket],
            name: ERROR.to_owned(),
            args: Args::new(vec![error.for_event(event)]),
            ack: None,
            volatile: true, // a client that is away cannot react to the error later
        });
    }
}
