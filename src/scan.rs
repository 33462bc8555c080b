//! Checks that a text is JSON, and finds its values: [RFC
//! 8259](https://www.rfc-editor.org/rfc/rfc8259).
//!
//! The scanner reads each byte once, at any depth of nesting, and builds no values. Most bytes are
//! in strings, which it reads eight bytes at a time.

use std::ops::Range;

/// The result of scanning a JSON text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// If the text is an object: for each field, the range of its name with the quotes, and the range of
    /// its value.
    pub(crate) fields: Option<Vec<(Range<usize>, Range<usize>)>>,
    /// If a field holds an object: the ranges of the names in that object, each with the index of
    /// the field in `fields`.
    pub(crate) nested: Vec<(usize, Range<usize>)>,
    /// The depth of nesting: 0 for a value that is neither an array nor an object.
    pub(crate) depth: usize,
}

/// Scans a text. `None` if it is not JSON.
pub(crate) fn scan(text: &str) -> Option<Scan> {
    let mut scanner = Scanner::new(text);
    let (_, scan) = scanner.whole()?;
    scanner.is_done().then_some(scan)
}

/// The elements of an array, each with its own scan. `None` if `text` is not a JSON array.
pub(crate) fn elements(text: &str) -> Option<Vec<(Range<usize>, Scan)>> {
    let mut scanner = Scanner::new(text);
    scanner.space();
    if scanner.peek()? != b'[' {
        return None;
    }
    let elements = scanner.elements()?;
    scanner.is_done().then_some(elements)
}

