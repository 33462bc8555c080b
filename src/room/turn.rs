//! A turn of the room: one event, its effects and its ack.

use super::contract::names;
use super::error::Error;
use crate::socket::{Ack, Args, Command, Json, Object, SocketId};
use crate::time::Timestamp;

/// One event, and its effects.
pub(super) struct Turn<'a> {
    pub(super) now: Timestamp,
    pub(super) ack: Option<Ack>,
    /// The arguments of the ack. It is sent last, because it promises that everything else was done.
    reply: Option<Args>,
    pub(super) out: &'a mut Vec<Command>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(now: Timestamp, out: &'a mut Vec<Command>) -> Self {
        Self {
            now,
            ack: None,
            reply: None,
            out,
        }
    }

    pub(super) fn emit(&mut self, to: Vec<SocketId>, name: &str, values: Vec<Json>) {
        self.push(to, name, values, false);
    }

    pub(super) fn push(
        &mut self,
        to: Vec<SocketId>,
        name: &str,
        values: Vec<Json>,
        volatile: bool,
    ) {
        if !to.is_empty() {
            self.out.push(Command::Emit {
                to,
                name: name.to_owned(),
                args: Args::new(values),
                ack: None,
                volatile,
            });
        }
    }

    /// Acknowledges the event with these fields and `ok: true`. The fields are made only if the client
    /// wants an ack.
    pub(super) fn succeed(&mut self, fields: impl FnOnce() -> Object) {
        if self.ack.is_some() {
            self.reply = Some(Args::new(vec![fields().with("ok", &true).json()]));
        }
    }

    /// Tells the sender of the error: with the ack or, if the client wants none, with an event.
    pub(super) fn fail(&mut self, from: SocketId, event: &str, error: &Error) {
        let error = error.for_event(event);
        if self.ack.is_some() {
            let reply = Object::new().with("ok", &false).with_json("error", &error);
            self.reply = Some(Args::new(vec![reply.json()]));
        } else {
            // A client that is away cannot react to the error later.
            self.push(vec![from], names::ROOM_ERROR, vec![error], true);
        }
    }

    pub(super) fn acknowledge(self) {
        if let (Some(ack), Some(reply)) = (self.ack, self.reply) {
            self.out.push(Command::Acknowledge(ack, reply));
        }
    }
}
