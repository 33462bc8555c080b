//! Which clients are alive: the engine's use of the heartbeat.

use std::time::Duration;

use super::transport::Transport;
use super::{Engine, Sid};
use crate::time::Timestamp;

/// The longest time that a pong usually takes. When the alarm wakes the object, pings may be sent
/// this much early.
const PONG_DELAY: Duration = Duration::from_secs(5);

impl Engine {
    /// Pings the sessions that are due, and closes those that have expired.
    pub(super) fn expire(&mut self, now: Timestamp, woken: bool) {
        let slack = self.config.ping_slack;
        let slack = slack.unwrap_or(self.config.ping_interval / 2);
        let horizon = now + slack;
        // The alarm was set before the last pongs moved the deadlines. Ping slightly early now:
        // another wake a moment later would cost as much again.
        let by = if woken {
            now + slack.min(PONG_DELAY)
        } else {
            now
        };
        if self.sessions.deadline().is_none_or(|first| by < first) {
            return;
        }
        let mut pinged = false;
        let due = self.sessions.due(horizon);
        for &sid in &due {
            self.absorb(sid);
            self.with(sid, |session, config, out| {
                pinged |= session.heartbeat.ping_at <= by;
                session.tick(now, config, out)
            });
        }
        if !pinged {
            return;
        }
        for sid in due {
            self.with(sid, |session, config, out| {
                if session.heartbeat.ping_at <= horizon {
                    session.ping(now, config, out);
                }
                Ok(())
            });
        }
    }

    /// Pings a session at once, even if no ping is due. See [`Engine::answered`].
    pub(crate) fn challenge(&mut self, now: Timestamp, sid: Sid) {
        self.absorb(sid); // a pong from before this ping is no answer
        self.with(sid, |session, config, out| {
            session.heartbeat.challenge();
            session.ping(now, config, out);
            Ok(())
        });
    }

    /// Whether a pong arrived since the session was challenged.
    pub(crate) fn answered(&mut self, sid: Sid) -> bool {
        self.absorb(sid);
        let session = self.sessions.get(sid);
        session.is_some_and(|session| session.heartbeat.is_answered())
    }

    /// Whether a polling session without a parked poll was restored after the loss of memory. Its
    /// client may be gone.
    pub(crate) fn has_orphans(&self) -> bool {
        self.sessions.iter().any(|session| session.orphan)
    }

    /// Asks the platform for the last pong that it absorbed.
    fn absorb(&mut self, sid: Sid) {
        if let Some(session) = self.sessions.get_mut(sid)
            && let Transport::WebSocket(socket) = session.transport
            && self.config.absorb_pongs
            && let Some(then) = self.store.platform().last_auto_response(socket.connection)
        {
            session.heartbeat.absorbed(then, &self.config);
        }
    }
}
