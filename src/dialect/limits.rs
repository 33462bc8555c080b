//! The limits of one event, one socket and one table. `docs/bounds.md` lists the limits that a dialect
//! shares with a room.

/// The largest table, in bytes of JSON.
pub const TABLE_BYTES: usize = 65_536;

/// The maximum number of actions of a table.
pub const TABLE_ACTIONS: usize = 512;

/// The maximum nesting depth of actions, conditions and templates in a table.
pub const TABLE_DEPTH: usize = 8;

/// The maximum number of steps of a path such as `$0.offer.type`.
pub const PATH_STEPS: usize = 8;

/// The maximum number of actions for one event. An action with `each` counts once for each item.
pub const ACTIONS: usize = 256;

/// The maximum number of deliveries that one event causes: the sum of the receivers of all sent events.
pub const DELIVERIES: usize = 4096;

/// The maximum number of bytes that one event writes into new values.
pub const WRITTEN_BYTES: usize = 262_144;

/// The maximum number of bytes that one event sends to all receivers together.
pub const SENT_BYTES: usize = 16_777_216;

/// The maximum nesting depth of a client's argument.
pub const ARGUMENT_DEPTH: usize = 64;

/// The maximum number of items of a client's list, or of fields of a client's object, that a table
/// handles one by one. A value that is relayed as a whole, or of which a table reads one field or
/// item, may have more.
pub const ITEMS: usize = 256;

/// The longest alias, in bytes.
pub const ALIAS_BYTES: usize = 256;

/// The maximum number of bytes of a socket's data.
pub const DATA_BYTES: usize = 8192;

/// The longest name of an event that a table sends, in bytes.
pub const EVENT_BYTES: usize = 256;
