//! What operators count: a data point for each.

use super::Room;
use crate::io::Point;

impl Room {
    /// A signal was relayed to so many sockets.
    pub(super) fn measure_signal(&self, kind: &str, receivers: usize) {
        self.measure("signal", kind, receivers as u64);
    }

    /// Something happened, of which `value` is measured, if anything is.
    pub(super) fn measure(&self, event: &str, detail: &str, value: u64) {
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
