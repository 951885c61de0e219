//! How often each rule did something, over all threads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::shard::{self, OWN, SHARDS};
use crate::stats::RuleStats;

/// Counters by rule. A clone counts into the same numbers.
///
/// A thread has a table for itself where there is one left: see [`shard`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts(Arc<[Table; SHARDS]>);

/// Counters that are taken once and then only added to. A rule has nearly always one name in memory: it is found by that,
/// and one with several has several rows.
#[derive(Debug, Default)]
struct Table {
    rows: [Row; ROWS],
    /// Those for which there was no row: with a lock for each time.
    more: Mutex<BTreeMap<&'static str, Count>>,
}

#[derive(Debug, Default)]
struct Row {
    rule: OnceLock<&'static str>,
    redactions: AtomicU64,
    trial: AtomicU64,
}

const ROWS: usize = 32;

/// How many rows are tried.
const TRIES: usize = 8;

#[derive(Debug, Default, Clone, Copy)]
struct Count {
    redactions: u64,
    trial: u64,
}

impl Counts {
    /// Counts `n` redactions by `rule`.
    #[inline]
    pub(super) fn add(&self, rule: &'static str, n: u32) {
        let shard = shard::current();
        let own = self.0.get(shard).filter(|_| shard < OWN);
        match own.and_then(|table| table.first_row(rule)) {
            Some(row) => shard::add(&row.redactions, shard, u64::from(n)),
            None => self.count(rule, n, 0),
        }
    }

    /// Counts `n` redactions that `rule` would have made.
    pub(super) fn add_trial(&self, rule: &'static str, n: u32) {
        self.count(rule, 0, n);
    }

    #[inline(never)]
    fn count(&self, rule: &'static str, redactions: u32, trial: u32) {
        let shard = shard::current();
        let Some(table) = self.0.get(shard) else { return };
        let (redactions, trial) = (u64::from(redactions), u64::from(trial));
        match table.row(rule) {
            Some(row) => {
                for (counter, n) in [(&row.redactions, redactions), (&row.trial, trial)] {
                    if n > 0 {
                        shard::add(counter, shard, n);
                    }
                }
            }
            None => {
                let mut more = table.more.lock();
                let count = more.entry(rule).or_default();
                count.redactions += redactions;
                count.trial += trial;
            }
        }
    }

    /// The sums, sorted by rule.
    pub(crate) fn sums(&self) -> Vec<RuleStats> {
        let mut sums: BTreeMap<&'static str, Count> = BTreeMap::new();
        let mut add = |rule, redactions, trial| {
            let sum = sums.entry(rule).or_default();
            sum.redactions += redactions;
            sum.trial += trial;
        };
        for table in self.0.iter() {
            for row in &table.rows {
                if let Some(rule) = row.rule.get() {
                    let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
                    add(*rule, of(&row.redactions), of(&row.trial));
                }
            }
            for (rule, count) in table.more.lock().iter() {
                add(*rule, count.redactions, count.trial);
            }
        }
        let stats = sums.into_iter().map(|(rule, count)| RuleStats {
            rule: rule.to_owned(),
            redactions: count.redactions,
            trial: count.trial,
        });
        stats.collect()
    }
}

impl Table {
    /// The row of a rule that has been counted before and was the first to come to it: nearly every one.
    #[inline]
    fn first_row(&self, rule: &'static str) -> Option<&Row> {
        let row = self.rows.get(rule.as_ptr().addr() / 4 % ROWS)?;
        let known = row.rule.get()?;
        std::ptr::eq(*known, rule).then_some(row)
    }

    /// The row of a rule; `None` where those that may be its own are others'.
    fn row(&self, rule: &'static str) -> Option<&Row> {
        let first = rule.as_ptr().addr() / 4;
        (first..first + TRIES).find_map(|place| {
            let row = self.rows.get(place % ROWS)?;
            let known = row.rule.get_or_init(|| rule);
            std::ptr::eq(*known, rule).then_some(row)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_count_is_summed_by_rule() {
        let counts = Counts::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    counts.add("a", 2);
                    counts.add_trial("b", 1);
                });
            }
        });
        let sums = counts.sums();
        let of = |rule: &str, redactions, trial| RuleStats {
            rule: rule.to_owned(),
            redactions,
            trial,
        };
        assert_eq!(sums, [of("a", 8, 0), of("b", 0, 4)]);
    }

    #[test]
    fn what_more_threads_count_than_have_tables_and_one_after_another_is_summed() {
        let counts = Counts::default();
        let (threads, times) = (3 * SHARDS as u64, 500);
        std::thread::scope(|scope| {
            for round in 0..threads {
                let count = || (0..times).for_each(|_| counts.add("a", 1));
                let counting = scope.spawn(count);
                // Some end before the next begins, which then has the table of one that was.
                if round % 3 == 0 {
                    counting.join().unwrap();
                }
            }
        });
        let sums: Vec<_> = counts.sums().iter().map(|rule| rule.redactions).collect();
        assert_eq!(sums, [threads * times]);
    }

    #[test]
    fn rules_for_which_there_is_no_row_are_counted_as_well() {
        let counts = Counts::default();
        // More than there are rows, each a part of one text in memory.
        let names = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        for round in 0..2 {
            for at in 0..names.len() {
                counts.add(&names[at..=at], 1);
                counts.add_trial(&names[at..=at], round);
            }
        }
        let sums = counts.sums();
        assert_eq!(sums.len(), names.len());
        assert!(sums.iter().all(|rule| rule.redactions == 2 && rule.trial == 1));
    }
}