/// A bracket that is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    Array,
    Object,
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    open: Vec<Bracket>,
    depth: usize,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            open: Vec::new(),
            depth: 0,
        }
    }

    /// Whether the text ends here.
    fn is_done(&mut self) -> bool {
        self.space();
        self.at == self.text.len()
    }

    /// Reads a value and records the ranges in it.
    fn whole(&mut self) -> Option<(Range<usize>, Scan)> {
        let start = self.at;
        self.space();
        let outside = self.open.len();
        let deepest = std::mem::replace(&mut self.depth, outside);
        let mut scan = Scan::default();
        if self.peek()? == b'{' {
            self.fields(start, &mut scan)?;
        } else {
            self.value()?;
        }
        scan.depth = self.depth.saturating_sub(outside);
        self.depth = self.depth.max(deepest);
        Some((start..self.at, scan))
    }

    fn elements(&mut self) -> Option<Vec<(Range<usize>, Scan)>> {
        let mut elements = Vec::new();
        self.enter(Bracket::Array);
        if self.leaves()? {
            return Some(elements);
        }
        loop {
            self.space();
            elements.push(self.whole()?);
            if self.ends()? {
                return Some(elements);
            }
        }
    }

    /// Reads an object and records its fields, and the names in fields that hold objects. All
    /// ranges are relative to `start`.
    fn fields(&mut self, start: usize, scan: &mut Scan) -> Option<()> {
        let place = |range: Range<usize>| {
            range.start.saturating_sub(start)..range.end.saturating_sub(start)
        };
        let nested = &mut scan.nested;
        let fields = scan.fields.insert(Vec::new());
        self.each_field(|scanner, name| {
            scanner.space();
            let value = if scanner.peek()? == b'{' {
                let (start, field) = (scanner.at, fields.len());
                scanner.each_field(|scanner, name| {
                    nested.push((field, place(name)));
                    scanner.value().map(drop)
                })?;
                start..scanner.at
            } else {
                scanner.value()?
            };
            fields.push((place(name), place(value)));
            Some(())
        })
    }

    /// Reads an object. `take` gets the range of each name, and must read the value.
    fn each_field(
        &mut self,
        mut take: impl FnMut(&mut Self, Range<usize>) -> Option<()>,
    ) -> Option<()> {
        self.enter(Bracket::Object);
        if self.leaves()? {
            return Some(());
        }
        loop {
            let name = self.name()?;
            take(self, name)?;
            if self.ends()? {
                return Some(());
            }
        }
    }

    /// Reads a value with everything in it.
    fn value(&mut self) -> Option<Range<usize>> {
        self.space();
        let start = self.at;
        let outside = self.open.len();
        loop {
            self.space();
            let inside = match self.peek()? {
                b'[' => {
                    self.enter(Bracket::Array);
                    !self.leaves()?
                }
                b'{' => {
                    self.enter(Bracket::Object);
                    !self.leaves()?
                }
                _ => {
                    self.scalar()?;
                    false
                }
            };
            if !inside {
                // Close brackets until the next value begins.
                while self.open.len() > outside && self.ends()? {}
                if self.open.len() == outside {
                    return Some(start..self.at);
                }
            }
            if self.open.last() == Some(&Bracket::Object) {
                self.name()?;
            }
        }
    }

    fn enter(&mut self, bracket: Bracket) {
        self.skip(1);
        self.open.push(bracket);
        self.depth = self.depth.max(self.open.len());
    }

    /// Whether the innermost bracket closes here. If so, reads its closing bracket.
    fn leaves(&mut self) -> Option<bool> {
        self.space();
        let closing = match self.open.last()? {
            Bracket::Array => b']',
            Bracket::Object => b'}',
        };
        if self.peek()? != closing {
            return Some(false);
        }
        self.skip(1);
        self.open.pop();
        Some(true)
    }

    /// Whether the innermost bracket closes after a value; otherwise another value follows.
    fn ends(&mut self) -> Option<bool> {
        if self.leaves()? {
            return Some(true);
        }
        self.expect(b',')?;
        Some(false)
    }

    /// Reads the name of a field, and the colon.
    fn name(&mut self) -> Option<Range<usize>> {
        self.space();
        let start = self.at;
        self.string()?;
        let name = start..self.at;
        self.space();
        self.expect(b':')?;
        Some(name)
    }

    fn scalar(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string(),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => self.number(),
        }
    }

    fn literal(&mut self, word: &str) -> Option<()> {
        let rest = self.text.as_bytes().get(self.at..)?;
        rest.starts_with(word.as_bytes())
            .then(|| self.skip(word.len()))
    }

    fn number(&mut self) -> Option<()> {
        self.accept(|byte| byte == b'-');
        if !self.accept(|byte| byte == b'0') {
            self.digits()?;
        }
        if self.accept(|byte| byte == b'.') {
            self.digits()?;
        }
        if self.accept(|byte| matches!(byte, b'e' | b'E')) {
            self.accept(|byte| matches!(byte, b'+' | b'-'));
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.accept(|byte| byte.is_ascii_digit()) {}
        (self.at > start).then_some(())
    }

    fn string(&mut self) -> Option<()> {
        self.expect(b'"')?;
        let mut rest = self.text.as_bytes().get(self.at..)?;
        loop {
            rest = match rest {
                [b'"', rest @ ..] => {
                    self.at = self.text.len() - rest.len();
                    return Some(());
                }
                [
                    b'\\',
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                    rest @ ..,
                ] => rest,
                [b'\\', b'u', rest @ ..] => {
                    let (digits, rest) = rest.split_first_chunk::<4>()?;
                    digits.iter().all(u8::is_ascii_hexdigit).then_some(rest)?
                }
                [..b' ' | b'\\', ..] | [] => return None,
                [_, rest @ ..] => rest.get(plain(rest)..)?,
            }
        }
    }

    fn space(&mut self) {
        while self.accept(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {}
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.accept(|next| next == byte).then_some(())
    }

    /// Reads the next byte if it satisfies the condition.
    fn accept(&mut self, is_match: impl Fn(u8) -> bool) -> bool {
        let accepted = self.peek().is_some_and(is_match);
        if accepted {
            self.skip(1);
        }
        accepted
    }

    fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }
}

/// How many bytes come before the first byte that may end a string. Only whole words are searched.
fn plain(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks();
    let mut passed = 0;
    for word in words {
        let special = special(u64::from_le_bytes(*word));
        if special != 0 {
            return passed + (special.trailing_zeros() / 8) as usize;
        }
        passed += 8;
    }
    passed
}

/// The highest bit of each byte that may end a string: a quote, a backslash, or a control
/// character. Only the lowest set bit is exact: borrows corrupt the higher ones.
const fn special(word: u64) -> u64 {
    const LOWEST: u64 = u64::MAX / 255; // the lowest bit of each byte
    const HIGHEST: u64 = LOWEST << 7;
    let quote = (word ^ (LOWEST * b'"' as u64)).wrapping_sub(LOWEST);
    let backslash = (word ^ (LOWEST * b'\\' as u64)).wrapping_sub(LOWEST);
    let control = word.wrapping_sub(LOWEST * b' ' as u64);
    (quote | backslash | control) & !word & HIGHEST
}

#[cfg(test)]
mod tests;
