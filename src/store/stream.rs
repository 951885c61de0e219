//! One stream's files, walked in either direction: lines become records, everything else becomes findings.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::format::{Lines, Listing, Piece};

use super::back::BackLines;
use super::erasable::Values;
use super::numbers::{Numbers, Step};
use super::reading::{Read, Reading};
use super::seek::{self, Bound};
use super::{Cursor, Direction, Filter, Finding, FindingKind, Item, Window};

/// A file of a stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'f> {
    pub(super) path: &'f Path,
    /// Its lines from this number on are dead.
    pub(super) limit: u64,
}

/// The files of one stream, oldest first.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) name: Arc<str>,
    pub(super) paths: Vec<PathBuf>,
    /// For each path, the number from which on its lines are dead: the one in the name of the next segment. What stands
    /// behind it was never confirmed, and was written again there.
    limits: Vec<u64>,
    /// What is named like a segment and is no regular file.
    pub(super) strays: Vec<PathBuf>,
}

impl Files {
    /// The segments of a stream's directory; its name stands in for the stream's id where lines have none.
    pub(super) fn of_dir(dir: &Path) -> Result<Self> {
        let Listing { segments, strays } = Listing::of(dir)?;
        let firsts = segments.iter().skip(1).map(|segment| segment.name.first_seq);
        let limits = firsts.chain([u64::MAX]).take(segments.len()).collect();
        Ok(Self {
            name: name_of(dir),
            paths: segments.into_iter().map(|segment| segment.path).collect(),
            limits,
            strays,
        })
    }

    /// What is to be said of what only has a segment's name.
    pub(super) fn stray_findings(&self) -> impl Iterator<Item = Finding> {
        self.strays.iter().map(|path| Finding {
            path: path.clone(),
            offset: 0,
            kind: FindingKind::NotAFile,
        })
    }

    pub(super) fn of_file(path: &Path) -> Self {
        Self {
            name: name_of(path),
            paths: vec![path.to_owned()],
            limits: vec![u64::MAX],
            strays: Vec::new(),
        }
    }

    /// Each file with the number from which on its lines are dead, oldest first.
    pub(super) fn parts(&self) -> impl DoubleEndedIterator<Item = Part<'_>> + ExactSizeIterator {
        let parts = self.paths.iter().zip(&self.limits);
        parts.map(|(path, limit)| Part { path, limit: *limit })
    }

    /// The erasable values of its records.
    pub(super) fn values(&self) -> Values {
        let dir = self.paths.first().and_then(|path| path.parent());
        Values::beside(dir.unwrap_or(Path::new("")))
    }

    pub(super) fn bytes(&self) -> u64 {
        self.paths
            .iter()
            .filter_map(|path| std::fs::metadata(path).ok())
            .map(|about| about.len())
            .sum()
    }
}

fn name_of(path: &Path) -> Arc<str> {
    path.file_name()
        .map_or_else(|| "stream".into(), |name| name.to_string_lossy())
        .as_ref()
        .into()
}

/// Opens a file; `None` where retention removed it since it was listed.
pub(super) fn open(path: &Path) -> Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("could not open the segment", path, error)),
    }
}

/// The open file of a walk.
enum Reader {
    Forwards(Lines<File>),
    Backwards(BackLines<File>),
}

impl Reader {
    fn next_piece(&mut self) -> io::Result<Option<Piece<'_>>> {
        match self {
            Self::Forwards(lines) => lines.next_piece(),
            Self::Backwards(lines) => lines.next_piece(),
        }
    }
}

/// A walk through one stream. Gives matching records, gap records and findings of the window.
pub(super) struct StreamWalk<'s> {
    name: Arc<str>,
    parts: VecDeque<Part<'s>>,
    /// The file that is read now.
    part: Part<'s>,
    reader: Option<Reader>,
    /// Where to begin in the first file: an offset for either direction.
    begin: Option<u64>,
    filter: &'s dyn Filter,
    reading: Reading,
    window: Window,
    direction: Direction,
    after: Option<Cursor>,
    numbers: Numbers,
    values: Values,
    waiting: VecDeque<Item>,
    /// Findings met before it is known on which side of the cursor they lie. At most what one probe of
    /// [`seek::offsets`] leaves over.
    held: Vec<Item>,
    /// Whether the walk has come behind the cursor.
    begun: bool,
    ended: bool,
}

impl<'s> StreamWalk<'s> {
    pub(super) fn new(
        files: &'s Files,
        filter: &'s dyn Filter,
        direction: Direction,
        after: Option<&Cursor>,
    ) -> Result<Self> {
        let window = filter.window();
        // Nothing tells where in the order they belong: whoever begins is told.
        let is_told = after.is_none() && window.from < window.until;
        let strays = files.stray_findings().filter(|_| is_told).map(Item::Finding);
        let mut walk = Self {
            name: Arc::clone(&files.name),
            parts: files.parts().collect(),
            part: Part {
                path: Path::new(""),
                limit: u64::MAX,
            },
            reader: None,
            begin: None,
            filter,
            reading: Reading::of(filter),
            window,
            direction,
            after: after.cloned(),
            numbers: Numbers::default(),
            values: files.values(),
            waiting: strays.collect(),
            held: Vec::new(),
            begun: after.is_none(),
            ended: window.from >= window.until,
        };
        walk.seek()?;
        Ok(walk)
    }

    /// Of the records that it gives, only the trail's own have their lines.
    pub(super) fn with_own_lines(mut self) -> Self {
        self.reading.with_own_lines();
        self
    }

