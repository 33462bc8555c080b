//! Requests to other servers and other objects.

use std::pin::pin;

use futures::future::{Either, select};
use worker::Delay;
use worker::js_sys::Reflect;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{
    AbortController, AbortSignal, Headers, Request, RequestInit, RequestRedirect, Response,
};

use super::incoming::read_stream;
use super::inner::Sender;
use super::platform::{Placed, Result, error, fetch};
use crate::io::{Answer, Post, Recipient};

/// The maximum size of an answer that is read, in bytes.
const MAX_ANSWER: usize = 65_536;

/// Sends a request to another server or another object. The error says why there is no answer.
pub(super) async fn post(
    post: &Post,
    objects: Option<Placed<'_>>,
) -> std::result::Result<Answer, String> {
    let Ok(controller) = AbortController::new() else {
        return Err("the request cannot get a time limit".to_owned());
    };
    // A timer of `AbortSignal.timeout` cannot be cancelled, and would keep the object awake.
    let signal = controller.signal();
    let answer = pin!(ask(post, objects, &signal));
    let answer = match select(answer, pin!(Delay::from(post.timeout))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => {
            controller.abort();
            return Err("it did not answer in time".to_owned());
        }
    };
    answer.map_err(|error| {
        let message = Reflect::get(&error, &"message".into()).ok();
        let message = message.and_then(|message| message.as_string());
        message.unwrap_or_else(|| "the request failed".to_owned())
    })
}

async fn ask(post: &Post, objects: Option<Placed<'_>>, signal: &AbortSignal) -> Result<Answer> {
    let headers = Headers::new()?;
    headers.set("content-type", "application/json")?;
    for (name, value) in &post.headers {
        headers.set(name, value)?;
    }
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_headers(&headers);
    init.set_body(&JsValue::from_str(&post.body));
    init.set_redirect(RequestRedirect::Manual); // a redirect must not get the secret headers
    init.set_signal(Some(signal));
    let fetched = match &post.to {
        Recipient::Server(url) => fetch(url, &init)?,
        Recipient::Object { name, action } => {
            let objects = objects.ok_or_else(|| error("wrangler.toml binds no ROOM"))?;
            let request = Request::new_with_str_and_init(&Sender::Operator.url(action), &init)?;
            objects.named(name)?.fetch(&request)?
        }
    };
    let response: Response = JsFuture::from(fetched).await?.unchecked_into();
    let body = match response.body() {
        Some(stream) => read_stream(&stream, MAX_ANSWER).await?,
        None => None,
    };
    Ok(Answer {
        status: response.status(),
        body: String::from_utf8(body.unwrap_or_default()).unwrap_or_default(),
    })
}
