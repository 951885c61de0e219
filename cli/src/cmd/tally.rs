//! Counts of values, in memory that does not grow with the trail, and the walk that feeds them.

use std::collections::HashMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use tracing_audit::query::Field;
use tracing_audit::record::{Record, Slot};
use tracing_audit::store::{DirStore, Direction, Filter, Only, Store as _};

use super::Met;
use crate::out::Failure;
use crate::words::{self, harmless};

/// The most different values that are counted apart.
pub(super) const MOST: usize = 1 << 17;

/// How often each combination of values occurred.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: HashMap<Vec<String>, u64>,
    /// Records whose values were not counted apart.
    pub(super) other: u64,
    pub(super) total: u64,
}

impl Tally {
    pub(super) fn add(&mut self, key: Vec<String>) {
        let mut room = MOST.saturating_sub(self.counts.len());
        self.add_within(key, &mut room);
    }

    /// As [`Tally::add`], where several tallies share the room for different values.
    pub(super) fn add_within(&mut self, key: Vec<String>, room: &mut usize) {
        self.total += 1;
        if let Some(count) = self.counts.get_mut(&key) {
            *count += 1;
        } else if *room > 0 {
            *room -= 1;
            self.counts.insert(key, 1);
        } else {
            self.other += 1;
        }
    }

    /// How often one occurred.
    pub(super) fn of(&self, key: &[String]) -> u64 {
        self.counts.get(key).copied().unwrap_or(0)
    }

    /// Adds what another one counted.
    pub(super) fn join(&mut self, other: &Self) {
        self.total += other.total;
        self.other += other.other;
        for (key, count) in &other.counts {
            if let Some(sum) = self.counts.get_mut(key) {
                *sum += count;
            } else if self.counts.len() < MOST {
                self.counts.insert(key.clone(), *count);
            } else {
                self.other += count;
            }
        }
    }

    /// One value.
    pub(super) fn one(&mut self, value: String) {
        self.add(vec![value]);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// How many different ones there are.
    pub(super) fn different(&self) -> u64 {
        self.counts.len() as u64
    }

    /// The most frequent ones, and how many records have others. Among equals by the value.
    pub(super) fn most(&self, limit: usize) -> (Vec<(&[String], u64)>, u64) {
        let mut rows: Vec<(&[String], u64)> = self
            .counts
            .iter()
            .map(|(key, count)| (key.as_slice(), *count))
            .collect();
        rows.sort_unstable_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(right.0)));
        let limit = if limit == 0 { rows.len() } else { limit };
        let rest = rows.iter().skip(limit).map(|(_, count)| count).sum::<u64>();
        rows.truncate(limit);
        (rows, rest.saturating_add(self.other))
    }

    /// `u-1 (12), u-2 (3) and 4 others`.
    pub(super) fn said(&self, limit: usize) -> String {
        let (rows, _) = self.most(limit);
        let said: Vec<String> = rows
            .iter()
            .map(|(key, count)| format!("{} ({})", harmless(&key.join(" ")), words::count(*count)))
            .collect();
        let more = self.different().saturating_sub(rows.len() as u64);
        let more = match more {
            0 => String::new(),
            more => format!(" and {} more", words::count(more)),
        };
        format!("{}{more}", said.join(", "))
    }
}

/// What a record has in a field: every value of a list, and `None` where it has none.
pub(super) fn values(field: &Field, record: &Record) -> Vec<Option<String>> {
    let texts = field.texts(record);
    if texts.is_empty() {
        return vec![None];
    }
    let mut texts: Vec<Option<String>> = texts.into_iter().map(Some).collect();
    texts.dedup();
    texts
}

/// Walks through all wanted records, of which only these slots are read, and tells on a terminal how far it is.
pub(super) fn each(
    store: &DirStore,
    filter: &dyn Filter,
    slots: impl IntoIterator<Item = Slot>,
    met: &mut Met,
    mut take: impl FnMut(&Record, u64) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let few = Only::new(filter, slots);
    let bar = Bar::over(store)?;
    let watched = bar.watch(&few);
    for item in store.walk(&watched, Direction::OldestFirst, None)? {
        if let Some(stored) = met.take(item?) {
            take(&stored.record, stored.place.observed_at)?;
        }
    }
    Ok(())
}

/// How far a walk from the oldest record to the newest is, told on standard error where that is a terminal.
#[derive(Debug)]
pub(super) struct Bar {
    first: u64,
    last: u64,
    begun: Instant,
    told: std::cell::Cell<Option<Instant>>,
    is_told: bool,
}

/// Nothing is told of what takes no longer.
const SOON: Duration = Duration::from_millis(500);

const OFTEN: Duration = Duration::from_millis(100);

impl Bar {
    pub(super) fn over(store: &DirStore) -> Result<Self, Failure> {
        let is_told = io::stderr().is_terminal();
        let extents = if is_told { store.extents()? } else { Vec::new() };
        Ok(Self {
            first: extents
                .iter()
                .map(|extent| extent.first.observed_at)
                .min()
                .unwrap_or(0),
            last: extents
                .iter()
                .map(|extent| extent.last.observed_at)
                .max()
                .unwrap_or(0),
            begun: Instant::now(),
            told: std::cell::Cell::new(None),
            is_told,
        })
    }

    /// The filter, which tells how far it is where it is asked.
    pub(super) fn watch<'w>(&'w self, filter: &'w dyn Filter) -> Watched<'w> {
        Watched { filter, bar: self }
    }

    fn tell(&self, at: u64) {
        let now = Instant::now();
        let is_soon = self
            .told
            .get()
            .map_or(now - self.begun < SOON, |told| now - told < OFTEN);
        if !self.is_told || is_soon {
            return;
        }
        self.told.set(Some(now));
        let (done, whole) = (
            at.saturating_sub(self.first),
            self.last.saturating_sub(self.first),
        );
        let percent = u128::from(done) * 100 / u128::from(whole.max(1));
        let percent = usize::try_from(percent.min(100)).unwrap_or(100);
        let filled = percent / 5;
        let mut stderr = io::stderr();
        let _ = write!(
            stderr,
            "\rreading [{}{}] {percent}%\x1b[K",
            "#".repeat(filled),
            ".".repeat(20 - filled)
        );
        let _ = stderr.flush();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.told.get().is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// A filter that tells how far a walk is.
pub(super) struct Watched<'w> {
    filter: &'w dyn Filter,
    bar: &'w Bar,
}

impl Filter for Watched<'_> {
    fn matches(&self, record: &Record) -> bool {
        if self.bar.is_told
            && let Some(at) = record.uint(Slot::ObservedAt)
        {
            self.bar.tell(at);
        }
        self.filter.matches(record)
    }

    fn window(&self) -> tracing_audit::store::Window {
        self.filter.window()
    }

    fn condition(&self) -> tracing_audit::store::Condition {
        self.filter.condition()
    }

    fn raw(&self) -> tracing_audit::store::RawTest {
        self.filter.raw()
    }

    fn looks_at(&self) -> Option<Vec<Slot>> {
        self.filter.looks_at()
    }

    fn gives(&self) -> Option<Vec<Slot>> {
        self.filter.gives()
    }
}
