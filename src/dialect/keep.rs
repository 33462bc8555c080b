//! The steps that change the stored state of a socket: its rooms, its alias and its data.

use super::limits::{ALIAS_BYTES, DATA_BYTES};
use super::run::{Run, missing};
use super::template::Template;
use crate::room::{Code, Error};
use crate::socket::{RoomError, SocketId, has_placeholder};

impl Run<'_> {
    pub(super) fn join(&mut self, rooms: &Template) -> Result<(), Error> {
        let rooms = self.value(rooms)?.items()?;
        if rooms.is_empty() {
            return Err(missing("the room"));
        }
        for room in rooms {
            let room = room.name().ok_or_else(|| missing("the room"))?;
            let holder = self.peer(&room);
            if self.table.names.mix && holder.is_some_and(|holder| holder != self.from) {
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

    pub(super) fn take_alias(&mut self, name: &Template) -> Result<(), Error> {
        let alias = self.name(name)?.ok_or_else(|| missing("the name"))?;
        if alias.len() > ALIAS_BYTES {
            let message = format!("a name has at most {ALIAS_BYTES} bytes");
            return Err(Error::new(Code::TooLarge, message));
        }
        // Events for a room must not reach a socket that takes the room's name. If a table always says
        // whether it means a room or a socket, both may have the same name.
        let is_id = SocketId::is_id(&alias) && alias != self.from.to_string();
        let namespace = self.namespace().clone();
        let is_room = self.table.names.mix
            && self.sockets.count(&namespace, &alias)
                > usize::from(self.sockets.is_in(self.from, &alias));
        let holder = self.peer(&alias).filter(|holder| *holder != self.from);
        let is_taken = holder.is_some_and(|holder| !self.may_replace(holder));
        if is_id || is_room || is_taken {
            let message = "this name has the form of an id, or another socket or a room has it";
            return Err(Error::new(Code::IdTaken, message));
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

    /// Whether the sender may take over the alias of another socket: the other is away and has the same
    /// address. So a page that lost its connection gets its alias back when it is loaded again.
    fn may_replace(&self, holder: SocketId) -> bool {
        let (own, holder) = (self.sockets.get(self.from), self.sockets.get(holder));
        own.zip(holder).is_some_and(|(own, holder)| {
            holder.is_away && holder.address == own.address && !own.address.is_empty()
        })
    }

    pub(super) fn set(&mut self, fields: &Template) -> Result<(), Error> {
        let Some(new) = self.json(fields)? else {
            return Err(missing("the data"));
        };
        // A placeholder without an attachment would stand for one of a later event.
        if has_placeholder(&new) {
            return Err(Error::new(Code::BadPayload, "binary values cannot be kept"));
        }
        let old = self
            .sockets
            .get(self.from)
            .and_then(|peer| peer.data.as_ref());
        let data = self.with_fields(old, &new.without_lone_surrogates())?;
        if data.as_str().len() > DATA_BYTES {
            let message = format!("the data of a socket has at most {DATA_BYTES} bytes");
            return Err(Error::new(Code::TooLarge, message));
        }
        self.sockets.change(self.from, |peer| {
            peer.data.replace(data.clone()) != Some(data)
        });
        Ok(())
    }
}
