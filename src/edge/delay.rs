//! Waiting, on a timer of the platform's.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::Closure;

use super::platform::{clear_timer, set_timeout};

/// Is ready after this time. The timer ends with it: one that is left behind keeps an object awake.
pub(super) struct Delay {
    after: Duration,
    state: Rc<State>,
    timer: Option<(JsValue, Closure<dyn Fn()>)>,
}

#[derive(Default)]
struct State {
    elapsed: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Delay {
    pub(super) fn new(after: Duration) -> Self {
        Self {
            after,
            state: Rc::default(),
            timer: None,
        }
    }
}

impl Future for Delay {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.state.elapsed.get() {
            return Poll::Ready(());
        }
        self.state.waker.replace(Some(context.waker().clone()));
        if self.timer.is_none() {
            let state = Rc::clone(&self.state);
            let handler: Closure<dyn Fn()> = Closure::new(move || {
                state.elapsed.set(true);
                if let Some(waker) = state.waker.take() {
                    waker.wake();
                }
            });
            let Ok(id) = set_timeout(&handler, self.after) else {
                return Poll::Ready(()); // to wait for ever would be worse
            };
            self.timer = Some((id, handler));
        }
        Poll::Pending
    }
}

impl Drop for Delay {
    fn drop(&mut self) {
        if let Some((id, _)) = &self.timer {
            clear_timer(id);
        }
    }
}
