//! Asking another server.

use worker::js_sys::Reflect;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{AbortSignal, Headers, Request, RequestInit, RequestRedirect, Response};

use super::api::inner_url;
use super::http::read_stream;
use super::platform::{Placed, Result, error, fetch};
use crate::io::{Answer, Post, Recipient};
use crate::time::millis;

/// How much of an answer is read, in bytes.
const MAX_ANSWER: usize = 65_536;

/// Asks another server; an error is why it gave no answer.
pub(super) async fn post(
    post: &Post,
    objects: Option<Placed<'_>>,
) -> std::result::Result<Answer, String> {
    ask(post, objects).await.map_err(|error| {
        let message = Reflect::get(&error, &"message".into()).ok();
        let message = message.and_then(|message| message.as_string());
        message.unwrap_or_else(|| "the request failed".to_owned())
    })
}

async fn ask(post: &Post, objects: Option<Placed<'_>>) -> Result<Answer> {
    let headers = Headers::new()?;
    headers.set("content-type", "application/json")?;
    for (name, value) in &post.headers {
        headers.set(name, value)?;
    }
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_headers(&headers);
    init.set_body(&JsValue::from_str(&post.body));
    init.set_redirect(RequestRedirect::Manual); // the secret is for this server alone
    let timeout = u32::try_from(millis(post.timeout)).unwrap_or(u32::MAX);
    init.set_signal(Some(&AbortSignal::timeout_with_u32(timeout)));
    let fetched = match &post.to {
        Recipient::Server(url) => fetch(url, &init)?,
        Recipient::Object { name, action } => {
            let objects = objects.ok_or_else(|| error("wrangler.toml binds no ROOM"))?;
            let request = Request::new_with_str_and_init(&inner_url(action), &init)?;
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
