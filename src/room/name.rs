//! Names of rooms.

use std::fmt;

/// A room's name: 1 to 64 letters of any script, digits and `. _ ~ -`, case-sensitive. The caller
/// normalises it to NFC, so that names that look the same are the same room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomName(String);

/// Why a text is not a room's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomNameError {
    /// It is empty.
    Empty,
    /// It has more than 64 characters.
    TooLong,
    /// It is one or two dots, which mean a folder in a URL.
    Dots,
    /// It has a character that is not a letter, a digit or one of `. _ ~ -`.
    Character(char),
}

const MAX: usize = 64;

impl RoomName {
    /// The room of a URL that names none.
    #[must_use]
    pub fn lobby() -> Self {
        Self("lobby".to_owned())
    }

    /// Reads a name.
    ///
    /// # Errors
    ///
    /// See [`RoomNameError`].
    pub fn parse(text: &str) -> Result<Self, RoomNameError> {
        if text.is_empty() {
            return Err(RoomNameError::Empty);
        }
        if matches!(text, "." | "..") {
            return Err(RoomNameError::Dots);
        }
        if text.chars().take(MAX + 1).count() > MAX {
            return Err(RoomNameError::TooLong);
        }
        match text.chars().find(|c| !is_allowed(*c)) {
            Some(c) => Err(RoomNameError::Character(c)),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_allowed(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '~' | '-') || is_mark(c)
}

/// Whether a character is a mark that some scripts need and that Unicode does not count as
/// alphabetic: combining diacritics, nuktas, viramas, tone marks.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{e47}'..='\u{e4e}' | '\u{ec8}'..='\u{ecd}'
        | '\u{f18}'..='\u{f19}' | '\u{f39}' | '\u{f71}'..='\u{f84}' | '\u{1037}'..='\u{103a}'
        | '\u{17c9}'..='\u{17d3}' | '\u{17dd}' | '\u{dca}' | '\u{3099}' | '\u{309a}'
        | '\u{93c}' | '\u{9bc}' | '\u{a3c}' | '\u{abc}' | '\u{b3c}' | '\u{c3c}' | '\u{cbc}'
        | '\u{94d}' | '\u{9cd}' | '\u{a4d}' | '\u{acd}' | '\u{b4d}' | '\u{bcd}' | '\u{c4d}'
        | '\u{ccd}' | '\u{d3b}'..='\u{d3c}' | '\u{d4d}')
}

impl fmt::Display for RoomNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a room's name has at least one character"),
            Self::TooLong => write!(f, "a room's name has at most {MAX} characters"),
            Self::Dots => f.write_str("a room's name cannot be . or .."),
            Self::Character(c) => write!(
                f,
                "a room's name consists of letters, digits and . _ ~ - : {c:?} is none of them"
            ),
        }
    }
}
