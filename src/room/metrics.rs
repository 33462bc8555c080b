//! What operators count: a data point for each.

use super::Room;
use crate::io::Point;
use crate::time::millis;

impl Room {
    /// Something happened, of which nothing is measured.
    pub(super) fn measure(&self, event: &str, detail: &str) {
        self.measure_value(event, detail, 0);
    }

    /// A peer is back after this time.
    pub(super) fn measure_return(&self, away: std::time::Duration) {
        self.measure_value("back", "", millis(away));
    }

    /// A signal was relayed to so many sockets.
    pub(super) fn measure_signal(&self, kind: &str, receivers: usize) {
        self.measure_value("signal", kind, receivers as u64);
    }

    fn measure_value(&self, event: &str, detail: &str, value: u64) {
        if !self.store.platform().is_measuring() {
            return; // peers need not be counted
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
