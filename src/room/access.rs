//! Access to the room: the lock, the password and the bans.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::{Code, Error};
use super::member::Member;
use super::password::Password;
use crate::socket::SocketId;
use crate::store::Store;
use crate::time::Timestamp;

const KEY: &str = "room/door";

/// The prefix of a subject. No address begins with it.
const SUBJECT: &str = "sub ";

/// How long a ban lasts.
const BAN_TIME: Duration = Duration::from_secs(600);

/// How many bans are kept; the oldest are dropped first.
const MAX_BANS: usize = 100;

/// The time within which wrong passwords are counted.
const GUESSING: Duration = Duration::from_secs(60);

/// Of how many wrong passwords the address and time are kept; the oldest are dropped first.
const GUESSES: usize = 500;

/// How many rejoin secrets are kept; the oldest are dropped first.
const SECRETS: usize = 200;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Access {
    pub(super) locked: bool,
    password: Option<Password>,
    #[serde(rename = "bars")]
    bans: Vec<Ban>,
    /// The address and time of each wrong password, oldest first. The password itself is not kept.
    guesses: Vec<Guess>,
    /// The rejoin secrets of the peers that were inside when the lock, the password or the bans last
    /// changed, and of those that have joined since. Empty while there is no lock, password or ban.
    secrets: Vec<String>,
    #[serde(skip)]
    unsaved: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ban {
    /// An address, or a token's subject with the prefix [`SUBJECT`].
    who: String,
    pub(super) until: Timestamp,
    /// Whether other peers have this address, too. Then clients of the address are not refused, but
    /// the host has to admit them.
    pub(super) shared: bool,
    /// The socket that was kicked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<SocketId>,
}

/// A ban, in the form in which operators get it.
#[derive(Debug, Serialize)]
pub(super) struct BanInfo<'a> {
    id: Option<SocketId>,
    /// The subject of the token that is banned; the address is not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    until: Timestamp,
    shared: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Guess {
    address: String,
    at: Timestamp,
}

impl Access {
    pub(super) fn load(store: &Store) -> Self {
        store.get(KEY).unwrap_or_default()
    }

    /// Whether access is restricted: there is a lock, a password or a ban.
    pub(super) fn is_closed(&self) -> bool {
        self.locked || self.password.is_some() || !self.bans.is_empty()
    }

    /// Keeps the secrets of the peers inside if access is restricted, and none otherwise.
    pub(super) fn remember_all(&mut self, inside: Vec<String>) {
        let secrets = if self.is_closed() { inside } else { Vec::new() };
        self.unsaved |= self.secrets != secrets;
        self.secrets = secrets;
    }

    /// Keeps the secret of a peer that joins, if access is restricted.
    pub(super) fn remember(&mut self, secret: &str) {
        if self.is_closed() && !self.knows(secret) {
            if self.secrets.len() >= SECRETS {
                self.secrets.remove(0);
            }
            self.secrets.push(secret.to_owned());
            self.unsaved = true;
        }
    }

    /// Whether this is the secret of a peer that was inside.
    pub(super) fn knows(&self, secret: &str) -> bool {
        self.secrets.iter().any(|known| known == secret)
    }

    /// Deletes a secret: its peer is like a new client again.
    pub(super) fn forget_secret(&mut self, secret: &str) {
        self.unsaved |= self.knows(secret);
        self.secrets.retain(|known| known != secret);
    }

    /// Locks or unlocks. Returns whether that changes anything.
    pub(super) fn lock(&mut self, on: bool) -> bool {
        let changes = self.locked != on;
        self.locked = on;
        self.unsaved |= changes;
        changes
    }

    pub(super) fn has_password(&self) -> bool {
        self.password.is_some()
    }

    pub(super) fn set_password(&mut self, password: Option<Password>) {
        self.password = password;
        self.guesses.clear();
        self.unsaved = true;
    }

    /// Checks a password, and counts the wrong ones: one address may give `limit` of them in a minute.
    pub(super) fn check(
        &mut self,
        now: Timestamp,
        address: &str,
        given: Option<&str>,
        limit: usize,
    ) -> Result<(), Error> {
        let Some(password) = &self.password else {
            return Ok(());
        };
        let Some(given) = given else {
            let message = "this room has a password: room:join takes it as {password}";
            return Err(Error::new(Code::BadPassword, message).because("missing"));
        };
        let mut recent = self.guesses.iter().rev();
        let recent = recent.by_ref().filter(|guess| guess.address == address);
        let oldest = recent
            .map(|guess| guess.at + GUESSING)
            .nth(limit.saturating_sub(1));
        if let Some(until) = oldest.filter(|until| now < *until) {
            // Even the right password is refused, because guessing must not continue.
            return Err(Error::rate_limited(until.since(now)));
        }
        if password.is(given) {
            return Ok(());
        }
        self.guesses.retain(|guess| now < guess.at + GUESSING);
        if self.guesses.len() >= GUESSES {
            self.guesses.remove(0);
        }
        self.guesses.push(Guess {
            address: address.to_owned(),
            at: now,
        });
        self.unsaved = true;
        Err(Error::new(Code::BadPassword, "that is not the password").because("wrong"))
    }

    /// Bans a member that was kicked: by its address, because a name proves nothing, and by the subject
    /// of its token.
    pub(super) fn ban(&mut self, now: Timestamp, id: SocketId, member: &Member, shared: bool) {
        if let Some(sub) = member.subject() {
            self.ban_as(now, id, [SUBJECT, sub].concat(), false);
        }
        if !member.address.is_empty() {
            self.ban_as(now, id, member.address.clone(), shared);
        }
    }

    fn ban_as(&mut self, now: Timestamp, id: SocketId, who: String, shared: bool) {
        self.bans.retain(|ban| ban.who != who);
        if self.bans.len() >= MAX_BANS {
            self.bans.remove(0);
        }
        let until = now + BAN_TIME;
        self.bans.push(Ban {
            who,
            until,
            shared,
            id: Some(id),
        });
        self.unsaved = true;
    }

    /// The bans, oldest first.
    pub(super) fn bans(&self) -> Vec<BanInfo<'_>> {
        let mut bans = Vec::with_capacity(self.bans.len());
        bans.extend(self.bans.iter().map(|ban| BanInfo {
            id: ban.id,
            sub: ban.who.strip_prefix(SUBJECT),
            until: ban.until,
            shared: ban.shared,
        }));
        bans
    }

    /// Lifts the bans of a socket that was kicked; returns how many there were.
    pub(super) fn lift(&mut self, id: &str) -> usize {
        let before = self.bans.len();
        let id = SocketId::parse(id);
        self.bans.retain(|ban| id.is_none() || ban.id != id);
        let lifted = before.saturating_sub(self.bans.len());
        self.unsaved |= lifted > 0;
        lifted
    }

    /// Deletes the bans whose time is over. Returns whether there were any.
    pub(super) fn expire(&mut self, now: Timestamp) -> bool {
        let before = self.bans.len();
        self.bans.retain(|ban| now < ban.until);
        let ended = self.bans.len() < before;
        self.unsaved |= ended;
        ended
    }

    /// When the next ban ends.
    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.bans.iter().map(|ban| ban.until).min()
    }

    /// The ban that applies: by subject if the token has one, else by address; host tokens skip
    /// address bans.
    pub(super) fn ban_of(&self, member: &Member) -> Option<&Ban> {
        let mut bans = self.bans.iter();
        bans.find(|ban| match member.subject() {
            Some(sub) => ban.who.strip_prefix(SUBJECT) == Some(sub),
            None => ban.who == member.address && !member.is_host_by_token(),
        })
    }

    /// Removes lock, password and bans.
    pub(super) fn forget(&mut self) {
        *self = Self {
            unsaved: true,
            ..Self::default()
        };
    }

    /// Whether there is nothing to store.
    fn is_new(&self) -> bool {
        !self.is_closed() && self.guesses.is_empty() && self.secrets.is_empty()
    }

    /// Stores it, if it changed.
    pub(super) fn save(&mut self, store: &Store) {
        if !std::mem::take(&mut self.unsaved) {
            return;
        }
        if self.is_new() {
            store.delete(KEY.to_owned());
        } else {
            store.put_json(KEY.to_owned(), self);
        }
    }
}
