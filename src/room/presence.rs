//! Joining and leaving, changes of a peer's data, lost connections, and the choice of the host.

use serde::{Deserialize, Serialize};

use super::access::Access;
use super::audit::Line;
use super::config::Limits;
use super::contract::{IceServers, Media, Peer, RoomInfo, Snapshot, names};
use super::error::{Code, Error};
use super::ice::Want;
use super::member::{Backlog, Joining, Member, Profile};
use super::turn::Turn;
use super::{LEFT_PAGE, Room, RoomName};
use crate::map::Set;
use crate::socket::{Args, Command, DisconnectReason, Json, Object, SocketId, Sockets};
use crate::time::millis;

#[derive(Deserialize)]
struct Update {
    name: Option<String>,
    media: Option<Media>,
    hand: Option<bool>,
}

impl Room {
    pub(super) fn join(&mut self, turn: &mut Turn, id: SocketId, args: &Args) -> Result<(), Error> {
        let joining: Joining = match args.get(0) {
            None => Joining::default(),
            Some(json) => json.read().ok_or_else(|| {
                Error::bad_payload(
                    "room:join takes {name?, media?: {audio, video, screen}, password?, rejoin?}",
                )
            })?,
        };
        let returns = self.returns(id, joining.rejoin.as_deref());
        if !returns {
            self.check_password(turn.now, id, joining.password.as_deref())?;
        }
        let pass_name = self.member(id).and_then(Member::pass_name);
        let pass_name =
            pass_name.map(|name| name.trim().chars().take(self.config.limits.name).collect());
        let name = self.checked_name(pass_name.or(joining.name))?;
        let media = joining.media.unwrap_or_default();
        self.check_capacity(id, media)?;
        let joining = Joining {
            name,
            media: Some(media),
            password: None,
            rejoin: joining.rejoin,
        };
        let must_knock = |member| !returns && self.must_knock(member);
        if self.member(id).is_some_and(must_knock) {
            self.check_denied(id)?;
            return Err(self.knock(turn, id, joining));
        }
        self.enter(turn, id, joining);
        self.supply(turn, id, Want::Join);
        Ok(())
    }

    /// Whether a member was inside before, according to its own secret or the one that it shows.
    fn returns(&self, id: SocketId, shown: Option<&str>) -> bool {
        let own = self.member(id).and_then(|member| member.rejoin.as_deref());
        let mut secrets = [own, shown].into_iter().flatten();
        secrets.any(|secret| self.access.knows(secret))
    }

    /// Makes a member a peer, or replaces its data, and tells the other peers.
    pub(super) fn enter(&mut self, turn: &mut Turn, id: SocketId, joining: Joining) {
        self.ordinal(id);
        let ghost = self.ghost_of(id, joining.rejoin.as_deref());
        if let Some(secret) = &joining.rejoin {
            self.access.forget_secret(secret); // the member gets a new one
        }
        self.free_seat(turn, id, joining.media.unwrap_or_default(), ghost);
        let hostless = self.host().is_none();
        if hostless {
            self.counters.host = self.successor().or(Some(id));
            self.counters.unsaved = true;
        }
        let (now, mut again) = (turn.now, false);
        let secret = SocketId::new(self.store.platform().mint()).to_string();
        self.members.change(id, |member| {
            let earlier = member.profile.take();
            again = earlier.is_some();
            member.knocking = None;
            member.rejoin.get_or_insert(secret);
            member.profile = Some(Profile {
                name: joining.name,
                media: joining.media.unwrap_or_default(),
                hand: earlier.as_ref().is_some_and(|profile| profile.hand),
                joined_at: earlier.map_or(now, |profile| profile.joined_at),
            });
            true
        });
        let member = self.members.get(id);
        if let Some(secret) = member.and_then(|member| member.rejoin.as_deref()) {
            self.access.remember(secret);
        }
        if !again {
            self.log(turn.now, "join", Some(id), None, None);
            self.tell_join(turn.now, id);
        }
        let host = self.host();
        if let Some(peer) = self.member(id).and_then(|member| member.peer(id, host)) {
            let event = if again {
                names::PEER_UPDATED
            } else {
                names::PEER_JOINED
            };
            turn.emit(self.peers_but(id), event, vec![Json::of(&peer)]);
        }
        if !again && host != Some(id) && (self.is_host_by_token(id) || ghost == host) {
            self.make_host(turn, Some(id));
        } else if hostless {
            self.knock_anew(turn);
        }
        if let Some(ghost) = ghost {
            self.give_up(turn, ghost);
        }
    }

