//! Direct bindings to the platform. Calls to it take most of the processor time, and the wrappers of the crate
//! `worker` would add unused code to them.

use std::time::Duration;

use worker::Env;
use worker::js_sys::{Array, Function, Object, Promise, Reflect};
use worker::wasm_bindgen::prelude::*;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::web_sys::{self, ResponseInit, console};

use crate::settings::Place;

/// The error is a JavaScript exception from the platform.
pub type Result<T> = std::result::Result<T, JsValue>;

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
extern "C" {
    /// The state that a Durable Object is constructed with.
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

/// A callback for a WebSocket's events.
pub(super) type Listener = Closure<dyn Fn(web_sys::MessageEvent)>;

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
extern "C" {
    /// One end of a WebSocket.
    #[wasm_bindgen(js_name = WebSocket)]
    #[derive(Clone)]
    pub type Socket;

    /// For a WebSocket in the Worker: lets it receive events.
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

    /// Numbers `WebSockets`. An entry lasts as long as its WebSocket.
    #[wasm_bindgen(js_name = WeakMap)]
    pub(super) type Numbers;

    #[wasm_bindgen(constructor, js_class = WeakMap)]
    pub(super) fn new() -> Numbers;

    /// The number of a WebSocket. It is NaN if the WebSocket has no number; as a whole number, that is 0.
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

    /// Sets the alarm, in milliseconds since the Unix epoch.
    #[wasm_bindgen(method, catch, js_name = setAlarm)]
    pub(super) fn set_alarm(this: &Storage, millis: f64) -> Result<Promise>;

    /// Deletes all keys and values, and the alarm.
    #[wasm_bindgen(method, catch, js_name = deleteAll)]
    pub(super) fn delete_all(this: &Storage) -> Result<Promise>;

    /// Runs this function in a transaction: if it fails, nothing that it wrote is stored.
    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    pub(super) fn transaction(this: &Storage, run: &mut dyn FnMut() -> Result<()>) -> Result<()>;

    /// The synchronous key-value storage of a SQLite-backed object. It has no tables before the
    /// first `put`.
    pub(super) type Kv;

    #[wasm_bindgen(method, catch)]
    pub(super) fn put(this: &Kv, key: &str, value: &JsValue) -> Result<()>;

    /// `undefined` if nothing is stored under the key.
    #[wasm_bindgen(method, catch)]
    pub(super) fn get(this: &Kv, key: &str) -> Result<JsValue>;

    #[wasm_bindgen(method, catch, js_name = list)]
    fn list_with(this: &Kv, options: &Object) -> Result<JsValue>;
}

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
extern "C" {
    /// The namespace of a Durable Object class.
    pub type Objects;

    #[wasm_bindgen(method, catch, js_name = getByName)]
    fn named_with(this: &Objects, name: &str, options: &Object) -> Result<Stub>;

    #[wasm_bindgen(method, catch, js_name = jurisdiction)]
    fn within(this: &Objects, jurisdiction: &str) -> Result<Objects>;

    /// A stub of the object with this name.
    pub type Stub;

    #[wasm_bindgen(method, catch)]
    pub(super) fn fetch(this: &Stub, request: &web_sys::Request) -> Result<Promise>;

    /// The deployed version of the Worker.
    pub(super) type Version;

    /// Its id, from the platform.
    #[wasm_bindgen(method, getter)]
    pub(super) fn id(this: &Version) -> String;

    /// A data set of the platform's Analytics Engine.
    pub(super) type Metrics;

    #[wasm_bindgen(method, catch, js_name = writeDataPoint)]
    pub(super) fn write(this: &Metrics, point: &Object) -> Result<()>;

    /// A rate limiter of the platform.
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

/// The namespace of a class, and the location of its objects.
#[derive(Clone, Copy)]
pub(super) struct Placed<'a> {
    pub(super) objects: &'a Objects,
    pub(super) place: &'a Place,
}

impl Placed<'_> {
    /// The object with this name.
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
    /// The entries whose keys begin with `prefix`, as pairs of key and value, sorted by key.
    pub(super) fn list(&self, prefix: &str) -> Result<Array> {
        let options = Object::new();
        Reflect::set(&options, &"prefix".into(), &prefix.into())?;
        Ok(Array::from(&self.list_with(&options)?))
    }
}

impl State {
    /// Ends the object and closes its `WebSockets`, right after this event. The platform stops all code
    /// of the object at once, so this must not happen while our code runs.
    pub(super) fn abort_soon(&self, reason: &str) -> Result<()> {
        let abort = self.abort().bind1(self, &reason.into());
        set_timer_of(abort.unchecked_ref(), 0.0).map(drop)
    }

    /// The name of the object.
    ///
    /// # Errors
    ///
    /// If the object has no name: it was addressed by an id that is not made from a name.
    pub fn object_name(&self) -> Result<String> {
        let name = self.id().name();
        name.ok_or_else(|| error("this object has no name: get objects by getByName(<room>)"))
    }
}

/// Calls the handler once, after this time.
pub(super) fn set_timeout(handler: &Closure<dyn Fn()>, after: Duration) -> Result<()> {
    set_timer(handler, after.as_secs_f64() * 1e3).map(drop)
}

/// Two ends of a WebSocket.
pub(super) fn socket_pair() -> Result<(Socket, Socket)> {
    let pair = Pair::new()?;
    let end = |index| Reflect::get_u32(&pair, index).map(JsCast::unchecked_into);
    Ok((end(0)?, end(1)?))
}

/// The response that upgrades a request to a WebSocket. `client` is the client's end.
pub(super) fn upgraded(client: &Socket) -> Result<web_sys::Response> {
    let init = ResponseInit::new();
    init.set_status(101);
    Reflect::set(&init, &"webSocket".into(), client)?;
    web_sys::Response::new_with_opt_str_and_init(None, &init)
}

/// The binding with this name, if the configuration has one.
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

/// Writes an error into the log.
pub(super) fn log_error(what: &str, error: &JsValue) {
    console::error_2(&JsValue::from_str(what), error);
}
