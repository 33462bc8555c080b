//! The door: whether the room is locked, and who is barred.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::io::{Platform, Record};
use crate::time::Timestamp;

const KEY: &str = "room/door";

/// How long somebody who was put out stays out.
const BAR: Duration = Duration::from_secs(600);

/// How many are remembered; the oldest are forgotten first.
const BARS: usize = 100;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Door {
    pub(super) locked: bool,
    bars: Vec<Bar>,
    #[serde(skip)]
    unsaved: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Bar {
    address: String,
    until: Timestamp,
}

impl Door {
    pub(super) fn load(platform: &dyn Platform) -> Self {
        let rows = platform.load(KEY);
        let row = rows.first();
        row.and_then(|(_, value)| serde_json::from_str(value).ok())
            .unwrap_or_default()
    }

    /// Whether that changes anything.
    pub(super) fn lock(&mut self, on: bool) -> bool {
        let changes = self.locked != on;
        self.locked = on;
        self.unsaved |= changes;
        changes
    }

    /// Bars everyone at this address, as who is put out may call itself what it likes.
    pub(super) fn bar(&mut self, now: Timestamp, address: &str) {
        if address.is_empty() {
            return;
        }
        self.bars
            .retain(|bar| now < bar.until && bar.address != address);
        if self.bars.len() >= BARS {
            self.bars.remove(0);
        }
        self.bars.push(Bar {
            address: address.to_owned(),
            until: now + BAR,
        });
        self.unsaved = true;
    }

    /// Until when this address is barred, if it is.
    pub(super) fn barred(&self, now: Timestamp, address: &str) -> Option<Timestamp> {
        let mut bars = self.bars.iter();
        let bar = bars.find(|bar| bar.address == address && now < bar.until)?;
        Some(bar.until)
    }

    /// The record to keep, if what is kept is out of date.
    pub(super) fn save(&mut self) -> Option<Record> {
        if !std::mem::take(&mut self.unsaved) {
            return None;
        }
        Some(Record::Stored {
            key: KEY.to_owned(),
            value: serde_json::to_string(self).ok()?,
        })
    }
}
