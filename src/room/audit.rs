//! The log for operators: one line of JSON for each event. It identifies people by their ids, and
//! by the reference in their tokens. It has no messages, names or addresses.

use super::Room;
use super::error::Code;
use super::member::Member;
use crate::rate::LogLimit;
use crate::socket::{Json, Object, SocketId};
use crate::time::Timestamp;

/// The limits of lines about members inside and about clients outside. Neither uses up the lines of
/// the other.
#[derive(Default)]
pub(super) struct LogLimits {
    inside: LogLimit,
    outside: LogLimit,
}

/// The content of a line besides its event.
#[derive(Default)]
pub(super) struct Line<'a> {
    /// The socket that the line is about.
    pub(super) peer: Option<SocketId>,
    pub(super) code: Option<Code>,
    pub(super) reason: Option<&'a str>,
    /// The reference in the token of a socket that is no member.
    pub(super) reference: Option<&'a str>,
    /// A measured value, for the metrics only.
    pub(super) value: u64,
}

impl Room {
    /// Writes a line about an `event` of `peer`, and counts the event in the metrics.
    pub(super) fn log(
        &mut self,
        now: Timestamp,
        event: &str,
        peer: Option<SocketId>,
        code: Option<Code>,
        reason: Option<&str>,
    ) {
        let line = Line {
            peer,
            code,
            reason,
            ..Line::default()
        };
        self.log_line(now, event, &line);
    }

    /// Writes a line, and counts its event in the metrics.
    pub(super) fn log_line(&mut self, now: Timestamp, event: &str, line: &Line) {
        let Line {
            peer, code, reason, ..
        } = *line;
        let measured = code.filter(|_| self.store.platform().is_measuring());
        let code_text = measured.and_then(|code| Json::of(&code).text());
        let detail = code_text.as_deref().or(reason).unwrap_or_default();
        self.measure(event, detail, line.value);
        let member = peer.map(|peer| self.member(peer));
        let is_outside = |member: Option<&Member>| member.is_none_or(|m| self.is_outside(m));
        // A member that leaves was inside.
        let limit = if event != "leave" && member.is_some_and(is_outside) {
            &mut self.log_limits.outside
        } else {
            &mut self.log_limits.inside
        };
        let Some(dropped) = limit.take(now) else {
            return;
        };
        let member = peer.and_then(|peer| self.member(peer));
        // A kicked socket is still a member here, but is not counted.
        let is_left = |id: &SocketId| event != "kick" || Some(*id) != peer;
        let peers = self.peers().filter(|(id, _)| is_left(id)).count();
        let sockets = self.members.iter().filter(|(id, _)| is_left(id)).count();
        let line = Object::new()
            .with("event", event)
            .with("room", self.name.as_str())
            .maybe("peer", peer.as_ref())
            .maybe("ref", line.reference.or_else(|| member?.reference()))
            .maybe("code", code.as_ref())
            .maybe("reason", reason)
            .with("peers", &peers)
            .with("sockets", &sockets)
            .with("dropped", &dropped)
            .json();
        self.store.platform().log(line.as_str());
    }
}
