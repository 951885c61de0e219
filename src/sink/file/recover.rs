//! Where a trail ended: reads segments from their ends, and changes nothing.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::fs::{Fs, FsFile};
use super::roll::look;
use crate::error::Result;
use crate::format::SegmentName;

/// How far back each step looks for a line; above the longest line that is ever written.
const WINDOW: u64 = 256 * 1024;

/// The last record of a segment, as far as recovery needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) seq: u64,
    pub(super) observed_at: u64,
    /// Whether it is an `audit.close`.
    pub(super) close: bool,
}

/// What a segment ends with.
#[derive(Debug, Default)]
pub(super) struct Tail {
    pub(super) last: Option<Last>,
    /// Whether complete lines that are no records stand behind it.
    pub(super) garbage: bool,
    /// Bytes behind the last newline, and their SHA-256 in hexadecimal.
    pub(super) torn: Option<(u64, String)>,
}

/// The segments in a directory, in the order of their records.
pub(super) fn segments(fs: &dyn Fs, home: &Path) -> Result<Vec<SegmentName>> {
    let names = fs.list(home).map_err(|error| look(home, error))?;
    let mut found: Vec<_> = names.iter().filter_map(|name| SegmentName::parse(name)).collect();
    found.sort_unstable_by_key(|name| (name.first_seq, name.date));
    Ok(found)
}

/// Reads a segment's end.
pub(super) fn tail(fs: &dyn Fs, path: &Path) -> Result<Tail> {
    read_tail(fs, path).map_err(|error| look(path, error))
}

fn read_tail(fs: &dyn Fs, path: &Path) -> io::Result<Tail> {
    let file = fs.open_read(path)?;
    let len = file.meta()?.len;
    let mut tail = Tail::default();
    let complete = last_newline(&*file, len)?.map_or(0, |at| at + 1);
    if complete < len {
        tail.torn = Some((len - complete, fingerprint(&*file, complete, len)?));
    }
    let mut end = complete;
    while end > 0 {
        let from = end.saturating_sub(WINDOW);
        let bytes = read(&*file, from, end)?;
        // A line that begins before the window is looked at in the next one.
        let whole = if from == 0 {
            Some(0)
        } else {
            let inner = bytes.get(..bytes.len().saturating_sub(1)).unwrap_or_default();
            inner.iter().position(|byte| *byte == b'\n').map(|at| at + 1)
        };
        let Some(whole) = whole else {
            // Longer than any line of ours.
            tail.garbage = true;
            end = last_newline(&*file, from)?.map_or(0, |at| at + 1);
            continue;
        };
        let lines = bytes
            .get(whole..bytes.len().saturating_sub(1))
            .unwrap_or_default();
        for line in lines.rsplit(|byte| *byte == b'\n') {
            tail.last = peek(line);
            if tail.last.is_some() {
                return Ok(tail);
            }
            tail.garbage = true;
        }
        end = from + whole as u64;
    }
    Ok(tail)
}

/// Where the last newline before `end` is.
fn last_newline(file: &dyn FsFile, mut end: u64) -> io::Result<Option<u64>> {
    while end > 0 {
        let from = end.saturating_sub(WINDOW);
        let bytes = read(file, from, end)?;
        if let Some(at) = bytes.iter().rposition(|byte| *byte == b'\n') {
            return Ok(Some(from + at as u64));
        }
        end = from;
    }
    Ok(None)
}

fn fingerprint(file: &dyn FsFile, mut from: u64, end: u64) -> io::Result<String> {
    use std::fmt::Write as _;
    let mut hash = Sha256::new();
    while from < end {
        let to = end.min(from + WINDOW);
        hash.update(read(file, from, to)?);
        from = to;
    }
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

fn read(file: &dyn FsFile, from: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(end - from).unwrap_or(usize::MAX)];
    let mut done = 0;
    while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(from + done as u64, rest) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

/// Place, time and kind of a line; `None` for what is not a record. It asks for less than the reader of records does,
/// so that a line of a later version still gives its number away.
fn peek(line: &[u8]) -> Option<Last> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let time: Timestamp = value.get("observed_at")?.as_str()?.parse().ok()?;
    Some(Last {
        seq: value.get("seq")?.as_u64()?,
        observed_at: u64::try_from(time.as_nanosecond()).ok()?,
        close: value.get("event").and_then(Value::as_str) == Some("audit.close"),
    })
}
