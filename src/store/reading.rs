//! Reads lines as records for a filter: as little of each as decides whether it is wanted.

use std::sync::Arc;

use memchr::memmem;

use crate::error::Result;
use crate::format::{Skim, Skimmed, read_line};
use crate::record::marks::{COMMITMENT, GAP, is_gap};
use crate::record::{Record, Slot};

use super::raw::Look;
use super::{Cursor, Filter, Item, Stored};

/// Reads a line as a record of a stream, or says why it is none.
pub(super) fn decode(line: &[u8], name: &Arc<str>) -> Result<(Cursor, Record), String> {
    let record = read_line(line).map_err(|error| error.to_string())?;
    Ok((place_of(&record, name)?, record))
}

fn place_of(record: &Record, name: &Arc<str>) -> Result<Cursor, String> {
    let (observed_at, seq) = (record.uint(Slot::ObservedAt), record.uint(Slot::Seq));
    place(observed_at, record.text(Slot::Stream), seq, name)
}

fn place(
    observed_at: Option<u64>,
    stream: Option<&str>,
    seq: Option<u64>,
    name: &Arc<str>,
) -> Result<Cursor, String> {
    let (Some(observed_at), Some(seq)) = (observed_at, seq) else {
        return Err("it has no `observed_at` and `seq`".to_owned());
    };
    let stream = match stream {
        Some(id) if id != &**name => id.into(),
        _ => Arc::clone(name),
    };
    Ok(Cursor {
        observed_at,
        stream,
        seq,
    })
}

fn place_in(line: &Skimmed<'_>, name: &Arc<str>) -> Result<Cursor, String> {
    place(line.observed_at(), Some(line.stream()), Some(line.seq()), name)
}

/// How lines are read for a filter: as little of each as decides whether it is wanted, then what is wanted of it.
pub(super) struct Reading {
    /// Lines that fail it cannot be wanted.
    look: Option<Look>,
    gap: memmem::Finder<'static>,
    commitment: memmem::Finder<'static>,
    /// What every line is read for, to know its place.
    place: Option<Skim>,
    /// What the filter looks at and what is given; `None` where that is everything.
    some: Option<Skim>,
    /// Whether what was read of a wanted record is all that is wanted of it.
    is_all: bool,
    lines: Lines,
}

/// Which records are given with their lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lines {
    All,
    Own,
}

/// What was read of a line.
pub(super) enum Read {
    /// Its record is not wanted, by its bytes alone.
    Unwanted(Cursor),
    /// The record, or what was asked for of it.
    Record {
        place: Cursor,
        record: Record,
        /// It may have commitments to values that stand elsewhere.
        is_committed: bool,
    },
}

impl Read {
    /// Where the record stands.
    pub(super) fn place(&self) -> &Cursor {
        match self {
            Self::Unwanted(place) | Self::Record { place, .. } => place,
        }
    }
}

impl Reading {
    pub(super) fn of(filter: &dyn Filter) -> Self {
        let (looks_at, gives) = (filter.looks_at(), filter.gives());
        let is_all = gives.is_some();
        let some = looks_at.map(|mut slots| {
            slots.extend(gives.unwrap_or_default());
            Skim::new(slots)
        });
        Self {
            look: filter.raw().look(),
            gap: memmem::Finder::new(GAP).into_owned(),
            commitment: memmem::Finder::new(COMMITMENT).into_owned(),
            place: Skim::new([]),
            some: some.flatten(),
            is_all,
            lines: Lines::All,
        }
    }

    /// Reads as much of a line as is needed, or says why it is not a record.
    pub(super) fn read(&mut self, line: &[u8], name: &Arc<str>, filter: &dyn Filter) -> Result<Read, String> {
        if let (Some(look), Some(skim)) = (&self.look, &mut self.place)
            && !look.may(line)
            && self.gap.find(line).is_none()
            && filter.steps_over()
            && let Some(found) = skim.line(line)
        {
            return place_in(&found, name).map(Read::Unwanted);
        }
        // Where values stand elsewhere, all of the record is needed to find them.
        let is_committed = self.commitment.find(line).is_some();
        if let Some(skim) = &mut self.some
            && !is_committed
            && let Some(found) = skim.line(line)
        {
            let place = place_in(&found, name)?;
            let record = found.into_record();
            if !is_gap(&record) && (self.is_all || !filter.matches(&record)) {
                return Ok(Read::Record {
                    place,
                    record,
                    is_committed,
                });
            }
        }
        let (place, record) = decode(line, name)?;
        Ok(Read::Record {
            place,
            record,
            is_committed,
        })
    }

    /// Only the trail's own records are given with their lines.
    pub(super) fn with_own_lines(&mut self) {
        self.lines = Lines::Own;
    }

    /// What is given out for a line: its record if it is wanted, or that something was lost. Only then the line is copied.
    pub(super) fn item(
        &self,
        filter: &dyn Filter,
        place: &Cursor,
        record: Record,
        line: &[u8],
    ) -> Option<Item> {
        let (wanted, is_gap) = (filter.matches(&record), is_gap(&record));
        let has_line = self.lines == Lines::All || record.event().starts_with("audit.");
        let stored = || Stored {
            place: place.clone(),
            record,
            line: if has_line { line.to_vec() } else { Vec::new() },
        };
        if wanted {
            return Some(Item::Record(stored()));
        }
        is_gap.then(|| Item::Gap(stored()))
    }
}
