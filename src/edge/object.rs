//! A Durable Object: its callbacks become inputs, and the core's outputs become calls.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use worker::js_sys::{Function, Promise, Uint8Array};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::future_to_promise;
use worker::web_sys::{Request, Response};
use worker::{Env, console_error};

use super::alarm::Alarm;
use super::entropy;
use super::forward::to_input;
use super::incoming::Incoming;
use super::inner::Sender;
use super::parked;
use super::perform::Timers;
use super::platform::{AutoResponse, Numbers, Result, Socket, State, log_error};
use super::responses;
use super::runtime::Runtime;
use crate::engine::AUTO_RESPONSE;
use crate::io::{self, ConnectionId, Core, Data, Input, Reply, RequestId, Survivors};
use crate::map::Map;
use crate::outbox::Outbox;
use crate::parking::VERSION;
use crate::settings::Place;
use crate::time::Timestamp;

/// The close code of a page that the user left (RFC 6455, section 7.4.1).
const GOING_AWAY: u16 = 1001;

/// Runs a core in a Durable Object. Each method is a handler of the object. The work is done when
/// it returns, except where it returns a promise.
pub struct Shell<C> {
    pub(super) runtime: Rc<Runtime>,
    pub(super) core: RefCell<C>,
    next_number: Cell<u64>,
    pub(super) alarm: Cell<Alarm>,
    /// The tags that were read from the platform. The key of each is its WebSocket.
    tags: Numbers,
    pub(super) outbox: RefCell<Outbox>,
    pub(super) timers: Timers,
    /// When the timer of the next commit ends, if one is set.
    pub(super) committing: Cell<Option<Timestamp>>,
    /// Resolves the promises of responses that wait for a commit, by the numbers of their requests.
    pub(super) late: RefCell<Map<u64, Function>>,
}

/// The role of a WebSocket. The platform keeps it as a tag: the number of the connection or, as a
/// negative number, that of the parked request.
enum Tag {
    Connection(ConnectionId),
    Parked(RequestId),
}

/// The current request, until it is answered or parked.
pub(super) struct Pending {
    pub(super) request: RequestId,
    pub(super) attachment: Option<String>,
    pub(super) hold: Option<Duration>,
    pub(super) answer: Option<Result<Response>>,
}

