//! Follows a trail while it is written: into new segments and new streams, without missing a line.

use std::collections::{HashMap, VecDeque};
use std::io::{Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::format::{Lines, Piece};
use crate::record::{Record, Slot};

use super::back::BackLines;
use super::dir::{Walk, streams_of};
use super::erasable::Values;
use super::numbers::{Numbers, Step};
use super::reading::decode;
use super::seek::{Bound, files_before, offsets};
use super::stream::{Files, Part, open};
use super::{Cursor, DirStore, Direction, Filter, Finding, FindingKind, Item, RawTest, Stored, Window};

/// How many bytes of a stream one poll takes at most.
const MOST: u64 = 4 * 1024 * 1024;

/// Reads what is appended to a trail. It holds no file open between polls and sleeps never; the caller decides when
/// to [`poll`](Follow::poll).
#[derive(Debug)]
pub struct Follow {
    path: PathBuf,
    /// By directory or file.
    streams: HashMap<PathBuf, Tail>,
}

/// What is wanted of one stream: nothing that is older than a place in it.
struct Behind<'a> {
    filter: &'a dyn Filter,
    after: Option<&'a Cursor>,
    /// The last record before the following began.
    last: Option<&'a Cursor>,
}

impl Filter for Behind<'_> {
    fn matches(&self, record: &Record) -> bool {
        self.filter.matches(record)
    }

    fn window(&self) -> Window {
        let window = self.filter.window();
        let from = self.after.map_or(0, |after| after.observed_at);
        Window {
            from: window.from.max(from),
            ..window
        }
    }

    fn raw(&self) -> RawTest {
        self.filter.raw()
    }

    fn looks_at(&self) -> Option<Vec<Slot>> {
        self.filter.looks_at()
    }

    fn gives(&self) -> Option<Vec<Slot>> {
        self.filter.gives()
    }
}

/// How far one stream was read.
#[derive(Debug, Default)]
struct Tail {
    values: Option<Values>,
    /// The file that is read now.
    path: Option<PathBuf>,
    /// Where its next line begins.
    offset: u64,
    numbers: Numbers,
    /// The last record before the following began.
    before: Option<Cursor>,
}

impl Follow {
    /// Follows from the end of what is there now. A directory may still be empty.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) where the path does not exist or cannot be read.
    pub fn from_end(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let mut streams = HashMap::new();
        for files in streams_of(&path)? {
            if let Some(key) = key_of(&files, &path) {
                streams.insert(key, Tail::at_end(&files)?);
            }
        }
        Ok(Self { path, streams })
    }

    /// Goes on behind places that [`Follow::places`] gave, also in another process. Streams that none of them is in are
    /// followed from their beginning; what retention has removed since then is a finding.
    ///
    /// # Errors
    ///
    /// As [`Follow::from_end`].
    pub fn after(path: impl Into<PathBuf>, places: &[Cursor]) -> Result<Self> {
        let path = path.into();
        let mut streams = HashMap::new();
        for files in streams_of(&path)? {
            let Some(key) = key_of(&files, &path) else {
                continue;
            };
            let place = match &Tail::at_end(&files)?.before {
                Some(last) => places.iter().find(|place| place.stream == last.stream),
                None => None,
            };
            if let Some(place) = place {
                streams.insert(key, Tail::behind(&files, place)?);
            }
        }
        Ok(Self { path, streams })
    }

    /// How far each stream was read: the places of the last records, whether they were wanted or not.
    #[must_use]
    pub fn places(&self) -> Vec<Cursor> {
        let places = self.streams.values().filter_map(|tail| tail.numbers.last());
        let mut places: Vec<Cursor> = places.cloned().collect();
        places.sort();
        places
    }

    /// The newest `count` wanted records from before the place where the following began, oldest first, with the gap records
    /// and findings among them. What the following gives comes right behind them, without a hole and without a repetition.
    ///
    /// # Errors
    ///
    /// As [`Follow::from_end`].
    pub fn history(&self, filter: &dyn Filter, count: usize) -> Result<Vec<Item>> {
        self.history_after(&[], filter, count)
    }

