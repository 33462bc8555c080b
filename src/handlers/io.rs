//! Registers handlers.

use super::call::{Boxed, Handler, boxed};
use crate::map::Map;
use crate::socket::{Namespace, is_reserved};

/// The variables of the environment, by their names.
type Variables = Box<dyn Fn(&str) -> Option<String>>;

/// The handlers of an application. An application is a function that adds its handlers here.
pub struct Io {
    variables: Variables,
    namespaces: Map<Namespace, Of>,
    answers: Map<String, Boxed>,
    /// The error messages about handlers that would never be called.
    mistakes: Vec<String>,
}

/// The handlers of a namespace.
#[derive(Default)]
pub struct Of {
    pub(super) connect: Vec<Boxed>,
    pub(super) events: Map<String, Boxed>,
    pub(super) any: Option<Boxed>,
    pub(super) disconnect: Vec<Boxed>,
    mistakes: Vec<String>,
}

impl Io {
    pub(super) fn new(variables: impl Fn(&str) -> Option<String> + 'static) -> Self {
        Self {
            variables: Box::new(variables),
            namespaces: Map::default(),
            answers: Map::default(),
            mistakes: Vec::new(),
        }
    }

    /// A variable or a secret of the environment. Variables are set in `[vars]` of `wrangler.toml`, secrets
    /// by `wrangler secret put`. A handler's closure captures the value.
    ///
    /// ```
    /// # use signalbox::prelude::*;
    /// #[derive(Deserialize)]
    /// struct Login {
    ///     key: String,
    /// }
    ///
    /// fn login(io: &mut Io) {
    ///     let key = io.variable("KEY");
    ///     io.on_connect("/", move |auth: Auth| match auth.read::<Login>() {
    ///         Some(login) if Some(&login.key) == key.as_ref() => Ok(()),
    ///         _ => Err("who are you?"),
    ///     });
    /// }
    /// # assert!(signalbox::stage::Stage::of(login).connect().is_err());
    /// ```
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<String> {
        (self.variables)(name)
    }

    /// Calls `add` with the handlers of a namespace, to add more. The namespace begins with a slash. Clients
    /// can connect only to `/` and to namespaces that have handlers.
    ///
    /// If a handler would never be called, the application refuses all connections with an error that says
    /// why. An example is a second handler for the same event.
    pub fn of(&mut self, namespace: &str, add: impl FnOnce(&mut Of)) {
        match Namespace::parse(namespace) {
            Some(namespace) => self.namespaces.change(namespace, add),
            None => self.mistakes.push(format!(
                "{namespace:?} is no namespace: begin it with a slash, and use no comma"
            )),
        }
    }

    /// Adds a handler for sockets that connect to a namespace. Several handlers are called in their order,
    /// so they also serve as middleware. If a handler fails, the connection is refused: later handlers are
    /// not called, events that the handlers have sent are dropped, and the socket's rooms and data are
    /// deleted. Stored values, such as a count of failures, stay, and so do changes of other sockets and
    /// questions to them.
    pub fn on_connect<M>(&mut self, namespace: &str, handler: impl Handler<M> + 'static) {
        self.of(namespace, |of| of.on_connect(handler));
    }

    /// Adds the handler of an event in `/`.
    pub fn on<M>(&mut self, event: &str, handler: impl Handler<M> + 'static) {
        self.of("/", |of| of.on(event, handler));
    }

    /// Adds the handler for all other events in `/`. Without it they are refused.
    pub fn on_any<M>(&mut self, handler: impl Handler<M> + 'static) {
        self.of("/", |of| of.on_any(handler));
    }

    /// Adds a handler for sockets of `/` that disconnect for good. During the call they are still in their
    /// rooms.
    pub fn on_disconnect<M>(&mut self, handler: impl Handler<M> + 'static) {
        self.of("/", |of| of.on_disconnect(handler));
    }

    /// Adds the handler for acks that [`Socket::ask`](super::Socket::ask) requested under this name. The
    /// name is stored. A closure could not be stored, and the ack may arrive after a loss of memory.
    pub fn on_answer<M>(&mut self, name: &str, handler: impl Handler<M> + 'static) {
        if self.answers.get(name).is_some() {
            let message = format!("on_answer({name:?}) is there twice");
            self.mistakes.push(message);
        }
        self.answers.insert(name.to_owned(), boxed(handler));
    }

    /// The first error message.
    pub(super) fn mistake(&self) -> Option<&str> {
        let of = self.namespaces.iter().flat_map(|(_, of)| &of.mistakes);
        self.mistakes.iter().chain(of).map(String::as_str).next()
    }

    pub(super) fn namespace(&self, namespace: &Namespace) -> Option<&Of> {
        self.namespaces.get(namespace)
    }

    pub(super) fn answer(&self, name: &str) -> Option<&Boxed> {
        self.answers.get(name)
    }
}

impl Of {
    /// See [`Io::on_connect`].
    pub fn on_connect<M>(&mut self, handler: impl Handler<M> + 'static) {
        self.connect.push(boxed(handler));
    }

    /// See [`Io::on`].
    pub fn on<M>(&mut self, event: &str, handler: impl Handler<M> + 'static) {
        if self.events.get(event).is_some() {
            self.mistakes.push(format!("on({event:?}) is there twice"));
        }
        if is_reserved(event) || event == "connection" {
            let message = format!("no client sends {event:?}: use on_connect or on_disconnect");
            self.mistakes.push(message);
        }
        self.events.insert(event.to_owned(), boxed(handler));
    }

    /// See [`Io::on_any`].
    pub fn on_any<M>(&mut self, handler: impl Handler<M> + 'static) {
        if self.any.is_some() {
            self.mistakes.push("on_any is there twice".to_owned());
        }
        self.any = Some(boxed(handler));
    }

    /// See [`Io::on_disconnect`].
    pub fn on_disconnect<M>(&mut self, handler: impl Handler<M> + 'static) {
        self.disconnect.push(boxed(handler));
    }

    pub(super) fn event(&self, name: &str) -> Option<&Boxed> {
        self.events.get(name).or(self.any.as_ref())
    }
}