impl<C: Core + 'static> Shell<C> {
    /// Makes the shell of a new object, or of an object that has lost its memory. `place` is where
    /// the objects of its class are. With `auto_response` the platform answers [`AUTO_RESPONSE`].
    pub fn new(
        state: State,
        env: &Env,
        place: Place,
        auto_response: bool,
        core: impl FnOnce(Rc<Runtime>) -> C,
    ) -> Rc<Self> {
        let runtime = Rc::new(Runtime::new(state, env, place));
        if auto_response {
            let (request, response) = AUTO_RESPONSE;
            let set = AutoResponse::new(request, response)
                .and_then(|pair| runtime.state.set_auto_response(&pair));
            if let Err(error) = set {
                log_error("the automatic response cannot be set:", &error);
            }
        }
        let shell = Rc::new_cyclic(|shell| Self {
            core: RefCell::new(core(Rc::clone(&runtime))),
            runtime,
            next_number: Cell::new(1),
            alarm: Cell::new(Alarm::Unknown),
            tags: Numbers::new(),
            outbox: RefCell::default(),
            timers: Timers::new(shell),
            committing: Cell::default(),
            late: RefCell::default(),
        });
        let survivors = shell.survivors();
        let now = Runtime::now();
        let outputs = shell.core.borrow_mut().restore(now, survivors);
        shell.perform(now, outputs, None);
        shell
    }

    /// Handles a request from [`super::serve`]. Returns the response, or a promise of it if a body
    /// must be read first, or if the response waits for a commit.
    ///
    /// # Errors
    ///
    /// If the platform refuses a WebSocket.
    pub fn fetch(self: &Rc<Self>, request: Request) -> Result<JsValue> {
        if !entropy::is_available() {
            console_error!("no entropy: a request is refused");
            return responses::unavailable().map(JsValue::from);
        }
        let request = Incoming::new(request)?;
        let Some(sender) = Sender::of(request.url()) else {
            console_error!(
                "a request is refused: it is not of version {VERSION:?}, which this object reads; \
                 after a deploy the Worker may have another version for a moment"
            );
            return responses::unavailable().map(JsValue::from);
        };
        if request.method() != io::Method::Post {
            return self.answer(&request, sender, Vec::new());
        }
        let shell = Rc::clone(self);
        let response = async move {
            let body = request.body().await?;
            shell.answer(&request, sender, body)
        };
        Ok(future_to_promise(response).into())
    }

    fn answer(
        self: &Rc<Self>,
        request: &Incoming,
        sender: Sender,
        body: Vec<u8>,
    ) -> Result<JsValue> {
        let id = self.next_request();
        let parkable = parked::is_parkable(request)?;
        let input = to_input(request, sender, body, Reply::to(id), parkable)?;
        let mut pending = Pending {
            request: id,
            attachment: None,
            hold: None,
            answer: None,
        };
        self.handle(input, Some(&mut pending));
        let response = match pending.answer {
            Some(answer) => {
                answer.inspect_err(|_| self.handle(Input::Disconnected(id.into()), None))
            }
            None if self.runtime.is_halted() => responses::unavailable(),
            None if self.outbox.borrow().owes(id) => {
                self.rearm();
                return Ok(self.promise_answer(id).into());
            }
            None if parkable => self
                .park(id, pending.attachment, pending.hold)
                .inspect_err(|_| self.handle(Input::Aborted(id), None)),
            None => responses::plain(500, "this request cannot wait for its answer"),
        };
        self.rearm();
        response.map(JsValue::from)
    }

    /// Handles a frame.
    pub fn message(self: &Rc<Self>, socket: &Socket, data: &JsValue) {
        let input = match self.tag(socket) {
            Some(Tag::Connection(from)) => {
                let data = match data.as_string() {
                    Some(text) => Data::Text(text.into()),
                    None => Data::Binary(Uint8Array::new(data).to_vec().into()),
                };
                Input::Received { from, data }
            }
            // The Worker has held the request for its maximum time.
            Some(Tag::Parked(request)) => Input::Overdue(request),
            None => return,
        };
        self.handle(input, None);
        self.rearm();
    }

    /// Handles a WebSocket that is closing or closed.
    pub fn closed(self: &Rc<Self>, socket: &Socket, code: u16) {
        // Without a close frame in return, the other end would see an abnormal closure. A lost
        // connection cannot be answered, and not every code may be sent back.
        let answer = match code {
            1006 | 1015 => None,
            1000 | 3000..=4999 => Some(Some(code)),
            _ => Some(None),
        };
        if let Some(code) = answer {
            let _ = socket.close(code); // it may be closed already
        }
        let (number, input) = match self.tag(socket) {
            Some(Tag::Connection(connection)) if code == GOING_AWAY => {
                (connection.number(), Input::WentAway(connection))
            }
            Some(Tag::Connection(connection)) => {
                (connection.number(), Input::Disconnected(connection))
            }
            Some(Tag::Parked(request)) => (request.number(), Input::Aborted(request)),
            None => return,
        };
        self.runtime.sockets.borrow_mut().remove(&number);
        self.handle(input, None);
        self.rearm();
    }

    /// Handles the alarm. Returns a promise if the next alarm must be set. If that fails, the
    /// platform repeats this alarm up to six times. The core has then done its work already, and
    /// does not repeat it.
    pub fn alarm(self: &Rc<Self>) -> Option<Promise> {
        self.alarm.set(Alarm::Unset);
        self.handle(Input::Wake, None);
        self.arm()
    }

    /// Handles one input and all its outputs. Nothing may come in between, so nothing here waits.
    pub(super) fn handle(self: &Rc<Self>, input: Input, pending: Option<&mut Pending>) {
        if self.runtime.is_halted() {
            return;
        }
        let now = Runtime::now();
        let outputs = self.core.borrow_mut().handle(now, input);
        self.perform(now, outputs, pending);
    }

    fn next_request(&self) -> RequestId {
        let number = self.next_number.get();
        self.next_number.set(number.wrapping_add(1));
        RequestId::new(number)
    }

    fn tag(&self, socket: &Socket) -> Option<Tag> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "they are whole numbers, and far from 2 to the power of 53"
        )]
        let number = match self.tags.get(socket) as i64 {
            0 => {
                let tag = self.runtime.state.tags(socket).ok()?.get(0).as_string()?;
                let number = tag.parse::<i64>().ok()?;
                self.tags.set(socket, number as f64);
                number
            }
            known => known,
        };
        let is_parked = number.is_negative();
        let number = number.unsigned_abs();
        Some(if is_parked {
            Tag::Parked(RequestId::new(number))
        } else {
            Tag::Connection(ConnectionId::new(number))
        })
    }

    /// Each WebSocket that is still open after the loss of memory. New numbers begin above theirs.
    fn survivors(&self) -> Survivors {
        let mut survivors = Survivors::default();
        for socket in self.runtime.state.sockets().unwrap_or_default() {
            let attachment = socket.attachment().ok();
            let attachment = attachment.and_then(|attachment| attachment.as_string());
            let attachment = attachment.unwrap_or_default();
            let number = match self.tag(&socket) {
                Some(Tag::Connection(connection)) => {
                    survivors.connections.push((connection, attachment));
                    connection.number()
                }
                Some(Tag::Parked(request)) => {
                    survivors.requests.push((Reply::to(request), attachment));
                    request.number()
                }
                None => continue,
            };
            self.runtime.sockets.borrow_mut().insert(number, socket);
            self.next_number
                .set(self.next_number.get().max(number.wrapping_add(1)));
        }
        survivors
    }
}
