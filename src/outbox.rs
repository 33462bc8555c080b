//! What waits between a core and its shell: outputs until what they promise is committed, and frames
//! until a busy object has a moment to send them.
//!
//! - **Commits are paced.** A commit writes few rows, mostly one, and after each row nothing is
//!   committed for [`PACE`]. So a room writes at most forty rows in a second, whatever its clients do.
//!   A room that was quiet commits at once.
//! - **Many bytes wait longer**, if nobody was promised anything: most of what a busy room keeps for
//!   clients that may come back is out of date before it is written.
//! - **Promises wait.** Outputs behind an [`Output::Commit`] are done when its records are committed.
//!   Later outputs about the same connection or request wait behind them, and others do not: what one
//!   connection gets is in order.
//! - **A halt comes first.** Behind an [`Output::Halt`], or a commit that failed, nothing is done any
//!   more: it would rest on records that are damaged or missing.
//! - **A busy object gathers.** An idle object sends at once. Until its next moment of rest what else
//!   is to be sent is gathered, because sending to one socket several times in a row costs the platform
//!   half of what it costs to send to many sockets in turn.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::io::{ConnectionId, Output, Record, RequestId, SOON};
use crate::time::Timestamp;

/// How long nothing is committed after a row was written.
pub const PACE: Duration = SOON;

/// After a commit of so many bytes, what nobody was promised waits twice as long for the next one, and
/// so on.
const MANY_BYTES: usize = 65_536;

/// The longest that it waits.
const LATEST: Duration = Duration::from_millis(250);

/// See the [module](self).
#[derive(Default)]
pub struct Outbox {
    waiting: Vec<Waiting>,
    /// Whether some of it waits for a commit.
    promised: bool,
    /// Since when records wait for a commit, if any do.
    unsaved: Option<Timestamp>,
    /// When the last commit was, and the earliest time of the next one.
    committed: Option<(Timestamp, Timestamp)>,
    /// How long what nobody was promised waits, beyond [`SOON`].
    delay: Duration,
    gathering: bool,
    /// Nothing is done any more.
    ended: bool,
}

struct Waiting {
    output: Output,
    /// It waits for a commit.
    promised: bool,
}

impl Outbox {
    /// Takes the outputs of a turn. `keep` gets the records, which are to be committed when
    /// [`Outbox::commit_at`] says so. [`Outbox::flush`] has the others.
    pub fn push(
        &mut self,
        now: Timestamp,
        outputs: Vec<Output>,
        mut keep: impl FnMut(Vec<Record>),
    ) {
        if self.ended {
            return;
        }
        let mut promised = false;
        self.waiting.reserve(outputs.len());
        for output in outputs {
            match output {
                Output::Halt(_) => {
                    self.end();
                    self.waiting.push(Waiting {
                        output,
                        promised: false,
                    });
                    return;
                }
                Output::Commit(records) => {
                    keep(records);
                    self.unsaved.get_or_insert(now);
                    promised = true;
                    self.promised = true;
                }
                Output::CommitSoon(records) => {
                    keep(records);
                    self.unsaved.get_or_insert(now);
                }
                output => self.waiting.push(Waiting { output, promised }),
            }
        }
    }

    /// When the next commit is due; `None` if nothing is to be committed. A time in the past is now.
    #[must_use]
    pub fn commit_at(&self) -> Option<Timestamp> {
        let since = self.unsaved?;
        let wanted = if self.promised {
            since
        } else {
            since + (SOON + self.delay).min(LATEST)
        };
        Some(match self.committed {
            Some((_, next)) => wanted.max(next),
            None => wanted,
        })
    }

    /// Commits if that is due, and returns what can be done now. `commit` returns how many rows and
    /// bytes it wrote; `None` if it failed: what waits promises that this was done, and is dropped.
    pub fn flush(
        &mut self,
        now: Timestamp,
        commit: impl FnOnce() -> Option<(usize, usize)>,
    ) -> Vec<Output> {
        if self.is_commit_due(now) {
            match commit() {
                Some((rows, bytes)) => self.committed(now, rows, bytes),
                None => self.end(),
            }
        }
        self.take()
    }

    /// Drops what waits, and takes nothing more.
    fn end(&mut self) {
        *self = Self {
            ended: true,
            ..Self::default()
        };
    }

    /// Whether a commit is due.
    #[must_use]
    pub fn is_commit_due(&self, now: Timestamp) -> bool {
        // A clock that was set back must not keep anything waiting.
        let is_back = self.committed.is_some_and(|(last, _)| now < last)
            || self.unsaved.is_some_and(|since| now < since);
        self.commit_at().is_some_and(|at| is_back || at <= now)
    }

    /// All records that were kept are committed, which took this many rows and bytes.
    fn committed(&mut self, now: Timestamp, rows: usize, bytes: usize) {
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        self.committed = Some((now, now + PACE.saturating_mul(rows)));
        let many = u32::try_from(bytes / MANY_BYTES).unwrap_or(u32::MAX);
        self.delay = SOON.saturating_mul(many).min(LATEST);
        self.unsaved = None;
        self.promised = false;
        for waiting in &mut self.waiting {
            waiting.promised = false;
        }
    }

    /// What can be done now: in order, but for frames to several sockets in a row, which are in order
    /// for each socket.
    fn take(&mut self) -> Vec<Output> {
        let mut ready = self.take_ready();
        if self.gathering {
            let is_send = |output: &Output| matches!(output, Output::Send(..));
            for run in ready.chunk_by_mut(|a, b| is_send(a) && is_send(b)) {
                run.sort_by_key(about);
            }
        }
        ready
    }

    fn take_ready(&mut self) -> Vec<Output> {
        let mut ready = Vec::with_capacity(self.waiting.len());
        if !self.promised {
            ready.extend(self.waiting.drain(..).map(|waiting| waiting.output));
            return ready;
        }
        let mut behind = BTreeSet::new();
        for waiting in std::mem::take(&mut self.waiting) {
            let id = about(&waiting.output);
            let waits = waiting.promised || id.is_some_and(|id| behind.contains(&id));
            if waits {
                behind.extend(id);
                self.waiting.push(waiting);
            } else {
                ready.push(waiting.output);
            }
        }
        ready
    }

    /// Whether the answer to this request waits.
    #[must_use]
    pub fn owes(&self, request: RequestId) -> bool {
        let mut waiting = self.waiting.iter();
        waiting.any(|waiting| match &waiting.output {
            Output::Respond(reply, _) | Output::Accept(reply) | Output::Dismiss(reply) => {
                reply.request() == request
            }
            _ => false,
        })
    }

    /// Whether outputs are gathered now.
    #[must_use]
    pub fn is_gathering(&self) -> bool {
        self.gathering
    }

    /// From now on outputs are gathered, until the object has a moment of rest.
    pub fn gather(&mut self) {
        self.gathering = !self.ended;
    }

    /// Nothing is gathered any more.
    pub fn rest(&mut self) {
        self.gathering = false;
    }
}

/// Which connection or request an output is about.
fn about(output: &Output) -> Option<ConnectionId> {
    match output {
        Output::Respond(reply, _) | Output::Accept(reply) | Output::Dismiss(reply) => {
            Some(reply.request().into())
        }
        Output::Hold(request, _) => Some((*request).into()),
        Output::Send(connection, _)
        | Output::Close(connection, _)
        | Output::Attach(connection, _) => Some(*connection),
        Output::Commit(_) | Output::CommitSoon(_) | Output::Halt(_) | Output::Post(_) => None,
    }
}
