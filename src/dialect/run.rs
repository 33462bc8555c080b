//! Doing what a table says, for one event of one socket.

use std::cell::{Cell, OnceCell};
use std::fmt::Write;
use std::ops::Range;

use super::action::{Action, Arguments, Step, To};
use super::limits::{ACTIONS, ALIAS_BYTES, DATA_BYTES, DELIVERIES, EVENT_BYTES, SENT_BYTES};
use super::peer::Peer;
use super::table::Table;
use super::template::Template;
use super::value::{Value, too_large};
use crate::room::config::Config;
use crate::room::{Code, Error, RoomName};
use crate::socket::{
    Args, Command, DisconnectReason, Json, RoomError, SocketId, Sockets, is_reserved,
};
use crate::store::Store;
use crate::time::Timestamp;

/// What happened to a socket.
pub(super) enum Happening<'a> {
    Connect,
    Event { name: &'a str, args: &'a Args },
    Disconnect(DisconnectReason),
}

/// How it ended.
pub(super) enum Done {
    /// All was done, with this acknowledgement, if there is one.
    All(Option<Args>),
    /// The connection is refused.
    Refused { message: String, data: Option<Json> },
}

/// Whether to go on.
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
    pub(super) happening: &'a Happening<'a>,
    pub(super) out: &'a mut Vec<Command>,
    /// The room of `in`, and the item of `each`.
    pub(super) chosen: Option<String>,
    pub(super) it: Cell<Option<Value>>,
    pub(super) uuid: OnceCell<String>,
    /// How many bytes were written.
    pub(super) written: Cell<usize>,
    actions: usize,
    deliveries: usize,
    sent: usize,
    reply: Option<Args>,
    /// Whether an event was for somebody who is not there.
    pub(super) missed: bool,
}

/// What a run works on.
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
        happening: &'a Happening<'a>,
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
            chosen: None,
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

    /// Does what the table says.
    pub(super) fn all(mut self) -> Result<Done, Error> {
        let table = self.table;
        let actions = match self.happening {
            Happening::Connect => &table.connect,
            Happening::Disconnect(_) => &table.disconnect,
            Happening::Event { name, .. } => {
                let event = table.events.get(*name).or(table.any.as_ref());
                event.ok_or_else(|| {
                    Error::new(Code::Unsupported, "this dialect has no such event")
                })?
            }
        };
        match self.actions(actions)? {
            Flow::Refused { message, data } => Ok(Done::Refused { message, data }),
            Flow::On | Flow::Stop if self.missed && self.reply.is_none() => Err(unknown_peer()),
            Flow::On | Flow::Stop => Ok(Done::All(self.reply)),
        }
    }

    fn actions(&mut self, actions: &[Action]) -> Result<Flow, Error> {
        for action in actions {
            let flow = match &action.each {
                None => self.action(action)?,
                Some(list) => {
                    let before = self.it.take();
                    let flow = self.each(action, list);
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

    fn each(&mut self, action: &Action, list: &Template) -> Result<Flow, Error> {
        for item in self.value(list)?.items()? {
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
            return Err(too_large("this"));
        }
        let before = self.chosen.clone();
        if let Some(room) = &action.room {
            let room = self.name(room)?;
            self.chosen = Some(room.ok_or_else(|| missing("the room"))?);
        }
        let flow = self.chosen_action(action);
        self.chosen = before;
        flow
    }

    fn chosen_action(&mut self, action: &Action) -> Result<Flow, Error> {
        if let Some(condition) = &action.when
            && !self.holds(condition)?
        {
            return self.actions(&action.otherwise);
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

    fn join(&mut self, rooms: &Template) -> Result<(), Error> {
        let rooms = self.value(rooms)?.items()?;
        if rooms.is_empty() {
            return Err(missing("the room"));
        }
        for room in rooms {
            let room = room.name().ok_or_else(|| missing("the room"))?;
            if self.peer(&room).is_some_and(|holder| holder != self.from) {
                return Err(Error::new(Code::IdTaken, "another socket has this name"));
            }
            self.sockets.join(self.from, &room).map_err(|error| {
                let code = match error {
                    RoomError::TooMany => Code::TooLarge,
                    _ => Code::BadPayload,
                };
                Error::new(code, error.to_string())
            })?;
        }
        Ok(())
    }

    fn take_alias(&mut self, name: &Template) -> Result<(), Error> {
        let alias = self.name(name)?.ok_or_else(|| missing("the name"))?;
        if alias.len() > ALIAS_BYTES {
            let message = format!("a name has at most {ALIAS_BYTES} bytes");
            return Err(Error::new(Code::TooLarge, message));
        }
        // Events for a socket, or for a room, must not reach one that takes its name.
        let is_id = SocketId::is_id(&alias) && alias != self.from.to_string();
        let namespace = self.namespace().clone();
        let is_room = self.sockets.count(&namespace, &alias)
            > usize::from(self.sockets.is_in(self.from, &alias));
        let holder = self.peer(&alias).filter(|holder| *holder != self.from);
        let is_taken = holder.is_some_and(|holder| !self.may_replace(holder));
        if is_id || is_room || is_taken {
            return Err(Error::new(Code::IdTaken, "another socket has this name"));
        }
        if let Some(holder) = holder {
            self.sockets
                .change(holder, |peer| peer.alias.take().is_some());
        }
        self.sockets.change(self.from, |peer| {
            peer.alias.replace(alias.clone()) != Some(alias)
        });
        Ok(())
    }

    /// Whether the sender may take over another socket's alias: the other's connection is lost and both
    /// have one address, as when a page is loaded again before the server knows that it was closed.
    fn may_replace(&self, holder: SocketId) -> bool {
        let (own, holder) = (self.sockets.get(self.from), self.sockets.get(holder));
        own.zip(holder).is_some_and(|(own, holder)| {
            holder.is_away && holder.address == own.address && !own.address.is_empty()
        })
    }

    fn set(&mut self, fields: &Template) -> Result<(), Error> {
        let Some(new) = self.json(fields)? else {
            return Err(missing("the data"));
        };
        let none = Args::default();
        let args = match self.happening {
            Happening::Event { args, .. } => *args,
            _ => &none,
        };
        let is_plain = Args::taken_from(vec![new.clone()], args)
            .is_some_and(|taken| taken.attachments.is_empty());
        if !is_plain {
            return Err(Error::new(Code::BadPayload, "binary values cannot be kept"));
        }
        let old = self
            .sockets
            .get(self.from)
            .and_then(|peer| peer.data.as_ref());
        let data = self.with_fields(old, &new.mended())?;
        if data.as_str().len() > DATA_BYTES {
            let message = format!("the data of a socket has at most {DATA_BYTES} bytes");
            return Err(Error::new(Code::TooLarge, message));
        }
        self.sockets.change(self.from, |peer| {
            peer.data.replace(data.clone()) != Some(data)
        });
        Ok(())
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
            return Err(too_large("this"));
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
            Happening::Event { args, .. } => *args,
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

    /// The ICE servers that are at hand: Cloudflare's would have to be asked for.
    pub(super) fn ice(&self) -> Json {
        self.config
            .ice
            .now(self.now, self.place.as_str(), self.from)
    }

    /// A random id in the form of a UUID of version 4.
    pub(super) fn new_uuid(&self) -> String {
        let mut digits = String::with_capacity(30);
        for byte in self.store.platform().mint() {
            let _ = write!(digits, "{byte:02x}"); // a String takes all
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
