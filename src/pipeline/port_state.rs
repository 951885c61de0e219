//! What is known of a sink, shared by its thread, the writer and whoever asks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::barrier::Mark;
use super::refusals::{Refusals, Refused};
use crate::format::Entry;
use crate::sink::Accepted;
use crate::sink::file::Progress;
use crate::stats::{SinkStats, add};

/// How a sink's thread ended.
const RUNS: u8 = 0;
pub(super) const ENDED_WELL: u8 = 1;
pub(super) const ENDED_UNFLUSHED: u8 = 2;
pub(super) const ENDED_FAILED: u8 = 3;

/// What is known of a sink.
#[derive(Debug)]
pub(super) struct PortState {
    name: String,
    pub(super) accepted: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) missed: AtomicU64,
    pub(super) retries: AtomicU64,
    pub(super) waiting: AtomicU64,
    pub(super) failed: AtomicBool,
    /// The trail ends: a delivery that fails is not tried for ever.
    pub(super) ending: AtomicBool,
    /// Missed entries that no gap record accounts for yet.
    pub(super) untold: AtomicU64,
    /// Missed entries of a follower that gap records account for, and the number behind the last one of these.
    pub(super) stated: AtomicU64,
    pub(super) stated_before: AtomicU64,
    /// A gap record has said that it failed for good.
    pub(super) failure_told: AtomicBool,
    pub(super) refusals: Refusals,
    /// Of the missed ones, those that the port had no room for. Counted by the writer, the others by the sink's thread.
    pub(super) skipped: AtomicU64,
    /// Why the last delivery has to be tried again; `None` where it went well.
    trouble: Mutex<Option<String>>,
    /// What it lost since the last barrier for receipts; `None` where a journal gives the receipts.
    lost: Option<Mutex<Vec<Lost>>>,
    /// How far it is behind the journal; `None` without one.
    lag: Option<Lag>,
    pub(super) ended: AtomicU8,
}

/// How far a follower is behind.
#[derive(Debug)]
pub(super) struct Lag {
    progress: Arc<Progress>,
    /// It has taken every entry before this one.
    next: AtomicU64,
}

impl PortState {
    /// Of a sink that takes from the writer.
    pub(super) fn of_port(name: &str) -> Self {
        Self {
            lost: Some(Mutex::default()),
            ..Self::new(name)
        }
    }

