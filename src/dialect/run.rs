//! Performs the actions of a table for one event of one socket.

use std::cell::{Cell, OnceCell};
use std::fmt::Write;
use std::ops::Range;

use super::action::{Action, Arguments, Step, To};
use super::limits::{ACTIONS, DELIVERIES, EVENT_BYTES, SENT_BYTES};
use super::path::Root;
use super::peer::Peer;
use super::table::Table;
use super::template::Template;
use super::value::{Value, too_large};
use crate::room::config::Config;
use crate::room::{Code, Error, RoomName};
use crate::socket::{Args, Command, DisconnectReason, Json, SocketId, Sockets, is_reserved};
use crate::store::Store;
use crate::time::Timestamp;

/// What happened to a socket.
pub(super) enum Trigger<'a> {
    Connect,
    Event { name: &'a str, args: &'a Args },
    Disconnect(DisconnectReason),
}

/// The result of a run.
pub(super) enum Done {
    /// All actions were performed.
    All,
    /// The connection is refused.
    Refused { message: String, data: Option<Json> },
}

/// The room of an action.
pub(super) enum CurrentRoom {
    /// The room that the sender joined last.
    Own,
    /// The room that `in` names.
    Room(String),
    /// `in` has no value.
    Missing,
}

/// Whether the next action is performed.
enum Flow {
    On,
    Stop,
    Refused { message: String, data: Option<Json> },
}

/// One event of one socket.
pub(super) struct Run<'a> {
    pub(super) table: &'a Table,
    pub(super) place: &'a RoomName,
    pub(super) config: &'a Config,
    pub(super) store: &'a Store,
    pub(super) sockets: &'a mut Sockets<Peer>,
    pub(super) now: Timestamp,
    /// The sender.
    pub(super) from: SocketId,
    pub(super) happening: &'a Trigger<'a>,
    pub(super) out: &'a mut Vec<Command>,
    /// The room of the current action.
    pub(super) chosen: CurrentRoom,
    /// The current item of `each`.
    pub(super) it: Cell<Option<Value>>,
    pub(super) uuid: OnceCell<String>,
    /// The number of bytes written into new values.
    pub(super) written: Cell<usize>,
    actions: usize,
    deliveries: usize,
    sent: usize,
    reply: Option<Args>,
    /// Whether an event had no receiver although it named one.
    pub(super) missed: bool,
}

