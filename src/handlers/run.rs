//! Runs handlers on a server.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::call::{Boxed, Call};
use super::io::Io;
use super::refusal::Refusal;
use super::socket::{Kept, Shared, Socket, State};
use crate::engine::Handshake;
use crate::rate::{Allowance, Excess, KeptBuckets};
use crate::room::config::Rates;
use crate::room::{Code, operator};
use crate::socket::{
    Ack, App, Args, Command, DisconnectReason, Event, Json, Namespace, SocketId, Sockets, is_strict,
};
use crate::store::Store;
use crate::time::Timestamp;

/// The event that reports an error to a client.
const EXCEPTION: &str = "exception";

/// An application of handlers.
pub struct Handlers {
    io: Io,
    rates: Rates,
    shared: Shared,
    kept_buckets: KeptBuckets<Allowance>,
}

impl Handlers {
    /// An application with the handlers that `add` adds, without variables.
    #[must_use]
    pub fn new(add: impl FnOnce(&mut Io), rates: Rates, store: Rc<Store>) -> Self {
        Self::with_variables(add, rates, store, |_| None)
    }

    /// An application with variables of the environment: see [`Io::variable`].
    #[must_use]
    pub fn with_variables(
        add: impl FnOnce(&mut Io),
        rates: Rates,
        store: Rc<Store>,
        variables: impl Fn(&str) -> Option<String> + 'static,
    ) -> Self {
        let mut io = Io::new(variables);
        io.of("/", |_| {});
        add(&mut io);
        let state = State {
            sockets: Sockets::default(),
            store,
            now: Timestamp::default(),
            out: Vec::new(),
            acks: Vec::new(),
        };
        Self {
            io,
            rates,
            shared: Rc::new(RefCell::new(state)),
            kept_buckets: KeptBuckets::default(),
        }
    }

    fn socket(&self, id: SocketId) -> Option<Socket> {
        let namespace = self.shared.borrow().sockets.namespace(id).cloned()?;
        Some(Socket {
            id,
            namespace,
            shared: Rc::clone(&self.shared),
        })
    }

    fn connect(
        &mut self,
        id: SocketId,
        (namespace, auth): (Namespace, Option<Json>),
        handshake: &Handshake,
    ) {
        let allowance = self.buckets_of(&handshake.address);
        let refuse = |Refusal { message, data }| {
            let refusal = Command::Refuse {
                socket: id,
                message,
                data,
            };
            self.shared.borrow_mut().out.push(refusal);
        };
        if let Some(mistake) = self.io.mistake() {
            return refuse(Refusal::new(format!(
                "this application has a mistake: {mistake}"
            )));
        }
        let Some(of) = self.io.namespace(&namespace) else {
            return refuse(Refusal::new("Invalid namespace"));
        };
        let kept = Kept {
            allowance,
            address: handshake.address.clone(),
            query: handshake.query.clone(),
            headers: handshake.headers.clone(),
            ..Kept::default()
        };
        self.shared
            .borrow_mut()
            .sockets
            .connect(id, namespace.clone(), kept);
        let socket = Socket {
            id,
            namespace,
            shared: Rc::clone(&self.shared),
        };
        let call = Call {
            auth: auth.as_ref(),
            ..Call::new(&socket)
        };
        let done = of.connect.iter().try_for_each(|handler| handler(&call));
        let mut state = self.shared.borrow_mut();
        if let Err(refusal) = done {
            // The events are dropped. What changed other sockets stays: those that a handler has
            // disconnected, and those that it asked, which wait for the answer.
            state.out.retain(|command| match command {
                Command::Disconnect(other) => *other != id,
                Command::Emit { to, ack, .. } => ack.is_some() && !to.contains(&id),
                _ => false,
            });
            let gone = state.sockets.disconnect(id);
            drop(state);
            refuse(refusal);
            return self.keep_buckets(gone);
        }
        let accept = Command::Accept {
            socket: id,
            recoverable: !is_strict(auth.as_ref(), handshake),
        };
        state.out.insert(0, accept); // the client would lose packets that come before this one
    }

    /// The remaining allowance of this address. A client whose socket is away, or has just disconnected,
    /// gets no new allowance when it connects as another socket.
    fn buckets_of(&mut self, address: &str) -> Allowance {
        let state = self.shared.borrow();
        let mut kept = state.sockets.iter().map(|(_, kept)| kept);
        match kept.find(|kept| kept.is_away && kept.address == address) {
            Some(away) => away.allowance,
            None => self.kept_buckets.take(address),
        }
    }

    fn keep_buckets(&mut self, gone: Option<Kept>) {
        if let Some(kept) = gone {
            self.kept_buckets.keep(kept.address, kept.allowance);
        }
    }

    fn set_away(&self, socket: SocketId, is_away: bool) {
        self.shared.borrow_mut().sockets.change(socket, |kept| {
            std::mem::replace(&mut kept.is_away, is_away) != is_away
        });
    }