    /// The same, of what lies behind these places only, each of its own stream: what a reader lacks who has come so far. Of a
    /// stream that none of them is in, all of it; one stream can have records that are older than another's place.
    ///
    /// # Errors
    ///
    /// As [`Follow::from_end`].
    pub fn history_after(&self, places: &[Cursor], filter: &dyn Filter, count: usize) -> Result<Vec<Item>> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let store = DirStore::open(&self.path)?;
        let behind = |files: &Files| self.behind(files, places, filter);
        let wanted: Vec<(&Files, Behind<'_>)> = store
            .streams
            .iter()
            .filter_map(|files| Some((files, behind(files)?)))
            .collect();
        let ends: HashMap<&str, (Option<&Cursor>, u64)> = wanted
            .iter()
            .filter_map(|(_, behind)| Some((&*behind.last?.stream, (behind.after, behind.last?.seq))))
            .collect();
        let is_between = |stored: &Stored| {
            let end = ends.get(&*stored.place.stream);
            end.is_some_and(|(after, last)| {
                stored.place.seq <= *last && after.is_none_or(|after| stored.place > *after)
            })
        };
        let streams = wanted
            .iter()
            .map(|(files, behind)| (*files, behind as &dyn Filter));
        let mut found = VecDeque::new();
        let mut left = count;
        for item in Walk::over(streams, Direction::NewestFirst, None)? {
            let item = item?;
            let is_told = match &item {
                Item::Record(stored) | Item::Gap(stored) => is_between(stored),
                // The rest of a line that is being written comes with the following.
                Item::Finding(finding) => !matches!(finding.kind, FindingKind::Torn { .. }),
            };
            if is_told {
                left -= usize::from(matches!(item, Item::Record(_)));
                found.push_front(item);
            }
            if left == 0 {
                break;
            }
        }
        Ok(found.into())
    }

    /// What is wanted of a stream behind the place that is in it; `None` where the following began at that place.
    fn behind<'a>(
        &'a self,
        files: &Files,
        places: &'a [Cursor],
        filter: &'a dyn Filter,
    ) -> Option<Behind<'a>> {
        let tail = key_of(files, &self.path).and_then(|key| self.streams.get(&key));
        let last = tail.and_then(|tail| tail.before.as_ref());
        let after = last.and_then(|last| places.iter().find(|place| place.stream == last.stream));
        let is_new = after.is_none_or(|after| last.is_none_or(|last| last > after));
        is_new.then_some(Behind { filter, after, last })
    }

    /// Puts what was appended since the last poll into `items`, in the order of listings, and says whether there is
    /// more to read right now.
    ///
    /// # Errors
    ///
    /// As [`Follow::from_end`]; the poll can be repeated.
    pub fn poll(&mut self, filter: &dyn Filter, items: &mut Vec<Item>) -> Result<bool> {
        let mut found: Vec<(Option<Cursor>, Item)> = Vec::new();
        let mut more = false;
        for files in streams_of(&self.path)? {
            let Some(key) = key_of(&files, &self.path) else {
                continue;
            };
            let tail = self.streams.entry(key).or_default();
            more |= tail.read(&files, filter, &mut found)?;
        }
        // Stable: findings have no place and stay behind the record that they follow.
        let mut last: Option<Cursor> = None;
        for (place, _) in &mut found {
            match place {
                Some(place) => last = Some(place.clone()),
                None => place.clone_from(&last),
            }
        }
        found.sort_by(|(left, _), (right, _)| left.cmp(right));
        items.extend(found.into_iter().map(|(_, item)| item));
        Ok(more)
    }
}

/// What tells streams apart: the directory of their segments, or the file itself.
fn key_of(files: &Files, root: &Path) -> Option<PathBuf> {
    let first = files.paths.first()?;
    if first == root {
        return Some(root.to_owned());
    }
    first.parent().map(Path::to_owned)
}

