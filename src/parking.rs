//! The frames by which a room's object answers a poll that is parked in the Worker.
//!
//! ```text
//! frame   = version ( answer | hold )
//! answer  = status kind body          kind: t text · h html · j json · o octets, in base64
//! hold    = "hold" milliseconds
//! ```
//!
//! After a deploy the object and the Worker may run different versions for a while. So a frame
//! begins with the version of what they exchange, and the URL of a request to an object has it, too. The
//! version has to change whenever this format changes, or a header or a URL of those requests.

use std::fmt;
use std::time::Duration;

use crate::io::{ContentType, Response};
use crate::time::millis;

/// The version of what the Worker and an object exchange.
pub(crate) const VERSION: char = '1';

/// A frame from the object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// The response to the poll.
    Answer(Response),
    /// If the object has not answered within this time, the Worker asks it for the answer.
    Hold(Duration),
}

/// Why a text is not a valid frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FrameError {
    /// It has another version, or none.
    Version(String),
    /// It has this version, but is malformed.
    Form,
}

impl Frame {
    pub(crate) fn encode(&self) -> String {
        match self {
            Self::Answer(response) => {
                let kind = match response.content_type {
                    ContentType::Text => 't',
                    ContentType::Html => 'h',
                    ContentType::Json => 'j',
                    ContentType::Octets => 'o',
                };
                format!("{VERSION}{:03}{kind}{}", response.status, response.body)
            }
            Self::Hold(limit) => format!("{VERSION}hold{}", millis(*limit)),
        }
    }

    pub(crate) fn decode(frame: &str) -> Result<Self, FrameError> {
        let Some(rest) = frame.strip_prefix(VERSION) else {
            let version = frame.chars().take(1).collect();
            return Err(FrameError::Version(version));
        };
        Self::read(rest).ok_or(FrameError::Form)
    }

    fn read(rest: &str) -> Option<Self> {
        if let Some(millis) = rest.strip_prefix("hold") {
            return Some(Self::Hold(Duration::from_millis(millis.parse().ok()?)));
        }
        let (status, rest) = rest.split_at_checked(3)?;
        let (kind, body) = rest.split_at_checked(1)?;
        Some(Self::Answer(Response {
            status: status.parse().ok()?,
            content_type: match kind {
                "t" => ContentType::Text,
                "h" => ContentType::Html,
                "j" => ContentType::Json,
                "o" => ContentType::Octets,
                _ => return None,
            },
            body: body.to_owned(),
            cookie: None, // handshakes are answered at once
        }))
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(
                f,
                "it has version {version:?}, this Worker reads {VERSION:?}: after a deploy the object \
                 may run the previous version for a moment"
            ),
            Self::Form => f.write_str("it is malformed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, content_type: ContentType, body: &str) -> Frame {
        Frame::Answer(Response {
            status,
            content_type,
            body: body.to_owned(),
            cookie: None,
        })
    }

    /// Pins the form that other deployments of this version write.
    #[test]
    fn frames_of_this_version() {
        for (text, frame) in [
            (
                "1200t42[\"a\"]\x1e2",
                answer(200, ContentType::Text, "42[\"a\"]\x1e2"),
            ),
            ("1200t", answer(200, ContentType::Text, "")),
            ("1200oAQID", answer(200, ContentType::Octets, "AQID")),
            ("1200hok", answer(200, ContentType::Html, "ok")),
            (
                "1400j{\"code\":1,\"message\":\"é\"}",
                answer(400, ContentType::Json, "{\"code\":1,\"message\":\"é\"}"),
            ),
            ("1hold100", Frame::Hold(Duration::from_millis(100))),
            ("1hold0", Frame::Hold(Duration::ZERO)),
        ] {
            assert_eq!(frame.encode(), text);
            assert_eq!(Frame::decode(text), Ok(frame));
        }
    }

    #[test]
    fn frames_of_other_versions() {
        for (text, version) in [
            ("200t6", "2"), // written before frames had versions
            ("hold100", "h"),
            ("3200t6", "3"),
            ("é200t6", "é"),
            ("", ""),
        ] {
            let error = Frame::decode(text);
            assert_eq!(
                error,
                Err(FrameError::Version(version.to_owned())),
                "{text}"
            );
        }
        let said = FrameError::Version("3".to_owned()).to_string();
        assert!(
            said.starts_with("it has version \"3\", this Worker reads '1'"),
            "{said}"
        );
    }

    #[test]
    fn malformed_frames() {
        for text in [
            "1", "1200", "120", "1200x6", "1abct6", "1hold", "1hold-1", "1holdx", "1é00t6",
            "1200é6",
        ] {
            assert_eq!(Frame::decode(text), Err(FrameError::Form), "{text}");
        }
    }
}
