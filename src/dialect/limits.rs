//! The bounds of one event, one socket and one table. `docs/bounds.md` lists the bounds that a dialect
//! shares with a room.

/// The largest table, in bytes of JSON.
pub const TABLE_BYTES: usize = 65_536;

/// The most actions of a table.
pub const TABLE_ACTIONS: usize = 512;

/// How deep actions, conditions and templates may be nested in a table.
pub const TABLE_DEPTH: usize = 8;

/// The most steps of a path such as `$0.offer.type`.
pub const PATH_STEPS: usize = 8;

/// How many actions one event may lead to; each item of a list counts.
pub const ACTIONS: usize = 256;

/// How many deliveries one event of a client may cause: receivers, summed over all events that are sent.
pub const DELIVERIES: usize = 4096;

/// How many bytes one event may write into new values.
pub const WRITTEN_BYTES: usize = 262_144;

/// How many bytes one event may send, to all receivers together.
pub const SENT_BYTES: usize = 16_777_216;

/// How deep an argument of a client may be nested.
pub const ARGUMENT_DEPTH: usize = 64;

/// The most fields of an object, and the most elements of a list of a client, that a table may work
/// with. Values that are passed on as a whole may have more.
pub const ITEMS: usize = 256;

/// The longest alias, in bytes.
pub const ALIAS_BYTES: usize = 256;

/// How many bytes of data a table may keep with one socket.
pub const DATA_BYTES: usize = 8192;

/// The longest name of an event that a table may send, in bytes.
pub const EVENT_BYTES: usize = 256;
