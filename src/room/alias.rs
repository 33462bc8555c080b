//! Aliases: names that sockets choose, by which others reach them.

use super::Room;
use super::contract::names;
use super::error::{Code, Error};
use super::turn::Turn;
use crate::socket::{Args, Json, Object, SocketId};

impl Room {
    /// The members inside that have an alias.
    pub(super) fn aliased(&self) -> Vec<SocketId> {
        self.members
            .matching(|_, member| member.alias.is_some() && !self.is_outside(member))
    }

    /// The member with this id or alias, inside or outside.
    pub(super) fn holder(&self, name: &str) -> Option<SocketId> {
        self.members.find(name, |member| member.alias.as_deref())
    }

    /// The event `join`: takes an alias.
    pub(super) fn take_alias(
        &mut self,
        turn: &mut Turn,
        id: SocketId,
        args: &Args,
    ) -> Result<(), Error> {
        let alias: Option<String> = args.get(0).and_then(Json::read);
        let alias = self
            .checked_name(alias)?
            .ok_or_else(|| Error::bad_payload("join takes an alias, a text"))?;
        // Messages for a peer that left must not reach another socket that takes the peer's id as
        // alias.
        let is_id = SocketId::is_id(&alias) && SocketId::parse(&alias) != Some(id);
        if is_id {
            let message = "this has the form of a socket's id: choose another text";
            return Err(Error::new(Code::IdTaken, message));
        }
        if let Some(holder) = self.holder(&alias).filter(|holder| *holder != id) {
            if !self.may_replace(id, holder) {
                return Err(Error::new(Code::IdTaken, "another socket has this alias"));
            }
            // The earlier holder is told, too, when it reconnects.
            turn.emit(self.aliased(), names::USER_LEFT, vec![Json::of(&alias)]);
            self.members
                .change(holder, |member| member.alias.take().is_some());
        }
        self.ordinal(id);
        let mut earlier = None;
        self.members.change(id, |member| {
            earlier = member.alias.replace(alias.clone());
            true
        });
        turn.succeed(Object::new);
        if let Some(earlier) = earlier.filter(|earlier| *earlier != alias) {
            turn.emit(self.aliased(), names::USER_LEFT, vec![Json::of(&earlier)]);
        }
        turn.emit(self.aliased(), names::USER_JOINED, vec![Json::of(&alias)]);
        Ok(())
    }

    /// Whether a socket may take over the alias of another. The other must be away, and either its
    /// page was left or it has the same address. This happens when a page is reloaded.
    fn may_replace(&self, id: SocketId, holder: SocketId) -> bool {
        let (Some(own), Some(holder)) = (self.member(id), self.member(holder)) else {
            return false;
        };
        let is_same_client = holder.address == own.address && !own.address.is_empty();
        holder.is_away() && (holder.left_page || is_same_client)
    }
}
