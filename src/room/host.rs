//! The host's events: [`Room::perform_for_host`] has the list. Operators may do some of them by the API: see
//! `ACTIONS` in `operator.rs`.

use serde::Deserialize;

use super::Room;
use super::contract::names;
use super::error::{Code, Error};
use super::fields::Fields;
use super::member::Member;
use super::password::Password;
use super::turn::Turn;
use crate::socket::{Args, Command, Json, Object, SocketId};
use crate::time::Timestamp;

/// The member that a host's event names.
#[derive(Deserialize)]
struct Named {
    id: String,
}

/// The argument of an event that turns something on or off.
#[derive(Deserialize)]
pub(super) struct Switch {
    pub(super) on: bool,
}

impl Switch {
    pub(super) fn read(args: &Args, form: &str) -> Result<Self, Error> {
        let switch = args.get(0).and_then(Json::read);
        switch.ok_or_else(|| Error::bad_payload(form))
    }
}

impl Room {
    /// Performs a host's event. `None` if `event` is not one. `by` is `None` for an operator, who has no
    /// socket.
    pub(super) fn perform_for_host(
        &mut self,
        turn: &mut Turn,
        by: Option<SocketId>,
        event: &str,
        args: &Args,
    ) -> Option<Result<(), Error>> {
        let act = match event {
            names::HOST_KICK => Self::kick,
            names::HOST_MUTE => Self::mute,
            names::HOST_TRANSFER => Self::transfer,
            names::HOST_ADMIT => Self::admit,
            names::HOST_DENY => Self::deny,
            names::HOST_LOCK => Self::lock,
            names::HOST_PASSWORD => Self::password,
            names::HOST_CLEAR => Self::clear,
            _ => return None,
        };
        if by.is_some() && self.host() != by {
            let message = "only the room's host may do this";
            return Some(Err(Error::new(Code::Forbidden, message)));
        }
        Some(act(self, turn, by, args).inspect(|()| turn.succeed(Object::new)))
    }

    /// The member that the arguments name by id or alias, inside or outside.
    fn named(&self, args: &Args) -> Result<SocketId, Error> {
        let named: Option<Named> = args.get(0).and_then(Json::read);
        let named = named.ok_or_else(|| Error::bad_payload("this takes {id}"))?;
        let unknown = || Error::new(Code::UnknownPeer, "no socket here has that id");
        self.holder(&named.id).ok_or_else(unknown)
    }

    /// Disconnects a member, and bans it for a while.
    fn kick(&mut self, turn: &mut Turn, by: Option<SocketId>, args: &Args) -> Result<(), Error> {
        let id = self.named(args)?;
        if Some(id) == by {
            return Err(Error::bad_payload("use room:leave to leave"));
        }
        if let Some(member) = self.members.get(id) {
            // Other peers at this address, the host perhaps, must be able to return.
            let is_there = |other: SocketId, peer: &Member| {
                other != id && peer.profile.is_some() && peer.address == member.address
            };
            let shared = !self.members.matching(is_there).is_empty();
            self.access.ban(turn.now, id, member, shared);
        }
        let secret = self.member(id).and_then(|member| member.rejoin.clone());
        self.log(turn.now, "kick", Some(id), Some(Code::Kicked), None);
        turn.out.push(Command::Close(id));
        self.access_changed(turn);
        if let Some(secret) = secret {
            self.access.forget_secret(&secret);
        }
        Ok(())
    }

    /// Asks a peer to mute itself. The server cannot force it.
    fn mute(&mut self, turn: &mut Turn, by: Option<SocketId>, args: &Args) -> Result<(), Error> {
        let id = self.peer_named(args)?;
        let request = Object::new().with("by", &by).json();
        turn.emit(vec![id], names::HOST_MUTE_REQUEST, vec![request]);
        Ok(())
    }

    fn peer_named(&self, args: &Args) -> Result<SocketId, Error> {
        let id = self.named(args)?;
        if !self.is_peer(id) {
            return Err(Error::new(Code::UnknownPeer, "no peer has that id"));
        }
        Ok(id)
    }

    fn transfer(&mut self, turn: &mut Turn, _: Option<SocketId>, args: &Args) -> Result<(), Error> {
        let id = self.peer_named(args)?;
        self.log(turn.now, "transfer", Some(id), None, None);
        self.make_host(turn, Some(id));
        Ok(())
    }

    fn admit(&mut self, turn: &mut Turn, _: Option<SocketId>, args: &Args) -> Result<(), Error> {
        let id = self.knocker(args)?;
        self.log(turn.now, "admit", Some(id), None, None);
        self.let_in(turn, id)
    }

    fn deny(&mut self, turn: &mut Turn, _: Option<SocketId>, args: &Args) -> Result<(), Error> {
        let id = self.knocker(args)?;
        self.members
            .change(id, |member| !std::mem::replace(&mut member.denied, true));
        self.refuse(turn, id, &Error::denied());
        Ok(())
    }

