//! Seats: the places of peers that send media (`MAX_PEERS`), and which peer loses its seat.

use super::Room;
use super::contract::Media;
use super::error::{Code, Error};
use super::member::Member;
use super::turn::Turn;
use crate::socket::{Command, SocketId};

impl Room {
    /// Refuses media if all seats are taken. A peer without media needs no seat, nor does one that
    /// is away. Host tokens skip the limit.
    pub(super) fn check_capacity(&self, id: SocketId, media: Media) -> Result<(), Error> {
        let is_seated = |other: SocketId, member: &Member| {
            other != id && member.has_media() && !member.is_away()
        };
        let taken = self.members.matching(is_seated).len();
        if media.is_any() && taken >= self.config.limits.peers && !self.is_host_by_token(id) {
            return Err(Error::new(
                Code::RoomFull,
                format!(
                    "{taken} peers with audio or video are the most this room holds: \
                     join without media, or try again when one has left"
                ),
            ));
        }
        Ok(())
    }

    pub(super) fn is_host_by_token(&self, id: SocketId) -> bool {
        self.member(id).is_some_and(Member::is_host_by_token)
    }

    /// The earlier socket of this peer: one that is away, and whose secret the peer shows.
    pub(super) fn ghost_of(&self, id: SocketId, secret: Option<&str>) -> Option<SocketId> {
        let secret = secret?;
        let is_ghost = |member: &Member| {
            member.is_away() && member.profile.is_some() && member.rejoin.as_deref() == Some(secret)
        };
        let mut members = self.members.iter();
        let (ghost, _) = members.find(|(other, member)| *other != id && is_ghost(member))?;
        Some(ghost)
    }

    /// Removes the peer that has been away for longest if a peer that is present needs its seat.
    /// The seat of `ghost` counts as free.
    pub(super) fn free_seat(
        &mut self,
        turn: &mut Turn,
        id: SocketId,
        media: Media,
        ghost: Option<SocketId>,
    ) {
        let seated = || {
            let members = self.members.iter().filter(|(_, member)| member.has_media());
            members.filter(|(other, _)| *other != id && Some(*other) != ghost)
        };
        let needs_seat = media.is_any() && !self.is_host_by_token(id);
        if !needs_seat || seated().count() < self.config.limits.peers {
            return;
        }
        let away = seated().filter(|(_, member)| member.is_away());
        let longest = away.min_by_key(|(_, member)| member.away_since);
        if let Some(longest) = longest.map(|(id, _)| id) {
            self.give_up(turn, longest);
        }
    }

    /// Removes a member that is away.
    pub(super) fn give_up(&mut self, turn: &mut Turn, id: SocketId) {
        let Some(member) = self.members.disconnect(id) else {
            return;
        };
        self.gone(turn, id, member, "timeout");
        turn.out.push(Command::Close(id));
    }
}