/// The parts of the dialect that a run uses.
pub(super) struct Scene<'a> {
    pub(super) table: &'a Table,
    pub(super) place: &'a RoomName,
    pub(super) config: &'a Config,
    pub(super) store: &'a Store,
    pub(super) sockets: &'a mut Sockets<Peer>,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        scene: Scene<'a>,
        now: Timestamp,
        from: SocketId,
        happening: &'a Trigger<'a>,
        out: &'a mut Vec<Command>,
    ) -> Self {
        let Scene {
            table,
            place,
            config,
            store,
            sockets,
        } = scene;
        Self {
            table,
            place,
            config,
            store,
            sockets,
            now,
            from,
            happening,
            out,
            chosen: CurrentRoom::Own,
            it: Cell::new(None),
            uuid: OnceCell::new(),
            written: Cell::new(0),
            actions: 0,
            deliveries: 0,
            sent: 0,
            reply: None,
            missed: false,
        }
    }

    /// Performs all actions. Returns the result, and the arguments of the ack.
    pub(super) fn all(mut self) -> (Result<Done, Error>, Option<Args>) {
        let done = self.table();
        (done, self.reply)
    }

    fn table(&mut self) -> Result<Done, Error> {
        let table = self.table;
        let actions = match self.happening {
            Trigger::Connect => &table.connect,
            Trigger::Disconnect(_) => &table.disconnect,
            Trigger::Event { name, .. } => {
                let event = table.events.get(*name).or(table.any.as_ref());
                event.ok_or_else(|| {
                    Error::new(Code::Unsupported, "this dialect has no such event")
                })?
            }
        };
        match self.actions(actions)? {
            Flow::Refused { message, data } => Ok(Done::Refused { message, data }),
            Flow::On | Flow::Stop if self.missed && self.reply.is_none() => Err(unknown_peer()),
            Flow::On | Flow::Stop => Ok(Done::All),
        }
    }

    fn actions(&mut self, actions: &[Action]) -> Result<Flow, Error> {
        for action in actions {
            let flow = match &action.each {
                None => self.action(action)?,
                Some(list) => {
                    let items = self.items(action, list)?;
                    let before = self.it.take();
                    let flow = self.each(action, items);
                    self.it.set(before);
                    flow?
                }
            };
            if !matches!(flow, Flow::On) {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    /// The items of `each`. `in` applies to the list, too, unless `in` uses the items.
    fn items(&mut self, action: &Action, list: &Template) -> Result<Vec<Value>, Error> {
        let room = action.room.as_ref();
        let room = room.filter(|room| !room.uses(Root::It));
        self.within(room, |run| run.value(list)?.items())
    }

    /// Runs `work` with this room as the room of `in`.
    fn within<T>(
        &mut self,
        room: Option<&Template>,
        work: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Some(room) = room else {
            return work(self);
        };
        let chosen = self
            .name(room)?
            .map_or(CurrentRoom::Missing, CurrentRoom::Room);
        let before = std::mem::replace(&mut self.chosen, chosen);
        let done = work(self);
        self.chosen = before;
        done
    }

    fn each(&mut self, action: &Action, items: Vec<Value>) -> Result<Flow, Error> {
        for item in items {
            self.it.set(Some(item));
            let flow = self.action(action)?;
            if !matches!(flow, Flow::On) {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn action(&mut self, action: &Action) -> Result<Flow, Error> {
        self.actions = self.actions.saturating_add(1);
        if self.actions > ACTIONS {
            return Err(too_large("the work"));
        }
        self.within(action.room.as_ref(), |run| run.chosen_action(action))
    }

    fn chosen_action(&mut self, action: &Action) -> Result<Flow, Error> {
        if let Some(condition) = &action.when
            && !self.holds(condition)?
        {
            return self.actions(&action.otherwise);
        }
        if action.room.is_some() && matches!(self.chosen, CurrentRoom::Missing) {
            return Err(missing("the room"));
        }
        for step in &action.steps {
            let flow = self.step(step)?;
            if !matches!(flow, Flow::On) {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn step(&mut self, step: &Step) -> Result<Flow, Error> {
        match step {
            Step::Leave(rooms) => {
                for room in self.value(rooms)?.items()? {
                    if let Some(room) = room.name() {
                        self.sockets.leave(self.from, &room);
                    }
                }
            }
            Step::Join(rooms) => self.join(rooms)?,
            Step::Alias(name) => self.take_alias(name)?,
            Step::Set(fields) => self.set(fields)?,
            Step::Emit {
                name,
                to,
                args,
                volatile,
            } => self.emit(name, to, args, *volatile)?,
            Step::Ack(args) => {
                let args = self.arguments(args)?;
                self.reply.get_or_insert(args);
            }
            Step::Do(actions) => return self.actions(actions),
            Step::Refuse(message, data) => {
                let data = match data {
                    Some(data) => self.json(data)?,
                    None => None,
                };
                return Ok(Flow::Refused {
                    message: self.name(message)?.unwrap_or_default(),
                    data,
                });
            }
            Step::Stop => return Ok(Flow::Stop),
        }
        Ok(Flow::On)
    }

    fn emit(
        &mut self,
        name: &Template,
        to: &To,
        args: &Arguments,
        volatile: bool,
    ) -> Result<(), Error> {
        let name = self
            .name(name)?
            .ok_or_else(|| missing("the event's name"))?;
        if name.len() > EVENT_BYTES || is_reserved(&name) {
            return Err(Error::new(Code::BadPayload, "this event cannot be sent"));
        }
        let to = self.receivers(to)?;
        if to.is_empty() {
            return Ok(());
        }
        let args = self.arguments(args)?;
        self.deliveries = self.deliveries.saturating_add(to.len());
        self.sent = self
            .sent
            .saturating_add(args.len().saturating_mul(to.len()));
        if self.deliveries > DELIVERIES || self.sent > SENT_BYTES {
            return Err(too_large("the work"));
        }
        self.out.push(Command::Emit {
            to,
            name,
            args,
            ack: None,
            volatile,
        });
        Ok(())
    }

    fn arguments(&self, args: &Arguments) -> Result<Args, Error> {
        let none = Args::default();
        let event = match self.happening {
            Trigger::Event { args, .. } => *args,
            _ => &none,
        };
        let Arguments::List(templates) = args else {
            return Ok(event.clone());
        };
        let mut values = Vec::with_capacity(templates.len());
        for template in templates {
            values.push(self.json(template)?.unwrap_or_else(|| Json::unread("null")));
        }
        let args = Args::taken_from(values, event);
        args.ok_or_else(|| Error::new(Code::BadPayload, "a binary value is missing"))
    }

    /// The ICE servers that are known without a request to Cloudflare.
    pub(super) fn ice(&self) -> Json {
        self.config
            .ice
            .now(self.now, self.place.as_str(), self.from)
    }

    /// A random id in the form of a UUID of version 4.
    pub(super) fn new_uuid(&self) -> String {
        let mut digits = String::with_capacity(30);
        for byte in self.store.platform().mint() {
            let _ = write!(digits, "{byte:02x}"); // writing to a string cannot fail
        }
        let part = |range: Range<usize>| digits.get(range).unwrap_or_default();
        format!(
            "{}-{}-4{}-a{}-{}",
            part(0..8),
            part(8..12),
            part(12..15),
            part(15..18),
            part(18..30)
        )
    }
}

pub(super) fn missing(what: &str) -> Error {
    Error::new(Code::BadPayload, format!("{what} is missing"))
}

fn unknown_peer() -> Error {
    Error::new(
        Code::UnknownPeer,
        "nobody here has that id or name, and there is no such room",
    )
}
