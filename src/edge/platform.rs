//! The platform's calls, on its own values: the crate's wrappers would bring code for all that they
//! offer, and these calls are what most of the time goes to.

use std::time::Duration;

use worker::Env;
use worker::js_sys::{Array, Function, Object, Promise, Reflect};
use worker::wasm_bindgen::prelude::*;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::web_sys::{self, ResponseInit, console};

use crate::settings::Place;

/// What goes wrong is the platform's: a JavaScript exception.
pub type Result<T> = std::result::Result<T, JsValue>;

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
extern "C" {
    /// The state of a Durable Object, which its class is made with.
    pub type State;

    #[wasm_bindgen(method, getter)]
    fn id(this: &State) -> Id;

    #[wasm_bindgen(method, getter)]
    pub(super) fn storage(this: &State) -> Storage;

    #[wasm_bindgen(method, catch, js_name = waitUntil)]
    pub(super) fn wait_until(this: &State, promise: &Promise) -> Result<()>;

    #[wasm_bindgen(method, catch, js_name = acceptWebSocket)]
    pub(super) fn accept(this: &State, socket: &Socket, tags: &Array) -> Result<()>;

    #[wasm_bindgen(method, catch, js_name = getWebSockets)]
    pub(super) fn sockets(this: &State) -> Result<Vec<Socket>>;

    #[wasm_bindgen(method, catch, js_name = getTags)]
    pub(super) fn tags(this: &State, socket: &Socket) -> Result<Array>;

    #[wasm_bindgen(method, catch, js_name = setWebSocketAutoResponse)]
    pub(super) fn set_auto_response(this: &State, pair: &AutoResponse) -> Result<()>;

    #[wasm_bindgen(method, catch, js_name = getWebSocketAutoResponseTimestamp)]
    pub(super) fn auto_response_timestamp(
        this: &State,
        socket: &Socket,
    ) -> Result<Option<worker::js_sys::Date>>;

    #[wasm_bindgen(method, getter)]
    fn abort(this: &State) -> Function;

    type Id;

    #[wasm_bindgen(method, getter)]
    fn name(this: &Id) -> Option<String>;

    #[wasm_bindgen(js_name = WebSocketRequestResponsePair)]
    pub(super) type AutoResponse;

    #[wasm_bindgen(constructor, catch, js_class = WebSocketRequestResponsePair)]
    pub(super) fn new(request: &str, response: &str) -> Result<AutoResponse>;
}

/// Is told of the events of a socket.
pub(super) type Listener = Closure<dyn Fn(web_sys::MessageEvent)>;

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
extern "C" {
    /// One end of a WebSocket.
    #[wasm_bindgen(js_name = WebSocket)]
    #[derive(Clone)]
    pub type Socket;

    /// In a Worker: to be told of what happens to it.
    #[wasm_bindgen(method, catch)]
    pub(super) fn accept(this: &Socket) -> Result<()>;

    #[wasm_bindgen(method, catch, js_name = addEventListener)]
    pub(super) fn listen(this: &Socket, event: &str, listener: &Listener) -> Result<()>;

    #[wasm_bindgen(method, catch, js_name = removeEventListener)]
    pub(super) fn unlisten(this: &Socket, event: &str, listener: &Listener) -> Result<()>;

    #[wasm_bindgen(method, catch)]
    pub(super) fn send(this: &Socket, data: &JsValue) -> Result<()>;

    #[wasm_bindgen(method, catch)]
    pub(super) fn close(this: &Socket, code: Option<u16>) -> Result<()>;

    #[wasm_bindgen(method, catch, js_name = serializeAttachment)]
    pub(super) fn attach(this: &Socket, text: &str) -> Result<()>;

    #[wasm_bindgen(method, catch, js_name = deserializeAttachment)]
    pub(super) fn attachment(this: &Socket) -> Result<JsValue>;

    #[wasm_bindgen(extends = Object, js_name = WebSocketPair)]
    type Pair;

    #[wasm_bindgen(constructor, catch, js_class = WebSocketPair)]
    fn new() -> Result<Pair>;

    /// A number for each socket, for as long as there is the socket.
    #[wasm_bindgen(js_name = WeakMap)]
    pub(super) type Numbers;

    #[wasm_bindgen(constructor, js_class = WeakMap)]
    pub(super) fn new() -> Numbers;

    /// NaN, which is 0 as a whole number, if there is none.
    #[wasm_bindgen(method)]
    pub(super) fn get(this: &Numbers, socket: &Socket) -> f64;

    #[wasm_bindgen(method)]
    pub(super) fn set(this: &Numbers, socket: &Socket, number: f64);
}

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
extern "C" {
    pub(super) type Storage;

    #[wasm_bindgen(method, getter)]
    pub(super) fn kv(this: &Storage) -> Kv;

    #[wasm_bindgen(method, catch, js_name = getAlarm)]
    pub(super) fn alarm(this: &Storage) -> Result<Promise>;

    /// At this time, in milliseconds since the Unix epoch.
    #[wasm_bindgen(method, catch, js_name = setAlarm)]
    pub(super) fn set_alarm(this: &Storage, millis: f64) -> Result<Promise>;

    /// Deletes all keys and values, and the alarm.
    #[wasm_bindgen(method, catch, js_name = deleteAll)]
    pub(super) fn delete_all(this: &Storage) -> Result<Promise>;

    /// Runs this; if it fails, nothing is stored of what it wrote.
    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    pub(super) fn transaction(this: &Storage, run: &mut dyn FnMut() -> Result<()>) -> Result<()>;

    /// The synchronous keys and values of a SQLite-backed object. It has no tables before the first
    /// `put`.
    pub(super) type Kv;

    #[wasm_bindgen(method, catch)]
    pub(super) fn put(this: &Kv, key: &str, value: &JsValue) -> Result<()>;

    /// `undefined` if there is none.
    #[wasm_bindgen(method, catch)]
    pub(super) fn get(this: &Kv, key: &str) -> Result<JsValue>;

    #[wasm_bindgen(method, catch, js_name = list)]
    fn list_with(this: &Kv, options: &Object) -> Result<JsValue>;
}

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
extern "C" {
    /// The objects of a class.
    pub type Objects;

    #[wasm_bindgen(method, catch, js_name = getByName)]
    fn named_with(this: &Objects, name: &str, options: &Object) -> Result<Stub>;

    #[wasm_bindgen(method, catch, js_name = jurisdiction)]
    fn within(this: &Objects, jurisdiction: &str) -> Result<Objects>;

    /// An object of which nothing is known but its name.
    pub type Stub;

    #[wasm_bindgen(method, catch)]
    pub(super) fn fetch(this: &Stub, request: &web_sys::Request) -> Result<Promise>;

    /// The version of the Worker that is deployed.
    pub(super) type Version;

    /// Its id, which the platform gives.
    #[wasm_bindgen(method, getter)]
    pub(super) fn id(this: &Version) -> String;
    /// A data set of the platform's, for what operators count.
    pub(super) type Metrics;

    #[wasm_bindgen(method, catch, js_name = writeDataPoint)]
    pub(super) fn write(this: &Metrics, point: &Object) -> Result<()>;

    /// Counts what is done too often.
    pub type RateLimiter;

    #[wasm_bindgen(method, catch)]
    pub(super) fn limit(this: &RateLimiter, options: &Object) -> Result<Promise>;

    #[wasm_bindgen(catch)]
    pub(super) fn fetch(url: &str, init: &web_sys::RequestInit) -> Result<Promise>;

    #[wasm_bindgen(catch, js_name = setTimeout)]
    fn set_timer_of(handler: &Function, millis: f64) -> Result<JsValue>;

    #[wasm_bindgen(catch, js_name = setTimeout)]
    fn set_timer(handler: &Closure<dyn Fn()>, millis: f64) -> Result<JsValue>;
}

