//! Settings from the environment: `[vars]` in `wrangler.toml`.

use worker::js_sys::JSON;
use worker::wasm_bindgen::JsValue;
use worker::web_sys::Response;
use worker::{Env, console_error};

use super::platform::{Result, binding};
use super::responses::{json_error, with_cors};
use crate::admission::Origins;
use crate::engine::Revision;
use crate::settings::{Invalid, Settings};

/// These settings, with what the environment names in place of their own.
///
/// # Errors
///
/// The variables whose values are none. They are logged here; [`misconfigured`] answers with them.
pub fn settings(env: &Env, defaults: Settings) -> std::result::Result<Settings, Vec<Invalid>> {
    let settings = defaults.configure(|name| variable(env, name));
    settings.inspect_err(|invalid| {
        for invalid in invalid {
            console_error!("{invalid}: {}", invalid.found);
        }
    })
}

/// The answer to every request of a Worker whose settings are wrong. To go on with others would hide
/// that, and some of them keep strangers out.
///
/// # Errors
///
/// When the platform fails.
pub fn misconfigured(invalid: &[Invalid]) -> Result<Response> {
    let messages: Vec<_> = invalid.iter().map(Invalid::to_string).collect();
    let message = format!("this deployment is misconfigured: {}", messages.join("; "));
    with_cors(
        json_error(500, &message)?,
        &Origins::Any,
        None,
        Revision::Four,
    )
}

/// A variable as text: TOML may give it as a number or a list, too.
pub(super) fn variable(env: &Env, name: &str) -> Option<String> {
    let value: JsValue = binding(env, name)?;
    let text = |value: &JsValue| value.as_string();
    text(&value).or_else(|| JSON::stringify(&value).ok()?.as_string())
}
