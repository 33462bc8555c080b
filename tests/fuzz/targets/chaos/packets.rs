//! What the clients send: packets, queries and bodies, valid or not.

use signalbox::io::Core;

use super::Chaos;
use crate::targets::bytes::Bytes;
use crate::targets::client::BASE64;
use crate::targets::junk::{junk, junk_bytes};

/// Packets of Engine.IO, and packets of Socket.IO that are not events of a room, valid or not.
const CONTROL: [&str; 14] = [
    "2probe",
    "5",
    "3",
    "1",
    "40",
    "41",
    "4bye",
    "451-[\"x\"]",
    "40/custom,",
    "41/custom,",
    "42/custom,[\"message\"]",
    "4310[]",
    "42",
    "40/,{\"strict\":true}",
];

/// Events of a room.
const EVENTS: [&str; 27] = [
    r#"421["host:admit",{"id":"bob"}]"#,
    r#"42["host:deny",{"id":"bob"}]"#,
    r#"421["room:join",{"media":{"video":true},"rejoin":"x"}]"#,
    r#"42["ice:get"]"#,
    r#"421["peer:outcome",{"outcome":"direct","ms":1}]"#,
    r#"42["room:join",{"name":"x"}]"#,
    r#"421["room:join"]"#,
    r#"42["room:leave"]"#,
    r#"42["join","bob"]"#,
    r#"421["chat-message",{"message":"hi","mid":"m"}]"#,
    r#"421["offer",{"offer":{"type":"offer","sdp":"","fr\u006fm":"bob"},"remotePeerId":"bob"}]"#,
    r#"421["answer",{"to":["bob"],"sdp":1},"elsewhere"]"#,
    r#"421["signal","room","bob",{"caller":[],"x":{"y":{}}},{"roomId":null}]"#,
    r#"451-["offer",{"x":{"_placeholder":true,"num":0},"to":"bob"}]"#,
    r#"451-["chat-message",{"message":"x","enc":{"_placeholder":true,"num":0}}]"#,
    r#"42["peer:update",{"hand":true}]"#,
    r#"423["chat:history",{"limit":1}]"#,
    r#"42["chat:typing",{"on":true}]"#,
    r#"421["chat-message",{"message":"\ud800","mid":"m","to":"bob"}]"#,
    r#"421["room:join",{"password":"x","room":"room"}]"#,
    r#"42["host:password",{"password":"x"}]"#,
    r#"421["host:password",{"password":null}]"#,
    r#"42["host:lock",{"on":true}]"#,
    r#"421["host:lock",{"on":false}]"#,
    r#"42["host:transfer",{"id":"bob"}]"#,
    r#"421["host:kick",{"id":"bob"}]"#,
    r#"42["host:clear"]"#,
];

impl<C: Core> Chaos<'_, C> {
    /// A CONNECT packet, perhaps of a client that recovers.
    pub(super) fn connect(&mut self) -> String {
        if self.pids.is_empty() || !self.bytes.chance(3) {
            return "40".to_owned();
        }
        let pid = self.bytes.pick(&self.pids);
        match self.bytes.below(4) {
            0 => format!(r#"40{{"pid":"{pid}"}}"#),
            1 => format!(r#"40{{"pid":"{pid}","offset":"0"}}"#),
            _ => format!(r#"40{{"pid":"{pid}","offset":"{}"}}"#, self.offset),
        }
    }

    pub(super) fn packet(&mut self) -> String {
        match self.bytes.below(40) {
            0 => junk(&mut self.bytes),
            1 | 2 => (*self.bytes.pick(&CONTROL)).to_owned(),
            _ => (*self.bytes.pick(&EVENTS)).to_owned(),
        }
    }

    pub(super) fn query(&mut self, usual: &str) -> String {
        let other = self.bytes.pick(&["polling", "websocket"]);
        let transport = if self.bytes.chance(10) { other } else { usual };
        match self.bytes.below(8) {
            3 if self.bytes.chance(2) => junk(&mut self.bytes),
            3.. if !self.sids.is_empty() => {
                let (sid, revision) = recent(&mut self.bytes, &self.sids);
                format!("EIO={revision}&transport={transport}&sid={sid}")
            }
            _ if self.bytes.chance(4) => {
                let base64 = *self.bytes.pick(&BASE64);
                format!("EIO=3&transport={transport}{base64}")
            }
            _ => format!("EIO=4&transport={transport}"),
        }
    }

    /// The body of a POST.
    pub(super) fn body(&mut self, is_old: bool) -> Vec<u8> {
        if self.bytes.chance(6) {
            return junk_bytes(&mut self.bytes);
        }
        let packets = self.bytes.below(4) + 1;
        let packets: Vec<String> = (0..packets).map(|_| self.packet()).collect();
        // Attachments follow in the same request, or are missing.
        let follow = ["\x1ebAQID", ""][usize::from(self.bytes.chance(8))];
        let whole = |packet: &String| match packet.as_str() {
            binary if binary.starts_with("451-") => format!("{binary}{follow}"),
            other => other.to_owned(),
        };
        let packets: Vec<String> = packets.iter().map(whole).collect();
        let body = packets.join("\x1e");
        if !is_old {
            return body.into_bytes();
        }
        let parts = body.split('\x1e').map(|part| part.replace("bAQ", "b4AQ"));
        let framed = parts.map(|part| format!("{}:{part}", part.len()));
        framed.collect::<Vec<_>>().concat().into_bytes()
    }
}

/// Chooses an item, mostly one of the last three, because these may still be open.
pub(super) fn recent<'a, T>(bytes: &mut Bytes, items: &'a [T]) -> &'a T {
    let oldest = if bytes.chance(10) {
        0
    } else {
        items.len().saturating_sub(3)
    };
    bytes.pick(&items[oldest..])
}
