//! Knocking at a closed room, and the host's answer.

use super::Room;
use super::contract::names;
use super::error::{Code, Error};
use super::ice::Want;
use super::member::Joining;
use super::turn::Turn;
use crate::map::Set;
use crate::socket::{Json, Object, SocketId};

impl Room {
    /// Asks the host to admit a member. Returns the error that tells the member to wait. If a member that
    /// already waits knocks again, the host is told only if the member's name has changed.
    pub(super) fn knock(&mut self, turn: &mut Turn, id: SocketId, joining: Joining) -> Error {
        let Some(host) = self.host() else {
            let message = "this room is locked, and nobody is inside who could let you in";
            return Error::new(Code::RoomLocked, message);
        };
        let (now, mut is_new) = (turn.now, false);
        let knock = knock(id, joining.name.as_deref());
        self.members.change(id, |member| {
            let earlier = member.knocking.as_ref();
            is_new = earlier.is_none_or(|earlier| earlier.name != joining.name);
            let changes = is_new || earlier.is_some_and(|earlier| earlier.media != joining.media);
            if earlier.is_none() {
                member.knocked_at = now;
            }
            if changes {
                member.knocking = Some(joining);
            }
            changes
        });
        if is_new {
            self.log(now, "knock", Some(id), None, None);
            // A host that is away is told when it reconnects.
            turn.push(vec![host], names::HOST_KNOCK, vec![knock], true);
        }
        Error::new(Code::Waiting, "the host has been asked to let you in")
    }

    /// The members that wait for the host, in the order in which they knocked.
    pub(super) fn knocking(&self) -> Vec<SocketId> {
        let members = self.members.iter();
        let knocking = members.filter(|(_, member)| member.knocking.is_some());
        let queue: Set<_> = knocking
            .map(|(id, member)| (member.knocked_at, id))
            .collect();
        queue.into_sorted().map(|(_, id)| id).collect()
    }

    /// Admits a waiting member, unless no seat is free or the member was kicked meanwhile.
    pub(super) fn let_in(&mut self, turn: &mut Turn, id: SocketId) -> Result<(), Error> {
        let Some(member) = self.member(id) else {
            return Ok(());
        };
        let media = member.knocking.as_ref().and_then(|joining| joining.media);
        let may = self.check_ban(turn.now, member);
        if let Err(error) = may.and_then(|()| self.check_capacity(id, media.unwrap_or_default())) {
            self.refuse(turn, id, &error);
            return Err(error);
        }
        let member = self.members.get_mut(id);
        if let Some(joining) = member.and_then(|member| member.knocking.take()) {
            self.enter(turn, id, joining);
            self.supply(turn, id, Want::Admission);
        }
        Ok(())
    }

    /// Tells a waiting member that it is refused, and why.
    pub(super) fn refuse(&mut self, turn: &mut Turn, id: SocketId, error: &Error) {
        self.log(turn.now, "refusal", Some(id), Some(error.code), None);
        self.members
            .change(id, |member| member.knocking.take().is_some());
        turn.emit(vec![id], names::ROOM_DENIED, vec![error.data()]);
    }

    /// Tells the host of all waiting members.
    pub(super) fn knock_anew(&self, turn: &mut Turn) {
        for id in self.knocking() {
            let knocking = self.member(id).and_then(|member| member.knocking.as_ref());
            let name = knocking.and_then(|joining| joining.name.as_deref());
            let host = self.host().into_iter().collect();
            turn.push(host, names::HOST_KNOCK, vec![knock(id, name)], true);
        }
    }

    /// Refuses all waiting members, because no peer is left to admit them.
    pub(super) fn refuse_waiting(&mut self, turn: &mut Turn) {
        let message = "the last peer has left: nobody can let you in";
        let error = Error::new(Code::Denied, message);
        for id in self.knocking() {
            self.refuse(turn, id, &error);
        }
    }
}

/// The data of a knock, for the host.
fn knock(id: SocketId, name: Option<&str>) -> Json {
    Object::new().with("id", &id).with("name", &name).json()
}
