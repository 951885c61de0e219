//! Where a trail ended: reads segments, and changes nothing.
//!
//! A power failure can leave any part of what was not confirmed: a hole of zeros with good lines behind it, or a file that
//! is cut short. So the end is looked for from the front. The first number that is not there is where the log ends, and
//! whatever stands behind it is dead: it was never acknowledged, and its numbers are given again.

use std::io::{self, Read};
use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::fs::{Fs, FsFile};
use super::roll::look;
use crate::error::Result;
use crate::format::{Lines, Piece, SegmentName, seq_of};

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

/// Bytes of a segment that are no part of the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) offset: u64,
    /// Without newlines at its end, which the sink itself may have put there.
    pub(super) len: u64,
    pub(super) sha256_hex: String,
}

/// Where the good part of a trail ends.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The number behind its last line.
    pub(super) next_seq: u64,
    /// The last line that the scan found good; `None` where it found none.
    pub(super) last: Option<Last>,
    /// What stands behind it in the newest segment.
    pub(super) torn: Option<Region>,
    /// First and last of the numbers that are not there although a later segment's name says that they were confirmed.
    /// No power failure leaves such a hole.
    pub(super) missing: Vec<(u64, u64)>,
}

/// The segments in a directory, in the order of their records.
pub(super) fn segments(fs: &dyn Fs, home: &Path) -> Result<Vec<SegmentName>> {
    let names = fs.list(home).map_err(|error| look(home, error))?;
    let mut found: Vec<_> = names.iter().filter_map(|name| SegmentName::parse(name)).collect();
    found.sort_unstable_by_key(|name| (name.first_seq, name.date));
    Ok(found)
}

/// Reads a trail forwards from the line `from_seq` and gives each good line to `each`, with its number: those that
/// follow each other without a hole, each once. Lines below `from_seq` are not looked at; where that is the number of a
/// confirmed line, or the first in the newest segment's name, the answer is where the log ends.
///
/// A number that is missing ends the log only in the newest segment. A segment is begun when all lines below the number
/// in its name are confirmed elsewhere, so a hole further back is damage, and what follows it is given.
pub(super) fn scan_forward(
    fs: &dyn Fs,
    home: &Path,
    from_seq: u64,
    each: &mut dyn FnMut(u64, &[u8]),
) -> Result<Scan> {
    let names = segments(fs, home)?;
    let begin = names.iter().rposition(|name| name.first_seq <= from_seq);
    let names = names.get(begin.unwrap_or(0)..).unwrap_or_default();
    let mut scan = Scan {
        next_seq: from_seq,
        ..Scan::default()
    };
    let mut last = Vec::new();
    for (at, name) in names.iter().enumerate() {
        if scan.next_seq < name.first_seq {
            scan.missing.push((scan.next_seq, name.first_seq - 1));
            scan.next_seq = name.first_seq;
        }
        let limit = names.get(at + 1).map_or(u64::MAX, |next| next.first_seq);
        let path = home.join(name.to_string());
        scan.segment(fs, &path, (from_seq, limit), &mut |seq, line| {
            last.clear();
            last.extend_from_slice(line);
            each(seq, line);
        })
        .map_err(|error| look(&path, error))?;
    }
    scan.last = peek(&last);
    Ok(scan)
}

impl Scan {
    /// Goes on through one segment, of which the lines from `limit` on are dead.
    fn segment(
        &mut self,
        fs: &dyn Fs,
        path: &Path,
        (from_seq, limit): (u64, u64),
        each: &mut dyn FnMut(u64, &[u8]),
    ) -> io::Result<()> {
        let file = fs.open_read(path)?;
        let mut lines = Lines::new(Forwards { file: &*file, at: 0 });
        self.torn = None;
        // Behind the last line that is good, or lies below what was asked for.
        let (mut end, mut has_good) = (0, false);
        while let Some(piece) = lines.next_piece()? {
            let Piece::Line { offset, bytes } = piece else {
                continue;
            };
            let behind = offset + bytes.len() as u64 + 1;
            let Some(seq) = number(bytes).filter(|seq| *seq < limit) else {
                continue;
            };
            if seq < from_seq && !has_good {
                end = behind;
            }
            if seq > self.next_seq && limit < u64::MAX {
                self.missing.push((self.next_seq, seq - 1));
                self.next_seq = seq;
            }
            if seq != self.next_seq {
                continue;
            }
            each(seq, bytes);
            self.next_seq += 1;
            (end, has_good) = (behind, true);
        }
        self.torn = region(&*file, end, lines.offset())?;
        Ok(())
    }
}

