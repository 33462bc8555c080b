//! A Durable Object's callbacks become inputs, the core's outputs become calls.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use worker::js_sys;
use worker::wasm_bindgen::JsValue;
use worker::{
    Delay, Request, Response, Result, ScheduledTime, State, WebSocket, WebSocketIncomingMessage,
    WebSocketPair, console_error,
};

use super::entropy;
use super::http;
use super::parked::{self, Frame};
use super::responses;
use super::runtime::Runtime;
use crate::engine::AUTO_RESPONSE;
use crate::io::{
    self, ConnectionId, Core, Data, Input, Output, Record, Reply, RequestId, SOON, Survivors,
};

/// The close code of a page that is left (RFC 6455, section 7.4.1).
const GOING_AWAY: usize = 1001;

/// Runs a core in a Durable Object. Each method is one of the object's handlers.
pub struct Shell<C> {
    state: State,
    runtime: Rc<Runtime>,
    core: RefCell<C>,
    next_number: Cell<u64>,
    alarm: Cell<Alarm>,
    /// Whether what is to be kept soon has a timer.
    flushing: Rc<Cell<bool>>,
}

/// What is known of the object's one alarm.
#[derive(Clone, Copy)]
enum Alarm {
    /// Memory was lost: it may be set.
    Unknown,
    Unset,
    /// Set for this time, in milliseconds since the Unix epoch.
    Set(u64),
}

/// A socket's tag: what it is, and its number.
enum Tag {
    Connection(ConnectionId),
    Parked(RequestId),
}

/// A request in hand, until it is answered or parked.
struct Pending {
    request: RequestId,
    attachment: Option<String>,
    hold: Option<Duration>,
    answer: Option<Result<Response>>,
}

impl<C: Core> Shell<C> {
    /// A new object, or one whose memory was lost. With `auto_response`, the platform
    /// answers [`AUTO_RESPONSE`] by itself.
    pub fn new(state: State, auto_response: bool, core: impl FnOnce(Rc<Runtime>) -> C) -> Self {
        let runtime = Rc::new(Runtime::new(&state));
        if auto_response {
            let (request, response) = AUTO_RESPONSE;
            match worker::WebSocketRequestResponsePair::new(request, response) {
                Ok(pair) => state.set_websocket_auto_response(&pair),
                Err(_) => console_error!("the platform does not answer by itself"),
            }
        }
        let shell = Self {
            core: RefCell::new(core(Rc::clone(&runtime))),
            state,
            runtime,
            next_number: Cell::new(1),
            alarm: Cell::new(Alarm::Unknown),
            flushing: Rc::default(),
        };
        let survivors = shell.survivors();
        let outputs = shell.core.borrow_mut().restore(Runtime::now(), survivors);
        shell.perform(outputs, None);
        shell
    }

    /// A request, as [`super::serve`] hands it over.
    ///
    /// # Errors
    ///
    /// When the platform refuses a socket.
    pub async fn fetch(&self, mut request: Request) -> Result<Response> {
        if !entropy::is_available() {
            console_error!("no entropy: a request is refused");
            return responses::unavailable();
        }
        let parkable = parked::is_parkable(&request)?;
        let request = http::to_input(&mut request, Reply::to(self.next_request())).await?;
        let id = request.reply.request();
        let mut pending = Pending {
            request: id,
            attachment: None,
            hold: None,
            answer: None,
        };
        self.handle(Input::Request(request), Some(&mut pending));
        let response = match pending.answer {
            Some(answer) => {
                answer.inspect_err(|_| self.handle(Input::Disconnected(id.into()), None))
            }
            None if parkable => self
                .park(id, pending.attachment, pending.hold)
                .inspect_err(|_| self.handle(Input::Aborted(id), None)),
            None => Response::error("this request cannot wait for its answer", 500),
        };
        self.rearm().await;
        response
    }

    /// A frame.
    pub async fn message(&self, socket: &WebSocket, message: WebSocketIncomingMessage) {
        let input = match (self.tag(socket), message) {
            (Some(Tag::Connection(from)), WebSocketIncomingMessage::String(text)) => {
                let data = Data::Text(text.into());
                Input::Received { from, data }
            }
            (Some(Tag::Connection(from)), WebSocketIncomingMessage::Binary(bytes)) => {
                let data = Data::Binary(bytes.into());
                Input::Received { from, data }
            }
            // The Worker has held the request long enough.
            (Some(Tag::Parked(request)), _) => Input::Overdue(request),
            (None, _) => return,
        };
        self.handle(input, None);
        self.rearm().await;
    }

