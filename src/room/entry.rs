//! Who may come in.

use serde::Deserialize;

use super::config::Tokens;
use super::contract::names;
use super::error::{Code, Error};
use super::member::Member;
use super::token::Pass;
use super::{Room, Turn};
use crate::socket::{Command, Json, Namespace, SocketId};
use crate::time::Timestamp;

/// What a client may say of itself on connecting.
#[derive(Deserialize)]
struct Auth {
    token: Option<String>,
}

impl Room {
    pub(super) fn connect(
        &mut self,
        turn: &mut Turn,
        id: SocketId,
        namespace: &Namespace,
        auth: Option<&Json>,
        address: &str,
    ) {
        if !namespace.is_main() {
            turn.out.push(Command::Refuse {
                socket: id,
                message: "Invalid namespace".to_owned(),
                data: None,
            });
            return;
        }
        let member = self.admit_token(turn.now, auth).and_then(|pass| {
            let member = Member {
                address: address.to_owned(),
                pass,
                ..Member::default()
            };
            self.check_entry(turn.now, &member)?;
            Ok(member)
        });
        match member {
            Ok(mut member) => {
                member.buckets = self.spent.take(address);
                turn.out.push(Command::Accept(id));
                turn.out.push(Command::Keep(id, Json::of(&member)));
                self.members.insert(id, member);
            }
            Err(error) => {
                self.log(turn.now, "refusal", Some(id), Some(error.code), None);
                turn.out.push(Command::Refuse {
                    socket: id,
                    data: Some(error.data()),
                    message: error.message,
                });
            }
        }
    }

    /// What the token of who comes says, if it has one.
    fn admit_token(&self, now: Timestamp, auth: Option<&Json>) -> Result<Option<Pass>, Error> {
        let Tokens { secret, required } = &self.config.tokens;
        let auth: Option<Auth> = auth.and_then(Json::read);
        let token = auth.and_then(|auth| auth.token);
        match (secret, token) {
            (Some(secret), Some(token)) => {
                let pass = secret.verify(now, &self.name, &token);
                let refused = |why| {
                    let message = format!("this token does not let you in: {why}");
                    Error::new(Code::BadToken, message)
                };
                pass.map(Some).map_err(refused)
            }
            _ if *required => {
                let message = "who comes here needs a token, as auth: { token }";
                Err(Error::new(Code::BadToken, message))
            }
            _ => Ok(None),
        }
    }

    /// Whether this one may come in at all.
    fn check_entry(&self, now: Timestamp, member: &Member) -> Result<(), Error> {
        self.check_bar(now, member)?;
        if self.members.len() >= self.config.limits.sockets {
            let message = "the room is full: try again when somebody has left";
            return Err(Error::new(Code::RoomFull, message));
        }
        Ok(())
    }

    /// Whether the host put this one out, not long ago.
    pub(super) fn check_bar(&self, now: Timestamp, member: &Member) -> Result<(), Error> {
        match self.door.bar_of(member) {
            Some(bar) if !bar.shared => Err(Error {
                retry_after: Some(bar.until.since(now)),
                ..Error::new(Code::Kicked, "the host of this room put you out")
            }),
            _ => Ok(()),
        }
    }

    /// Who is outside may ask to come in, unless they were put out, and no more than that.
    pub(super) fn check_place(
        &self,
        now: Timestamp,
        id: SocketId,
        event: &str,
    ) -> Result<(), Error> {
        let outside = self.member(id).filter(|member| self.keeps_out(member));
        let Some(member) = outside.filter(|_| event != names::ROOM_LEAVE) else {
            return Ok(());
        };
        self.check_bar(now, member)?;
        if event == names::ROOM_JOIN {
            return Ok(());
        }
        let message = "this room is locked or has a password: room:join is the way in";
        Err(Error::new(Code::RoomLocked, message))
    }

    /// Whether this one is outside: neither hears what is said in the room nor says anything there.
    pub(super) fn keeps_out(&self, member: &Member) -> bool {
        member.profile.is_none()
            && (self.must_know_password(member)
                || self.must_knock(member)
                || self.door.bar_of(member).is_some_and(|bar| !bar.shared))
    }

    fn must_know_password(&self, member: &Member) -> bool {
        self.door.has_password() && is_stranger(member)
    }

    /// Whether this one has to be let in by the host, if there is one to do so.
    pub(super) fn must_knock(&self, member: &Member) -> bool {
        (self.door.locked || self.door.bar_of(member).is_some())
            && is_stranger(member)
            && self.host().is_some()
    }

    pub(super) fn check_password(
        &mut self,
        now: Timestamp,
        id: SocketId,
        given: Option<&str>,
    ) -> Result<(), Error> {
        let limit = self.config.limits.wrong_passwords;
        match self.members.get(&id) {
            Some(member) if is_stranger(member) => {
                self.door.check(now, &member.address, given, limit)
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

/// Whether lock and password are for this one, who is not in.
fn is_stranger(member: &Member) -> bool {
    member.profile.is_none() && !member.is_host_by_token()
}
