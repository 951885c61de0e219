//! Stores: what gives records back. Read only; nothing here repairs, locks or writes a file.

mod back;
mod completeness;
mod condition;
mod dir;
mod erasable;
mod finding;
mod follow;
mod numbers;
mod opts;
mod place;
mod quick;
mod raw;
mod reading;
mod seek;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stats;
mod stream;
mod verdict;

use std::sync::Arc;

use crate::clock::MAX_TIME;
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Record, Slot};

pub use crate::record::marks::{ERASED, GAP, is_gap};
pub use completeness::completeness;
pub use condition::Condition;
pub use dir::{DirStore, Walk};
pub use erasable::{Erasable, MISMATCH, erasable};
pub use finding::{Finding, FindingKind};
pub use follow::Follow;
pub use opts::{List, MAX_LIMIT, Page};
pub use place::Cursor;
pub use raw::RawTest;
#[cfg(feature = "sqlite")]
pub(crate) use sqlite::Kept;
#[cfg(feature = "sqlite")]
pub use sqlite::{Pruned, SqliteStore};
pub use stats::{Interval, MAX_INTERVALS, RecordStats, StatsOpts, Tally};
pub use verdict::{Completeness, Doubt, Lost, Verdict};

/// Which records are wanted. `Query` is one; any test on a record is another.
pub trait Filter {
    /// Whether the record is wanted.
    fn matches(&self, record: &Record) -> bool;

    /// The observation times that wanted records can have; a store may leave everything else unread.
    /// Default: all.
    fn window(&self) -> Window {
        Window::ALL
    }

    /// What a line must hold for its record to be wanted, told without reading it. Default: nothing is known.
    fn raw(&self) -> RawTest {
        RawTest::Any
    }

    /// Whether a line that [`raw`](Filter::raw) rules out may be stepped over; asked for each such line. Where it may not, its
    /// record is read, and [`matches`](Filter::matches) asked about it: a filter that ends a walk by wanting whatever comes
    /// next is heard although nothing that it seeks comes. Default: yes.
    fn steps_over(&self) -> bool {
        true
    }

    /// The slots that [`matches`](Filter::matches) looks at: a store may show it no others. Default, `None`: all.
    fn looks_at(&self) -> Option<Vec<Slot>> {
        None
    }

    /// The slots that records need when they are given back; a store may leave out the others. Their lines are whole.
    /// Default, `None`: all.
    fn gives(&self) -> Option<Vec<Slot>> {
        None
    }

    /// What can be looked up: every wanted record satisfies it, and a store that has an index may leave the others unread.
    /// Default: nothing.
    fn condition(&self) -> Condition {
        Condition::Unknown
    }
}

impl<F: Fn(&Record) -> bool> Filter for F {
    fn matches(&self, record: &Record) -> bool {
        self(record)
    }
}

/// A filter whose records need only some slots: counting over many records costs less.
#[derive(Clone)]
pub struct Only<'f> {
    filter: &'f dyn Filter,
    slots: Vec<Slot>,
}

impl<'f> Only<'f> {
    /// What the filter wants, given back with these slots; `time`, `observed_at`, `seq`, `stream` and `event` always are.
    #[must_use]
    pub fn new(filter: &'f dyn Filter, slots: impl IntoIterator<Item = Slot>) -> Self {
        Self {
            filter,
            slots: slots.into_iter().collect(),
        }
    }
}

impl std::fmt::Debug for Only<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Only")
            .field("slots", &self.slots)
            .finish_non_exhaustive()
    }
}

impl Filter for Only<'_> {
    fn matches(&self, record: &Record) -> bool {
        self.filter.matches(record)
    }

    fn window(&self) -> Window {
        self.filter.window()
    }

    fn steps_over(&self) -> bool {
        self.filter.steps_over()
    }

    fn condition(&self) -> Condition {
        self.filter.condition()
    }

    fn raw(&self) -> RawTest {
        self.filter.raw()
    }

    fn looks_at(&self) -> Option<Vec<Slot>> {
        self.filter.looks_at()
    }

    fn gives(&self) -> Option<Vec<Slot>> {
        Some(self.slots.clone())
    }
}

/// A half-open range of observation times, in nanoseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first time inside.
    pub from: u64,
    /// The first time behind it.
    pub until: u64,
}

impl Window {
    /// Every time that a record can have.
    pub const ALL: Self = Self {
        from: 0,
        until: MAX_TIME + 1,
    };

