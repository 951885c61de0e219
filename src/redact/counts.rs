//! How often each rule did something, over all threads.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::stats::RuleStats;

/// Counters by rule. A clone counts into the same numbers.
///
/// Only what is redacted comes here, so a short lock costs nothing that is noticed; threads are spread over several.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts(Arc<[Mutex<ByRule>; SHARDS]>);

type ByRule = Vec<(&'static str, Count)>;

const SHARDS: usize = 8;

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    redactions: u64,
    trial: u64,
}

thread_local! {
    static SHARD: usize = {
        use std::hash::{BuildHasher as _, RandomState};
        usize::try_from(RandomState::new().hash_one(std::thread::current().id()) % SHARDS as u64).unwrap_or(0)
    };
}

impl Counts {
    /// Counts `n` redactions by `rule`.
    pub(super) fn add(&self, rule: &'static str, n: u32) {
        self.with(rule, |count| count.redactions += u64::from(n));
    }

    /// Counts `n` redactions that `rule` would have made.
    pub(super) fn add_trial(&self, rule: &'static str, n: u32) {
        self.with(rule, |count| count.trial += u64::from(n));
    }

    fn with(&self, rule: &'static str, then: impl FnOnce(&mut Count)) {
        // A thread that is ending has no shard of its own any more.
        let shard = SHARD.try_with(|shard| *shard).unwrap_or(0);
        if let Some(counts) = self.0.get(shard) {
            then(of(&mut counts.lock(), rule));
        }
    }

    /// The sums, sorted by rule.
    pub(crate) fn sums(&self) -> Vec<RuleStats> {
        let mut sums: BTreeMap<&'static str, Count> = BTreeMap::new();
        for shard in self.0.iter() {
            for (rule, count) in shard.lock().iter() {
                let sum = sums.entry(rule).or_default();
                sum.redactions += count.redactions;
                sum.trial += count.trial;
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

/// The count of a rule. Rules are few, and each has nearly always one name in memory, so that it is found by that.
fn of<'c>(counts: &'c mut ByRule, rule: &'static str) -> &'c mut Count {
    let same = |(known, _): &(&'static str, Count)| std::ptr::eq(*known, rule);
    let known = counts.iter().position(same);
    let known = known.or_else(|| counts.iter().position(|(known, _)| *known == rule));
    let at = known.unwrap_or_else(|| {
        counts.push((rule, Count::default()));
        counts.len() - 1
    });
    match counts.get_mut(at) {
        Some((_, count)) => count,
        None => unreachable!("it was found there, or put there"),
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
}
