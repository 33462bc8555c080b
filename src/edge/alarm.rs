//! The alarm of a Durable Object. Each object has only one.

use std::rc::Rc;

use worker::js_sys::Promise;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::{JsFuture, future_to_promise};

use super::object::Shell;
use super::platform::{Result, log_error};
use super::runtime::timestamp;
use crate::io::Core;

/// The known state of the object's alarm.
#[derive(Clone, Copy)]
pub(super) enum Alarm {
    /// The memory is new: perhaps an alarm was set before.
    Unknown,
    Unset,
    /// Set for this time, in milliseconds since the Unix epoch.
    Set(u64),
}

impl<C: Core + 'static> Shell<C> {
    /// Sets the alarm in the background. A failure is only logged, because later events set the
    /// alarm again: a client disconnects because it gets no ping, or the Worker's own timer ends
    /// and the Worker asks for the answer of a parked poll.
    pub(super) fn rearm(self: &Rc<Self>) {
        if let Some(set) = self.arm() {
            let _ = self.runtime.state.wait_until(&set); // a failure is logged
        }
    }

    /// Sets the alarm if the next deadline is earlier. An alarm that comes too early does no harm,
    /// and moving it costs time.
    pub(super) fn arm(self: &Rc<Self>) -> Option<Promise> {
        self.earlier_deadline()?;
        let shell = Rc::clone(self);
        Some(future_to_promise(async move { shell.set_alarm().await }))
    }

    /// The next deadline, if it is earlier than the alarm.
    fn earlier_deadline(&self) -> Option<u64> {
        if self.runtime.is_halted() {
            return None;
        }
        if self.runtime.take_erased() {
            self.alarm.set(Alarm::Unset);
        }
        let deadline = self.core.borrow().deadline()?.as_millis();
        match self.alarm.get() {
            Alarm::Set(at) if at <= deadline => None,
            _ => Some(deadline),
        }
    }

    async fn set_alarm(&self) -> Result<JsValue> {
        let storage = self.runtime.state.storage();
        if matches!(self.alarm.get(), Alarm::Unknown) {
            let alarm = JsFuture::from(storage.alarm()?).await;
            let alarm = alarm.inspect_err(|error| log_error("the alarm cannot be read:", error));
            // `null` if no alarm is set
            let at = alarm.ok().and_then(|at| at.as_f64()).map(timestamp);
            self.alarm
                .set(at.map_or(Alarm::Unset, |at| Alarm::Set(at.as_millis())));
        }
        let Some(deadline) = self.earlier_deadline() else {
            return Ok(JsValue::UNDEFINED);
        };
        self.alarm.set(Alarm::Set(deadline));
        #[expect(
            clippy::cast_precision_loss,
            reason = "a JavaScript date is exact to the millisecond for 200,000 years"
        )]
        let set = match storage.set_alarm(deadline as f64) {
            Ok(set) => JsFuture::from(set).await,
            Err(error) => Err(error),
        };
        set.inspect_err(|error| {
            log_error("the alarm cannot be set:", error);
            self.alarm.set(Alarm::Unset);
        })
    }
}