    /// No time.
    pub const NONE: Self = Self { from: 0, until: 0 };

    /// Whether the time lies inside.
    #[must_use]
    pub fn contains(&self, time: u64) -> bool {
        self.from <= time && time < self.until
    }
}

/// The order in which records are given: by observation time, stream and sequence number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The last one first.
    #[default]
    NewestFirst,
    /// The first one first.
    OldestFirst,
}

/// A record from a store, with its place and its exact line.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Stored {
    /// When it was observed, in which stream, under which number.
    pub place: Cursor,
    /// What it says. In the place of a commitment stands the value, as long as it is there, else [`ERASED`].
    pub record: Record,
    /// The bytes of its line, without the newline.
    pub line: Vec<u8>,
}

impl Stored {
    /// Whether it stands for records known to be lost.
    #[must_use]
    pub fn is_gap(&self) -> bool {
        is_gap(&self.record)
    }

    /// How many records a gap record says were lost, and why; `None` for any other record.
    #[must_use]
    pub fn lost(&self) -> Option<(u64, &str)> {
        if !self.is_gap() {
            return None;
        }
        let lost = self.record.attribute("lost").and_then(|lost| lost.as_u64());
        let cause = self
            .record
            .attribute("cause")
            .and_then(|cause| cause.as_str())
            .or_else(|| self.record.text(Slot::Reason))
            .unwrap_or("cause not stated");
        Some((lost.unwrap_or(0), cause))
    }
}

/// What a walk through a store meets.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Item {
    /// A record that the filter wants.
    Record(Stored),
    /// A gap record in the filter's window that the filter does not want: something that it wants may be missing.
    Gap(Stored),
    /// Something in the files that is not a record.
    Finding(Finding),
}

/// How far one stream reaches, told from its ends without reading what lies between.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extent {
    /// The stream.
    pub stream: Arc<str>,
    /// The place of its oldest record.
    pub first: Cursor,
    /// The place of its newest record.
    pub last: Cursor,
    /// Bytes in its files.
    pub bytes: u64,
}

impl Extent {
    /// How many records its numbers span. The same as how many there are, unless a finding says otherwise.
    #[must_use]
    pub fn records(&self) -> u64 {
        (self.last.seq - self.first.seq.min(self.last.seq)).saturating_add(1)
    }
}

/// What a filter finds, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Records that the filter wants.
    pub records: u64,
    /// Those by outcome; at most 64 different words, then `…` for the rest. No outcome counts under `""`.
    pub outcomes: std::collections::BTreeMap<String, u64>,
    /// Gap records in the filter's window.
    pub gaps: u64,
    /// Records that those say were lost.
    pub lost: u64,
    /// What else is in the files of the window.
    pub findings: u64,
}

impl Totals {
    fn count(&mut self, stored: &Stored) {
        self.add(stored.record.text(Slot::Outcome).unwrap_or_default(), 1);
    }

    fn add(&mut self, outcome: &str, records: u64) {
        const MOST: usize = 64;
        self.records += records;
        let known = self.outcomes.len() < MOST || self.outcomes.contains_key(outcome);
        let word = if known { outcome } else { "…" };
        *self.outcomes.entry(word.to_owned()).or_default() += records;
    }

    fn gap(&mut self, stored: &Stored) {
        if let Some((lost, _)) = stored.lost() {
            self.gaps += 1;
            self.lost = self.lost.saturating_add(lost);
        }
    }
}

