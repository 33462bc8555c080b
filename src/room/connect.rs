//! Which clients may connect, and which members are inside.

use super::Room;
use super::audit::Line;
use super::contract::names;
use super::error::{Code, Error};
use super::member::{Buckets, Member};
use super::token::Refused;
use super::turn::Turn;
use crate::engine::Handshake;
use crate::socket::{Command, Json, Namespace, SocketId, is_strict};
use crate::time::Timestamp;

/// The error for `io("https://…/r/<room>")`: the client sends the path of this URL as a namespace.
const PATH_AS_NAMESPACE: &str = "Invalid namespace: the room is named by the path, as in \
io(\"https://…\", { path: \"/r/<room>/socket.io\" })";

impl Room {
    pub(super) fn connect(
        &mut self,
        turn: &mut Turn,
        id: SocketId,
        namespace: &Namespace,
        auth: Option<&Json>,
        handshake: &Handshake,
    ) {
        if !namespace.is_main() {
            let is_path = namespace.as_str().starts_with("/r/");
            let message = if is_path {
                PATH_AS_NAMESPACE
            } else {
                "Invalid namespace"
            };
            turn.out.push(Command::Refuse {
                socket: id,
                message: message.to_owned(),
                data: None,
            });
            return;
        }
        let address = &handshake.address;
        let pass = self
            .config
            .tokens
            .admit(turn.now, &self.name, auth, handshake);
        let member = pass.and_then(|pass| {
            let reference = pass.as_ref().and_then(|pass| pass.reference.clone());
            let member = Member {
                address: address.clone(),
                came_at: turn.now,
                came_seq: self.counters.last_seq(),
                strict: is_strict(auth, handshake),
                pass,
                ..Member::default()
            };
            let entry = self.check_entry(turn, &member);
            entry.map(|()| member).map_err(|error| Refused {
                reference,
                ..error.into()
            })
        });
        match member {
            Ok(mut member) => {
                member.buckets = self.buckets_of(address);
                turn.out.push(Command::Accept {
                    socket: id,
                    recoverable: !member.strict,
                });
                self.members.connect(id, Namespace::main(), member);
            }
            Err(Refused { error, reference }) => {
                let line = Line {
                    peer: Some(id),
                    code: Some(error.code),
                    reason: error.reason.as_deref(),
                    reference: reference.as_deref(),
                    ..Line::default()
                };
                self.log_line(turn.now, "refusal", &line);
                turn.out.push(Command::Refuse {
                    socket: id,
                    data: Some(error.data()),
                    message: error.message,
                });
            }
        }
    }

    /// Whether a socket may connect. [`Limits::sockets`](super::config::Limits::sockets) limits the
    /// members inside and those outside separately, so that neither group takes the places of the
    /// other. Host tokens skip the limit.
    fn check_entry(&mut self, turn: &mut Turn, member: &Member) -> Result<(), Error> {
        self.check_ban(turn.now, member)?;
        let is_outside = self.is_outside(member);
        let is_alike = |_, other: &Member| self.is_outside(other) == is_outside;
        if self.members.matching(is_alike).len() < self.config.limits.sockets
            || member.is_host_by_token()
        {
            return Ok(());
        }
        if is_outside {
            self.drop_outsider(turn);
            return Ok(());
        }
        let members = self.members.iter();
        let away = members.filter(|(_, member)| member.is_away() && !self.is_outside(member));
        let Some((longest, _)) = away.min_by_key(|(_, member)| member.away_since) else {
            let message = "the room is full: try again when a peer has left";
            return Err(Error::new(Code::RoomFull, message));
        };
        self.give_up(turn, longest);
        Ok(())
    }

    /// Frees a place outside. The first to go is the oldest member that did not knock; if all
    /// knocked, the oldest.
    fn drop_outsider(&mut self, turn: &mut Turn) {
        let outside = self.members.iter();
        let outside = outside.filter(|(_, member)| self.is_outside(member));
        let oldest =
            outside.min_by_key(|(id, member)| (member.knocking.is_some(), member.came_at, *id));
        let Some((id, member)) = oldest else {
            return;
        };
        if member.knocking.is_some() {
            let message = "too many others wait outside this room: try again later";
            self.refuse(turn, id, &Error::new(Code::RoomFull, message));
        }
        turn.out.push(Command::Close(id));
    }

    /// What is left of the rates of this address. A client whose socket is away, or has just
    /// disconnected, gets no new rates by connecting as another socket.
    fn buckets_of(&mut self, address: &str) -> Buckets {
        let mut members = self.members.iter().map(|(_, member)| member);
        let away = members.find(|member| member.is_away() && member.address == address);
        match away {
            Some(away) => away.buckets.clone(),
            None => self.kept_buckets.take(address),
        }
    }

    /// Refuses a client to which a ban applies, unless the ban is `shared`.
    pub(super) fn check_ban(&self, now: Timestamp, member: &Member) -> Result<(), Error> {
        match self.access.ban_of(member) {
            Some(ban) if !ban.shared => Err(Error {
                retry_after: Some(ban.until.since(now)),
                ..Error::new(Code::Kicked, "the host of this room kicked you")
            }),
            _ => Ok(()),
        }
    }

    /// Refuses all events of a member outside but `room:join` and `room:leave`. A member that a ban refuses may not
    /// send `room:join` either.
    pub(super) fn check_place(
        &self,
        now: Timestamp,
        id: SocketId,
        event: &str,
    ) -> Result<(), Error> {
        let outside = self.member(id).filter(|member| self.is_outside(member));
        let Some(member) = outside.filter(|_| event != names::ROOM_LEAVE) else {
            return Ok(());
        };
        self.check_ban(now, member)?;
        if event == names::ROOM_JOIN {
            return Ok(());
        }
        let message = "you have not been let into this room: send room:join";
        Err(Error::new(Code::RoomLocked, message))
    }

    /// Whether a member is outside. It gets nothing that is sent to the room, and sends nothing to
    /// the room. It cannot change what members inside get, keep or may do, except for one knock.
    pub(super) fn is_outside(&self, member: &Member) -> bool {
        member.profile.is_none()
            && self.access.is_closed() // else none of these applies
            && (self.must_know_password(member)
                || self.must_knock(member)
                || self.access.ban_of(member).is_some_and(|ban| !ban.shared))
    }

    fn must_know_password(&self, member: &Member) -> bool {
        self.access.has_password() && is_stranger(member)
    }

    /// Whether the host has to admit a member. Without a host only an operator can: a locked room stays
    /// locked when its peers leave.
    pub(super) fn must_knock(&self, member: &Member) -> bool {
        (self.access.locked || self.access.ban_of(member).is_some()) && is_stranger(member)
    }

    pub(super) fn check_password(
        &mut self,
        now: Timestamp,
        id: SocketId,
        given: Option<&str>,
    ) -> Result<(), Error> {
        let limit = self.config.limits.wrong_passwords;
        match self.members.get(id) {
            Some(member) if is_stranger(member) => {
                self.access.check(now, &member.address, given, limit)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn check_denied(&self, id: SocketId) -> Result<(), Error> {
        if self.member(id).is_some_and(|member| member.denied) {
            return Err(Error::denied());
        }
        Ok(())
    }
}

/// Whether lock and password apply to a member: it is neither a peer nor host by token.
fn is_stranger(member: &Member) -> bool {
    member.profile.is_none() && !member.is_host_by_token()
}
