//! The signaling application. It relays offers, answers and candidates between the sockets of one
//! room, transmits the chat, and keeps the list of members.
//!
//! [`contract`] has the events and their shapes. The server does not parse the descriptions and
//! candidates of signals.

mod access;
mod alias;
mod attempts;
mod audit;
mod chat;
mod claims;
pub mod config;
mod connect;
pub mod contract;
mod counters;
mod error;
mod fields;
mod host;
pub(crate) mod ice;
pub(crate) mod ice_url;
mod knocking;
mod listing;
mod member;
mod metrics;
mod name;
mod notice;
pub mod operator;
mod password;
mod presence;
mod relay;
mod role;
mod seats;
pub(crate) mod signal;
mod target;
mod token;
mod turn;
mod webhook;

use std::rc::Rc;

pub use config::Config;

pub use error::{Code, Error};
pub use name::{RoomName, RoomNameError};
pub(crate) use token::Refused;

use crate::engine::CloseReason;
use crate::rate::KeptBuckets;
pub use crate::rate::Rate;
use crate::socket::{App, Args, Command, DisconnectReason, Event, SocketId, Sockets};
use crate::store::Store;
use crate::time::Timestamp;
use access::Access;
use audit::LogLimits;
use chat::History;
use contract::names;
use counters::Counters;
use fields::Fields;
use ice::{Waiting, Want};
use listing::Listing;
use member::{Buckets, Member, Profile};
use target::check_room;
use turn::Turn;
use webhook::Deliveries;

/// A room.
pub struct Room {
    name: RoomName,
    config: Config,
    store: Rc<Store>,
    /// All sockets, joined or not. If an operator closes the room while a socket is away, the
    /// socket is not a member any more; its client is told when it reconnects.
    members: Sockets<Member>,
    kept_buckets: KeptBuckets<Buckets>,
    counters: Counters,
    access: Access,
    history: History,
    log_limits: LogLimits,
    deliveries: Deliveries,
    listing: Listing,
    /// Sockets that wait for ICE servers.
    waiting: Vec<Waiting>,
}

/// The client's page was left: its WebSocket was closed with code 1001.
const LEFT_PAGE: DisconnectReason = DisconnectReason::Transport(CloseReason::GoingAway);

/// The name of the event in errors about packets without one.
const NO_EVENT: &str = "";

impl App for Room {
    fn reset(&mut self) {
        self.counters.forget();
        self.access = Access::default();
        self.history = History::new(Rc::clone(&self.store), self.config.limits.history);
        self.deliveries.reset();
        self.listing.reset();
    }

    fn wake(&mut self, now: Timestamp, out: &mut Vec<Command>) {
        let mut turn = Turn::new(now, out);
        self.expire_bans(&mut turn);
        self.tell_changes(now, turn.out);
        self.save(turn.out);
    }

    fn deadline(&self) -> Option<Timestamp> {
        let (delivery, listing) = (self.deliveries.deadline(), self.listing.deadline());
        let deadlines = [delivery, listing, self.ban_deadline()];
        deadlines.into_iter().flatten().min()
    }

    fn is_busy(&self) -> bool {
        self.deliveries.is_busy() || self.listing.is_busy()
    }

    fn event(&mut self, now: Timestamp, event: Event, out: &mut Vec<Command>) {
        let mut turn = Turn::new(now, out);
        // The room is complete only when all its sockets are restored.
        let is_restored = matches!(event, Event::Restore { .. });
        if !is_restored {
            self.expire_bans(&mut turn);
        }
        match event {
            Event::Connect {
                socket,
                namespace,
                auth,
                handshake,
            } => self.connect(&mut turn, socket, &namespace, auth.as_ref(), &handshake),
            Event::Restore {
                socket,
                namespace,
                state,
            } => {
                if state.is_some() && !self.members.restore(socket, namespace, state.as_ref()) {
                    self.store.damaged("socket", "it is no member of a room");
                }
            }
            Event::Emit {
                from,
                name,
                args,
                ack,
            } => {
                turn.ack = ack;
                if let Err(error) = self.serve(&mut turn, from, &name, &args) {
                    turn.fail(from, &name, &error);
                }
            }
            // The room asks for no acks. Packets without an effect count against the rate, too.
            Event::Ack { from, .. } | Event::Empty { from } => {
                if let Err(error) = self.check_rate(&mut turn, from, NO_EVENT) {
                    turn.fail(from, NO_EVENT, &error);
                }
            }
            Event::Away { socket, reason } => self.away(&mut turn, socket, reason),
            Event::Back { socket } => self.back(&mut turn, socket),
            Event::Disconnect { socket, reason } => self.disconnect(&mut turn, socket, reason),
            Event::Operate(request) => {
                let response = self.operate(&mut turn, &request);
                turn.out.push(Command::Respond(request.reply, response));
            }
            Event::Posted(ice::POST, answer) => self.posted(now, answer, turn.out),
            Event::Posted(listing::POST, answer) => self.listing.answered(now, answer),
            Event::Posted(number, answer) => self.delivered(now, number, answer),
        }
        if !is_restored {
            self.tell_changes(now, turn.out);
        }
        self.save(turn.out);
        turn.acknowledge();
    }
}

