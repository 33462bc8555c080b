//! The chooser: it makes decisions from the bytes of an input.

/// The remaining bytes. When none are left, every decision is the first choice.
pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The remaining bytes.
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// A number below `limit`, which is at most 65536. It takes one byte if that is enough.
    pub fn below(&mut self, limit: usize) -> usize {
        let mut value = usize::from(self.byte());
        if limit > 256 {
            value = value << 8 | usize::from(self.byte());
        }
        value % limit
    }

    pub fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) + 1 == one_in
    }

    pub fn pick<'i, T>(&mut self, items: &'i [T]) -> &'i T {
        &items[self.below(items.len())]
    }

    /// Takes the next bytes as they are: at most `limit` of them.
    pub fn some(&mut self, limit: usize) -> &'a [u8] {
        let len = self.below(limit + 1).min(self.0.len());
        let (some, rest) = self.0.split_at(len);
        self.0 = rest;
        some
    }
}
