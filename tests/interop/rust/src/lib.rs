//! What a peer of the matrix is told, as its one argument, and how it tells what it saw.

use std::io::{Read, stdin};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use serde_json::{Value, json};

/// The argument, JSON: see `task` of `peers.mjs`.
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

    /// Where the server is, as both clients want it: with the path.
    pub fn endpoint(&self) -> String {
        self.text("url").to_owned() + self.text("path")
    }

    pub fn bytes(&self) -> Vec<u8> {
        let hex = self.0["bytes"]["hex"].as_str().expect("bytes");
        let digits = |at| &hex[at..at + 2];
        let byte = |at| u8::from_str_radix(digits(at), 16).expect("hex");
        (0..hex.len()).step_by(2).map(byte).collect()
    }

    pub fn patience(&self) -> Duration {
        Duration::from_millis(self.0["patience"].as_u64().unwrap_or_default())
    }

    /// The next thing heard.
    pub fn wait<T>(&self, what: &str, heard: &Receiver<T>) -> T {
        heard
            .recv_timeout(self.patience())
            .unwrap_or_else(|error| panic!("no {what}: {error}"))
    }
}

/// Bytes as they are told.
pub fn told(bytes: &[u8]) -> Value {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "hex": hex })
}

/// Tells what a step saw.
pub fn report(step: &str, saw: &Value) {
    println!("{}", json!({ "step": step, "saw": saw }));
}

/// Stays until standard input ends: the end of the process is not to be what ends the session.
pub fn stay() {
    stdin()
        .read_to_end(&mut Vec::new())
        .expect("standard input");
}
