//! The acks that an application asks its sockets for.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::app::Command;
use super::args::Args;
use super::socket_id::SocketId;
use super::sockets::Sockets;
use crate::map::Set;
use crate::time::Timestamp;

/// The most pending acks of a socket.
pub const MAX_ASKED: usize = 16;

/// A pending ack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) id: u64,
    /// The name under which the application handles the answer.
    name: String,
    pub(super) by: Timestamp,
}

impl<T: Serialize + DeserializeOwned> Sockets<T> {
    /// Sends an event that the client should acknowledge within `timeout`. Then [`Sockets::answered`] or
    /// [`Sockets::expire`] returns `answer`, unless the socket leaves before. `false` if the socket has left, or if it
    /// has [`MAX_ASKED`] pending acks.
    pub fn ask(
        &mut self,
        now: Timestamp,
        id: SocketId,
        (name, args): (&str, Args),
        (answer, timeout): (&str, Duration),
        out: &mut Vec<Command>,
    ) -> bool {
        let n = self.number();
        let Some(entry) = self.all.get_mut(&id) else {
            return false;
        };
        if entry.asked.len() >= MAX_ASKED {
            return false;
        }
        let by = now + timeout;
        entry.asked.push(Asked {
            id: n,
            name: answer.to_owned(),
            by,
        });
        self.asked.insert((by, id, n));
        self.mark(id);
        out.push(Command::Emit {
            to: vec![id],
            name: name.to_owned(),
            args,
            ack: Some(n),
            volatile: false,
        });
        true
    }

    /// An ack arrived. Returns the name under which it was asked for; `None` if it was not asked for, or
    /// came too late.
    pub fn answered(&mut self, id: SocketId, ack: u64) -> Option<String> {
        let entry = self.all.get_mut(&id)?;
        let at = entry.asked.iter().position(|asked| asked.id == ack)?;
        let asked = entry.asked.remove(at);
        self.asked.remove(&(asked.by, id, ack));
        self.mark(id);
        Some(asked.name)
    }

    /// The sockets that did not acknowledge in time, each with the name under which the ack was asked for.
    pub fn expire(&mut self, now: Timestamp) -> Vec<(SocketId, String)> {
        let mut late = Vec::new();
        while let Some((_, id, ack)) = self.asked.first().copied().filter(|(by, ..)| *by <= now) {
            match self.answered(id, ack) {
                Some(name) => late.push((id, name)),
                None => self.asked = Set::default(), // cannot happen: each entry has a pending ack
            }
        }
        late
    }

    /// When [`Sockets::expire`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.asked.first().map(|(by, ..)| *by)
    }
}

impl<T> Sockets<T> {
    /// The names of a socket's pending acks.
    #[must_use]
    pub fn awaited(&self, id: SocketId) -> Vec<String> {
        let entry = self.all.get(&id);
        let asked = entry
            .map(|entry| entry.asked.as_slice())
            .unwrap_or_default();
        asked.iter().map(|asked| asked.name.clone()).collect()
    }
}
