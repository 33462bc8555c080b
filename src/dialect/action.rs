//! Actions: what a table does in response to an event.

use super::condition::Condition;
use super::template::Template;

/// An action: steps, optionally with a condition, and optionally repeated for each item of a list.
#[derive(Clone, Debug, Default)]
pub(super) struct Action {
    pub(super) when: Option<Condition>,
    /// The actions if the condition is false.
    pub(super) otherwise: Vec<Action>,
    /// The list of `each`.
    pub(super) each: Option<Template>,
    /// The room of `in`.
    pub(super) room: Option<Template>,
    /// The steps, in their order of execution.
    pub(super) steps: Vec<Step>,
}

/// One step of an action.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Leave rooms.
    Leave(Template),
    /// Join rooms.
    Join(Template),
    /// Take an alias, by which others address the socket.
    Alias(Template),
    /// Store these fields as the socket's data.
    Set(Template),
    /// Send an event.
    Emit {
        name: Template,
        to: To,
        args: Arguments,
        volatile: bool,
    },
    /// Acknowledge the event.
    Ack(Arguments),
    /// Perform these actions.
    Do(Vec<Action>),
    /// Refuse the connection, with a message and data.
    Refuse(Template, Option<Template>),
    /// Skip all further actions for this event.
    Stop,
}

/// The receivers of an event.
#[derive(Clone, Debug)]
pub(super) enum To {
    Sender,
    /// The other members of the room of `in` or, without `in`, of the room that the sender joined last. A sender
    /// without a room reaches nobody. Only in a table without `join` it reaches all other sockets.
    Others,
    /// Like [`To::Others`], with the sender.
    All,
    /// All sockets.
    Everyone,
    /// All sockets except the sender.
    Broadcast,
    /// The socket with this id or alias, or the members of this room except the sender. A list names several.
    Named(Template),
    /// The members of this room except the sender.
    Room(Template),
    /// The socket with this id or alias.
    Peer(Template),
}

/// The arguments of an event or an ack.
#[derive(Clone, Debug)]
pub(super) enum Arguments {
    /// The arguments of the client's event, unchanged.
    Same,
    List(Vec<Template>),
}
