//! A client of Engine.IO in the model of sessions.

use std::collections::VecDeque;

use signalbox::io::ContentType;

use super::parsers::unbase64;

/// How long an upgrade may take (K-3).
const UPGRADE_TIMEOUT: u64 = 10_000;

/// Binary messages, each with its form in a payload.
pub const BINARY: [(&[u8], &str); 3] = [(&[], "b"), (&[1, 2, 3], "bAQID"), (&[0xFF], "b/w==")];

/// What a client of revision 3 adds to its queries: nothing, or `b64=1` to get text payloads.
pub const BASE64: [&str; 2] = ["", "&b64=1"];

pub struct Client {
    pub sid: String,
    /// `None` for revision 4. For revision 3, what its queries end with: one of [`BASE64`].
    pub old: Option<&'static str>,
    pub link: Link,
    /// The pending poll: the number of its request.
    pub poll: Option<u64>,
    /// When the last poll was sent.
    pub polled: u64,
    /// Whether the poll may be answered without a message.
    pub released: bool,
    /// Whether it has a ping to answer.
    pub pinged: bool,
    /// The messages, and in revision 3 the pongs, that it must still get, in order, in the form of a payload.
    pub owed: VecDeque<String>,
}

#[derive(Clone, Copy, Debug)]
pub enum Link {
    Polling,
    Probing {
        probe: u64,
        probed: bool,
        since: u64,
    },
    WebSocket(u64),
}

impl Client {
    pub fn new(sid: String, old: Option<&'static str>, link: Link) -> Self {
        Self {
            sid,
            old,
            link,
            poll: None,
            polled: 0,
            released: false,
            pinged: false,
            owed: VecDeque::new(),
        }
    }

    /// The query of its requests.
    pub fn query(&self, transport: &str) -> String {
        let sid = &self.sid;
        match self.old {
            None => format!("EIO=4&transport={transport}&sid={sid}"),
            Some(end) => format!("EIO=3&transport={transport}&sid={sid}{end}"),
        }
    }

    /// The packets as the body of a POST.
    pub fn body(&self, packets: &[String]) -> String {
        if self.old.is_none() {
            return packets.join("\x1e");
        }
        let framed = packets.iter().map(|packet| {
            let packet = match packet.strip_prefix('b') {
                Some(base64) => format!("b4{base64}"),
                None => packet.clone(),
            };
            format!("{}:{packet}", packet.encode_utf16().count())
        });
        framed.collect()
    }

    /// The bytes as a frame.
    pub fn frame(&self, bytes: &[u8]) -> Vec<u8> {
        let kind: &[u8] = if self.old.is_some() { &[4] } else { &[] };
        [kind, bytes].concat()
    }

    /// The packets of an answer, in revision 4's form of a payload.
    pub fn packets(&self, kind: ContentType, body: &str) -> Vec<String> {
        match (self.old, kind) {
            (None, _) => body.split('\x1e').map(str::to_owned).collect(),
            (Some(_), ContentType::Octets) => binary_packets(&unbase64(body)),
            (Some(_), _) => text_packets(body),
        }
    }

    pub fn connection(&self) -> Option<u64> {
        match self.link {
            Link::Polling => None,
            Link::Probing { probe, .. } => Some(probe),
            Link::WebSocket(connection) => Some(connection),
        }
    }

    /// Whether its probe has timed out.
    pub fn probe_is_late(&self, now: u64) -> bool {
        matches!(self.link, Link::Probing { since, .. } if since + UPGRADE_TIMEOUT <= now)
    }

    /// Takes a received packet. Returns 1 for one of the owed packets, and 0 for a ping.
    pub fn gets(&mut self, part: &str) -> usize {
        if part == "2" {
            self.pinged = true;
            return 0;
        }
        assert_eq!(self.owed.pop_front().as_deref(), Some(part));
        1
    }
}

/// The packets of a text payload of revision 3.
fn text_packets(body: &str) -> Vec<String> {
    let mut packets = Vec::new();
    let mut rest: Vec<u16> = body.encode_utf16().collect();
    while let Some(colon) = rest.iter().position(|unit| *unit == u16::from(b':')) {
        let length: usize = String::from_utf16(&rest[..colon]).unwrap().parse().unwrap();
        let packet = String::from_utf16(&rest[colon + 1..][..length]).unwrap();
        packets.push(match packet.strip_prefix("b4") {
            Some(base64) => format!("b{base64}"),
            None => packet,
        });
        rest.drain(..=colon + length);
    }
    assert!(rest.is_empty(), "{body}");
    packets
}

/// The packets of a binary payload of revision 3.
fn binary_packets(body: &[u8]) -> Vec<String> {
    let mut packets = Vec::new();
    let mut rest = body;
    while let Some((kind, behind)) = rest.split_first() {
        let end = behind.iter().position(|byte| *byte == 255).unwrap();
        let digits = behind[..end].iter();
        let length = digits.fold(0, |length, digit| length * 10 + usize::from(*digit));
        let (packet, behind) = behind[end + 1..].split_at(length);
        packets.push(match kind {
            0 => String::from_utf8(packet.to_vec()).unwrap(),
            _ => part(&packet[1..]),
        });
        rest = behind;
    }
    packets
}

/// The payload form of one of [`BINARY`].
pub fn part(bytes: &[u8]) -> String {
    let known = BINARY.iter().find(|(known, _)| *known == bytes);
    known.expect("bytes that were sent").1.to_owned()
}
