//! Segments: the files of a stream, their names, and the list of those that a directory holds.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::civil::Date;

use crate::error::{Error, ErrorKind, Result};

/// The name of a segment: `audit-2026-11-21-00000000000000016384.jsonl`.
///
/// Names sort as the records in them do: a later segment never has a smaller `first_seq`. The day is for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SegmentName {
    /// The UTC day on which the segment was opened.
    pub date: Date,
    /// The sequence number of its first record, written with twenty digits.
    pub first_seq: u64,
}

impl SegmentName {
    /// The name of the segment that is opened on `date` and begins with the record `first_seq`.
    #[must_use]
    pub fn new(date: Date, first_seq: u64) -> Self {
        Self { date, first_seq }
    }

    /// Reads a file name; `None` for the name of anything else.
    ///
    /// Only the one spelling that [`Display`](fmt::Display) gives is a name, so a copy such as
    /// `audit-… (1).jsonl` never counts twice.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let stem = name.strip_prefix("audit-")?.strip_suffix(".jsonl")?;
        let (date, seq) = (stem.get(..10)?, stem.get(10..)?.strip_prefix('-')?);
        if seq.len() != 20 || !seq.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let parsed = Self {
            date: date.parse().ok()?,
            first_seq: seq.parse().ok()?,
        };
        (parsed.to_string() == name).then_some(parsed)
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = (self.date.year(), self.date.month(), self.date.day());
        write!(
            f,
            "audit-{year:04}-{month:02}-{day:02}-{:020}.jsonl",
            self.first_seq
        )
    }
}

impl FromStr for SegmentName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::parse(name).ok_or_else(|| {
            Error::new(
                ErrorKind::Format,
                format!("`{name}` is not a segment's name; expected `audit-YYYY-MM-DD-<20 digits>.jsonl`"),
            )
        })
    }
}

/// One segment that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Segment {
    /// What its name says.
    pub name: SegmentName,
    /// Where it lies.
    pub path: PathBuf,
    /// How many bytes it had when it was listed; the newest one may grow.
    pub len: u64,
}

/// The segments in a stream's directory, in the order of their records. Files of any other name are left out, and so
/// is a segment that retention removes while the directory is being listed; what has such a name and is no regular file,
/// [`strays`] gives.
///
/// # Errors
///
/// [`ErrorKind::Io`] where the directory or a file in it cannot be looked at.
pub fn segments(stream_dir: &Path) -> Result<Vec<Segment>> {
    Ok(Listing::of(stream_dir)?.segments)
}

/// What is named like a segment in a stream's directory and is no regular file: a link, a directory, a pipe. No reader opens
/// one, and no link is followed, so that a trail is what stands in its own directory.
///
/// # Errors
///
/// As [`segments`].
pub fn strays(stream_dir: &Path) -> Result<Vec<PathBuf>> {
    Ok(Listing::of(stream_dir)?.strays)
}

/// What has a segment's name in a stream's directory.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) segments: Vec<Segment>,
    /// By path.
    pub(crate) strays: Vec<PathBuf>,
}

impl Listing {
    pub(crate) fn of(stream_dir: &Path) -> Result<Self> {
        let list_error = |error| Error::io("could not list the segments in", stream_dir, error);
        let mut found = Self::default();
        for entry in std::fs::read_dir(stream_dir).map_err(list_error)? {
            let entry = entry.map_err(list_error)?;
            let Some(name) = entry.file_name().to_str().and_then(SegmentName::parse) else {
                continue;
            };
            let path = entry.path();
            // Of a link, what it is itself.
            match entry.metadata() {
                Ok(about) if about.is_file() => found.segments.push(Segment {
                    name,
                    path,
                    len: about.len(),
                }),
                Ok(_) => found.strays.push(path),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::io("could not look at the segment", &path, error)),
            }
        }
        found
            .segments
            .sort_unstable_by_key(|segment| (segment.name.first_seq, segment.name.date));
        found.strays.sort_unstable();
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_as_it_was_written() {
        let name = SegmentName::new(jiff::civil::date(2026, 11, 21), 16_384);
        assert_eq!(name.to_string(), "audit-2026-11-21-00000000000000016384.jsonl");
        assert_eq!(SegmentName::parse(&name.to_string()), Some(name));
        let last = SegmentName::new(jiff::civil::date(9999, 12, 31), u64::MAX);
        assert_eq!(SegmentName::parse(&last.to_string()), Some(last));
    }

    #[test]
    fn any_other_spelling_is_not_a_name() {
        for wrong in [
            "",
            "audit-.jsonl",
            "audit-2026-11-21-00000000000000016384.jsonl.tmp",
            "audit-2026-11-21-0000000000000016384.jsonl",
            "audit-2026-11-21-99999999999999999999.jsonl",
            "audit-2026-11-21-+0000000000000016384.jsonl",
            "audit-2026-13-01-00000000000000000000.jsonl",
            "audit-20261121-0-00000000000000000000.jsonl",
            "audit-2026-11-é1-0000000000000000000.jsonl",
            "Audit-2026-11-21-00000000000000016384.jsonl",
        ] {
            assert_eq!(SegmentName::parse(wrong), None, "{wrong}");
        }
        let message = "x".parse::<SegmentName>().unwrap_err().to_string();
        assert!(
            message.contains("`x`") && message.contains("20 digits"),
            "{message}"
        );
    }

    #[test]
    fn segments_are_listed_in_the_order_of_their_records_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in [
            ("audit-2026-11-22-00000000000000000007.jsonl", "later\n"),
            ("audit-2026-11-21-00000000000000000000.jsonl", "x\n"),
            // The clock went backwards a day: the record's number decides.
            ("audit-2026-11-20-00000000000000000009.jsonl", ""),
            ("lock", ""),
            ("stream", "id"),
            ("audit-2026-11-22-00000000000000000007.jsonl.zst", ""),
        ] {
            std::fs::write(dir.path().join(name), content).unwrap();
        }
        let stray = dir.path().join("audit-2026-11-23-00000000000000000008.jsonl");
        std::fs::create_dir(&stray).unwrap();
        let listed: Vec<_> = segments(dir.path())
            .unwrap()
            .iter()
            .map(|segment| (segment.name.first_seq, segment.len))
            .collect();
        assert_eq!(listed, [(0, 2), (7, 6), (9, 0)]);
        assert_eq!(strays(dir.path()).unwrap(), [stray]);
    }

    #[test]
    fn a_missing_directory_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let error = segments(&dir.path().join("gone")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains("gone"), "{error}");
    }
}