impl Tail {
    fn at_end(files: &Files) -> Result<Self> {
        let mut tail = Self::default();
        for part in files.parts().rev() {
            let path = part.path;
            let Some(file) = open(path)? else { continue };
            let failed = |error| Error::io("could not read the segment", path, error);
            let len = file.metadata().map_err(failed)?.len();
            if tail.path.is_none() {
                tail.path = Some(path.to_owned());
                tail.offset = len;
            }
            let newest = tail.path.as_deref() == Some(path);
            let mut lines = BackLines::before(file, len);
            while let Some(piece) = lines.next_piece().map_err(failed)? {
                match piece {
                    // The rest of the line is still to come.
                    Piece::Torn { offset, .. } if newest => tail.offset = offset,
                    Piece::Line { bytes, .. } => {
                        if let Ok((place, _)) = decode(bytes, &files.name)
                            && place.seq < part.limit
                        {
                            tail.numbers.file(path);
                            let _ = tail.numbers.step(&place, Direction::OldestFirst);
                            tail.before = Some(place);
                            return Ok(tail);
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(tail)
    }

    /// Behind a place, or where the first record behind it stands now.
    fn behind(files: &Files, place: &Cursor) -> Result<Self> {
        let mut tail = Self {
            before: Some(place.clone()),
            ..Self::default()
        };
        let _ = tail.numbers.step(place, Direction::OldestFirst);
        let Some(bound) = Bound::lower(Some(place), 0) else {
            return Ok(tail);
        };
        let parts: Vec<Part<'_>> = files.parts().collect();
        let before = files_before(&parts, &files.name, &bound)?;
        if let Some(part) = parts.get(before.saturating_sub(1)) {
            // Lines up to the place count as repeated in a file that has just begun.
            tail.numbers.file(part.path);
            tail.offset = offsets(part, &files.name, &bound)?.0;
            tail.path = Some(part.path.to_owned());
        }
        Ok(tail)
    }

    /// Reads on; the files were listed before, so a file with a newer one behind it is complete.
    fn read(
        &mut self,
        files: &Files,
        filter: &dyn Filter,
        found: &mut Vec<(Option<Cursor>, Item)>,
    ) -> Result<bool> {
        let mut left = MOST;
        self.values.get_or_insert_with(|| files.values());
        loop {
            let at = match &self.path {
                None => None,
                Some(path) => files.parts().position(|listed| listed.path == path),
            };
            let next = match (at, &self.path) {
                (Some(at), _) => files.paths.get(at + 1),
                (None, None) => files.paths.first(),
                // Retention removed the file: go on with the first that is newer.
                (None, Some(path)) => files.paths.iter().find(|listed| *listed > path),
            };
            if let Some(part) = at.and_then(|at| files.parts().nth(at)) {
                let end = self.read_file(&part, next.is_some(), &files.name, filter, &mut left, found)?;
                if !end {
                    return Ok(true);
                }
            }
            let Some(next) = next else { return Ok(false) };
            self.path = Some(next.clone());
            self.offset = 0;
            self.numbers.file(next);
        }
    }

    /// Reads one file to its end, `true`, or until enough was read, `false`.
    fn read_file(
        &mut self,
        part: &Part<'_>,
        complete: bool,
        name: &Arc<str>,
        filter: &dyn Filter,
        left: &mut u64,
        found: &mut Vec<(Option<Cursor>, Item)>,
    ) -> Result<bool> {
        let path = part.path;
        let failed = |error| Error::io("could not read the segment", path, error);
        let Some(mut file) = open(path)? else {
            return Ok(true);
        };
        let len = file.metadata().map_err(failed)?.len();
        if len <= self.offset {
            return Ok(true);
        }
        file.seek(SeekFrom::Start(self.offset)).map_err(failed)?;
        let mut lines = Lines::at(file, self.offset);
        loop {
            if *left == 0 {
                return Ok(false);
            }
            let before = self.offset;
            let finding = match lines.next_piece().map_err(failed)? {
                None => return Ok(true),
                Some(Piece::Torn { .. }) if !complete => return Ok(true),
                Some(Piece::Torn { offset, len }) => Some((offset, FindingKind::Torn { len })),
                Some(Piece::TooLong { offset, len }) => {
                    self.numbers.unreadable();
                    Some((offset, FindingKind::TooLong { len }))
                }
                Some(Piece::Line { bytes: b"", .. }) => None,
                Some(Piece::Line { offset, bytes }) => {
                    let kind = self.line(bytes, part.limit, name, filter, found);
                    kind.map(|kind| (offset, kind))
                }
            };
            if let Some((offset, kind)) = finding {
                let path = path.to_owned();
                found.push((None, Item::Finding(Finding { path, offset, kind })));
            }
            self.offset = lines.offset();
            *left = left.saturating_sub(self.offset - before);
        }
    }

    /// Takes one line; the finding that it is, or that it shows.
    fn line(
        &mut self,
        bytes: &[u8],
        limit: u64,
        name: &Arc<str>,
        filter: &dyn Filter,
        found: &mut Vec<(Option<Cursor>, Item)>,
    ) -> Option<FindingKind> {
        let (place, mut record) = match decode(bytes, name) {
            Ok((place, _)) if place.seq >= limit => return None,
            Ok(decoded) => decoded,
            Err(why) => {
                self.numbers.unreadable();
                return Some(FindingKind::Unreadable { why });
            }
        };
        let finding = match self.numbers.step(&place, Direction::OldestFirst) {
            Step::Repeated => return None,
            Step::Found(kind) => Some(kind),
            Step::Next => None,
        };
        let mismatch = match &mut self.values {
            Some(values) => values.join(bytes, &mut record),
            None => Ok(None),
        };
        // A table that cannot be read now leaves the commitments, and the next poll may read it.
        let finding = finding.or_else(|| mismatch.ok().flatten());
        let wanted = filter.matches(&record);
        if wanted || super::is_gap(&record) {
            let line = bytes.to_vec();
            let key = Some(place.clone());
            let stored = Stored { place, record, line };
            let item = if wanted {
                Item::Record(stored)
            } else {
                Item::Gap(stored)
            };
            found.push((key, item));
        }
        finding
    }
}
