//! Outputs that wait between a core and its shell: for a commit, or until a busy object sends its
//! frames.
//!
//! - **Commits are paced.** After a commit the next one waits for [`PACE`] times the number of rows
//!   that were written, which is mostly one. So a room writes at most forty rows per second, whatever its clients do.
//!   The first commit after a pause is immediate.
//! - **After a large commit the next one waits longer**, unless an output promises it. A busy room
//!   keeps events for clients that may come back. While the commit waits, most of these events become
//!   obsolete, and are not written at all.
//! - **Promises wait.** Outputs after an [`Output::Commit`] are performed when its records are
//!   committed. Later outputs to the same connection or request wait behind them, so each
//!   connection gets its frames in order. Other outputs do not wait.
//! - **A halt stops everything.** After an [`Output::Halt`], or a failed commit, no output is
//!   performed: it would rely on damaged or missing records.
//! - **A busy object gathers.** An idle object sends at once. A busy object collects its outputs
//!   until the event loop is free, because sending several frames to one socket in a row takes the
//!   platform half the time of sending to many sockets in turn.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::io::{ConnectionId, Output, Record, RequestId, SOON};
use crate::time::Timestamp;

/// The pause after a committed row.
pub const PACE: Duration = SOON;

/// For each block of this many bytes in a commit, the next commit without a promise waits [`SOON`]
/// longer.
const MANY_BYTES: usize = 65_536;

/// The longest delay.
const LATEST: Duration = Duration::from_millis(250);

/// See the [module](self).
#[derive(Default)]
pub struct Outbox {
    waiting: Vec<Waiting>,
    /// Whether some of the outputs wait for a commit.
    promised: bool,
    /// Since when uncommitted records wait.
    unsaved: Option<Timestamp>,
    /// The time of the last commit, and the earliest time of the next one.
    committed: Option<(Timestamp, Timestamp)>,
    /// The delay of a commit without a promise, beyond [`SOON`].
    delay: Duration,
    gathering: bool,
    /// After a halt: no output is performed.
    ended: bool,
}

struct Waiting {
    output: Output,
    /// Whether this output waits for a commit.
    promised: bool,
}

impl Outbox {
    /// Takes the outputs of a turn. Records go to `keep`, to be committed at [`Outbox::commit_at`].
    /// [`Outbox::flush`] returns the other outputs.
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

    /// When the next commit is due; `None` if there is nothing to commit. A time in the past means
    /// now.
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

    /// Commits if a commit is due, and returns the outputs to perform now. `commit` returns how
    /// many rows and bytes it wrote, or `None` if it failed. After a failure the waiting outputs
    /// are dropped, because they promise the commit.
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

    /// Drops the waiting outputs, and all later ones.
    fn end(&mut self) {
        *self = Self {
            ended: true,
            ..Self::default()
        };
    }

    /// Whether a commit is due.
    #[must_use]
    pub fn is_commit_due(&self, now: Timestamp) -> bool {
        // If the clock was set back, the commit must not wait until the clock has caught up.
        let is_back = self.committed.is_some_and(|(last, _)| now < last)
            || self.unsaved.is_some_and(|since| now < since);
        self.commit_at().is_some_and(|at| is_back || at <= now)
    }

    /// Notes that all records are committed, which took this many rows and bytes.
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

    /// The outputs to perform now. Frames to several sockets are grouped by socket; all else, and
    /// the frames of each socket, keep their order.
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

    /// Whether the answer to this request is waiting.
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

    /// Whether outputs are being gathered.
    #[must_use]
    pub fn is_gathering(&self) -> bool {
        self.gathering
    }

    /// Starts gathering outputs, until [`Outbox::rest`].
    pub fn gather(&mut self) {
        self.gathering = !self.ended;
    }

    /// Stops gathering.
    pub fn rest(&mut self) {
        self.gathering = false;
    }
}

/// The connection or request that an output addresses.
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
