//! The open sessions, and the indexes by which the engine finds them.

use super::Sid;
use super::session::Session;
use crate::io::{ConnectionId, Output, RequestId};
use crate::map::{Map, Set};
use crate::store::Store;
use crate::time::Timestamp;

/// The open sessions. A session that changes must be [touched](Sessions::touch): at the end of the
/// turn its poll, its timer and its stored form are then updated.
#[derive(Default)]
pub(super) struct Sessions {
    all: Map<Sid, Session>,
    /// The session of each open WebSocket, also of a probe, and also after the session has ended.
    pub(super) connections: Map<ConnectionId, Sid>,
    /// The session of each parked poll.
    polls: Map<RequestId, Sid>,
    /// One deadline for each session.
    timers: Set<(Timestamp, Sid)>,
    touched: Vec<Sid>,
}

impl Sessions {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn get(&self, sid: Sid) -> Option<&Session> {
        self.all.get(&sid)
    }

    /// A session, for a change that needs no update at the end of the turn.
    pub(super) fn get_mut(&mut self, sid: Sid) -> Option<&mut Session> {
        self.all.get_mut(&sid)
    }

    pub(super) fn sids(&self) -> impl Iterator<Item = Sid> {
        self.all.keys().copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.all.values()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        self.all.values_mut()
    }

    /// The session whose parked poll is this request.
    pub(super) fn polled_by(&self, request: RequestId) -> Option<Sid> {
        self.polls.get(&request).copied()
    }

    /// The earliest deadline of a session.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.timers.first().map(|(deadline, _)| *deadline)
    }

    /// The sessions whose deadline is not after `horizon`, the earliest first.
    pub(super) fn due(&self, horizon: Timestamp) -> Vec<Sid> {
        let timers = self.timers.iter();
        let due = timers.take_while(|(deadline, _)| *deadline <= horizon);
        due.map(|(_, sid)| *sid).collect()
    }

    pub(super) fn insert(&mut self, session: Session) {
        let sid = session.sid;
        self.all.insert(sid, session);
        self.touch(sid);
    }

    /// Marks a session for [`Sessions::settle`].
    pub(super) fn touch(&mut self, sid: Sid) {
        if let Some(session) = self.all.get_mut(&sid)
            && !std::mem::replace(&mut session.touched, true)
        {
            self.touched.push(sid);
        }
    }

    /// Removes a session. Its WebSocket stays in `connections` until it is closed.
    pub(super) fn remove(&mut self, sid: Sid) -> Option<Session> {
        let session = self.all.remove(&sid)?;
        if let Some(armed) = session.armed {
            self.timers.remove(&(armed, sid));
        }
        if let Some(poll) = session.listed {
            self.polls.remove(&poll);
        }
        Some(session)
    }

    /// Ends the turn: flushes and saves the touched sessions, and brings the indexes up to date.
    pub(super) fn settle(&mut self, store: &Store, out: &mut Vec<Output>) {
        for sid in self.touched.drain(..) {
            let Some(session) = self.all.get_mut(&sid) else {
                continue;
            };
            session.touched = false;
            session.flush(out);
            session.save(store, out);
            let deadline = session.deadline();
            if let Some(armed) = session.armed.replace(deadline) {
                self.timers.remove(&(armed, sid));
            }
            self.timers.insert((deadline, sid));
            let poll = session.transport.poll().and_then(|poll| poll.request());
            if poll != session.listed {
                if let Some(answered) = std::mem::replace(&mut session.listed, poll) {
                    self.polls.remove(&answered);
                }
                if let Some(parked) = poll {
                    self.polls.insert(parked, sid);
                }
            }
        }
    }
}