    fn emit(&self, from: SocketId, name: &str, args: &Args, ack: Option<Ack>) {
        let Some(socket) = self.socket(from) else {
            return;
        };
        let call = Call {
            args: Some(args),
            ack: Rc::new(Cell::new(ack)),
            ..Call::new(&socket)
        };
        let done = self.check_rate(from).and_then(|()| {
            let of = self.io.namespace(&socket.namespace);
            let handler = of.and_then(|of| of.event(name));
            let handler = handler.ok_or_else(|| Refusal::new("there is no such event"))?;
            handler(&call)
        });
        if let Err(refusal) = done {
            fail(&socket, name, &refusal, call.ack.take());
        }
    }

    /// Refuses events beyond the rate, and disconnects a client that keeps sending them.
    fn check_rate(&self, from: SocketId) -> Result<(), Refusal> {
        let State {
            sockets, out, now, ..
        } = &mut *self.shared.borrow_mut();
        let Some(kept) = sockets.get_mut(from) else {
            return Ok(());
        };
        let taken = kept
            .allowance
            .take(*now, self.rates.signal, self.rates.patience);
        taken.map_err(|Excess { is_last, .. }| {
            if is_last {
                out.push(Command::Close(from));
            }
            Refusal::new("too much at once: try again later")
        })
    }

    /// Calls the handler of an ack. `None` as the arguments means that no ack arrived before its deadline
    /// or before the socket disconnected.
    fn answer(&self, from: SocketId, name: &str, args: Option<&Args>) {
        let (Some(socket), Some(handler)) = (self.socket(from), self.io.answer(name)) else {
            return;
        };
        let call = Call {
            args,
            ..Call::new(&socket)
        };
        if let Err(refusal) = handler(&call) {
            fail(&socket, name, &refusal, None);
        }
    }

    fn disconnect(&mut self, id: SocketId, reason: DisconnectReason) {
        let Some(socket) = self.socket(id) else {
            return;
        };
        let call = Call {
            reason: Some(reason),
            ..Call::new(&socket)
        };
        let of = self.io.namespace(&socket.namespace);
        let handlers: &[Boxed] = of.map(|of| of.disconnect.as_slice()).unwrap_or_default();
        for handler in handlers {
            let _ = handler(&call); // the client has disconnected, so nobody gets the error
        }
        let awaited = self.shared.borrow().sockets.awaited(id);
        for name in awaited {
            self.answer(id, &name, None);
        }
        let gone = self.shared.borrow_mut().sockets.disconnect(id);
        self.keep_buckets(gone);
    }

    /// Moves the collected commands to the output: first all but the acks, then the changes of the
    /// sockets, and last the acks.
    fn flush(&self, out: &mut Vec<Command>) {
        let State {
            sockets,
            out: commands,
            acks,
            ..
        } = &mut *self.shared.borrow_mut();
        out.append(commands);
        sockets.save(out);
        out.append(acks);
    }
}

impl App for Handlers {
    // Of what is stored, memory holds only the state of sockets, and no socket is left.
    fn reset(&mut self) {}

    fn event(&mut self, now: Timestamp, event: Event, out: &mut Vec<Command>) {
        self.shared.borrow_mut().now = now;
        match event {
            Event::Connect {
                socket,
                namespace,
                auth,
                handshake,
            } => self.connect(socket, (namespace, auth), &handshake),
            Event::Restore {
                socket,
                namespace,
                state,
            } => {
                let shared = &mut *self.shared.borrow_mut();
                if !shared.sockets.restore(socket, namespace, state.as_ref()) {
                    shared
                        .store
                        .damaged("socket", "it is no socket of this application");
                }
            }
            Event::Emit {
                from,
                name,
                args,
                ack,
            } => self.emit(from, &name, &args, ack),
            Event::Ack { from, id, args } => {
                let name = self.shared.borrow_mut().sockets.answered(from, id);
                match name {
                    Some(name) => self.answer(from, &name, Some(&args)),
                    None => drop(self.check_rate(from)), // packets without effect count, too
                }
            }
            Event::Empty { from } => drop(self.check_rate(from)),
            Event::Disconnect { socket, reason } => self.disconnect(socket, reason),
            Event::Operate(request) => {
                let message = "this application has no API for operators";
                let response = operator::refusal(404, Code::Unsupported, message);
                out.push(Command::Respond(request.reply, response));
            }
            Event::Away { socket, .. } => self.set_away(socket, true),
            Event::Back { socket } => self.set_away(socket, false),
            Event::Posted(..) => {}
        }
        self.flush(out);
    }

    fn wake(&mut self, now: Timestamp, out: &mut Vec<Command>) {
        self.shared.borrow_mut().now = now;
        let late = self.shared.borrow_mut().sockets.expire(now);
        for (id, name) in late {
            self.answer(id, &name, None);
        }
        self.flush(out);
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.shared.borrow().sockets.deadline()
    }
}

/// Tells a client that its event was refused: with the ack or, without one, with an event.
fn fail(socket: &Socket, event: &str, refusal: &Refusal, ack: Option<Ack>) {
    let error = refusal.for_event(event);
    match ack {
        Some(ack) => {
            let reply = Args::of(&Failed { error });
            let command = Command::Acknowledge(ack, reply);
            socket.shared.borrow_mut().acks.push(command);
        }
        None => socket
            .everyone()
            .to(socket.id)
            .volatile()
            .emit(EXCEPTION, &error),
    }
}

/// The ack of an event that was refused.
#[derive(serde::Serialize)]
struct Failed {
    error: Json,
}
