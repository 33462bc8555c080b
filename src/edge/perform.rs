//! Performs the core's outputs, at once or when the [`Outbox`](crate::outbox::Outbox) returns them.

use std::rc::{Rc, Weak};
use std::time::Duration;

use worker::js_sys::{Array, Promise, Uint8Array};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::Closure;
use worker::wasm_bindgen_futures::future_to_promise;
use worker::web_sys::Response;

use super::object::{Pending, Shell};
use super::platform::{Result, Socket, log_error, set_timeout, socket_pair, upgraded};
use super::post;
use super::responses;
use super::runtime::Runtime;
use crate::io::{self, ConnectionId, Core, Data, Input, Output, Post, Reply, RequestId};
use crate::parking::Frame;
use crate::time::Timestamp;

/// With how many earlier frames a frame is compared, to find out whether it already exists in JavaScript.
/// The first is the frame that was sent last.
const FRAMES: usize = 64;

/// The callbacks for timers.
pub(super) struct Timers {
    gathered: Closure<dyn Fn()>,
    commit: Closure<dyn Fn()>,
}

impl Timers {
    pub(super) fn new<C: Core + 'static>(shell: &Weak<Shell<C>>) -> Self {
        let call = |run: fn(&Rc<Shell<C>>)| {
            let shell = Weak::clone(shell);
            Closure::<dyn Fn()>::new(move || {
                if let Some(shell) = shell.upgrade() {
                    run(&shell);
                }
            })
        };
        Self {
            gathered: call(Shell::send_gathered),
            commit: call(Shell::commit_later),
        }
    }
}

