//! Who is alive: the engine's side of the heartbeat.

use std::time::Duration;

use super::transport::Transport;
use super::{Engine, Sid};
use crate::time::Timestamp;

/// How long a pong may well take, and so how early the alarm for the next ping may come.
const PONG_DELAY: Duration = Duration::from_secs(5);

impl Engine {
    /// Pings, and gives up, whoever is due.
    pub(super) fn expire(&mut self, now: Timestamp, woken: bool) {
        let slack = self.config.ping_slack;
        let slack = slack.unwrap_or(self.config.ping_interval / 2);
        let horizon = now + slack;
        // The pongs put off the pings for which an alarm was set: to be woken once more a moment
        // later would cost the same again.
        let by = if woken {
            now + slack.min(PONG_DELAY)
        } else {
            now
        };
        if self
            .timers
            .first()
            .is_none_or(|(deadline, _)| by < *deadline)
        {
            return;
        }
        let mut pinged = false;
        let due: Vec<Sid> = self
            .timers
            .iter()
            .take_while(|(deadline, _)| *deadline <= horizon)
            .map(|(_, sid)| *sid)
            .collect();
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

    /// Pings a session out of turn. See [`Engine::answered`].
    pub(crate) fn challenge(&mut self, now: Timestamp, sid: Sid) {
        self.absorb(sid); // what came before is no answer
        self.with(sid, |session, config, out| {
            session.heartbeat.challenge();
            session.ping(now, config, out);
            Ok(())
        });
    }

    /// Whether a pong came since the session was challenged.
    pub(crate) fn answered(&mut self, sid: Sid) -> bool {
        self.absorb(sid);
        let session = self.sessions.get(&sid);
        session.is_some_and(|session| session.heartbeat.is_answered())
    }

    /// Whether there is a polling session whose client may be gone, as it was found without a poll
    /// when memory was lost.
    pub(crate) fn has_orphans(&self) -> bool {
        self.sessions.values().any(|session| session.orphan)
    }

    /// Takes note of a pong that the platform absorbed.
    fn absorb(&mut self, sid: Sid) {
        if let Some(session) = self.sessions.get_mut(&sid)
            && let Transport::WebSocket(socket) = session.transport
            && self.config.absorb_pongs
            && let Some(then) = self.store.platform().last_auto_response(socket.connection)
        {
            session.heartbeat.absorbed(then, &self.config);
        }
    }
}
