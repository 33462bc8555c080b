//! Metrics for operators: a data point for each event.

use super::Room;
use super::error::Error;
use super::fields::Fields;
use super::turn::Turn;
use crate::io::Point;
use crate::socket::{Args, Json, Object};

/// What a client may report of its connection to another peer.
const OUTCOMES: [&str; 4] = ["direct", "relayed", "failed", "ended"];

/// The longest reported time, in milliseconds: about seven weeks.
const LONGEST: u64 = u32::MAX as u64;

impl Room {
    /// Counts what a peer reports of its connection to another: how it turned out, and a time. The time is
    /// how long it took to connect or to fail, or how long the connection lasted. Nobody is told, and nothing
    /// is stored.
    pub(super) fn report(&self, turn: &mut Turn, args: &Args) -> Result<(), Error> {
        let fields = args.get(0).and_then(Fields::read).unwrap_or_default();
        let outcome = fields.get("outcome").and_then(Json::text);
        let ms = fields.get("ms").and_then(Json::read::<u64>);
        let is_known = |outcome: &String| OUTCOMES.contains(&outcome.as_str());
        match (outcome.filter(is_known), ms) {
            (Some(outcome), Some(ms @ ..=LONGEST)) => {
                turn.succeed(Object::new);
                self.measure("outcome", &outcome, ms);
                Ok(())
            }
            _ => Err(Error::bad_payload("peer:outcome takes {outcome, ms}")),
        }
    }

    /// Counts a relayed signal with the number of its receivers.
    pub(super) fn measure_signal(&self, kind: &str, receivers: usize) {
        self.measure("signal", kind, receivers as u64);
    }

    /// Counts an event, with a measured `value`.
    pub(super) fn measure(&self, event: &str, detail: &str, value: u64) {
        if !self.store.platform().is_measuring() {
            return; // counting the peers is unnecessary
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "both numbers are far below 2 to the power of 53"
        )]
        self.store.platform().measure(&Point {
            event,
            room: self.name.as_str(),
            detail,
            value: value as f64,
            peers: self.peers().count() as f64,
        });
    }
}
