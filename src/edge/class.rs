//! Macros that declare the Durable Object class and the `fetch` handler of an application.

/// Declares the Durable Object class `$name` that runs `$core`. `$new` is a `fn(edge::State,
/// &worker::Env) -> edge::Result<Rc<Shell<$core>>>` that makes its [`Shell`](crate::edge::Shell).
/// If it fails, the object answers no requests.
///
/// The macro does not use the attribute of the crate `worker`, which makes every handler
/// asynchronous. Here a frame is handled without a promise, before its handler returns.
///
/// An application of [handlers](crate::handlers) only needs the function that adds them:
/// `signalbox::durable_object!(Chat = chat);`.
///
/// ```ignore
/// use worker::wasm_bindgen; // the macro's expansion needs this name in scope
///
/// signalbox::durable_object! {
///     /// Echoes events.
///     pub struct Echoes(Runner<Echo>) = echoes;
/// }
/// ```
#[macro_export]
macro_rules! durable_object {
    ($name:ident = $handlers:path) => {
        $crate::durable_object! {
            /// The Durable Object of an application.
            pub struct $name($crate::socket::Runner<$crate::handlers::Handlers>) = $name::object;
        }

        impl $name {
            fn object(
                state: $crate::edge::State,
                env: &::worker::Env,
            ) -> $crate::edge::Result<
                ::std::rc::Rc<$crate::edge::Shell<$crate::socket::Runner<$crate::handlers::Handlers>>>,
            > {
                $crate::edge::handlers::object(state, env, $handlers)
            }
        }
    };
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

/// Makes the Worker's `fetch` for an application of [handlers](crate::handlers). The argument is
/// the name that `wrangler.toml` binds to its class: `signalbox::fetch!("CHAT");`.
#[macro_export]
macro_rules! fetch {
    ($class:literal) => {
        /// Handles a request.
        ///
        /// # Errors
        ///
        /// If the platform fails. The platform then answers the request.
        #[::worker::wasm_bindgen::prelude::wasm_bindgen(
                                            wasm_bindgen = ::worker::wasm_bindgen,
                                            wasm_bindgen_futures = ::worker::wasm_bindgen_futures,
                                            js_sys = ::worker::js_sys
                                        )]
        pub async fn fetch(
            request: ::worker::web_sys::Request,
            env: ::worker::Env,
        ) -> $crate::edge::Result<::worker::web_sys::Response> {
            $crate::edge::handlers::fetch(request, &env, $class).await
        }
    };
}
