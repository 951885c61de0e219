//! Finds a place in a stream without reading what lies before it: by the first record of each file, then by halving
//! the file. Sound because within a stream neither `observed_at` nor `seq` ever decreases.

use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::format::{Lines, Piece};

use super::Cursor;
use super::reading::decode;
use super::stream::{Part, open};

/// Halving stops when so few bytes are left: reading them costs no more than another probe.
const CLOSE: u64 = 256 * 1024;

/// A border in the order of records: each lies before it, or not.
#[derive(Debug)]
pub(super) struct Bound {
    cursor: Option<Cursor>,
    time: u64,
    /// Whether a record at the cursor itself lies before the border.
    inclusive: bool,
}

impl Bound {
    /// Before it lies what is before the cursor and the time; `None` if that is everything.
    pub(super) fn upper(cursor: Option<&Cursor>, time: u64) -> Option<Self> {
        (cursor.is_some() || time < crate::store::Window::ALL.until).then(|| Self {
            cursor: cursor.cloned(),
            time,
            inclusive: false,
        })
    }

    /// Before it lies what is not behind the cursor, or is before the time; `None` if that is nothing.
    pub(super) fn lower(cursor: Option<&Cursor>, time: u64) -> Option<Self> {
        (cursor.is_some() || time > 0).then(|| Self {
            cursor: cursor.cloned(),
            time,
            inclusive: true,
        })
    }

    fn is_behind(&self, place: &Cursor) -> bool {
        let time = place.observed_at < self.time;
        match (&self.cursor, self.inclusive) {
            (None, _) => time,
            (Some(cursor), true) => time || place <= cursor,
            (Some(cursor), false) => time && place < cursor,
        }
    }
}

/// How many files, from the oldest, have a first record before the border. Files without a record are counted with
/// those before them.
pub(super) fn files_before(parts: &[Part<'_>], name: &Arc<str>, bound: &Bound) -> Result<usize> {
    let (mut low, mut high) = (0, parts.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let mut known = None;
        for index in (low..=middle).rev() {
            let Some(part) = parts.get(index) else { continue };
            if let Some(first) = first_place(part, name)? {
                known = Some((index, first));
                break;
            }
        }
        match known {
            Some((index, first)) if !bound.is_behind(&first) => high = index,
            _ => low = middle + 1,
        }
    }
    Ok(low)
}

/// The place of the first record of a file.
pub(super) fn first_place(part: &Part<'_>, name: &Arc<str>) -> Result<Option<Cursor>> {
    let Some(file) = open(part.path)? else {
        return Ok(None);
    };
    let mut lines = Lines::new(file);
    Ok(next_record(&mut lines, part, name, u64::MAX)?.map(|found| found.place))
}

/// A record at an offset.
struct Found {
    place: Cursor,
    offset: u64,
    /// Where its line ends, newline included.
    end: u64,
}

/// The next record that begins before `limit`.
fn next_record(
    lines: &mut Lines<File>,
    part: &Part<'_>,
    name: &Arc<str>,
    limit: u64,
) -> Result<Option<Found>> {
    while lines.offset() < limit {
        let piece = lines
            .next_piece()
            .map_err(|error| Error::io("could not read the segment", part.path, error))?;
        match piece {
            None => return Ok(None),
            Some(Piece::Line { offset, bytes }) => {
                if let Ok((place, _)) = decode(bytes, name)
                    && place.seq < part.limit
                {
                    let end = offset + bytes.len() as u64 + 1;
                    return Ok(Some(Found { place, offset, end }));
                }
            }
            Some(_) => {}
        }
    }
    Ok(None)
}

/// Two offsets at starts of lines: every record that begins before the first lies before the border, none that begins
/// at or behind the second does. What lies between is at most [`CLOSE`] bytes and a line.
pub(super) fn offsets(part: &Part<'_>, name: &Arc<str>, bound: &Bound) -> Result<(u64, u64)> {
    let path = part.path;
    let Some(mut file) = open(path)? else {
        return Ok((0, 0));
    };
    let failed = |error| Error::io("could not read the segment", path, error);
    let len = file.metadata().map_err(failed)?.len();
    // `limit` narrows the search; `high` only moves to a record, so that unreadable lines stay on the side of `low`.
    let (mut low, mut limit, mut high) = (0, len, len);
    while limit - low > CLOSE {
        let middle = low + (limit - low) / 2;
        // The line that the byte before `middle` belongs to began earlier: step over it.
        file.seek(SeekFrom::Start(middle - 1)).map_err(failed)?;
        let mut lines = Lines::at(file.try_clone().map_err(failed)?, middle - 1);
        lines.next_piece().map_err(failed)?;
        match next_record(&mut lines, part, name, limit)? {
            Some(found) if bound.is_behind(&found.place) => low = found.end,
            Some(found) => {
                high = found.offset;
                limit = middle;
            }
            None => limit = middle,
        }
    }
    Ok((low, high))
}
