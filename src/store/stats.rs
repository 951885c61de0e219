//! Statistics: how many records a filter finds, by what they say and by when they happened.

use std::collections::{BTreeMap, HashMap};

use super::{Direction, Filter, Item, Only, Store, Totals, Verdict};
use crate::clock::{Clock as _, SystemClock};
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Record, Slot};

/// The most intervals that statistics give.
pub const MAX_INTERVALS: usize = 10_000;

/// The most different words that are counted one by one.
const MOST_WORDS: usize = 1 << 20;

const HOUR: u64 = 3_600_000_000_000;

/// What to count.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatsOpts {
    /// The end of the last hour, in nanoseconds since the Unix epoch. Default: the system's clock.
    pub now: u64,
    /// Count by intervals of so many nanoseconds, from the epoch on. Default: none.
    pub per: Option<u64>,
    /// The most words that are given of each kind; the rest is counted together. Default: 100.
    pub most: usize,
    /// Whether to say how complete the filter's window is. Default: no.
    pub completeness: bool,
}

impl Default for StatsOpts {
    fn default() -> Self {
        Self {
            now: SystemClock.now(),
            per: None,
            most: 100,
            completeness: false,
        }
    }
}

impl StatsOpts {
    /// The end of the last hour, in nanoseconds since the Unix epoch. Default: the system's clock.
    #[must_use]
    pub fn now(mut self, now: u64) -> Self {
        self.now = now;
        self
    }

    /// Count by intervals of so many nanoseconds, which begin at multiples of it. Default: none.
    #[must_use]
    pub fn per(mut self, nanos: impl Into<Option<u64>>) -> Self {
        self.per = nanos.into();
        self
    }

    /// The most words that are given of each kind; the rest is counted together. Default: 100.
    #[must_use]
    pub fn most(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// Whether to say how complete the filter's window is. Default: no.
    #[must_use]
    pub fn completeness(mut self, completeness: bool) -> Self {
        self.completeness = completeness;
        self
    }

    /// The last hour: from its first nanosecond to behind its last.
    pub(super) fn last_hour(&self) -> std::ops::Range<u64> {
        self.now.saturating_sub(HOUR)..self.now.saturating_add(1)
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.per != Some(0) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Query,
            "an interval of 0 nanoseconds holds nothing; name a longer one, or none",
        ))
    }
}

/// What a filter finds, counted.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct RecordStats {
    /// Records that the filter wants, those by outcome, and what its window says of losses.
    pub totals: Totals,
    /// By category.
    pub by_category: Tally,
    /// By outcome.
    pub by_outcome: Tally,
    /// By action.
    pub by_action: Tally,
    /// By the actor's id.
    pub by_actor: Tally,
    /// Those whose `time` lies in the hour up to [`StatsOpts::now`].
    pub last_hour: u64,
    /// By interval of their `time`, in order; intervals without a record are left out.
    pub intervals: Vec<Interval>,
    /// How complete the filter's window is, where that was asked for and the store can tell.
    pub verdict: Option<Verdict>,
}

/// How often each word stands in a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// The most frequent words, with how many records have them; among equals by the word.
    pub words: Vec<(String, u64)>,
    /// How many records have another word.
    pub other: u64,
    /// How many records have none.
    pub none: u64,
}

impl Tally {
    /// How many records have this word, if it is among the most frequent.
    #[must_use]
    pub fn of(&self, word: &str) -> Option<u64> {
        let found = self.words.iter().find(|(known, _)| known == word);
        found.map(|(_, count)| *count)
    }

    pub(super) fn build(counts: impl IntoIterator<Item = (String, u64)>, most: usize) -> Self {
        let mut words: Vec<(String, u64)> = counts.into_iter().collect();
        words.sort_unstable_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
        let other = words.iter().skip(most).map(|(_, count)| count).sum();
        words.truncate(most);
        Self {
            words,
            other,
            none: 0,
        }
    }
}

