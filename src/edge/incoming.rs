//! A request as it arrived, at the Worker or at the object.

use worker::js_sys::{Reflect, Uint8Array};
use worker::wasm_bindgen::JsCast;
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{Headers, ReadableStream, ReadableStreamDefaultReader, Request};

use super::platform::Result;
use super::route;
use crate::io::Method;

/// A request. Its URL, its method and its headers object are read once, because each call to the
/// platform takes time.
pub(super) struct Incoming {
    request: Request,
    headers: Headers,
    url: String,
    name_of_method: String,
    /// Whether it asks for a WebSocket.
    pub(super) upgrade: bool,
}

impl Incoming {
    pub(super) fn new(request: Request) -> Result<Self> {
        let headers = request.headers();
        let upgrade = headers.get("upgrade")?;
        Ok(Self {
            url: request.url(),
            name_of_method: request.method(),
            upgrade: upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket")),
            headers,
            request,
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The path as it was sent.
    pub(super) fn path(&self) -> &str {
        route::path_of(&self.url)
    }

    /// The query as it was sent, without the question mark.
    pub(super) fn query(&self) -> &str {
        let (_, query) = self.url.split_once('?').unwrap_or_default();
        query
    }

    /// The host that the request was sent to, with the port unless it is the default of the scheme.
    pub(super) fn host(&self) -> &str {
        let (_, rest) = self.url.split_once("://").unwrap_or_default();
        rest.split(['/', '?']).next().unwrap_or_default()
    }

    pub(super) fn name_of_method(&self) -> &str {
        &self.name_of_method
    }

    pub(super) fn method(&self) -> Method {
        match self.name_of_method.as_str() {
            "GET" => Method::Get,
            "POST" => Method::Post,
            _ => Method::Other,
        }
    }

    pub(super) fn header(&self, name: &str) -> Result<Option<String>> {
        self.headers.get(name)
    }

    pub(super) fn has_header(&self, name: &str) -> Result<bool> {
        self.headers.has(name)
    }

    /// The whole body of a request from the Worker.
    pub(super) async fn body(&self) -> Result<Vec<u8>> {
        let body = JsFuture::from(self.request.array_buffer()?).await?;
        Ok(Uint8Array::new(&body).to_vec())
    }

    /// The body. Returns `None` if it is longer than `max` bytes, and reads no more of it then.
    pub(super) async fn body_of(&self, max: usize) -> Result<Option<Vec<u8>>> {
        if self.method() != Method::Post {
            return Ok(Some(Vec::new()));
        }
        let length = self.header("content-length")?;
        let length = length.and_then(|length| length.parse::<usize>().ok());
        if length.is_some_and(|length| length > max) {
            return Ok(None);
        }
        match self.request.body() {
            Some(stream) => read_stream(&stream, max).await,
            None => Ok(Some(Vec::new())),
        }
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
