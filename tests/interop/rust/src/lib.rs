//! How a client program of the interop matrix (`matrix.test.mjs`) gets its task, from its only argument, and reports
//! its results.

use std::io::{Read, stdin};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use serde_json::{Value, json};

/// The task, as JSON: see `task` in `peers.mjs`.
pub struct Task(Value);

impl Task {
    pub fn from_args() -> Self {
        let text = std::env::args().nth(1).expect("an argument");
        Self(serde_json::from_str(&text).expect("the argument is JSON"))
    }

    pub fn value(&self, key: &str) -> Value {
        self.0[key].clone()
    }

    pub fn text(&self, key: &str) -> &str {
        self.0[key].as_str().expect(key)
    }

    /// The server's URL with the path, as both clients expect it.
    pub fn endpoint(&self) -> String {
        self.text("url").to_owned() + self.text("path")
    }

    pub fn bytes(&self) -> Vec<u8> {
        let hex = self.0["bytes"]["hex"].as_str().expect("bytes");
        let digits = |at| &hex[at..at + 2];
        let byte = |at| u8::from_str_radix(digits(at), 16).expect("hex");
        (0..hex.len()).step_by(2).map(byte).collect()
    }

    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.0["timeoutMs"].as_u64().unwrap_or_default())
    }

    /// The next received value.
    pub fn wait<T>(&self, what: &str, heard: &Receiver<T>) -> T {
        heard
            .recv_timeout(self.timeout())
            .unwrap_or_else(|error| panic!("no {what}: {error}"))
    }
}

/// Bytes as reports show them: `{hex}`.
pub fn told(bytes: &[u8]) -> Value {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "hex": hex })
}

/// Reports the result of a step.
pub fn report(step: &str, saw: &Value) {
    println!("{}", json!({ "step": step, "saw": saw }));
}

/// Waits until standard input ends. If the process ended earlier, it would end the session, too.
pub fn stay() {
    stdin()
        .read_to_end(&mut Vec::new())
        .expect("standard input");
}
