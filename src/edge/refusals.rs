//! Log lines about clients that the Worker refuses.

use std::cell::RefCell;

use worker::wasm_bindgen::JsValue;
use worker::web_sys::console;

use super::runtime::Runtime;
use crate::rate::LogLimit;
use crate::socket;

thread_local! {
    /// One limit for the whole isolate, because a client can cause a refusal with each request.
    static LOG_LIMIT: RefCell<LogLimit> = RefCell::default();
}

/// Logs a refused client in one line, within the limit.
pub(super) fn log_refusal(
    event: &str,
    status: u16,
    reason: &str,
    room: Option<&str>,
    origin: Option<&str>,
) {
    let Some(dropped) = LOG_LIMIT.with_borrow_mut(|limit| limit.take(Runtime::now())) else {
        return;
    };
    let origin = origin.filter(|origin| origin.len() < 300); // no real origin is longer
    let line = socket::Object::new()
        .with("event", event)
        .with("reason", reason)
        .with("status", &status)
        .with("room", &room)
        .with("origin", &origin)
        .with("dropped", &dropped)
        .json();
    console::log_1(&JsValue::from_str(line.as_str()));
}
