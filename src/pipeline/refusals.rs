//! What a sink's receiver refused, and which control records say so.
//!
//! Invariant: a follower's cursor does not move over a refused entry unless its file, or a record on disk, says how many there
//! were. So whoever is killed, the next start states what is left to be said.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::control;
use crate::record::Record;
use crate::sink::file::Debt;

/// After so many more they are stated again.
const MANY: u64 = 1024;

/// After so long as well, in nanoseconds, where the sink names what it refuses: so what is said of it is known from the rest.
const STATED_EVERY: u64 = 60_000_000_000;

/// How many numbers of refused entries a record lists.
const LISTED: usize = 64;

/// The refusals of one sink.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// Some are not stated: asked at every turn of the writer's.
    are_unstated: AtomicBool,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// All that there were, with those that an earlier life left unstated.
    total: u64,
    /// Those that control records state.
    stated: u64,
    /// Those of which records on disk are known.
    settled: u64,
    /// No record that states some of those behind them stands before this number.
    from: u64,
    /// Records that state some and are not known to be on disk, oldest first.
    statements: VecDeque<Stated>,
    /// What the record states that has no number yet.
    which_stated: Vec<u64>,
    /// The numbers of unstated ones, as far as they were named and are listed.
    which: Vec<u64>,
    /// The sink has refused without naming.
    is_vague: bool,
    /// When some were stated last.
    told: Option<u64>,
}

/// A record that states refusals.
#[derive(Debug)]
struct Stated {
    seq: u64,
    /// How many were stated with it.
    total: u64,
    /// What it lists.
    which: Vec<u64>,
}

/// A control record that is due, and how many refusals it states.
pub(super) struct Statement {
    pub(super) record: Record,
    pub(super) count: u64,
}

/// Refused entries of a batch, without such statements, of whatever sink: those are only counted. To state that as well would
/// never end.
#[derive(Debug)]
pub(super) struct Refused<'a> {
    /// How many.
    pub(super) count: u64,
    /// The numbers of those that were named.
    pub(super) which: &'a [u64],
    /// Whether it is known which entries were refused.
    pub(super) is_named: bool,
}

impl Refusals {
    /// What an earlier life left unstated.
    pub(super) fn owe(&self, debt: Debt) {
        let mut known = self.known.lock();
        (known.total, known.from) = (debt.count, debt.from);
        self.are_unstated.store(true, Ordering::Release);
    }

    /// The receiver has refused entries. The disk has confirmed what stands before `durable`.
    pub(super) fn add(&self, refused: &Refused<'_>, durable: u64) {
        if refused.count == 0 {
            return;
        }
        let mut known = self.known.lock();
        known.is_vague |= !refused.is_named;
        if known.total == known.settled {
            known.from = durable;
        }
        known.total += refused.count;
        let room = LISTED.saturating_sub(known.which.len());
        let listed = refused.which.iter().filter(|_| refused.is_named);
        known.which.extend(listed.take(room));
        self.are_unstated
            .store(known.total > known.stated, Ordering::Release);
    }

    /// Whether a statement may be due.
    pub(super) fn are_unstated(&self) -> bool {
        self.are_unstated.load(Ordering::Acquire)
    }

    /// The control record of what was refused, where one is due: at once, after [`MANY`] more, after [`STATED_EVERY`], and at
    /// the end. `now` is a time of the monotonic clock, in nanoseconds. Where the record stands is said by
    /// [`Self::stand_at`].
    pub(super) fn statement(&self, sink: &str, now: u64, is_end: bool) -> Option<Statement> {
        if !self.are_unstated() {
            return None;
        }
        let mut known = self.known.lock();
        let count = known.total - known.stated;
        let is_time = |told: u64| !known.is_vague && now.saturating_sub(told) >= STATED_EVERY;
        let is_due = is_end || count >= MANY || known.told.is_none_or(is_time);
        if count == 0 || !is_due {
            return None;
        }
        known.told = Some(now);
        known.stated += count;
        known.which_stated = std::mem::take(&mut known.which);
        self.are_unstated.store(false, Ordering::Release);
        let record = control::sink_refused(sink, count, &known.which_stated);
        Some(Statement { record, count })
    }

    /// The record of the last statement has this number.
    pub(super) fn stand_at(&self, seq: u64) {
        let mut known = self.known.lock();
        let (total, which) = (known.stated, std::mem::take(&mut known.which_stated));
        // Without a cursor nobody asks which of them are on disk. What the oldest one states the next one settles.
        if known.statements.len() >= LISTED {
            known.statements.pop_front();
        }
        known.statements.push_back(Stated { seq, total, which });
    }

    /// The disk may not have a record that states so many: another one is due. Said before anything behind it is called
    /// durable.
    pub(super) fn doubt(&self, count: u64) {
        let mut known = self.known.lock();
        known.stated = known.stated.saturating_sub(count);
        let stated = known.stated;
        while known.statements.back().is_some_and(|last| last.total > stated) {
            let Some(doubted) = known.statements.pop_back() else {
                break;
            };
            let room = LISTED.saturating_sub(known.which.len());
            known.which.extend(doubted.which.into_iter().take(room));
        }
        known.told = None;
        self.are_unstated.store(true, Ordering::Release);
    }