/// The records of one interval.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interval {
    /// Its first nanosecond, since the Unix epoch.
    pub from: u64,
    /// How many records happened in it.
    pub records: u64,
    /// Those by outcome; none counts under `""`.
    pub outcomes: BTreeMap<String, u64>,
}

/// The intervals of a count, in order.
#[derive(Debug, Default)]
pub(super) struct Intervals(BTreeMap<u64, Interval>);

impl Intervals {
    pub(super) fn add(&mut self, from: u64, outcome: &str, records: u64) -> Result<()> {
        let interval = self.0.entry(from).or_default();
        interval.from = from;
        interval.records += records;
        match interval.outcomes.get_mut(outcome) {
            Some(count) => *count += records,
            None => {
                interval.outcomes.insert(outcome.to_owned(), records);
            }
        }
        if self.0.len() <= MAX_INTERVALS {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Query,
            format!(
                "more than {MAX_INTERVALS} intervals hold records; name a longer one, or a shorter window"
            ),
        ))
    }

    pub(super) fn into_vec(self) -> Vec<Interval> {
        self.0.into_values().collect()
    }
}

/// The words of one slot.
#[derive(Default)]
struct Words {
    counts: HashMap<String, u64>,
    other: u64,
    none: u64,
}

impl Words {
    fn take(&mut self, word: Option<&str>) {
        let Some(word) = word else {
            self.none += 1;
            return;
        };
        if let Some(count) = self.counts.get_mut(word) {
            *count += 1;
        } else if self.counts.len() < MOST_WORDS {
            self.counts.insert(word.to_owned(), 1);
        } else {
            self.other += 1;
        }
    }

    fn into_tally(self, most: usize) -> Tally {
        let mut tally = Tally::build(self.counts, most);
        tally.other += self.other;
        tally.none = self.none;
        tally
    }
}

/// The slots that are counted by their words.
pub(super) const COUNTED: [Slot; 4] = [Slot::Category, Slot::Outcome, Slot::Action, Slot::ActorId];

/// Counts by reading every wanted record.
pub(super) fn by_walk<S: Store + ?Sized>(
    store: &S,
    filter: &dyn Filter,
    opts: &StatsOpts,
) -> Result<RecordStats> {
    opts.check()?;
    let mut stats = RecordStats::default();
    let mut words: [Words; 4] = Default::default();
    let mut intervals = Intervals::default();
    let hour = opts.last_hour();
    let few = Only::new(filter, COUNTED);
    for item in store.walk(&few, Direction::OldestFirst, None)? {
        match item? {
            Item::Record(stored) => {
                let record = &stored.record;
                stats.totals.count(&stored);
                stats.totals.gap(&stored);
                for (words, slot) in words.iter_mut().zip(COUNTED) {
                    words.take(record.text(slot));
                }
                stats.last_hour +=
                    u64::from(record.uint(Slot::Time).is_some_and(|time| hour.contains(&time)));
                put(&mut intervals, record, opts.per)?;
            }
            Item::Gap(stored) => stats.totals.gap(&stored),
            Item::Finding(_) => stats.totals.findings += 1,
        }
    }
    stats.set_tallies(words.map(|words| words.into_tally(opts.most)));
    stats.intervals = intervals.into_vec();
    if opts.completeness {
        stats.verdict = store.completeness(filter.window())?;
    }
    Ok(stats)
}

fn put(intervals: &mut Intervals, record: &Record, per: Option<u64>) -> Result<()> {
    match (record.uint(Slot::Time), per) {
        (Some(time), Some(per)) => {
            let from = time - time.checked_rem(per).unwrap_or(0);
            intervals.add(from, record.text(Slot::Outcome).unwrap_or_default(), 1)
        }
        _ => Ok(()),
    }
}

impl RecordStats {
    /// The tallies of [`COUNTED`], in its order.
    pub(super) fn set_tallies(&mut self, tallies: [Tally; 4]) {
        let [category, outcome, action, actor] = tallies;
        self.by_category = category;
        self.by_outcome = outcome;
        self.by_action = action;
        self.by_actor = actor;
    }
}