/// Gives records back.
///
/// An error is about the store (a file that cannot be read); what is wrong inside a file is a [`Finding`].
pub trait Store {
    /// Walks through the wanted records, in order and in constant memory, beginning behind `after`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] where a file cannot be read, here or from the iterator.
    fn walk<'s>(
        &'s self,
        filter: &'s dyn Filter,
        direction: Direction,
        after: Option<&Cursor>,
    ) -> Result<Box<dyn Iterator<Item = Result<Item>> + 's>>;

    /// How far each stream reaches; streams without a record are left out.
    ///
    /// # Errors
    ///
    /// As [`Store::walk`].
    fn extents(&self) -> Result<Vec<Extent>>;

    /// The wanted records of one page, with their exact number where [`List::total`] asks for it.
    ///
    /// The default walks: it reads what it gives, what [`List::offset`] skips, and for the number the filter's whole window.
    ///
    /// # Errors
    ///
    /// As [`Store::walk`]; [`ErrorKind::Query`] for a limit above [`MAX_LIMIT`].
    fn list(&self, filter: &dyn Filter, list: &List) -> Result<Page> {
        list.check()?;
        let mut page = Page::of(list);
        let (mut skip, mut found) = (list.offset, 0_u64);
        // Behind a cursor the records before it are not met, so they are counted apart.
        let counts_here = list.total && list.after.is_none();
        for item in self.walk(filter, list.direction, list.after.as_ref())? {
            if matches!(item, Ok(Item::Record(_))) {
                found += 1;
            }
            if page.next.is_some() {
                item?;
                continue;
            }
            match item? {
                Item::Record(_) if skip > 0 => skip -= 1,
                Item::Record(stored) => {
                    page.records.push(stored);
                    if page.records.len() == list.limit {
                        page.next = page.records.last().map(|stored| stored.place.clone());
                        if !counts_here {
                            break;
                        }
                    }
                }
                Item::Gap(stored) => page.gaps.push(stored),
                Item::Finding(finding) => page.findings.push(finding),
            }
        }
        if list.total {
            page.total = Some(if counts_here { found } else { self.count(filter)? });
        }
        Ok(page)
    }

    /// How many records the filter wants. The default reads all of its window.
    ///
    /// # Errors
    ///
    /// As [`Store::walk`].
    fn count(&self, filter: &dyn Filter) -> Result<u64> {
        let mut found = 0;
        for item in self.walk(filter, Direction::OldestFirst, None)? {
            found += u64::from(matches!(item?, Item::Record(_)));
        }
        Ok(found)
    }

    /// Counts what the filter finds by category, outcome, action and actor, by interval, and in the last hour. The default
    /// reads all of its window.
    ///
    /// # Errors
    ///
    /// As [`Store::walk`]; [`ErrorKind::Query`] for an interval of 0, and where more than
    /// [`MAX_INTERVALS`] would be given.
    fn stats(&self, filter: &dyn Filter, opts: &StatsOpts) -> Result<RecordStats> {
        stats::by_walk(self, filter, opts)
    }

    /// How complete a window is, as far as the store can tell; `None` where it cannot. Default: it cannot.
    ///
    /// # Errors
    ///
    /// As [`Store::walk`].
    fn completeness(&self, window: Window) -> Result<Option<Verdict>> {
        let _ = window;
        Ok(None)
    }

    /// Counts what the filter finds. Reads all of its window.
    ///
    /// # Errors
    ///
    /// As [`Store::walk`].
    fn totals(&self, filter: &dyn Filter) -> Result<Totals> {
        let mut totals = Totals::default();
        for item in self.walk(filter, Direction::OldestFirst, None)? {
            match item? {
                Item::Record(stored) => {
                    totals.count(&stored);
                    totals.gap(&stored);
                }
                Item::Gap(stored) => totals.gap(&stored),
                Item::Finding(_) => totals.findings += 1,
            }
        }
        Ok(totals)
    }
}

/// A store that is written to, beside what it gives back.
pub trait StoreWrite: Store {
    /// Keeps one record, and says where it stands now. When this returns, it is as durable as the store can make it.
    ///
    /// # Errors
    ///
    /// The record was not kept: [`ErrorKind::Io`] where the store cannot be written,
    /// [`ErrorKind::Refused`] where it cannot be a record of this store.
    fn insert(&mut self, record: &Record) -> Result<Cursor> {
        let place = self.insert_batch(std::slice::from_ref(record))?.pop();
        place.ok_or_else(|| {
            Error::new(
                ErrorKind::Refused,
                "the store did not say where the record stands",
            )
        })
    }

    /// Keeps records, in order, all of them or none, in one transaction. None at all is nothing done.
    ///
    /// # Errors
    ///
    /// As [`StoreWrite::insert`], and then none of them was kept.
    fn insert_batch(&mut self, records: &[Record]) -> Result<Vec<Cursor>>;

    /// Removes the records whose `time` lies strictly before `time`, in nanoseconds since the Unix epoch, and says how many
    /// those were. That they were removed stays known.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] where the store cannot be written; then none was removed.
    fn prune_before(&mut self, time: u64) -> Result<u64>;

    /// Ends it: what it holds is on disk when this returns. Dropping a store does the same and cannot say that it failed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] where that could not be done.
    fn close(self) -> Result<()>
    where
        Self: Sized;
}
