//! What the core asks of the platform.

use super::ids::ConnectionId;
use crate::time::Timestamp;

/// An event that operators count: one row of a data set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point<'a> {
    /// The event.
    pub event: &'a str,
    /// The room.
    pub room: &'a str,
    /// The reason, or the kind; may be empty.
    pub detail: &'a str,
    /// The measured value, if there is one: milliseconds, or a number of receivers.
    pub value: f64,
    /// The number of peers at that time.
    pub peers: f64,
}

/// What the core asks of the platform. All answers are immediate.
pub trait Platform {
    /// Fifteen random bytes, for an unguessable id.
    fn mint(&self) -> [u8; 15];

    /// When the platform last answered a frame on this connection (see
    /// [`crate::engine::AUTO_RESPONSE`]); `None` if it never did.
    fn last_auto_response(&self, connection: ConnectionId) -> Option<Timestamp>;

    /// The stored records whose keys begin with `prefix`, as keys and values, sorted by key.
    /// Uncommitted changes are included.
    ///
    /// # Errors
    ///
    /// The reason why the storage cannot be read.
    fn load(&self, prefix: &str) -> Result<Vec<(String, String)>, String>;

    /// Whether the storage has been empty since it was made, or since it was last deleted as a
    /// whole. A storage whose records were deleted one by one is not blank.
    fn is_blank(&self) -> bool {
        true
    }

    /// Writes a line into the operators' log.
    fn log(&self, line: &str);

    /// Whether data points are written.
    fn is_measuring(&self) -> bool {
        false
    }

    /// Writes a data point, if [`Platform::is_measuring`].
    fn measure(&self, _point: &Point) {}
}
