//! Seats: how many peers may send media, and who gives theirs up.

use super::Room;
use super::contract::Media;
use super::error::{Code, Error};
use super::member::Member;
use super::turn::Turn;
use crate::socket::{Command, SocketId};

impl Room {
    /// A peer with media needs a seat; those who only chat do not, nor do those who are away. Host
    /// tokens skip the limit.
    pub(super) fn check_capacity(&self, id: SocketId, media: Media) -> Result<(), Error> {
        let members = self.members.iter();
        let seated = members
            .filter(|(other, member)| **other != id && member.has_media() && !member.is_away());
        let taken = seated.count();
        let is_host = self.member(id).is_some_and(Member::is_host_by_token);
        if media.is_any() && taken >= self.config.limits.peers && !is_host {
            return Err(Error::new(
                Code::RoomFull,
                format!(
                    "{taken} peers with audio or video are the most this room holds: \
                     join without, or try again when one has left"
                ),
            ));
        }
        Ok(())
    }

    /// The socket that this peer was before, if it shows its secret and that socket is away.
    pub(super) fn ghost_of(&self, id: SocketId, secret: Option<&str>) -> Option<SocketId> {
        let secret = secret?;
        let is_ghost = |member: &Member| {
            member.is_away() && member.profile.is_some() && member.rejoin.as_deref() == Some(secret)
        };
        let mut members = self.members.iter();
        let (ghost, _) = members.find(|(other, member)| **other != id && is_ghost(member))?;
        Some(*ghost)
    }

    /// Whoever is away gives its seat up when somebody present needs it. The seat of `ghost` is free
    /// in any case.
    pub(super) fn free_seat(
        &mut self,
        turn: &mut Turn,
        id: SocketId,
        media: Media,
        ghost: Option<SocketId>,
    ) {
        let seated = || {
            let members = self.members.iter().filter(|(_, member)| member.has_media());
            members.filter(|(other, _)| **other != id && Some(**other) != ghost)
        };
        if !media.is_any() || seated().count() < self.config.limits.peers {
            return;
        }
        let away = seated().filter(|(_, member)| member.is_away());
        let longest = away.min_by_key(|(_, member)| member.away_since);
        if let Some(longest) = longest.map(|(id, _)| *id) {
            self.give_up(turn, longest);
        }
    }

    /// Does not wait any longer for a member that is away.
    pub(super) fn give_up(&mut self, turn: &mut Turn, id: SocketId) {
        let Some(member) = self.members.remove(&id) else {
            return;
        };
        self.gone(turn, id, member, "timeout");
        turn.out.push(Command::Close(id));
    }
}
