//! Metrics for operators: a data point for each event.

use super::Room;
use crate::io::Point;

impl Room {
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
            reason = "they are far below 2 to the power of 53"
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