    /// What no record on disk is known to state, where the disk has confirmed what stands before `durable`.
    pub(super) fn debt(&self, durable: u64) -> Option<Debt> {
        let mut known = self.known.lock();
        while known.statements.front().is_some_and(|first| first.seq < durable) {
            let Some(stated) = known.statements.pop_front() else {
                break;
            };
            known.settled = stated.total;
            // What is stated later stands behind this record.
            known.from = stated.seq + 1;
        }
        let (count, from) = (known.total - known.settled, known.from);
        (count > 0).then_some(Debt { count, from })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(refusals: &Refusals, count: u64, which: &[u64], durable: u64) {
        let refused = Refused {
            count,
            which,
            is_named: which.len() as u64 == count,
        };
        refusals.add(&refused, durable);
    }

    fn count(statement: Option<Statement>) -> Option<u64> {
        statement.map(|statement| statement.count)
    }

    #[test]
    fn what_was_refused_is_owed_until_the_record_that_states_it_is_on_disk() {
        let refusals = Refusals::default();
        assert_eq!(refusals.debt(7), None);
        add(&refusals, 2, &[3, 5], 7);
        assert_eq!(refusals.debt(8), Some(Debt { count: 2, from: 7 }));
        let statement = refusals.statement("x", 0, false).unwrap();
        assert_eq!(statement.count, 2);
        let listed = statement
            .record
            .attribute("records")
            .map(|list| format!("{list:?}"));
        assert!(listed.is_some_and(|list| list.contains('3') && list.contains('5')));
        assert_eq!(
            refusals.debt(8),
            Some(Debt { count: 2, from: 7 }),
            "it has no number yet"
        );
        refusals.stand_at(8);
        assert_eq!(
            refusals.debt(8),
            Some(Debt { count: 2, from: 7 }),
            "it is not on disk"
        );
        assert_eq!(refusals.debt(9), None);
        add(&refusals, 1, &[9], 10);
        assert_eq!(refusals.debt(12), Some(Debt { count: 1, from: 10 }));
    }

    #[test]
    fn it_is_stated_at_once_after_many_after_a_minute_and_at_the_end_and_again_where_the_disk_lost_it() {
        let refusals = Refusals::default();
        assert_eq!(count(refusals.statement("x", 0, true)), None);
        add(&refusals, 1, &[1], 2);
        assert_eq!(count(refusals.statement("x", 0, false)), Some(1));
        refusals.stand_at(2);
        add(&refusals, 1, &[4], 5);
        assert_eq!(count(refusals.statement("x", STATED_EVERY - 1, false)), None);
        assert_eq!(count(refusals.statement("x", STATED_EVERY, false)), Some(1));
        refusals.stand_at(5);
        refusals.doubt(1);
        assert_eq!(count(refusals.statement("x", STATED_EVERY, false)), Some(1));
        refusals.stand_at(6);
        // Without names nobody knows whether it is a statement that was refused: time alone is no reason.
        add(&refusals, 3, &[], 8);
        assert_eq!(count(refusals.statement("x", 9 * STATED_EVERY, false)), None);
        add(&refusals, MANY, &[], 8);
        assert_eq!(
            count(refusals.statement("x", 9 * STATED_EVERY, false)),
            Some(MANY + 3)
        );
        refusals.stand_at(9);
        add(&refusals, 1, &[], 12);
        assert_eq!(count(refusals.statement("x", 9 * STATED_EVERY, true)), Some(1));
    }

    #[test]
    fn what_is_owed_is_only_what_no_record_on_disk_states_also_where_more_is_refused_all_the_time() {
        let refusals = Refusals::default();
        for round in 0..100_u64 {
            add(&refusals, 1, &[10 * round], 10 * round);
            assert_eq!(
                count(refusals.statement("x", round * STATED_EVERY, false)),
                Some(1)
            );
            refusals.stand_at(10 * round + 1);
            // Before that record is on disk, and behind the one before it.
            let owed = refusals.debt(10 * round + 1);
            assert_eq!(owed.map(|debt| debt.count), Some(1));
            assert!(owed.is_some_and(|debt| debt.from > 10 * round.saturating_sub(1)) || round == 0);
            add(&refusals, 1, &[10 * round + 2], 10 * round + 3);
            assert_eq!(refusals.debt(10 * round + 2).map(|debt| debt.count), Some(1));
            assert_eq!(count(refusals.statement("x", 0, true)), Some(1));
            refusals.stand_at(10 * round + 4);
            refusals.doubt(1);
            let again = refusals.statement("x", 0, false).unwrap();
            assert!(
                again.record.attribute("records").is_some(),
                "which ones is known still"
            );
            refusals.stand_at(10 * round + 5);
            assert_eq!(refusals.debt(10 * round + 6), None);
        }
    }

    #[test]
    fn however_many_statements_nobody_looks_for_on_disk_a_few_are_remembered_and_the_newest_settles_all() {
        let refusals = Refusals::default();
        for seq in 0..1_000 {
            add(&refusals, 1, &[2 * seq], 0);
            assert_eq!(count(refusals.statement("x", 0, true)), Some(1));
            refusals.stand_at(2 * seq + 1);
        }
        assert_eq!(refusals.known.lock().statements.len(), LISTED);
        assert_eq!(
            refusals.debt(1),
            Some(Debt {
                count: 1_000,
                from: 0
            })
        );
        assert_eq!(refusals.debt(2_000), None);
    }

    #[test]
    fn what_an_earlier_life_left_unstated_is_stated_at_once() {
        let refusals = Refusals::default();
        refusals.owe(Debt { count: 5, from: 40 });
        assert_eq!(refusals.debt(90), Some(Debt { count: 5, from: 40 }));
        assert_eq!(count(refusals.statement("x", 0, false)), Some(5));
        refusals.stand_at(91);
        assert_eq!(refusals.debt(92), None);
    }
}
