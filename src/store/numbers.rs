//! The numbers of one stream, in either direction: what is missing, what is out of order, what was repeated.

use std::path::Path;

use crate::format::SegmentName;

use super::{Cursor, Direction, FindingKind};

/// How a record follows the one before it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// As it should.
    Next,
    /// It was given already. After a failed fdatasync the writer repeats lines at the start of the next segment; who read
    /// them in the one before sees them again. The lines that are repeated may also lie below the number in its name.
    Repeated,
    /// Not as it should.
    Found(FindingKind),
}

/// Watches the numbers of one stream, in either direction.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    last: Option<Cursor>,
    /// Lines since `last` that could have been records.
    unread: u64,
    /// The number in the name of the file that is read now.
    first_seq: u64,
    /// Going forth: no record of this file was given yet.
    is_fresh: bool,
    /// Going back: the numbers from this one on were repeated in the file that was read before.
    repeated_from: Option<u64>,
}

impl Numbers {
    pub(super) fn unreadable(&mut self) {
        self.unread += 1;
    }

    /// The record that was met last.
    pub(super) fn last(&self) -> Option<&Cursor> {
        self.last.as_ref()
    }

    /// The records to come stand in this file.
    pub(super) fn file(&mut self, path: &Path) {
        let last = self.last.as_ref().map(|last| last.seq);
        self.repeated_from = last.filter(|last| *last < self.first_seq);
        self.is_fresh = true;
        let name = path.file_name().and_then(|name| name.to_str());
        self.first_seq = name.and_then(SegmentName::parse).map_or(0, |name| name.first_seq);
    }

    /// How this record follows the one that was met before it.
    pub(super) fn step(&mut self, place: &Cursor, direction: Direction) -> Step {
        let Some(last) = self.last.as_ref().filter(|last| last.stream == place.stream) else {
            return self.next(place);
        };
        let last = last.seq;
        let repeated = match direction {
            Direction::OldestFirst => place.seq <= last && (self.is_fresh || place.seq < self.first_seq),
            Direction::NewestFirst => {
                place.seq >= last
                    && (last < self.first_seq || self.repeated_from.is_some_and(|from| place.seq >= from))
            }
        };
        if repeated {
            return Step::Repeated;
        }
        let unread = self.unread;
        let _ = self.next(place);
        let (after, before) = match direction {
            Direction::OldestFirst => (last, place.seq),
            Direction::NewestFirst => (place.seq, last),
        };
        match before.checked_sub(after) {
            None | Some(0) => Step::Found(FindingKind::Disorder { after, found: before }),
            Some(step) if step - 1 > unread => Step::Found(FindingKind::Hole { after, before }),
            Some(_) => Step::Next,
        }
    }

    fn next(&mut self, place: &Cursor) -> Step {
        self.last = Some(place.clone());
        self.unread = 0;
        self.is_fresh = false;
        self.repeated_from = None;
        Step::Next
    }
}