    /// A socket is closing, or gone.
    pub async fn closed(&self, socket: &WebSocket, code: usize) {
        // Without an answer the peer would see an abnormal closure. There is nobody to answer if
        // the connection was lost, and not every code may be sent back.
        let answer = match code {
            1006 | 1015 => None,
            1000 | 3000..=4999 => Some(u16::try_from(code).ok()),
            _ => Some(None),
        };
        if let Some(code) = answer {
            let _ = socket.close(code, None::<&str>); // it may be closed already
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
        self.rearm().await;
    }

    /// The alarm.
    ///
    /// # Errors
    ///
    /// When the next one cannot be set: the platform then runs this one again, up to six times. The
    /// core, which has done what was due, does it once.
    pub async fn alarm(&self) -> Result<()> {
        self.alarm.set(Alarm::Unset);
        self.handle(Input::Wake, None);
        self.arm().await
    }

    /// One turn: nothing may come between an input and its last output, so nothing here waits.
    fn handle(&self, input: Input, pending: Option<&mut Pending>) {
        let outputs = self.core.borrow_mut().handle(Runtime::now(), input);
        self.perform(outputs, pending);
    }

    fn perform(&self, outputs: Vec<Output>, mut pending: Option<&mut Pending>) {
        for output in outputs {
            match (output, &mut pending) {
                (Output::Respond(reply, response), Some(pending))
                    if reply.request() == pending.request =>
                {
                    pending.answer = Some(responses::to_response(response));
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
                (Output::Save(Record::Attached(id, text)), Some(pending))
                    if id == pending.request.into() && pending.answer.is_none() =>
                {
                    pending.attachment = Some(text);
                }
                (Output::Respond(reply, response), _) => self.release(&reply, response),
                (Output::Hold(request, limit), _) => self.hold(request, limit),
                (Output::Accept(_) | Output::Dismiss(_), _) => {} // its request is over
                (Output::Send(connection, data), _) => self.send(connection, &data),
                (Output::Close(connection, code), _) => {
                    if let Some(socket) = self.runtime.socket(connection.number()) {
                        close(&socket, code);
                    }
                }
                (Output::Save(record), _) => self.runtime.save(record),
                (Output::SaveSoon(record), _) => self.save_soon(record),
            }
        }
    }

    /// Keeps a record together with those that follow.
    fn save_soon(&self, record: Record) {
        self.runtime.save_soon(record);
        // One timer at a time: the platform allows for few, and a busy object hears of them late.
        if !self.flushing.replace(true) {
            let (runtime, flushing) = (Rc::clone(&self.runtime), Rc::clone(&self.flushing));
            self.state.wait_until(async move {
                Delay::from(SOON).await;
                flushing.set(false);
                runtime.flush();
            });
        }
    }

    fn send(&self, connection: ConnectionId, data: &Data) {
        let sockets = self.runtime.sockets.borrow();
        let Some(socket) = sockets.get(&connection.number()) else {
            return;
        };
        // A socket that is closing takes nothing more; its close is under way to the core.
        let _ = match data {
            Data::Text(text) => socket.send_with_str(text),
            Data::Binary(bytes) => socket.send_with_bytes(bytes),
        };
    }

    fn accept(&self, request: RequestId) -> Result<Response> {
        let tag = format!("c{}", request.number());
        Response::from_websocket(self.open(request.number(), &tag)?)
    }

    /// Leaves a request to the Worker, which waits for its answer on a socket.
    fn park(
        &self,
        request: RequestId,
        attachment: Option<String>,
        hold: Option<Duration>,
    ) -> Result<Response> {
        let tag = format!("p{}", request.number());
        let client = self.open(request.number(), &tag)?;
        if let Some(text) = attachment {
            let record = Record::Attached(request.into(), text);
            self.runtime.save(record);
        }
        if let Some(limit) = hold {
            self.hold(request, limit);
        }
        Response::from_websocket(client)
    }

    /// Tells the Worker within what time it is to ask for the answer to a parked request.
    fn hold(&self, request: RequestId, limit: Duration) {
        if let Some(socket) = self.runtime.socket(request.number()) {
            // If the client is gone, the core is told when the socket closes.
            let _ = socket.send_with_str(Frame::Hold(limit).encode());
        }
    }

    /// Answers a parked request.
    fn release(&self, reply: &Reply, response: io::Response) {
        let number = reply.request().number();
        let socket = self.runtime.sockets.borrow_mut().remove(&number);
        if let Some(socket) = socket {
            // If the client is gone, the core is told when the socket closes.
            let _ = socket.send_with_str(Frame::Answer(response).encode());
            close(&socket, Some(1000));
        }
    }

    fn open(&self, number: u64, tag: &str) -> Result<WebSocket> {
        let WebSocketPair { client, server } = WebSocketPair::new()?;
        // Through the raw call, as the crate's own panics when the platform refuses.
        self.state
            .as_raw()
            .accept_websocket_with_tags(server.as_ref(), vec![JsValue::from_str(tag)])?;
        self.runtime.sockets.borrow_mut().insert(number, server);
        Ok(client)
    }

    fn next_request(&self) -> RequestId {
        let number = self.next_number.get();
        self.next_number.set(number.wrapping_add(1));
        RequestId::new(number)
    }

    fn tag(&self, socket: &WebSocket) -> Option<Tag> {
        let tags = self.state.as_raw().get_tags(socket.as_ref()).ok()?;
        let tag = tags.first()?;
        let number = tag.get(1..)?.parse().ok()?;
        match tag.as_bytes().first()? {
            b'c' => Some(Tag::Connection(ConnectionId::new(number))),
            b'p' => Some(Tag::Parked(RequestId::new(number))),
            _ => None,
        }
    }

    /// The sockets that outlived memory. Numbers go on above theirs.
    fn survivors(&self) -> Survivors {
        let mut survivors = Survivors::default();
        for socket in self.state.as_raw().get_websockets().unwrap_or_default() {
            let socket = WebSocket::from(socket);
            let attachment = socket.deserialize_attachment();
            let attachment: String = attachment.ok().flatten().unwrap_or_default();
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

    /// Sets the alarm, and leaves a failure to the next event: there is one, since clients that get
    /// no ping give up, and the Worker asks for parked requests by its own clock.
    async fn rearm(&self) {
        let _ = self.arm().await; // it is logged
    }

    /// Sets the alarm, if the next deadline comes before it. One that comes too early does no
    /// harm, and setting it costs.
    async fn arm(&self) -> Result<()> {
        if self.core.borrow().deadline().is_none() {
            return Ok(());
        }
        let storage = self.state.storage();
        if matches!(self.alarm.get(), Alarm::Unknown) {
            let alarm = match storage.get_alarm().await {
                Ok(Some(at)) => u64::try_from(at).map_or(Alarm::Unset, Alarm::Set),
                Ok(None) => Alarm::Unset,
                Err(error) => {
                    console_error!("the alarm cannot be read: {error}");
                    Alarm::Unset
                }
            };
            self.alarm.set(alarm);
        }
        let Some(deadline) = self.core.borrow().deadline() else {
            return Ok(());
        };
        let deadline = deadline.as_millis();
        if matches!(self.alarm.get(), Alarm::Set(at) if at <= deadline) {
            return Ok(());
        }
        self.alarm.set(Alarm::Set(deadline));
        #[expect(
            clippy::cast_precision_loss,
            reason = "a JavaScript date is exact to the millisecond for 200,000 years"
        )]
        let date = js_sys::Date::new(&JsValue::from_f64(deadline as f64));
        let set = storage.set_alarm(ScheduledTime::new(date)).await;
        set.inspect_err(|error| {
            console_error!("the alarm cannot be set: {error}");
            self.alarm.set(Alarm::Unset);
        })
    }
}

/// Closes a socket for good. The platform lists it until the peer has answered, which one that
/// vanished never does: without its attachment it is nobody's when memory is lost meanwhile.
fn close(socket: &WebSocket, code: Option<u16>) {
    let _ = socket.serialize_attachment("");
    let _ = socket.close(code, None::<&str>); // it may be closed already
}
