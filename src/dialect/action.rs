//! Actions: what is done.

use super::condition::Condition;
use super::template::Template;

/// An entry of a table's list: under a condition, for each item of a list, some steps.
#[derive(Clone, Debug, Default)]
pub(super) struct Action {
    pub(super) when: Option<Condition>,
    /// What is done if the condition does not hold.
    pub(super) otherwise: Vec<Action>,
    /// The list of `each`.
    pub(super) each: Option<Template>,
    /// The room of `in`.
    pub(super) room: Option<Template>,
    /// What is done, in this order.
    pub(super) steps: Vec<Step>,
}

/// One thing to do.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Leave rooms.
    Leave(Template),
    /// Join rooms.
    Join(Template),
    /// Take a name by which others reach the socket.
    Alias(Template),
    /// Keep these fields with the socket.
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
    /// Do all of these.
    Do(Vec<Action>),
    /// Refuse the connection, with a message and data.
    Refuse(Template, Option<Template>),
    /// Do nothing more for this event.
    Stop,
}

/// The receivers of an event.
#[derive(Clone, Debug)]
pub(super) enum To {
    Sender,
    /// The other members of the sender's room. Without a room: nobody or, if the table joins no rooms, all
    /// other sockets.
    Others,
    /// The same with the sender.
    All,
    /// All sockets.
    Everyone,
    /// All sockets but the sender.
    Broadcast,
    /// The socket with this id or alias, or the members of this room but the sender; or each of a list.
    Named(Template),
    /// The members of this room but the sender.
    Room(Template),
    /// The socket with this id or alias.
    Peer(Template),
}

/// Arguments.
#[derive(Clone, Debug)]
pub(super) enum Arguments {
    /// The arguments of the client's event, unchanged.
    Same,
    List(Vec<Template>),
}
