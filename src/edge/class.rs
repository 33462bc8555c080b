//! The class of a Durable Object, which is the same for every application.

/// Declares the Durable Object class `$name` that runs `$core`. `$new`, a
/// `fn(worker::State, &worker::Env) -> Shell<$core>`, makes its [`Shell`](crate::edge::Shell).
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
        #[::worker::durable_object]
        pub struct $name {
            shell: $crate::edge::Shell<$core>,
        }

        // Every handler: those that the trait provides panic.
        impl ::worker::DurableObject for $name {
            fn new(state: ::worker::State, env: ::worker::Env) -> Self {
                Self {
                    shell: $new(state, &env),
                }
            }

            async fn fetch(&self, request: ::worker::Request) -> ::worker::Result<::worker::Response> {
                self.shell.fetch(request).await
            }

            async fn alarm(&self) -> ::worker::Result<::worker::Response> {
                self.shell.alarm().await?;
                ::worker::Response::empty()
            }

            async fn websocket_message(
                &self,
                socket: ::worker::WebSocket,
                message: ::worker::WebSocketIncomingMessage,
            ) -> ::worker::Result<()> {
                self.shell.message(&socket, message).await;
                Ok(())
            }

            async fn websocket_close(
                &self,
                socket: ::worker::WebSocket,
                code: usize,
                _reason: String,
                _was_clean: bool,
            ) -> ::worker::Result<()> {
                self.shell.closed(&socket, code).await;
                Ok(())
            }

            async fn websocket_error(
                &self,
                socket: ::worker::WebSocket,
                _error: ::worker::Error,
            ) -> ::worker::Result<()> {
                self.shell.closed(&socket, 1006).await;
                Ok(())
            }
        }
    };
}
