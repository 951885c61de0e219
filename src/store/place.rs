//! The place of a record among all streams: the order of every listing, and its cursor.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};

/// A place in the order (observation time, stream, sequence number). A listing goes on behind it.
///
/// Its text, `observed_at-seq-stream`, is stable: a page's address can hold it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cursor {
    /// When the record was observed, in nanoseconds since the Unix epoch.
    pub observed_at: u64,
    /// The stream's id.
    pub stream: Arc<str>,
    /// The record's number in the stream.
    pub seq: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.observed_at, self.seq, self.stream)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.splitn(3, '-');
        let mut number = || parts.next()?.parse().ok();
        number()
            .zip(number())
            .zip(parts.next())
            .map(|((observed_at, seq), stream)| Self {
                observed_at,
                stream: stream.into(),
                seq,
            })
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Query,
                    format!("`{text}` is not a cursor; use one that a listing gave, or none to begin anew"),
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_other_text_is_refused() {
        let cursor = Cursor {
            observed_at: 1_763_719_200_000_000_001,
            stream: "0193-a".into(),
            seq: 7,
        };
        assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        for wrong in ["", "1", "1-2", "x-2-a", "1-x-a", "-1-2-a"] {
            assert_eq!(
                wrong.parse::<Cursor>().unwrap_err().kind(),
                ErrorKind::Query,
                "{wrong}"
            );
        }
    }
}
