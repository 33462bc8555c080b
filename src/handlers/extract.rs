//! The parameters that a handler may have.

use std::cell::Cell;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::Call;
use super::refusal::Refusal;
use super::socket::{Shared, Socket};
use crate::socket::{self, Args, Command, DisconnectReason, Json};

/// A parameter of a handler.
///
/// ```
/// use signalbox::prelude::*;
///
/// /// The name that the socket has given itself. Without one, the event is refused.
/// struct Name(String);
///
/// impl Extract for Name {
///     fn extract(call: &Call) -> Result<Self, Refusal> {
///         let name = call.socket().data().ok_or("say who you are first")?;
///         Ok(Self(name))
///     }
/// }
///
/// fn chat(io: &mut Io) {
///     io.on("name", |socket: Socket, Data(name): Data<String>| socket.set(&name));
///     io.on("say", |socket: Socket, Name(name): Name, Data(text): Data<String>| {
///         socket.broadcast().emit("said", &(name, text));
///     });
/// }
///
/// let mut stage = signalbox::stage::Stage::of(chat);
/// let ann = stage.connect().unwrap();
/// stage.emit(ann, "say", &["hello"]);
/// let refused = r#"["exception",{"message":"say who you are first","event":"say"}]"#;
/// assert_eq!(stage.heard(ann), [refused]);
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler cannot take `{Self}`",
    note = "the first argument of an event is `Data<T>`, all of them are `All<(A, B)>`; T is `Deserialize`"
)]
pub trait Extract: Sized {
    /// Reads the parameter from an event.
    ///
    /// # Errors
    ///
    /// The refusal that the client gets if the event lacks the parameter. The handler is not called.
    fn extract(call: &Call) -> Result<Self, Refusal>;
}

impl Extract for Socket {
    fn extract(call: &Call) -> Result<Self, Refusal> {
        Ok(call.socket.clone())
    }
}

/// The first argument of an event, as a `T`. A missing argument is `null`.
#[derive(Clone, Debug)]
pub struct Data<T>(pub T);

impl<T: DeserializeOwned> Extract for Data<T> {
    fn extract(call: &Call) -> Result<Self, Refusal> {
        let first = call.args.and_then(|args| args.values.first());
        read(first.map_or("null", Json::as_str), "the first argument").map(Self)
    }
}

/// All arguments of an event, as a tuple or a list: `All((name, age)): All<(String, u8)>`.
#[derive(Clone, Debug)]
pub struct All<T>(pub T);

impl<T: DeserializeOwned> Extract for All<T> {
    fn extract(call: &Call) -> Result<Self, Refusal> {
        let values = call.args.map(|args| args.values.as_slice());
        let list = Json::list(values.unwrap_or_default());
        read(list.as_str(), "the list of arguments").map(Self)
    }
}

fn read<T: DeserializeOwned>(json: &str, what: &str) -> Result<T, Refusal> {
    let read = serde_json::from_str(json);
    read.map_err(|error| Refusal::new(format!("{what} does not fit: {error}")))
}

/// The arguments without conversion, with their attachments.
#[derive(Clone, Debug)]
pub struct Raw(pub Args);

impl Extract for Raw {
    fn extract(call: &Call) -> Result<Self, Refusal> {
        Ok(Self(call.args.cloned().unwrap_or_default()))
    }
}

/// The `auth` of a client that connects. It is not stored.
#[derive(Clone, Debug)]
pub struct Auth(Option<Json>);

impl Auth {
    /// Reads the value as a `T`; `None` if it is not one.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(self.0.as_ref()?.as_str()).ok()
    }

    /// The value that the client sent.
    #[must_use]
    pub fn json(&self) -> Option<&Json> {
        self.0.as_ref()
    }
}

impl Extract for Auth {
    fn extract(call: &Call) -> Result<Self, Refusal> {
        Ok(Self(call.auth.cloned()))
    }
}

/// The right to acknowledge an event once. It has no effect if the client asked for no ack. If the handler
/// fails before it acknowledges the event, the client gets the error as the ack.
#[must_use = "`send` acknowledges the event"]
pub struct Ack {
    ack: Rc<Cell<Option<socket::Ack>>>,
    shared: Shared,
}

impl Ack {
    /// Whether the client asked for an ack.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        let ack = self.ack.take();
        let is_wanted = ack.is_some();
        self.ack.set(ack);
        is_wanted
    }

    /// Acknowledges the event with one value.
    pub fn send(self, value: &(impl Serialize + ?Sized)) {
        self.send_args(Args::of(value));
    }

    /// Acknowledges the event with several values, or binary ones.
    pub fn send_args(self, args: Args) {
        if let Some(ack) = self.ack.take() {
            let command = Command::Acknowledge(ack, args);
            self.shared.borrow_mut().acks.push(command);
        }
    }
}

impl Extract for Ack {
    fn extract(call: &Call) -> Result<Self, Refusal> {
        Ok(Self {
            ack: Rc::clone(&call.ack),
            shared: call.socket.shared.clone(),
        })
    }
}

/// The ack of an event that [`Socket::ask`] sent: its first argument as a `T`. `None` if the ack did not
/// arrive within the timeout, or if the socket disconnected before.
#[derive(Clone, Debug)]
pub struct Answer<T>(pub Option<T>);

impl<T: DeserializeOwned> Extract for Answer<T> {
    fn extract(call: &Call) -> Result<Self, Refusal> {
        match call.args {
            None => Ok(Self(None)),
            Some(_) => Data::extract(call).map(|Data(answer)| Self(Some(answer))),
        }
    }
}

/// Why a socket disconnected.
#[derive(Clone, Copy, Debug)]
pub struct Reason(pub DisconnectReason);

impl Extract for Reason {
    fn extract(call: &Call) -> Result<Self, Refusal> {
        let reason = call.reason.ok_or("a Reason exists only in on_disconnect")?;
        Ok(Self(reason))
    }
}
