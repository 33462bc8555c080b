//! Relaying signals to whom they are for.

use super::contract::Meta;
use super::error::{Code, Error};
use super::signal::{Kind, Signal, Target};
use super::{Room, Turn};
use crate::socket::{Args, Command, Json, Object, SocketId};

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
        let receivers = self.resolve(from, &signal)?;
        self.check_waiting(&receivers)?;
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
        turn.succeed(Object::new().with("delivered", &receivers.len()));
        Ok(())
    }

    /// Signals to one peer that is away are kept for it, up to a number.
    fn check_waiting(&mut self, receivers: &[SocketId]) -> Result<(), Error> {
        let limit = self.config.limits.waiting;
        let [only] = receivers else {
            return Ok(());
        };
        let Some(member) = self.members.get_mut(only).filter(|member| member.away) else {
            return Ok(());
        };
        if member.waiting >= limit {
            let message = format!("{limit} signals wait for this peer already, which is away");
            return Err(Error::new(Code::RateLimited, message));
        }
        member.waiting = member.waiting.saturating_add(1);
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
            && self.members.contains_key(&partner)
        {
            return Ok(vec![partner]);
        }
        Ok(self.others(from).collect())
    }

    /// The socket of this id or alias.
    pub(super) fn find(&self, name: &str) -> Result<SocketId, Error> {
        SocketId::parse(name)
            .filter(|id| self.members.contains_key(id) && !self.is_outside(*id))
            .or_else(|| self.by_alias(name))
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
