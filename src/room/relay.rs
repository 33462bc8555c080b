//! Relays signals to their receivers.

use std::time::Duration;

use super::Room;
use super::contract::Meta;
use super::counters::Partner;
use super::error::{Code, Error};
use super::signal::{self, Signal};
use super::turn::Turn;
use crate::socket::{Args, Command, Json, Object, SocketId};

/// The approximate size limit of the events that wait for one peer that is away: a quarter of the limit
/// for all peers together.
const MAX_WAITING_BYTES: usize = 131_072;

/// The retry delay for a sender whose receiver is away. The receiver may reconnect at any time.
const RETRY: Duration = Duration::from_secs(1);

impl Room {
    pub(super) fn relay(
        &mut self,
        turn: &mut Turn,
        from: SocketId,
        kind: signal::Kind,
        event: &str,
        args: &Args,
    ) -> Result<(), Error> {
        let signal = Signal::parse(kind, args, &self.name, &self.config.limits)?;
        let mut receivers = self.receivers(from, &signal)?;
        self.wait(&mut receivers, args.len())?;
        let seq = self.counters.next_seq();
        self.pair(from, kind, &receivers, seq);
        let own = self.ordinal(from);
        let [mut impolite, mut polite, mut strict] = [Vec::new(), Vec::new(), Vec::new()];
        for receiver in &receivers {
            if self.member(*receiver).is_some_and(|member| member.strict) {
                &mut strict
            } else if self.ordinal(*receiver) > own {
                &mut polite
            } else {
                &mut impolite
            }
            .push(*receiver);
        }
        let only = match *receivers {
            [only] => Some(only),
            _ => None,
        };
        for (polite, to) in [
            (Some(false), impolite),
            (Some(true), polite),
            (None, strict),
        ] {
            if to.is_empty() {
                continue;
            }
            let meta = polite.map(|polite| Meta {
                from,
                to: only,
                room: self.name.as_str(),
                ts: turn.now,
                seq,
                cid: signal.cid.clone(),
                polite,
                name: self.member(from).and_then(|member| member.name()),
            });
            let meta = meta.as_ref().map(Json::of);
            let mut delivered = Args::new(signal.deliver(from, meta));
            delivered.attachments.clone_from(&args.attachments);
            turn.out.push(Command::Emit {
                to,
                name: event.to_owned(),
                args: delivered,
                ack: None,
                volatile: false,
            });
        }
        self.measure_signal(event, receivers.len());
        turn.succeed(|| Object::new().with("delivered", &receivers.len()));
        Ok(())
    }

    /// Counts an event against the limits of receivers that are away. The limits prevent one sender
    /// from pushing out the events of others. If one of several receivers is over its limit, it misses the event.
    /// If the only receiver is over its limit, the sender gets an error.
    pub(super) fn wait(&mut self, receivers: &mut Vec<SocketId>, size: usize) -> Result<(), Error> {
        let limit = self.config.limits.waiting;
        let only = receivers.len() == 1;
        receivers.retain(|id| {
            let member = self.members.get_mut(*id).filter(|member| member.is_away());
            member.is_none_or(|member| member.waiting.take(size, limit, MAX_WAITING_BYTES))
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

    /// The peer with which a member last exchanged an offer or answer. If the room's last caller
    /// sent an offer to several peers, it is the partner of each of them.
    pub(super) fn partner(&self, id: SocketId) -> Option<SocketId> {
        let member = self.member(id)?;
        let got = |caller: &Partner| caller.id != id && caller.seq > member.came_seq;
        let partners = [member.partner, self.counters.caller.filter(got)];
        let last = partners
            .into_iter()
            .flatten()
            .max_by_key(|partner| partner.seq)?;
        Some(last.id)
    }

    /// Remembers the two ends of an offer or answer, for answers and candidates without a target. If there
    /// are several receivers, the sender is remembered once for the room, not with each receiver.
    fn pair(&mut self, from: SocketId, kind: signal::Kind, receivers: &[SocketId], seq: u64) {
        if !matches!(kind, signal::Kind::Offer | signal::Kind::Answer) {
            return;
        }
        let [only] = *receivers else {
            self.counters.caller = Some(Partner { id: from, seq });
            self.counters.unsaved = true;
            // The sender has no partner until a receiver answers.
            self.members
                .change(from, |member| member.partner.take().is_some());
            return;
        };
        if only == from {
            return;
        }
        for (one, other) in [(from, only), (only, from)] {
            if self.partner(one) != Some(other) {
                let partner = Partner { id: other, seq };
                self.members.change(one, |member| {
                    member.partner.replace(partner) != Some(partner)
                });
            }
        }
    }
}
