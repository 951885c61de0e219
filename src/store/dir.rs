//! The store over files: a directory of streams, one stream's directory, or single files.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::format::{Piece, SegmentName};

use super::back::BackLines;
use super::completeness::completeness;
use super::reading::decode;
use super::seek::first_place;
use super::stream::{Files, StreamWalk, open};
use super::{Cursor, Direction, Extent, Filter, Item, Store, Verdict, Window};

/// Records in segment files, as a journal writes them.
///
/// The list of files is made when the store is opened. What is appended to them later is seen by later walks; new
/// segments are seen by a store that is opened anew, or by [`Follow`](super::Follow).
#[derive(Debug, Clone)]
pub struct DirStore {
    path: PathBuf,
    pub(super) streams: Vec<Files>,
}

impl DirStore {
    /// Opens a trail: the directory that holds streams, one stream's directory, or one file of lines. A directory
    /// without a segment is an empty store.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) where the path does not exist or cannot be read.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let streams = streams_of(&path)?;
        Ok(Self { path, streams })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many streams have at least one segment.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.streams
            .iter()
            .filter(|files| !files.paths.is_empty())
            .count()
    }

    /// Bytes in all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.streams.iter().map(Files::bytes).sum()
    }
}

/// The streams at a path, by name. Symbolic links are followed one level deep, so a loop of them ends.
pub(super) fn streams_of(path: &Path) -> Result<Vec<Files>> {
    let about = fs::metadata(path).map_err(|error| Error::io("could not open the trail", path, error))?;
    if !about.is_dir() {
        return Ok(vec![Files::of_file(path)]);
    }
    let is_stream = |files: &Files| !files.paths.is_empty() || !files.strays.is_empty();
    let mut streams = vec![Files::of_dir(path)?];
    let failed = |error| Error::io("could not list the trail", path, error);
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let inner = entry.path();
        // What is named like a segment is one of this directory's strays, whatever stands in it.
        let name = entry.file_name();
        let is_stray = name
            .to_str()
            .is_some_and(|name| SegmentName::parse(name).is_some());
        if !is_stray && inner.is_dir() {
            streams.push(Files::of_dir(&inner)?);
        }
    }
    streams.retain(is_stream);
    streams.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(streams)
}

impl Store for DirStore {
    fn walk<'s>(
        &'s self,
        filter: &'s dyn Filter,
        direction: Direction,
        after: Option<&Cursor>,
    ) -> Result<Box<dyn Iterator<Item = Result<Item>> + 's>> {
        let streams = self.streams.iter().map(|files| (files, filter));
        Ok(Box::new(Walk::over(streams, direction, after)?))
    }

    fn completeness(&self, window: Window) -> Result<Option<Verdict>> {
        completeness(self, window).map(Some)
    }

    fn extents(&self) -> Result<Vec<Extent>> {
        let mut extents = Vec::new();
        for files in &self.streams {
            if let Some((first, last)) = first_of(files)?.zip(last_of(files)?) {
                extents.push(Extent {
                    stream: last.stream.clone(),
                    first,
                    last,
                    bytes: files.bytes(),
                });
            }
        }
        Ok(extents)
    }
}

fn first_of(files: &Files) -> Result<Option<Cursor>> {
    for part in files.parts() {
        if let Some(first) = first_place(&part, &files.name)? {
            return Ok(Some(first));
        }
    }
    Ok(None)
}

fn last_of(files: &Files) -> Result<Option<Cursor>> {
    for part in files.parts().rev() {
        let path = part.path;
        let Some(file) = open(path)? else { continue };
        let failed = |error| Error::io("could not read the segment", path, error);
        let len = file.metadata().map_err(failed)?.len();
        let mut lines = BackLines::before(file, len);
        while let Some(piece) = lines.next_piece().map_err(failed)? {
            if let Piece::Line { bytes, .. } = piece
                && let Ok((place, _)) = decode(bytes, &files.name)
                && place.seq < part.limit
            {
                return Ok(Some(place));
            }
        }
    }
    Ok(None)
}

/// A walk through several streams at once, merged by (observation time, stream, sequence number).
pub struct Walk<'s> {
    streams: Vec<Head<'s>>,
    direction: Direction,
    /// Findings, given before the record that they stand in front of.
    waiting: VecDeque<Item>,
    failed: bool,
}

struct Head<'s> {
    walk: StreamWalk<'s>,
    /// The next record or gap of the stream.
    next: Option<Item>,
    ended: bool,
}

impl<'s> Walk<'s> {
    /// A walk that wants of each stream something else.
    pub(super) fn over(
        streams: impl Iterator<Item = (&'s Files, &'s dyn Filter)>,
        direction: Direction,
        after: Option<&Cursor>,
    ) -> Result<Self> {
        let streams = streams
            .map(|(files, filter)| {
                Ok(Head {
                    walk: StreamWalk::new(files, filter, direction, after)?,
                    next: None,
                    ended: false,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            streams,
            direction,
            waiting: VecDeque::new(),
            failed: false,
        })
    }

    /// Reads on in every stream whose next record is not known.
    fn fill(&mut self) -> Result<()> {
        for head in &mut self.streams {
            while head.next.is_none() && !head.ended {
                match head.walk.next_item()? {
                    None => head.ended = true,
                    Some(finding @ Item::Finding(_)) => self.waiting.push_back(finding),
                    Some(item) => head.next = Some(item),
                }
                if self.waiting.len() > MOST_WAITING {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn first(&mut self) -> Option<Item> {
        let heads = self.streams.iter_mut().filter(|head| head.next.is_some());
        let head = match self.direction {
            Direction::OldestFirst => heads.min_by(|left, right| left.place().cmp(&right.place())),
            Direction::NewestFirst => heads.max_by(|left, right| left.place().cmp(&right.place())),
        };
        head?.next.take()
    }
}

/// So many findings are given out before a walk reads on, so that a file full of them takes no memory.
const MOST_WAITING: usize = 64;

impl Head<'_> {
    fn place(&self) -> Option<&Cursor> {
        match &self.next {
            Some(Item::Record(stored) | Item::Gap(stored)) => Some(&stored.place),
            _ => None,
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        if self.waiting.is_empty()
            && let Err(error) = self.fill()
        {
            self.failed = true;
            return Some(Err(error));
        }
        self.waiting.pop_front().or_else(|| self.first()).map(Ok)
    }
}

impl std::fmt::Debug for Walk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Walk")
            .field("streams", &self.streams.len())
            .field("direction", &self.direction)
            .finish_non_exhaustive()
    }
}
