//! The class of a Durable Object, which is the same for every application.

/// Declares the Durable Object class `$name` that runs `$core`. `$new`, a
/// `fn(edge::State, &worker::Env) -> edge::Result<Rc<Shell<$core>>>`, makes its
/// [`Shell`](crate::edge::Shell). An object for which it fails answers no request.
///
/// The attribute of the crate `worker` would make every handler asynchronous. Here a frame has been
/// dealt with when its handler returns, and no promise is made for it.
///
/// ```ignore
/// use worker::wasm_bindgen; // what this expands to looks for it here
///
/// signalbox::durable_object! {
///     /// Echoes events.
///     pub struct Echoes(Host<Echo>) = echoes;
/// }
/// ```
#[macro_export]
macro_rules! durable_object {
    ($(#[$attribute:meta])* pub struct $name:ident($core:ty) = $new:path;) => {
        $(#[$attribute])*
        #[::worker::wasm_bindgen::prelude::wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
        pub struct $name {
            shell: ::std::rc::Rc<$crate::edge::Shell<$core>>,
        }

        #[::worker::wasm_bindgen::prelude::wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
        impl $name {
            #[doc(hidden)]
            #[wasm_bindgen(constructor)]
            pub fn new(
                state: $crate::edge::State,
                env: ::worker::Env,
            ) -> $crate::edge::Result<Self> {
                Ok(Self { shell: $new(state, &env)? })
            }

            #[doc(hidden)]
            pub fn fetch(
                &self,
                request: ::worker::web_sys::Request,
            ) -> $crate::edge::Result<::worker::wasm_bindgen::JsValue> {
                self.shell.fetch(request)
            }

            #[doc(hidden)]
            pub fn alarm(&self) -> Option<::worker::js_sys::Promise> {
                self.shell.alarm()
            }

            #[doc(hidden)]
            #[wasm_bindgen(js_name = webSocketMessage)]
            pub fn message(
                &self,
                socket: $crate::edge::Socket,
                data: ::worker::wasm_bindgen::JsValue,
            ) {
                self.shell.message(&socket, &data);
            }

            #[doc(hidden)]
            #[wasm_bindgen(js_name = webSocketClose)]
            pub fn closed(&self, socket: $crate::edge::Socket, code: u16) {
                self.shell.closed(&socket, code);
            }

            #[doc(hidden)]
            #[wasm_bindgen(js_name = webSocketError)]
            pub fn failed(&self, socket: $crate::edge::Socket) {
                self.shell.closed(&socket, 1006);
            }
        }
    };
}