    /// The state of the room, for one of its peers.
    pub(super) fn snapshot<'a>(
        &'a mut self,
        id: SocketId,
        ice: &'a IceServers,
    ) -> Option<Snapshot<'a>> {
        let host = self.host();
        let history = self.history.newest();
        let mut peers = shown(&self.members, host);
        let count = peers.len();
        let own = peers.iter().position(|peer| peer.id == id)?;
        let rejoin = self.members.get(id)?.rejoin.as_deref()?;
        Some(Snapshot {
            rejoin,
            own: peers.remove(own),
            peers,
            room: info(&self.name, &self.access, &self.config.limits, count),
            history,
            ice,
            limits: &self.config.limits,
        })
    }

    /// Changes the host, and tells all peers. The new host is told who waits.
    pub(super) fn make_host(&mut self, turn: &mut Turn, host: Option<SocketId>) {
        self.counters.host = host;
        self.counters.unsaved = true;
        let Some(host) = host else {
            return;
        };
        self.tell_state(turn, "host", &host);
        self.knock_anew(turn);
    }

    /// Tells all peers of a change of the room.
    pub(super) fn tell_state(&self, turn: &mut Turn, field: &str, value: &impl Serialize) {
        let peers = self.peers().map(|(id, _)| id).collect();
        let state = Object::new().with(field, value).json();
        turn.emit(peers, names::ROOM_STATE, vec![state]);
    }

    /// A name without blanks around it. `None` if it is empty then.
    pub(super) fn checked_name(&self, name: Option<String>) -> Result<Option<String>, Error> {
        let limit = self.config.limits.name;
        let name = name.map(|name| name.trim().to_owned());
        match name.filter(|name| !name.is_empty()) {
            Some(name) if name.chars().count() > limit => Err(Error::new(
                Code::TooLarge,
                format!("a name may have at most {limit} characters"),
            )),
            name => Ok(name),
        }
    }

    pub(super) fn update(
        &mut self,
        turn: &mut Turn,
        id: SocketId,
        args: &Args,
    ) -> Result<(), Error> {
        let update: Option<Update> = args.get(0).and_then(Json::read);
        let update =
            update.ok_or_else(|| Error::bad_payload("peer:update takes {name?, media?, hand?}"))?;
        if !self.is_peer(id) {
            return Err(Error::new(Code::NotJoined, "send room:join first"));
        }
        if let Some(media) = update.media {
            self.check_capacity(id, media)?;
        }
        let rename = update.name.is_some();
        if rename && self.member(id).and_then(Member::pass_name).is_some() {
            let message = "your token sets your name";
            return Err(Error::new(Code::Forbidden, message));
        }
        let name = self.checked_name(update.name)?;
        let changed = Object::new()
            .with("id", &id)
            .maybe("name", rename.then_some(&name))
            .maybe("media", update.media.as_ref())
            .maybe("hand", update.hand.as_ref());
        self.free_seat(turn, id, update.media.unwrap_or_default(), None);
        self.members.change(id, |member| {
            let Some(profile) = &mut member.profile else {
                return false;
            };
            if rename {
                profile.name = name;
            }
            profile.media = update.media.unwrap_or(profile.media);
            profile.hand = update.hand.unwrap_or(profile.hand);
            true
        });
        turn.succeed(Object::new);
        turn.emit(
            self.peers_but(id),
            names::PEER_UPDATED,
            vec![changed.json()],
        );
        Ok(())
    }

    pub(super) fn leave(&mut self, turn: &mut Turn, id: SocketId) {
        turn.succeed(Object::new);
        let (mut left, mut alias) = (false, None);
        self.members.change(id, |member| {
            left = member.profile.take().is_some();
            alias = member.alias.take();
            let waited = member.knocking.take().is_some();
            left || waited || alias.is_some()
        });
        self.departed(turn, id, left, alias, "left");
    }

    /// Handles the end of a member, which is already removed.
    pub(super) fn gone(&mut self, turn: &mut Turn, id: SocketId, member: Member, reason: &str) {
        if member.rejoin.is_none() {
            let line = Line {
                peer: Some(id),
                reason: Some(reason),
                reference: member.reference(),
                ..Line::default()
            };
            self.log_line(turn.now, "never-joined", &line);
        }
        let (joined, alias) = (member.profile.is_some(), member.alias.clone());
        self.kept_buckets.keep(member.address, member.buckets);
        self.departed(turn, id, joined, alias, reason);
    }

    /// Tells the other members that a member left, and finds a new host if necessary.
    pub(super) fn departed(
        &mut self,
        turn: &mut Turn,
        id: SocketId,
        was_peer: bool,
        alias: Option<String>,
        reason: &str,
    ) {
        if let Some(alias) = alias {
            turn.emit(self.aliased(), names::USER_LEFT, vec![Json::of(&alias)]);
        }
        if !was_peer {
            return;
        }
        self.log(turn.now, "leave", Some(id), None, Some(reason));
        self.tell_leave(turn.now, id, reason);
        let gone = Object::new().with("id", &id).with("reason", reason).json();
        turn.emit(self.peers_but(id), names::PEER_LEFT, vec![gone]);
        if self.counters.host == Some(id) {
            self.make_host(turn, self.successor());
        }
        if self.host().is_none() {
            self.refuse_waiting(turn);
        }
    }

    /// A member lost its connection.
    pub(super) fn away(&mut self, turn: &mut Turn, id: SocketId, reason: DisconnectReason) {
        let now = turn.now;
        self.members.change(id, |member| {
            member.away_since.get_or_insert(now);
            member.left_page = reason == LEFT_PAGE;
            true
        });
        self.log(now, "away", Some(id), None, None);
        if self.is_peer(id) {
            let away = Object::new().with("id", &id).json();
            turn.emit(self.peers_but(id), names::PEER_AWAY, vec![away]);
        }
    }

    /// A member reconnected.
    pub(super) fn back(&mut self, turn: &mut Turn, id: SocketId) {
        if !self.members.contains(id) {
            // An operator closed the room meanwhile. The missed events tell the client so.
            turn.out.push(Command::Close(id));
            return;
        }
        let mut away_since = None;
        self.members.change(id, |member| {
            member.waiting = Backlog::default();
            member.left_page = false;
            away_since = member.away_since.take();
            away_since.is_some()
        });
        let line = Line {
            peer: Some(id),
            value: millis(turn.now.since(away_since.unwrap_or(turn.now))),
            ..Line::default()
        };
        self.log_line(turn.now, "back", &line);
        let host = self.host();
        if host == Some(id) {
            self.knock_anew(turn);
        }
        if let Some(peer) = self.member(id).and_then(|member| member.peer(id, host)) {
            turn.emit(self.peers_but(id), names::PEER_BACK, vec![Json::of(&peer)]);
        }
    }
}

/// The peers as others see them, in the order of their ordinals.
pub(super) fn shown(members: &Sockets<Member>, host: Option<SocketId>) -> Vec<Peer<'_>> {
    let order: Set<_> = members.iter().map(|(id, member)| (member.n, id)).collect();
    let order = order.into_sorted();
    order
        .filter_map(|(_, id)| members.get(id)?.peer(id, host))
        .collect()
}

/// The room without its peers. `count` is their number.
pub(super) fn info<'a>(
    name: &'a RoomName,
    access: &Access,
    limits: &Limits,
    count: usize,
) -> RoomInfo<'a> {
    RoomInfo {
        name: name.as_str(),
        locked: access.locked,
        password: access.has_password(),
        capacity: limits.peers,
        count,
    }
}