    fn knocker(&self, args: &Args) -> Result<SocketId, Error> {
        let id = self.named(args)?;
        let knocks = |id| {
            self.member(id)
                .is_some_and(|member| member.knocking.is_some())
        };
        if !knocks(id) {
            return Err(Error::new(
                Code::UnknownPeer,
                "no waiting socket has that id",
            ));
        }
        Ok(id)
    }

    /// Locks or unlocks the room. A client that joins a locked room waits for the host. Unlocking
    /// admits all waiting clients.
    fn lock(&mut self, turn: &mut Turn, from: Option<SocketId>, args: &Args) -> Result<(), Error> {
        let Switch { on } = Switch::read(args, "host:lock takes {on}")?;
        if self.access.lock(on) {
            let event = if on { "lock" } else { "unlock" };
            self.log(turn.now, event, from, None, None);
            self.tell_state(turn, "locked", &on);
            self.access_changed(turn);
        }
        if !on {
            for id in self.knocking() {
                let _ = self.let_in(turn, id); // a refused member is told
            }
        }
        self.forget_denials();
        Ok(())
    }

    /// Sets or removes the password that clients need from now on.
    fn password(
        &mut self,
        turn: &mut Turn,
        from: Option<SocketId>,
        args: &Args,
    ) -> Result<(), Error> {
        let limit = self.config.limits.password;
        let wrong = || {
            let form =
                format!("host:password takes {{password}}: null, or 1 to {limit} characters");
            Error::bad_payload(form)
        };
        let fields = args.get(0).and_then(Fields::read).ok_or_else(wrong)?;
        let text: Option<String> = fields
            .get("password")
            .and_then(Json::read)
            .ok_or_else(wrong)?;
        let password = match text {
            Some(text) if (1..=limit).contains(&text.chars().count()) => {
                Some(Password::new(&text, &self.store.platform().mint()).ok_or_else(wrong)?)
            }
            Some(_) => return Err(wrong()),
            None => None,
        };
        self.access.set_password(password);
        let change = if self.access.has_password() {
            "set"
        } else {
            "removed"
        };
        self.log(turn.now, "password", from, None, Some(change));
        self.tell_state(turn, "password", &self.access.has_password());
        self.access_changed(turn);
        if self.access.has_password() {
            // The waiting members knocked without the new password.
            let error = Error::new(
                Code::BadPassword,
                "this room has a new password: room:join takes it as {password}",
            );
            for id in self.knocking() {
                self.refuse(turn, id, &error);
            }
        }
        self.forget_denials();
        Ok(())
    }

    /// Called when the lock, the password or the bans have changed. Keeps the rejoin secrets of the
    /// peers, so that they may return. Members that are outside now lose their aliases. Members that
    /// wait, and for which the host is not needed any more, are admitted.
    pub(super) fn access_changed(&mut self, turn: &mut Turn) {
        let members = self.members.iter().map(|(_, member)| member);
        let peers = members.filter(|member| member.profile.is_some());
        let secrets = peers.filter_map(|peer| peer.rejoin.clone()).collect();
        self.access.remember_all(secrets);
        let is_aliased = |_, member: &Member| member.alias.is_some() && self.is_outside(member);
        for id in self.members.matching(is_aliased) {
            let mut alias = None;
            self.members.change(id, |member| {
                alias = member.alias.take();
                true
            });
            turn.emit(self.aliased(), names::USER_LEFT, vec![Json::of(&alias)]);
        }
        for id in self.knocking() {
            if self
                .member(id)
                .is_some_and(|member| !self.must_knock(member))
            {
                let _ = self.let_in(turn, id); // a refused member is told
            }
        }
    }

    /// Deletes the bans that have ended.
    pub(super) fn expire_bans(&mut self, turn: &mut Turn) {
        if self.access.expire(turn.now) {
            self.access_changed(turn);
        }
    }

    /// When the next ban ends, if somebody waits for the host because of a ban.
    pub(super) fn ban_deadline(&self) -> Option<Timestamp> {
        let members = self.members.iter().map(|(_, member)| member);
        let mut knocking = members.filter(|member| member.knocking.is_some());
        let until = self.access.next_end()?;
        knocking
            .any(|member| self.access.ban_of(member).is_some())
            .then_some(until)
    }

    /// If the room has neither a lock nor a password, forgets which members the host denied.
    fn forget_denials(&mut self) {
        if self.access.locked || self.access.has_password() {
            return;
        }
        for id in self.members.matching(|_, member| member.denied) {
            self.members
                .change(id, |member| std::mem::take(&mut member.denied));
        }
    }

    /// Deletes the chat.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "one of the host's events, of which most can fail"
    )]
    fn clear(&mut self, turn: &mut Turn, from: Option<SocketId>, _: &Args) -> Result<(), Error> {
        self.log(turn.now, "clear", from, None, None);
        self.forget_chat(turn);
        let cleared = self.counters.next_seq();
        self.tell_state(turn, "cleared", &cleared);
        Ok(())
    }

    pub(super) fn forget_chat(&mut self, turn: &mut Turn) {
        self.history.clear();
        // Sockets that are away must not get it either.
        let name = names::CHAT_MESSAGE.to_owned();
        turn.out.push(Command::Forget(name));
    }
}
