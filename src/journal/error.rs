//! The errors of a journal.

use std::fmt;

use super::Row;

/// The stored rows are not a valid journal. Nothing may be written over them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corrupt {
    /// The storage key of the row.
    pub row: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The storage has a row with this key, which is no key of a journal.
    Key,
    /// The caller cannot read the row.
    Unreadable,
    /// The row was cut off, or is longer than its header says.
    Length,
    /// The row has this unknown version of the format.
    Version(u8),
    /// The checksum is wrong.
    Checksum,
    /// The row's bytes were written for this other row.
    Misplaced(Row),
    /// The header contradicts itself.
    Header,
    /// The entries cannot be read.
    Entries,
    /// Another row has a segment with the same number.
    Repeated(u64),
    /// The row has changed: it now holds the segment with this number.
    Unexpected(u64),
    /// The newest row needs the segment with this number, which is missing.
    Missing(u64),
    /// The row is part of a commit, and other rows of that commit are missing.
    Torn,
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: ", self.row)?;
        match self.fault {
            Fault::Key => write!(f, "the journal has no row with this key"),
            Fault::Unreadable => write!(f, "the row cannot be read"),
            Fault::Length => write!(f, "the row was cut off, or bytes were added"),
            Fault::Version(version) => write!(f, "version {version} of the format is unknown"),
            Fault::Checksum => write!(f, "the checksum is wrong: bytes were altered"),
            Fault::Misplaced(row) => write!(f, "the row's bytes were written for {row}"),
            Fault::Header => write!(f, "the header contradicts itself"),
            Fault::Entries => write!(f, "the entries cannot be read"),
            Fault::Repeated(number) => write!(f, "another row holds segment {number} as well"),
            Fault::Unexpected(number) => {
                write!(f, "the row holds segment {number}: another object wrote it")
            }
            Fault::Missing(number) => write!(f, "the row needs segment {number}, which is missing"),
            Fault::Torn => write!(f, "the rest of the row's commit is missing"),
        }
    }
}

/// Why a value is not stored, or a commit is not made. The journal is unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The key alone, or the key with its value, is too long for a row.
    TooLong {
        /// Their size.
        bytes: usize,
    },
    /// All keys and values together would exceed the journal's limit, or the commit needs more rows than are
    /// free.
    Full {
        /// The size of the keys and values, or of the commit's rows.
        bytes: usize,
    },
    /// A row cannot be read back.
    Corrupt(Corrupt),
}

impl From<Corrupt> for Error {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt(corrupt)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::TooLong { bytes } => {
                write!(
                    f,
                    "a key, or a key and its value, have {bytes} bytes: too long for a row"
                )
            }
            Self::Full { bytes } => {
                write!(f, "the journal has no room for {bytes} bytes")
            }
            Self::Corrupt(corrupt) => corrupt.fmt(f),
        }
    }
}
