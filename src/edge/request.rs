//! What a request says, and its body within a limit.

use worker::js_sys::{Reflect, Uint8Array};
use worker::wasm_bindgen::JsCast;
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{ReadableStream, ReadableStreamDefaultReader, Request};

use super::platform::Result;
use crate::io::Method;

/// Reads the body; `None` if it is longer than `max` bytes. Reading stops there.
pub(super) async fn read_body(request: &Request, max: usize) -> Result<Option<Vec<u8>>> {
    if method(request) != Method::Post {
        return Ok(Some(Vec::new()));
    }
    let length = request.headers().get("content-length")?;
    let length = length.and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length > max) {
        return Ok(None);
    }
    match request.body() {
        Some(stream) => read_stream(&stream, max).await,
        None => Ok(Some(Vec::new())),
    }
}

/// Reads a stream; `None` if it is longer than `max` bytes. Reading stops there.
pub(super) async fn read_stream(stream: &ReadableStream, max: usize) -> Result<Option<Vec<u8>>> {
    let chunks: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut body = Vec::new();
    loop {
        let chunk = JsFuture::from(chunks.read()).await?;
        let value = Reflect::get(&chunk, &"value".into())?;
        if value.is_undefined() {
            return Ok(Some(body));
        }
        body.append(&mut Uint8Array::new(&value).to_vec());
        if body.len() > max {
            drop(chunks.cancel());
            return Ok(None);
        }
    }
}

pub(super) fn method(request: &Request) -> Method {
    match request.method().as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        _ => Method::Other,
    }
}

pub(super) fn is_upgrade(request: &Request) -> Result<bool> {
    let upgrade = request.headers().get("upgrade")?;
    Ok(upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket")))
}
