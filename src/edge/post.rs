//! Asking another server.

use worker::js_sys::Reflect;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{AbortSignal, Headers, RequestInit, RequestRedirect, Response};

use super::platform::{Result, fetch};
use crate::io::{Answer, Post};

/// How long it may take. The object stays awake meanwhile.
const TIMEOUT_MS: u32 = 3_000;

/// Asks another server; an error is why it gave no answer.
pub(super) async fn post(post: Post) -> std::result::Result<Answer, String> {
    ask(post).await.map_err(|error| {
        let message = Reflect::get(&error, &"message".into()).ok();
        let message = message.and_then(|message| message.as_string());
        message.unwrap_or_else(|| "the request failed".to_owned())
    })
}

async fn ask(post: Post) -> Result<Answer> {
    let headers = Headers::new()?;
    headers.set("authorization", &post.authorization)?;
    headers.set("content-type", "application/json")?;
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_headers(&headers);
    init.set_body(&JsValue::from_str(&post.body));
    init.set_redirect(RequestRedirect::Manual); // the secret is for this server alone
    init.set_signal(Some(&AbortSignal::timeout_with_u32(TIMEOUT_MS)));
    let response: Response = JsFuture::from(fetch(&post.url, &init)?)
        .await?
        .unchecked_into();
    let body = JsFuture::from(response.text()?).await?.as_string();
    Ok(Answer {
        status: response.status(),
        body: body.unwrap_or_default(),
    })
}
