//! Whole exchanges, for tests of what follows them.

use signalbox::io::{ContentType, Core};

use super::{Done, POLLING, Script, WEBSOCKET, accepted};

impl<C: Core> Script<C> {
    /// Opens a polling session; returns its `sid`.
    pub fn open_polling(&mut self) -> String {
        let request = self.get(POLLING);
        match &self.take_for(request)[..] {
            [Done::Responded(_, 200, _, body)] => sid_of(body),
            other => panic!("no handshake: {other:?}"),
        }
    }

    /// Opens a polling session of revision 3; returns the query of its requests.
    pub fn open_revision_3(&mut self, query: &str) -> String {
        let request = self.get(query);
        match &self.take_for(request)[..] {
            [Done::Responded(_, 200, ContentType::Text, body)] => {
                let (length, packet) = body.split_once(':').expect("a payload");
                assert_eq!(length.parse(), Ok(packet.len()), "{body}");
                format!("{query}&sid={}", sid_of(packet))
            }
            other => panic!("no handshake: {other:?}"),
        }
    }

    /// Opens a session on a WebSocket.
    pub fn open_websocket(&mut self) -> u64 {
        let connection = self.upgrade(WEBSOCKET);
        match &self.take_for(connection)[..] {
            [Done::Accepted(_), Done::Sent(_, _)] => connection,
            other => panic!("no handshake: {other:?}"),
        }
    }

    /// Opens a polling session and a WebSocket to probe; returns its `sid` and the connection.
    pub fn open_probe(&mut self) -> (String, u64) {
        let sid = self.open_polling();
        let probe = self.upgrade(&websocket(&sid));
        assert_eq!(self.take_for(probe), [accepted(probe)]);
        (sid, probe)
    }

    pub fn poll(&mut self, sid: &str) -> u64 {
        self.get(&polling(sid))
    }

    pub fn send(&mut self, sid: &str, body: &str) -> u64 {
        self.post(&polling(sid), body)
    }
}

pub fn polling(sid: &str) -> String {
    format!("{POLLING}&sid={sid}")
}

pub fn websocket(sid: &str) -> String {
    format!("{WEBSOCKET}&sid={sid}")
}

/// The `sid` in an `open` packet.
pub fn sid_of(open: &str) -> String {
    let json = open.strip_prefix('0').expect("an open packet");
    let handshake: serde_json::Value = serde_json::from_str(json).expect("a handshake");
    handshake["sid"].as_str().expect("a sid").to_owned()
}
