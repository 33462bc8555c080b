//! A client: the sockets that share one session.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::DisconnectReason;
use super::args::Json;
use super::decoder::Decoder;
use super::namespace::Namespace;
use super::socket_id::SocketId;
use crate::time::Timestamp;

#[derive(Default)]
pub(super) struct Client {
    pub(super) decoder: Decoder,
    pub(super) sockets: Vec<Socket>,
    /// Until when it has to join a first namespace.
    pub(super) connect_by: Option<Timestamp>,
    /// Why its session is being closed: nothing it still sends counts.
    pub(super) ending: Option<DisconnectReason>,
    /// Namespaces the server put it out of: what is under way to them is no mistake of its.
    pub(super) removed: Vec<Namespace>,
}

/// A client in a namespace.
pub(super) struct Socket {
    pub(super) id: SocketId,
    pub(super) namespace: Namespace,
    /// Whether the app let it in.
    pub(super) accepted: bool,
    /// What the app keeps with it.
    pub(super) state: Option<Json>,
}

/// What is remembered of a client with its session.
#[derive(Serialize, Deserialize)]
struct Memo {
    connect_by: Option<Timestamp>,
    sockets: Vec<(SocketId, String, Option<Box<RawValue>>)>,
}

impl Client {
    pub(super) fn in_namespace(&self, namespace: &Namespace) -> Option<&Socket> {
        self.sockets
            .iter()
            .find(|socket| socket.namespace == *namespace)
    }

    pub(super) fn socket(&mut self, id: SocketId) -> Option<&mut Socket> {
        self.sockets.iter_mut().find(|socket| socket.id == id)
    }

    pub(super) fn remove(&mut self, id: SocketId) -> Option<Socket> {
        let position = self.sockets.iter().position(|socket| socket.id == id)?;
        Some(self.sockets.remove(position))
    }

    /// `None` only if it cannot be written, which strings and ids always can.
    pub(super) fn memo(&self) -> Option<Box<RawValue>> {
        let sockets = self.sockets.iter().filter(|socket| socket.accepted);
        let memo = Memo {
            connect_by: self.connect_by,
            sockets: sockets
                .map(|socket| {
                    let state = socket.state.as_ref();
                    let state =
                        state.and_then(|json| RawValue::from_string(json.as_str().to_owned()).ok());
                    (socket.id, socket.namespace.to_string(), state)
                })
                .collect(),
        };
        serde_json::value::to_raw_value(&memo).ok()
    }

    pub(super) fn restore(memo: &RawValue) -> Option<Self> {
        let memo: Memo = serde_json::from_str(memo.get()).ok()?;
        let sockets = memo.sockets.into_iter().filter_map(|(id, name, state)| {
            Some(Socket {
                id,
                namespace: Namespace::parse(&name)?,
                accepted: true,
                state: state.map(|state| Json::of(&state)),
            })
        });
        Some(Self {
            sockets: sockets.collect(),
            connect_by: memo.connect_by,
            ..Self::default()
        })
    }
}