    /// Leaves files unread that lie before the first wanted place, and finds the offset in the first that does not.
    fn seek(&mut self) -> Result<()> {
        let bound = match self.direction {
            Direction::NewestFirst => Bound::upper(self.after.as_ref(), self.window.until),
            Direction::OldestFirst => Bound::lower(self.after.as_ref(), self.window.from),
        };
        if let (Some(bound), false) = (bound, self.ended) {
            let behind = seek::files_before(self.parts.make_contiguous(), &self.name, &bound)?;
            match self.direction {
                Direction::NewestFirst => self.parts.truncate(behind),
                Direction::OldestFirst => {
                    self.parts.drain(..behind.saturating_sub(1));
                }
            }
            let first = match self.direction {
                Direction::NewestFirst => self.parts.back(),
                Direction::OldestFirst => self.parts.front(),
            };
            if let Some(part) = first {
                let (low, high) = seek::offsets(part, &self.name, &bound)?;
                self.begin = Some(match self.direction {
                    Direction::NewestFirst => high,
                    Direction::OldestFirst => low,
                });
            }
        }
        Ok(())
    }

    /// Opens the next file; `false` behind the last.
    fn open_next(&mut self) -> Result<bool> {
        loop {
            let next = match self.direction {
                Direction::OldestFirst => self.parts.pop_front(),
                Direction::NewestFirst => self.parts.pop_back(),
            };
            let Some(part) = next else { return Ok(false) };
            let path = part.path;
            let begin = self.begin.take();
            let Some(mut file) = open(path)? else { continue };
            let failed = |error| Error::io("could not read the segment", path, error);
            self.part = part;
            self.numbers.file(path);
            self.reader = Some(match self.direction {
                Direction::OldestFirst => {
                    let offset = begin.unwrap_or(0);
                    file.seek(SeekFrom::Start(offset)).map_err(failed)?;
                    Reader::Forwards(Lines::at(file, offset))
                }
                Direction::NewestFirst => {
                    let end = match begin {
                        Some(end) => end,
                        None => file.metadata().map_err(failed)?.len(),
                    };
                    Reader::Backwards(BackLines::before(file, end))
                }
            });
            return Ok(true);
        }
    }

    /// The next item of this stream.
    pub(super) fn next_item(&mut self) -> Result<Option<Item>> {
        loop {
            if let Some(item) = self.waiting.pop_front() {
                return Ok(Some(item));
            }
            if self.ended || (self.reader.is_none() && !self.open_next()?) {
                self.ended = true;
                if self.held.is_empty() {
                    return Ok(None);
                }
                self.begin();
                continue;
            }
            self.read_piece()?;
        }
    }

    fn read_piece(&mut self) -> Result<()> {
        let Some(reader) = &mut self.reader else {
            return Ok(());
        };
        let piece = reader
            .next_piece()
            .map_err(|error| Error::io("could not read the segment", self.part.path, error))?;
        let (offset, kind) = match piece {
            None => {
                self.reader = None;
                return Ok(());
            }
            Some(Piece::Torn { offset, len }) => (offset, FindingKind::Torn { len }),
            Some(Piece::TooLong { offset, len }) => {
                self.numbers.unreadable();
                (offset, FindingKind::TooLong { len })
            }
            // The writer ends a fragment with a newline of its own.
            Some(Piece::Line { bytes: b"", .. }) => return Ok(()),
            Some(Piece::Line { offset, bytes }) => match self.reading.read(bytes, &self.name, self.filter) {
                Ok(read) if read.place().seq >= self.part.limit => return Ok(()),
                Ok(Read::Unwanted(place)) => {
                    self.step(offset, &place);
                    return Ok(());
                }
                Ok(Read::Record {
                    place,
                    mut record,
                    is_committed,
                }) => {
                    let mismatch = match is_committed {
                        true => self.values.open_all(&mut record)?,
                        false => None,
                    };
                    let behind = is_behind(&place, self.after.as_ref(), self.direction);
                    let inside = behind && self.window.contains(place.observed_at);
                    let item = inside
                        .then(|| self.reading.item(self.filter, &place, record, bytes))
                        .flatten();
                    if self.step(offset, &place) {
                        self.waiting.extend(item);
                    }
                    mismatch.into_iter().for_each(|kind| self.found(offset, kind));
                    return Ok(());
                }
                Err(why) => {
                    self.numbers.unreadable();
                    (offset, FindingKind::Unreadable { why })
                }
            },
        };
        self.found(offset, kind);
        Ok(())
    }

    /// Takes the place of the next line; `false` where its record was given already, or lies before the cursor.
    fn step(&mut self, offset: u64, place: &Cursor) -> bool {
        match self.numbers.step(place, self.direction) {
            Step::Repeated => return false,
            Step::Found(kind) => self.found(offset, kind),
            Step::Next => {}
        }
        if !is_behind(place, self.after.as_ref(), self.direction) {
            // What was met so far lies before the cursor as well: the page before has told it.
            self.held.clear();
            return false;
        }
        self.begin();
        let past = match self.direction {
            Direction::OldestFirst => place.observed_at >= self.window.until,
            Direction::NewestFirst => place.observed_at < self.window.from,
        };
        self.ended |= past;
        true
    }

    fn found(&mut self, offset: u64, kind: FindingKind) {
        let path = self.part.path.to_owned();
        let finding = Item::Finding(Finding { path, offset, kind });
        if self.begun {
            self.waiting.push_back(finding);
        } else {
            self.held.push(finding);
        }
    }

    fn begin(&mut self) {
        self.begun = true;
        self.waiting.extend(self.held.drain(..));
    }
}

/// Whether the place lies behind the cursor, in the direction of the walk.
fn is_behind(place: &Cursor, after: Option<&Cursor>, direction: Direction) -> bool {
    match (after, direction) {
        (None, _) => true,
        (Some(after), Direction::OldestFirst) => place > after,
        (Some(after), Direction::NewestFirst) => place < after,
    }
}