/// The objects of a class, and where they are.
#[derive(Clone, Copy)]
pub(super) struct Placed<'a> {
    pub(super) objects: &'a Objects,
    pub(super) place: &'a Place,
}

impl Placed<'_> {
    /// The object of this name.
    pub(super) fn named(self, name: &str) -> Result<Stub> {
        let options = Object::new();
        if let Some(location) = self.place.location {
            Reflect::set(&options, &"locationHint".into(), &location.into())?;
        }
        match self.place.jurisdiction {
            Some(jurisdiction) => {
                let objects = self.objects.within(jurisdiction)?;
                objects.named_with(name, &options)
            }
            None => self.objects.named_with(name, &options),
        }
    }
}

impl Kv {
    /// The entries whose keys begin with `prefix`, each a key and a value, in the keys' order.
    pub(super) fn list(&self, prefix: &str) -> Result<Array> {
        let options = Object::new();
        Reflect::set(&options, &"prefix".into(), &prefix.into())?;
        Ok(Array::from(&self.list_with(&options)?))
    }
}

impl State {
    /// Ends the object and closes its sockets, right after this event. The platform stops all code of
    /// the object where it stands, so none of ours may be on the stack then.
    pub(super) fn abort_soon(&self, reason: &str) -> Result<()> {
        let abort = self.abort().bind1(self, &reason.into());
        set_timer_of(abort.unchecked_ref(), 0.0).map(drop)
    }

    /// The name of the object.
    ///
    /// # Errors
    ///
    /// If it has none, as it was asked for by an id that is not made of a name.
    pub fn object_name(&self) -> Result<String> {
        let name = self.id().name();
        name.ok_or_else(|| error("this object has no name: ask for objects by getByName(<room>)"))
    }
}

/// Calls this once, later.
pub(super) fn set_timeout(handler: &Closure<dyn Fn()>, after: Duration) -> Result<()> {
    set_timer(handler, after.as_secs_f64() * 1e3).map(drop)
}

/// Two ends of a WebSocket.
pub(super) fn socket_pair() -> Result<(Socket, Socket)> {
    let pair = Pair::new()?;
    let end = |index| Reflect::get_u32(&pair, index).map(JsCast::unchecked_into);
    Ok((end(0)?, end(1)?))
}

/// The response that makes a request a WebSocket, of which this is the client's end.
pub(super) fn upgraded(client: &Socket) -> Result<web_sys::Response> {
    let init = ResponseInit::new();
    init.set_status(101);
    Reflect::set(&init, &"webSocket".into(), client)?;
    web_sys::Response::new_with_opt_str_and_init(None, &init)
}

/// What the configuration binds to a name, if it is there.
#[must_use]
pub fn binding<T: JsCast>(env: &Env, name: &str) -> Option<T> {
    let value = Reflect::get(env, &JsValue::from_str(name)).ok()?;
    (!value.is_undefined()).then(|| value.unchecked_into())
}

/// A JavaScript exception with this message.
#[must_use]
pub fn error(message: &str) -> JsValue {
    worker::js_sys::Error::new(message).into()
}

/// An error in the log.
pub(super) fn log_error(what: &str, error: &JsValue) {
    console::error_2(&JsValue::from_str(what), error);
}