impl<C: Core + 'static> Shell<C> {
    /// Performs the outputs of a turn, or puts them into the outbox.
    pub(super) fn perform(
        self: &Rc<Self>,
        now: Timestamp,
        outputs: Vec<Output>,
        pending: Option<&mut Pending>,
    ) {
        if outputs.is_empty() {
            return;
        }
        self.outbox
            .borrow_mut()
            .push(now, outputs, |records| self.runtime.keep(records));
        let is_gathering = self.outbox.borrow().is_gathering();
        if is_gathering && pending.is_none() {
            return;
        }
        // The answer to a request must be ready when its handler returns, and earlier outputs come
        // first.
        if self.flush(now, pending) && !is_gathering {
            self.gather();
        }
    }

    /// Gathers outputs until the event loop is free.
    fn gather(&self) {
        let mut outbox = self.outbox.borrow_mut();
        match set_timeout(&self.timers.gathered, Duration::ZERO) {
            Ok(()) => outbox.gather(),
            Err(_) => outbox.rest(), // the platform allows no more timers
        }
    }

    /// Sends what was gathered.
    fn send_gathered(self: &Rc<Self>) {
        if self.flush(Runtime::now(), None) {
            self.gather();
        } else {
            self.outbox.borrow_mut().rest();
        }
    }

    /// Handles the timer of a commit.
    fn commit_later(self: &Rc<Self>) {
        self.committing.set(None);
        self.flush(Runtime::now(), None);
    }

    /// Performs the outputs that are ready. Returns whether there were any.
    fn flush(self: &Rc<Self>, now: Timestamp, pending: Option<&mut Pending>) -> bool {
        if self.runtime.is_halted() {
            return false;
        }
        let outputs = self
            .outbox
            .borrow_mut()
            .flush(now, || self.runtime.commit());
        let did = !outputs.is_empty();
        self.act(outputs, pending);
        let commit_at = self.outbox.borrow().commit_at();
        if let Some(at) = commit_at {
            self.arm_commit(now, at);
        }
        did
    }

    /// Sets a timer for [`Shell::commit_later`], unless one is set for an earlier time. The platform
    /// allows few timers, and on a busy object they are late.
    fn arm_commit(self: &Rc<Self>, now: Timestamp, at: Timestamp) {
        if self.committing.get().is_some_and(|armed| armed <= at) || self.runtime.is_halted() {
            return;
        }
        if set_timeout(&self.timers.commit, at.since(now)).is_ok() {
            self.committing.set(Some(at));
        } else {
            self.runtime.halt("there is no timer for a commit");
        }
    }

    fn act(self: &Rc<Self>, outputs: Vec<Output>, mut pending: Option<&mut Pending>) {
        let mut frames = Frames::default();
        for output in outputs {
            match (output, &mut pending) {
                (Output::Respond(reply, response), Some(pending))
                    if reply.request() == pending.request =>
                {
                    pending.answer = Some(responses::to_response(&response));
                }
                (Output::Accept(reply), Some(pending)) if reply.request() == pending.request => {
                    pending.answer = Some(self.accept(reply.request()));
                }
                (Output::Dismiss(reply), Some(pending)) if reply.request() == pending.request => {
                    pending.answer = Some(responses::dismissal());
                }
                (Output::Hold(request, limit), Some(pending)) if request == pending.request => {
                    pending.hold = Some(limit);
                }
                (Output::Attach(id, text), Some(pending))
                    if id == pending.request.into() && pending.answer.is_none() =>
                {
                    pending.attachment = Some(text);
                }
                (Output::Respond(reply, response), _) => self.release(&reply, response),
                (Output::Accept(reply), _) => {
                    let request = reply.request();
                    self.answer_late(request, || self.accept(request));
                }
                (Output::Dismiss(reply), _) => {
                    self.answer_late(reply.request(), responses::dismissal);
                }
                (Output::Hold(request, limit), _) => self.hold(request, limit),
                (Output::Send(connection, data), _) => self.send(connection, data, &mut frames),
                (Output::Close(connection, code), _) => {
                    if let Some(socket) = self.runtime.socket(connection.number()) {
                        close(&socket, code);
                    }
                }
                (Output::Attach(id, text), _) => self.attach(id.number(), &text),
                (Output::Halt(reason), _) => self.runtime.halt(&reason),
                (Output::Post(post), _) => self.post(post),
                (Output::Commit(_) | Output::CommitSoon(_), _) => {} // the outbox has taken them
            }
        }
    }

    /// A promise of the answer to a request that waits for a commit.
    pub(super) fn promise_answer(&self, request: RequestId) -> Promise {
        Promise::new(&mut |resolve, _| {
            self.late.borrow_mut().insert(request.number(), resolve);
        })
    }

    /// Resolves the promise of [`Shell::promise_answer`]. Returns whether there was one.
    fn answer_late(&self, request: RequestId, answer: impl FnOnce() -> Result<Response>) -> bool {
        let Some(resolve) = self.late.borrow_mut().remove(&request.number()) else {
            return false; // the request is or was parked
        };
        let answer = answer().or_else(|error| {
            log_error("a request cannot be answered:", &error);
            responses::unavailable()
        });
        if let Ok(answer) = answer {
            let _ = resolve.call1(&JsValue::UNDEFINED, &answer); // a promise accepts any value
        }
        true
    }

    fn attach(&self, number: u64, text: &str) {
        if let Some(socket) = self.runtime.socket(number)
            && let Err(error) = socket.attach(text)
        {
            // Without its attachment the session would be lost with the memory. The client
            // reconnects now.
            log_error(
                "a connection is closed, because its attachment cannot be written:",
                &error,
            );
            close(&socket, None);
        }
    }

    /// Sends a request to another server or another object.
    fn post(self: &Rc<Self>, post: Post) {
        let shell = Rc::clone(self);
        let asked = future_to_promise(async move {
            let answer = post::post(&post, shell.runtime.objects()).await;
            shell.handle(Input::Posted(post.number, answer), None);
            shell.rearm();
            Ok(JsValue::UNDEFINED)
        });
        let _ = self.runtime.state.wait_until(&asked); // it runs in the background
    }

    fn send(&self, connection: ConnectionId, data: Data, frames: &mut Frames) {
        let sockets = self.runtime.sockets.borrow();
        if let Some(socket) = sockets.get(&connection.number())
            && let Some(frame) = frames.get(data)
        {
            // A closing WebSocket accepts no frames; the core gets its close event next.
            let _ = socket.send(frame);
        }
    }

    fn accept(&self, request: RequestId) -> Result<Response> {
        let tag = request.number().to_string();
        upgraded(&self.open(request.number(), &tag)?)
    }

    /// Parks a request in the Worker, which waits for the answer on a WebSocket.
    pub(super) fn park(
        &self,
        request: RequestId,
        attachment: Option<String>,
        hold: Option<Duration>,
    ) -> Result<Response> {
        let tag = format!("-{}", request.number());
        let client = self.open(request.number(), &tag)?;
        if let Some(text) = attachment {
            self.attach(request.number(), &text);
        }
        if let Some(limit) = hold {
            self.hold(request, limit);
        }
        upgraded(&client)
    }

    /// Tells the Worker the time limit for a parked request.
    fn hold(&self, request: RequestId, limit: Duration) {
        if let Some(socket) = self.runtime.socket(request.number()) {
            // If the client disconnected, the core gets an event when the WebSocket closes.
            let _ = socket.send(&Frame::Hold(limit).encode().into());
        }
    }

    /// Answers a request that is parked or waits for a commit.
    fn release(&self, reply: &Reply, response: io::Response) {
        let request = reply.request();
        if self.answer_late(request, || responses::to_response(&response)) {
            return;
        }
        let socket = self.runtime.sockets.borrow_mut().remove(&request.number());
        if let Some(socket) = socket {
            // If the client disconnected, the core gets an event when the WebSocket closes.
            let _ = socket.send(&Frame::Answer(response).encode().into());
            close(&socket, Some(1000));
        }
    }

    /// Opens a WebSocket. Returns its other end.
    fn open(&self, number: u64, tag: &str) -> Result<Socket> {
        let (client, server) = socket_pair()?;
        self.runtime
            .state
            .accept(&server, &Array::of1(&tag.into()))?;
        self.runtime.sockets.borrow_mut().insert(number, server);
        Ok(client)
    }
}

/// The JavaScript values of the frames that are sent together: many `WebSockets` may get the same frames in
/// the same order.
#[derive(Default)]
struct Frames {
    known: Vec<(Data, JsValue)>,
    /// The place of the frame that was sent last. The search for the next frame begins there.
    next: usize,
}

impl Frames {
    fn get(&mut self, data: Data) -> Option<&JsValue> {
        let len = self.known.len();
        let places = (self.next..len).chain(0..self.next.min(len));
        let mut near = places.take(FRAMES);
        let found = near.find(|place| {
            let known = self.known.get(*place);
            known.is_some_and(|(known, _)| known.is_same(&data))
        });
        let place = found.unwrap_or_else(|| {
            let frame = match &data {
                Data::Text(text) => JsValue::from_str(text),
                Data::Binary(bytes) => Uint8Array::from(&**bytes).into(),
            };
            self.known.push((data, frame));
            len
        });
        self.next = place;
        self.known.get(place).map(|(_, frame)| frame)
    }
}

/// Closes a WebSocket and removes its attachment. The platform lists the WebSocket until the other end
/// confirms the close; a lost client never does. After the loss of memory, a WebSocket without an
/// attachment is ignored.
pub(super) fn close(socket: &Socket, code: Option<u16>) {
    let _ = socket.attach("");
    let _ = socket.close(code); // it may be closed already
}
