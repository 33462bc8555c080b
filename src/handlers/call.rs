//! Calls handlers. A handler has a parameter for each part of the event that it needs.

use std::cell::Cell;
use std::rc::Rc;

use super::extract::Extract;
use super::refusal::Refusal;
use super::socket::Socket;
use crate::socket::{self, Args, DisconnectReason, Json};

/// The event for which a handler is called.
pub struct Call<'a> {
    pub(super) socket: &'a Socket,
    pub(super) args: Option<&'a Args>,
    pub(super) auth: Option<&'a Json>,
    /// The handler takes the ack. If the handler fails before, the caller takes it.
    pub(super) ack: Rc<Cell<Option<socket::Ack>>>,
    pub(super) reason: Option<DisconnectReason>,
}

impl<'a> Call<'a> {
    pub(super) fn new(socket: &'a Socket) -> Self {
        Self {
            socket,
            args: None,
            auth: None,
            ack: Rc::default(),
            reason: None,
        }
    }
}

impl Call<'_> {
    /// The socket of the event.
    #[must_use]
    pub fn socket(&self) -> &Socket {
        self.socket
    }

    /// The arguments of an event or of an ack.
    #[must_use]
    pub fn args(&self) -> Option<&Args> {
        self.args
    }

    /// The `auth` of a client that connects.
    #[must_use]
    pub fn auth(&self) -> Option<&Json> {
        self.auth
    }
}

/// A handler's return value: nothing, a result, or a value that is ignored, such as the `bool` of
/// [`Socket::leave`]. The error of a result refuses the event or the connection.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    note = "it returns nothing, or a `Result` whose error is a `Refusal`, a `&str` or a `String`",
    note = "for `?` in a closure, the error needs a type: `Ok::<_, Refusal>(())`"
)]
pub trait Outcome {
    /// Converts the value into a result.
    ///
    /// # Errors
    ///
    /// The refusal.
    fn outcome(self) -> Result<(), Refusal>;
}

impl Outcome for () {
    fn outcome(self) -> Result<(), Refusal> {
        Ok(())
    }
}

impl Outcome for bool {
    fn outcome(self) -> Result<(), Refusal> {
        Ok(())
    }
}

impl<T> Outcome for Option<T> {
    fn outcome(self) -> Result<(), Refusal> {
        Ok(())
    }
}

impl<T, E: Into<Refusal>> Outcome for Result<T, E> {
    fn outcome(self) -> Result<(), Refusal> {
        self.map(drop).map_err(Into::into)
    }
}

/// A function whose parameters are all [`Extract`]. `M` distinguishes functions with different parameters.
#[diagnostic::on_unimplemented(
    message = "this is no handler",
    note = "a handler is a function, or a closure whose parameters have their types: `|socket: Socket|`",
    note = "it takes up to five of Socket, Data<T>, All<T>, Raw, Ack, Auth, Answer<T> and Reason",
    note = "it returns nothing, or a `Result` whose error is a `Refusal`, a `&str` or a `String`"
)]
pub trait Handler<M> {
    /// Calls the handler.
    ///
    /// # Errors
    ///
    /// The refusal of a parameter or of the function.
    fn call(&self, call: &Call) -> Result<(), Refusal>;
}

macro_rules! handlers {
    ($(($($parameter:ident),*))*) => {
        $(
            impl<F, R, $($parameter),*> Handler<fn($($parameter),*) -> R> for F
            where
                F: Fn($($parameter),*) -> R,
                R: Outcome,
                $($parameter: Extract),*
            {
                fn call(&self, _call: &Call) -> Result<(), Refusal> {
                    self($($parameter::extract(_call)?),*).outcome()
                }
            }
        )*
    };
}

handlers! { () (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) }

/// A handler with its type erased.
pub(super) type Boxed = Box<dyn Fn(&Call) -> Result<(), Refusal>>;

pub(super) fn boxed<M>(handler: impl Handler<M> + 'static) -> Boxed {
    Box::new(move |call| handler.call(call))
}