/// The answer to an event that the room does not know.
const NO_SUCH_EVENT: &str = "there is no such event: data of your own goes into `signal`, and \
events of your own need a dialect or handlers";

impl Room {
    /// The room with this name and its stored state.
    #[must_use]
    pub fn new(name: RoomName, config: Config, store: Rc<Store>) -> Self {
        Self {
            name,
            members: Sockets::default(),
            kept_buckets: KeptBuckets::default(),
            counters: Counters::load(&store),
            access: Access::load(&store),
            history: History::new(Rc::clone(&store), config.limits.history),
            log_limits: LogLimits::default(),
            deliveries: Deliveries::load(Rc::clone(&store), config.webhook.clone()),
            listing: Listing::load(Rc::clone(&store), config.listed),
            config,
            store,
            waiting: Vec::new(),
        }
    }

    /// Stores what has changed.
    fn save(&mut self, out: &mut Vec<Command>) {
        self.members.save(out);
        self.counters.save(&self.store);
        self.access.save(&self.store);
    }

    fn serve(
        &mut self,
        turn: &mut Turn,
        from: SocketId,
        event: &str,
        args: &Args,
    ) -> Result<(), Error> {
        self.check_rate(turn, from, event)?;
        let done = self.act(turn, from, event, args);
        if let Err(error) = &done {
            self.log_refusal(turn.now, from, event, error);
        }
        done
    }

    /// Logs a refused client, or one that exceeded a limit other than its own rate.
    fn log_refusal(&mut self, now: Timestamp, from: SocketId, event: &str, error: &Error) {
        let code = error.code;
        match code {
            Code::RoomFull | Code::BadPassword | Code::Denied if event == names::HOST_ADMIT => {}
            Code::RoomLocked | Code::Kicked if event != names::ROOM_JOIN => {}
            Code::RoomFull | Code::BadPassword | Code::Denied | Code::RoomLocked | Code::Kicked => {
                let reason = error.reason.as_deref();
                self.log(now, "refusal", Some(from), Some(code), reason);
            }
            Code::RateLimited => {
                let kind = if event == names::ROOM_JOIN {
                    "password"
                } else {
                    "waiting"
                };
                let member = self.members.get_mut(from);
                if member.is_some_and(|member| member.buckets.should_report(now, kind)) {
                    self.log(now, "limit", Some(from), Some(code), Some(kind));
                }
            }
            _ => {}
        }
    }

    /// Performs an event. The host's events are in [`Room::perform_for_host`].
    fn act(
        &mut self,
        turn: &mut Turn,
        from: SocketId,
        event: &str,
        args: &Args,
    ) -> Result<(), Error> {
        self.check_place(turn.now, from, event)?;
        if let Some(kind) = signal::Kind::of(event) {
            return self.relay(turn, from, kind, event, args);
        }
        if !args.attachments.is_empty() {
            // Only signals are relayed with their attachments. Elsewhere a placeholder would
            // remain.
            let message = "this takes no binary: write it as text, in base64 for example";
            return Err(Error::bad_payload(message));
        }
        let without_lone_surrogates = args.without_lone_surrogates();
        let args = without_lone_surrogates.as_ref().unwrap_or(args);
        if let Some(fields) = args.get(0).and_then(Fields::read) {
            check_room(&self.name, &fields)?;
        }
        if let Some(done) = self.perform_for_host(turn, Some(from), event, args) {
            return done;
        }
        match event {
            names::CHAT_MESSAGE => self.chat(turn, from, args),
            names::CHAT_TYPING => self.typing(turn, from, args),
            names::CHAT_HISTORY => self.chat_history(turn, args),
            names::JOIN => self.take_alias(turn, from, args),
            names::ROOM_JOIN => self.join(turn, from, args),
            names::PEER_UPDATE => self.update(turn, from, args),
            names::ROOM_LEAVE => {
                self.leave(turn, from);
                Ok(())
            }
            names::ICE_GET | names::PEER_OUTCOME if !self.is_peer(from) => {
                Err(Error::new(Code::NotJoined, "send room:join first"))
            }
            names::ICE_GET => {
                self.supply(turn, from, Want::Get);
                Ok(())
            }
            names::PEER_OUTCOME => self.report(turn, args),
            _ => Err(Error::new(Code::Unsupported, NO_SUCH_EVENT)),
        }
    }

