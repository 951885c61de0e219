//! Findings: what stands in a file and is not a record. Data for the caller to show, never an error.

use std::fmt;
use std::path::PathBuf;

/// Something in a stream's files that is not a record, or that shows one to be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The file.
    pub path: PathBuf,
    /// Where in the file, in bytes from its start.
    pub offset: u64,
    /// What it is.
    pub kind: FindingKind,
}

/// Kinds of findings.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingKind {
    /// The file ends inside a line: a write was cut short, or is under way.
    Torn {
        /// Bytes behind the last newline.
        len: u64,
    },
    /// It is named like a segment and is a link, a directory or a pipe: it was not read.
    NotAFile,
    /// A line that is longer than any record.
    TooLong {
        /// Bytes of the line.
        len: u64,
    },
    /// A line that is not a record.
    Unreadable {
        /// Why, in words.
        why: String,
    },
    /// Numbers are missing between two records, and no unreadable line explains them.
    Hole {
        /// The number before.
        after: u64,
        /// The number behind.
        before: u64,
    },
    /// Numbers are missing between two records of a copy, and a prune removed all of them.
    Pruned {
        /// The number before.
        after: u64,
        /// The number behind.
        before: u64,
    },
    /// Values in the side table are not those that the line of their record states.
    Mismatch {
        /// The record's number.
        seq: u64,
        /// The fields, with commas between them.
        fields: String,
    },
    /// A record's number is not larger than the one before it.
    Disorder {
        /// The number before.
        after: u64,
        /// The number that should be larger.
        found: u64,
    },
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torn { len } => write!(f, "ends inside a line ({len} bytes)"),
            Self::NotAFile => f.write_str("is named like a segment and is no regular file: it is never read"),
            Self::TooLong { len } => write!(f, "line of {len} bytes, longer than any record"),
            // What the reader of lines says begins with the same words.
            Self::Unreadable { why } => {
                let why = why.strip_prefix("the line is not a record: ").unwrap_or(why);
                write!(f, "line is not a record: {why}")
            }
            Self::Hole { after, before } => {
                let missing = before.saturating_sub(*after).saturating_sub(1);
                write!(f, "numbers missing between seq {after} and {before} ({missing})")
            }
            Self::Pruned { after, before } => {
                let removed = before.saturating_sub(*after).saturating_sub(1);
                write!(
                    f,
                    "a prune removed what stood between seq {after} and {before} ({removed})"
                )
            }
            Self::Mismatch { seq, fields } => {
                write!(
                    f,
                    "the side table has other values than the line of seq {seq} states: {fields}"
                )
            }
            Self::Disorder { after, found } => write!(f, "seq {found} follows seq {after}"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == FindingKind::NotAFile {
            return write!(f, "{} {}", self.path.display(), self.kind);
        }
        write!(
            f,
            "{} at byte {}: {}",
            self.path.display(),
            self.offset,
            self.kind
        )
    }
}