    /// Of one that follows the journal, from an entry on.
    pub(super) fn of_follower(name: &str, progress: Arc<Progress>, next: u64) -> Self {
        let next = AtomicU64::new(next);
        Self {
            lag: Some(Lag { progress, next }),
            ..Self::new(name)
        }
    }

    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            missed: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            untold: AtomicU64::new(0),
            stated: AtomicU64::new(0),
            stated_before: AtomicU64::new(0),
            failure_told: AtomicBool::new(false),
            refusals: Refusals::default(),
            skipped: AtomicU64::new(0),
            trouble: Mutex::new(None),
            lost: None,
            lag: None,
            ended: AtomicU8::new(RUNS),
        }
    }

    pub(super) fn stats(&self) -> SinkStats {
        SinkStats {
            name: self.name.clone(),
            accepted: self.accepted.load(Ordering::Acquire),
            refused: self.refused.load(Ordering::Acquire),
            missed: self.missed.load(Ordering::Acquire),
            retries: self.retries.load(Ordering::Acquire),
            waiting: self.waiting(),
            failed: self.failed.load(Ordering::Acquire),
            trouble: self.trouble(),
        }
    }

    /// Notes whether deliveries go well, or why the last one has to be tried again.
    pub(super) fn goes(&self, trouble: Option<&str>) {
        let mut noted = self.trouble.lock();
        if noted.as_deref() != trouble {
            *noted = trouble.map(str::to_owned);
        }
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().clone()
    }

    /// Entries that it has not taken: those that it was handed, or, behind a journal, those that the disk has confirmed.
    pub(super) fn waiting(&self) -> u64 {
        match &self.lag {
            Some(_) => self.durable().saturating_sub(self.next()),
            None => self.waiting.load(Ordering::Acquire),
        }
    }

    /// The entry behind those that the disk has confirmed, for a follower.
    pub(super) fn durable(&self) -> u64 {
        self.lag.as_ref().map_or(0, |lag| lag.progress.durable())
    }

    /// The entry that a follower is due next.
    pub(super) fn next(&self) -> u64 {
        self.lag
            .as_ref()
            .map_or(0, |lag| lag.next.load(Ordering::Acquire))
    }

    /// A follower has taken every entry before this one.
    pub(super) fn passes(&self, next: u64) {
        if let Some(lag) = &self.lag {
            lag.next.store(next, Ordering::Release);
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    pub(super) fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Acquire)
    }

    /// Whether the sink's thread has ended: it has delivered, or given up, all that it was given.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire) != RUNS
    }

    /// What the sink has done at its end.
    pub(super) fn last_mark(&self) -> Mark {
        let cause = match self.ended.load(Ordering::Acquire) {
            ENDED_UNFLUSHED => Some("at the end of the trail"),
            ENDED_FAILED => Some("it failed for good"),
            _ => None,
        };
        Mark {
            name: self.name.clone(),
            missed: self.missed.load(Ordering::Acquire),
            refused: self.refused.load(Ordering::Acquire),
            failure: cause.map(str::to_owned),
            behind: self.lag.as_ref().map_or(0, |_| self.waiting()),
            lost: Vec::new(),
        }
    }

    /// A follower was due entries that the journal no longer has.
    pub(super) fn miss_unkept(&self, count: u64) {
        add(&self.missed, count);
        add(&self.untold, count);
    }

    /// A gap record before the number `before` accounts for so many of them.
    pub(super) fn states(&self, count: u64, before: u64) {
        self.stated_before.store(before, Ordering::Release);
        // Whoever sees the count sees where the record stands.
        self.stated.fetch_add(count, Ordering::Release);
    }

    /// The disk may not have the gap record that accounts for so many of them: another one is due. Said before anything
    /// behind it is called durable.
    pub(super) fn states_not(&self, count: u64) {
        self.stated.fetch_sub(count, Ordering::Release);
        add(&self.untold, count);
    }

    /// Whether gap records on disk account for every entry that a follower missed.
    pub(super) fn is_stated(&self) -> bool {
        // Read first: whoever sees how far the disk is sees what it has lost before.
        let durable = self.durable();
        let stated = self.stated.load(Ordering::Acquire);
        stated >= self.missed.load(Ordering::Acquire) && durable >= self.stated_before.load(Ordering::Acquire)
    }

    /// The sink took a batch over, but for what its receiver refused.
    pub(super) fn accept(&self, entries: &[Entry<'_>], accepted: &Accepted) {
        let count = entries.len() as u64;
        let Some((first, last)) = ends(entries) else {
            return;
        };
        let named = accepted
            .which()
            .iter()
            .filter(|seq| (first..=last).contains(*seq));
        let named: BTreeSet<u64> = named.copied().collect();
        let refused = accepted.refused().min(count);
        // Written before the counters, so that who sees the count finds the numbers.
        self.note_refusals(entries, &named, refused);
        if named.len() as u64 == refused {
            named.iter().for_each(|&seq| self.lose(seq, seq, 1, true));
        } else {
            self.lose(first, last, refused, true);
        }
        add(&self.refused, refused);
        add(&self.accepted, count - refused);
    }

    /// Has the refusals stated, but for those of statements.
    fn note_refusals(&self, entries: &[Entry<'_>], named: &BTreeSet<u64>, refused: u64) {
        let is_refused = |entry: &&Entry<'_>| named.contains(&entry.seq());
        let statements = entries.iter().filter(is_refused).filter(|entry| states(entry));
        let statements: Vec<u64> = statements.map(|entry| entry.seq()).collect();
        let which = named.iter().filter(|seq| !statements.contains(seq));
        let which: Vec<u64> = which.copied().collect();
        let told = Refused {
            count: refused.saturating_sub(statements.len() as u64),
            which: &which,
            is_named: named.len() as u64 == refused,
        };
        self.refusals.add(&told, self.durable());
    }

    pub(super) fn miss(&self, entries: &[(u64, u64)]) {
        let count = entries.iter().map(|(first, last)| last - first + 1).sum();
        add(&self.missed, count);
        add(&self.untold, count);
        for &(first, last) in entries {
            self.lose(first, last, last - first + 1, false);
        }
    }

    pub(super) fn lose(&self, first: u64, last: u64, count: u64, is_refusal: bool) {
        let Some(lost) = &self.lost else { return };
        let mut lost = lost.lock();
        if lost.len() >= MAX_LOST {
            let oldest = lost.remove(0);
            if let Some(next) = lost.first_mut() {
                next.first = next.first.min(oldest.first);
                next.last = next.last.max(oldest.last);
                next.count += oldest.count;
            }
        }
        lost.push(Lost {
            first,
            last,
            count,
            is_refusal,
        });
    }

    /// What was lost before `seq`, for the receipts of entries before it.
    pub(super) fn take_lost(&self, seq: u64) -> Vec<Lost> {
        let Some(lost) = &self.lost else { return Vec::new() };
        let mut lost = lost.lock();
        let before = lost.iter().filter(|lost| lost.first < seq).cloned().collect();
        lost.retain(|lost| lost.last >= seq);
        before
    }
}

/// Whether an entry is a control record that states refusals.
fn states(entry: &Entry<'_>) -> bool {
    let event = "audit.refused";
    let is_near = memchr::memmem::find(entry.line(), event.as_bytes()).is_some();
    let line = || serde_json::from_slice::<serde_json::Value>(entry.line()).ok();
    is_near && line().is_some_and(|line| line.get("event").is_some_and(|said| said == event))
}

/// First and last number of a batch; `None` where it is empty.
pub(super) fn ends(entries: &[Entry<'_>]) -> Option<(u64, u64)> {
    Some((entries.first()?.seq(), entries.last()?.seq()))
}

/// Entries that a sink did not take, from the first to the last number. Fewer than lie between them, where the sink did
/// not say which, or where several of these were put together.
#[derive(Debug, Clone)]
pub(super) struct Lost {
    first: u64,
    last: u64,
    count: u64,
    is_refusal: bool,
}

impl Lost {
    pub(super) fn covers(&self, seq: u64) -> bool {
        (self.first..=self.last).contains(&seq)
    }

    /// Why an entry that it covers cannot be called delivered.
    pub(super) fn objection(&self, sink: &str) -> String {
        let verb = if self.is_refusal { "refused" } else { "missed" };
        let among = self.last - self.first + 1;
        if self.count >= among {
            return format!("sink `{sink}` {verb} the record");
        }
        let (count, first, last) = (self.count, self.first, self.last);
        format!(
            "sink `{sink}` {verb} {count} of the {among} entries from {first} to {last}, and did not say which: the \
             record may be one of them"
        )
    }
}

/// How many of them a port keeps between two barriers for receipts. Beyond that the oldest are put together, so that a
/// receipt may be withheld that could have been given, and never the other way round.
const MAX_LOST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_was_refused_itself_is_counted_and_stated_by_nobody() {
        let state = PortState::of_port("picky");
        let lines = [
            &br#"{"attributes":{"event":"audit.refused"},"event":"a"}"#[..],
            br#"{"attributes":{"sink":"other"},"event":"audit.refused"}"#,
            br#"{"event":"b"}"#,
        ];
        let entries: Vec<_> = (4..)
            .zip(lines)
            .map(|(seq, line)| Entry::new(seq, 1, line))
            .collect();
        state.accept(&entries, &Accepted::all_but_these(vec![4, 5]));
        assert_eq!(state.stats().refused, 2);
        let stated = state.refusals.statement("picky", 0, true).unwrap();
        let listed = stated.record.attribute("records").map(|list| format!("{list:?}"));
        assert_eq!(stated.count, 1, "of the record that only speaks of one");
        assert!(listed.is_some_and(|list| list.contains('4') && !list.contains('5')));
        state.refusals.stand_at(6);
        let own = Entry::new(6, 1, lines[1]);
        state.accept(&[own], &Accepted::all_but_these(vec![6]));
        assert!(state.refusals.statement("picky", u64::MAX, true).is_none());
    }

    #[test]
    fn however_much_a_sink_refuses_no_receipt_is_given_for_it_and_the_list_stays_short() {
        let state = PortState::of_port("picky");
        // Every other entry, each by its number: far more than the list holds.
        for seq in (0..10_000).step_by(2) {
            state.lose(seq, seq, 1, true);
        }
        let before = state.take_lost(9_000);
        assert!(before.len() <= MAX_LOST);
        let is_lost = |seq| before.iter().any(|lost| lost.covers(seq));
        assert!((0..9_000).step_by(2).all(is_lost));
        assert_eq!(before.iter().map(|lost| lost.count).sum::<u64>(), 4_500);
        // The newest are exact, and what may be innocent is told that it is not known.
        assert!(!is_lost(8_999));
        let oldest = before.iter().find(|lost| lost.covers(1)).unwrap();
        assert!(oldest.objection("x").contains("may be one of them"));
        // What stands behind the barrier is kept for the next one.
        let after = state.take_lost(u64::MAX);
        assert!(after.iter().any(|lost| lost.covers(9_000)) && !after.iter().any(|lost| lost.covers(8_998)));
        assert!(state.take_lost(u64::MAX).is_empty());
    }
}