    /// Refuses an event that exceeds the rate. Disconnects a client that continues nevertheless.
    fn check_rate(&mut self, turn: &mut Turn, from: SocketId, event: &str) -> Result<(), Error> {
        let rates = &self.config.limits.rates;
        let Some(member) = self.members.get_mut(from) else {
            return Err(Error::new(
                Code::NotJoined,
                "this socket is not in the room",
            ));
        };
        let Err(excess) = member.buckets.take(turn.now, event, rates) else {
            return Ok(());
        };
        let may_stay = member.buckets.may_exceed(turn.now, rates);
        if excess.should_report {
            let code = Some(Code::RateLimited);
            self.log(turn.now, "limit", Some(from), code, Some(excess.kind));
        }
        if !may_stay {
            self.log(turn.now, "kick", Some(from), Some(Code::RateLimited), None);
            turn.out.push(Command::Close(from));
        }
        Err(Error::rate_limited(excess.retry_after))
    }

    fn disconnect(&mut self, turn: &mut Turn, id: SocketId, reason: DisconnectReason) {
        let Some(member) = self.members.disconnect(id) else {
            return;
        };
        // A peer that does not reconnect has the reason `timeout`, not `left`: its media may continue.
        let reason = match reason {
            DisconnectReason::ClientNamespaceDisconnect => "left",
            DisconnectReason::ServerNamespaceDisconnect => "kicked",
            reason if reason == LEFT_PAGE || member.left_page => "left",
            DisconnectReason::Transport(_) => "timeout",
        };
        self.gone(turn, id, member, reason);
    }

    fn member(&self, id: SocketId) -> Option<&Member> {
        self.members.get(id)
    }

    fn is_peer(&self, id: SocketId) -> bool {
        self.member(id)
            .is_some_and(|member| member.profile.is_some())
    }

    /// The member's join ordinal. It gets one if it has none.
    fn ordinal(&mut self, id: SocketId) -> u64 {
        if let Some(n) = self.member(id).and_then(|member| member.n) {
            return n;
        }
        let n = self.counters.next_n();
        self.members
            .change(id, |member| member.n.replace(n).is_none());
        n
    }

    fn peers(&self) -> impl Iterator<Item = (SocketId, &Profile)> {
        let members = self.members.iter();
        members.filter_map(|(id, member)| Some((id, member.profile.as_ref()?)))
    }

    fn peers_but(&self, id: SocketId) -> Vec<SocketId> {
        self.members
            .matching(|peer, member| peer != id && member.profile.is_some())
    }

    /// All members that are not outside: see [`Room::is_outside`]. They get what is sent to everyone.
    fn everyone(&self) -> Vec<SocketId> {
        self.members.matching(|_, member| !self.is_outside(member))
    }

    fn is_inside(&self, id: SocketId) -> bool {
        self.member(id)
            .is_some_and(|member| !self.is_outside(member))
    }

    fn others(&self, id: SocketId) -> Vec<SocketId> {
        self.members
            .matching(|other, member| other != id && !self.is_outside(member))
    }

    /// The host, if it is a peer.
    fn host(&self) -> Option<SocketId> {
        self.counters.host.filter(|host| self.is_peer(*host))
    }

    /// The next host: the peer that joined first. Peers that are host by token come before the
    /// others.
    fn successor(&self) -> Option<SocketId> {
        let rank = |(id, profile): &(SocketId, &Profile)| {
            let member = self.member(*id);
            (
                !self.is_host_by_token(*id),
                profile.joined_at,
                member.and_then(|member| member.n),
            )
        };
        self.peers().min_by_key(rank).map(|(id, _)| id)
    }
}
