//! Relaying signals to whom they are for.

use std::time::Duration;

use super::contract::Meta;
use super::error::{Code, Error};
use super::signal::{Kind, Signal, Target};
use super::{Room, Turn};
use crate::socket::{Args, Command, Json, Object, SocketId};

/// About how many bytes may wait for one peer that is away: a quarter of what is kept for all.
const MAX_WAITING: usize = 131_072;

/// When to look whether a peer that is away is back: it may be at any time.
const RETRY: Duration = Duration::from_secs(1);

impl Room {
    pub(super) fn relay(
        &mut self,
        turn: &mut Turn,
        from: SocketId,
        kind: Kind,
        event: &str,
        args: &Args,
    ) -> Result<(), Error> {
        let signal = Signal::parse(kind, args, &self.config.limits)?;
        let mut receivers = self.resolve(from, &signal)?;
        self.wait(&mut receivers, args.len())?;
        self.pair(turn, from, kind, &receivers);
        let own = self.ordinal(turn, from);
        let mut polite: [Vec<SocketId>; 2] = [Vec::new(), Vec::new()];
        for receiver in &receivers {
            let [no, yes] = &mut polite;
            if self.ordinal(turn, *receiver) > own {
                yes
            } else {
                no
            }
            .push(*receiver);
        }
        let seq = self.ledger.next_seq();
        let only = match *receivers {
            [only] => Some(only),
            _ => None,
        };
        for (polite, to) in [false, true].into_iter().zip(polite) {
            if to.is_empty() {
                continue;
            }
            let meta = Meta {
                from,
                to: only,
                room: self.name.as_str(),
                ts: turn.now,
                seq,
                cid: signal.cid.clone(),
                polite,
                name: self.member(from).and_then(|member| member.name()),
            };
            let mut delivered = Args::new(signal.deliver(from, Json::of(&meta)));
            delivered.attachments.clone_from(&args.attachments);
            turn.out.push(Command::Emit {
                to,
                name: event.to_owned(),
                args: delivered,
                ack: None,
                volatile: false,
            });
        }
        turn.succeed(|| Object::new().with("delivered", &receivers.len()));
        Ok(())
    }

    /// What is sent to a peer that is away waits for it, up to a number and a size: nobody pushes
    /// out for it what others sent. Of many receivers, those for whom more would wait miss it.
    pub(super) fn wait(&mut self, receivers: &mut Vec<SocketId>, size: usize) -> Result<(), Error> {
        let limit = self.config.limits.waiting;
        let only = receivers.len() == 1;
        receivers.retain(|id| {
            let member = self.members.get_mut(id).filter(|member| member.away);
            member.is_none_or(|member| member.waiting.take(size, limit, MAX_WAITING))
        });
        if only && receivers.is_empty() {
            let message = "too much waits already for this peer, which is away";
            return Err(Error {
                retry_after: Some(RETRY),
                ..Error::new(Code::RateLimited, message)
            });
        }
        Ok(())
    }

    fn resolve(&self, from: SocketId, signal: &Signal) -> Result<Vec<SocketId>, Error> {
        if let Some(room) = signal
            .room
            .as_ref()
            .filter(|room| *room != self.name.as_str())
        {
            return Err(Error::new(
                Code::Unsupported,
                format!(
                    "this is room {:?}: to signal in room {room:?}, connect to /r/{room}/socket.io/",
                    self.name.as_str()
                ),
            ));
        }
        if let Target::Named(name) = &signal.target {
            return Ok(vec![self.find(name)?]);
        }
        let partner = self.member(from).and_then(|member| member.partner);
        if let (Kind::Answer | Kind::Candidate, Some(partner)) = (signal.kind, partner)
            && self.is_inside(partner)
        {
            return Ok(vec![partner]);
        }
        Ok(self.others(from).collect())
    }

    /// The socket of this id or alias.
    pub(super) fn find(&self, name: &str) -> Result<SocketId, Error> {
        self.holder(name)
            .filter(|id| self.is_inside(*id))
            .ok_or_else(|| Error::new(Code::UnknownPeer, "nobody in this room has that id"))
    }

    /// Remembers who exchanged an offer with whom, for answers that do not say.
    fn pair(&mut self, turn: &mut Turn, from: SocketId, kind: Kind, receivers: &[SocketId]) {
        if !matches!(kind, Kind::Offer | Kind::Answer) {
            return;
        }
        for receiver in receivers.iter().filter(|receiver| **receiver != from) {
            self.change(turn, *receiver, |member| {
                member.partner.replace(from) != Some(from)
            });
        }
        // An offer to many has no partner until one of them answers.
        let partner = match *receivers {
            [only] if only != from => Some(only),
            _ => None,
        };
        self.change(turn, from, |member| {
            std::mem::replace(&mut member.partner, partner) != partner
        });
    }
}
