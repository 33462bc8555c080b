//! Who may come in.

use serde::Deserialize;

use super::config::Tokens;
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
                outside: self.is_closed() && !pass.as_ref().is_some_and(|pass| pass.host),
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
        // Whose token says who they are is barred as that, and nobody beside them.
        let barred = match member.subject() {
            Some(subject) => self.door.barred(now, &subject),
            None => self.door.barred(now, &member.address),
        };
        if let Some(left) = barred {
            let message = "the host of this room put you out";
            return Err(Error {
                retry_after: Some(left),
                ..Error::new(Code::Kicked, message)
            });
        }
        if self.members.len() >= self.config.limits.sockets {
            let message = "the room is full: try again when somebody has left";
            return Err(Error::new(Code::RoomFull, message));
        }
        Ok(())
    }

    /// Whether who comes has to be let in: by the password or, if there is somebody to do so, by
    /// the host.
    pub(super) fn is_closed(&self) -> bool {
        self.door.has_password() || self.is_locked()
    }

    pub(super) fn is_locked(&self) -> bool {
        self.door.locked && self.host().is_some()
    }

    /// Whether this one has to be let in before it joins.
    pub(super) fn must_ask(&self, id: SocketId) -> bool {
        let exempt = |member: &Member| member.profile.is_some() || member.is_host_by_token();
        self.is_closed() && !self.member(id).is_some_and(exempt)
    }

    pub(super) fn check_password(
        &mut self,
        now: Timestamp,
        id: SocketId,
        given: Option<&str>,
    ) -> Result<(), Error> {
        if !self.must_ask(id) {
            return Ok(());
        }
        let limit = self.config.limits.wrong_passwords;
        let address = self.member(id).map(|member| member.address.clone());
        self.door
            .check(now, &address.unwrap_or_default(), given, limit)
    }

    pub(super) fn check_denied(&self, id: SocketId) -> Result<(), Error> {
        if self.member(id).is_some_and(|member| member.denied) {
            let message = "the host did not let you in";
            return Err(Error::new(Code::Denied, message));
        }
        Ok(())
    }
}