/// A file as a source of bytes.
pub(super) struct Forwards<'f> {
    pub(super) file: &'f dyn FsFile,
    pub(super) at: u64,
}

impl Read for Forwards<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(self.at, into)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// The number of a line that is whole. Lost bytes read as zeros, and no line of ours holds one. Whoever takes a line for the
/// tree asks this: of two with one number, the whole one counts.
pub(super) fn number(line: &[u8]) -> Option<u64> {
    let is_whole = line.starts_with(b"{") && memchr::memchr(0, line).is_none();
    is_whole.then(|| seq_of(line)).flatten()
}

/// What stands between two places, newlines at the end left out; `None` where that is nothing.
fn region(file: &dyn FsFile, from: u64, end: u64) -> io::Result<Option<Region>> {
    let mut to = end;
    while to > from {
        let begin = to.saturating_sub(WINDOW).max(from);
        let bytes = read(file, begin, to)?;
        if let Some(at) = bytes.iter().rposition(|byte| *byte != b'\n') {
            to = begin + at as u64 + 1;
            let sha256_hex = fingerprint(file, from, to)?;
            return Ok(Some(Region {
                offset: from,
                len: to - from,
                sha256_hex,
            }));
        }
        to = begin;
    }
    Ok(None)
}

/// Whether what stands there is a record that lacks nothing but its newline.
pub(super) fn lacks_its_end(file: &dyn FsFile, offset: u64, len: u64) -> io::Result<bool> {
    if len > WINDOW {
        return Ok(false);
    }
    let bytes = read(file, offset, offset + len)?;
    Ok(number(&bytes).is_some() && serde_json::from_slice::<Value>(&bytes).is_ok())
}

/// Whether a file holds a complete line that is a record, or one that lacks nothing but its newline.
pub(super) fn holds_record(file: &dyn FsFile) -> io::Result<bool> {
    let mut lines = Lines::new(Forwards { file, at: 0 });
    while let Some(piece) = lines.next_piece()? {
        let is_record = match piece {
            Piece::Line { bytes, .. } => number(bytes).is_some(),
            Piece::Torn { offset, len } => lacks_its_end(file, offset, len)?,
            _ => false,
        };
        if is_record {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The last record of a segment whose number is below `limit`, which is the number in the next segment's name: the others
/// are dead.
pub(super) fn tail_below(fs: &dyn Fs, path: &Path, limit: u64) -> Result<Option<Last>> {
    read_tail(fs, path, limit).map_err(|error| look(path, error))
}

fn read_tail(fs: &dyn Fs, path: &Path, limit: u64) -> io::Result<Option<Last>> {
    let file = fs.open_read(path)?;
    let len = file.meta()?.len;
    let mut end = last_newline(&*file, len)?.map_or(0, |at| at + 1);
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
            end = last_newline(&*file, from)?.map_or(0, |at| at + 1);
            continue;
        };
        let lines = bytes
            .get(whole..bytes.len().saturating_sub(1))
            .unwrap_or_default();
        for line in lines.rsplit(|byte| *byte == b'\n') {
            let is_live = |last: &Last| last.seq < limit;
            if let Some(last) = peek(line).filter(is_live) {
                return Ok(Some(last));
            }
        }
        end = from + whole as u64;
    }
    Ok(None)
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
