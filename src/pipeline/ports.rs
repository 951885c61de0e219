//! Sinks beside the journal, or instead of it: each on a thread of its own, behind a bounded port.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use parking_lot::Mutex;

use super::barrier::{Barrier, Mark};
use crate::error::Result;
use crate::format::{Batch, Entry};
use crate::sink::{Accepted, Sink, SinkError};
use crate::stats::{SinkStats, add};

/// How many batches a port holds.
const PORT: usize = 64;

/// Waits between tries of a delivery, doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The writer's end of a sink.
#[derive(Debug)]
pub(super) struct Port {
    jobs: Sender<Job>,
    pub(super) state: Arc<PortState>,
}

#[derive(Debug)]
enum Job {
    Batch(Arc<Batch>),
    /// Flush, then count the barrier down.
    Barrier(Arc<Barrier>),
}

/// What is known of a sink.
#[derive(Debug)]
pub(super) struct PortState {
    name: String,
    accepted: AtomicU64,
    refused: AtomicU64,
    missed: AtomicU64,
    retries: AtomicU64,
    waiting: AtomicU64,
    failed: AtomicBool,
    /// The trail ends: a delivery that fails is not tried for ever.
    ending: AtomicBool,
    /// Missed entries that no gap record accounts for yet.
    pub(super) untold: AtomicU64,
    /// A gap record has said that it failed for good.
    pub(super) failure_told: AtomicBool,
    /// Refused entries that no control record states yet, and whether one has said that there are any.
    pub(super) unstated: AtomicU64,
    pub(super) refusal_told: AtomicBool,
    /// Of the missed ones, those that the port had no room for. Counted by the writer, the others by the sink's thread.
    skipped: AtomicU64,
    /// What it lost since the last barrier for receipts; `None` where a journal gives the receipts.
    lost: Option<Mutex<Vec<Lost>>>,
    ended: AtomicU8,
}

impl PortState {
    pub(super) fn stats(&self) -> SinkStats {
        SinkStats {
            name: self.name.clone(),
            accepted: self.accepted.load(Ordering::Acquire),
            refused: self.refused.load(Ordering::Acquire),
            missed: self.missed.load(Ordering::Acquire),
            retries: self.retries.load(Ordering::Acquire),
            waiting: self.waiting.load(Ordering::Acquire),
            failed: self.failed.load(Ordering::Acquire),
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
        let unflushed = self.ended.load(Ordering::Acquire) == ENDED_UNFLUSHED;
        Mark {
            name: self.name.clone(),
            missed: self.missed.load(Ordering::Acquire),
            refused: self.refused.load(Ordering::Acquire),
            failure: unflushed.then(|| "at the end of the trail".to_owned()),
            lost: Vec::new(),
        }
    }

    fn miss(&self, entries: &[(u64, u64)]) {
        let count = entries.iter().map(|(first, last)| last - first + 1).sum();
        add(&self.missed, count);
        add(&self.untold, count);
        for &(first, last) in entries {
            self.lose(first, last, last - first + 1, false);
        }
    }

    fn lose(&self, first: u64, last: u64, count: u64, is_refusal: bool) {
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
    fn take_lost(&self, seq: u64) -> Vec<Lost> {
        let Some(lost) = &self.lost else { return Vec::new() };
        let mut lost = lost.lock();
        let before = lost.iter().filter(|lost| lost.first < seq).cloned().collect();
        lost.retain(|lost| lost.last >= seq);
        before
    }
}

/// First and last number of a batch; `None` where it is empty.
fn ends(entries: &[Entry<'_>]) -> Option<(u64, u64)> {
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

/// How a sink's thread ended.
const RUNS: u8 = 0;
const ENDED_WELL: u8 = 1;
const ENDED_UNFLUSHED: u8 = 2;

impl Port {
    /// Starts a sink's thread. `report` is told what people should know. Where there is no journal the port remembers what
    /// the sink did not take, for the receipts.
    pub(super) fn start(at: usize, sink: Box<dyn Sink>, has_journal: bool, report: Report) -> Result<Self> {
        let (jobs, received) = crossbeam_channel::bounded(PORT);
        let state = Arc::new(PortState {
            name: sink.name().to_owned(),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            missed: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            untold: AtomicU64::new(0),
            failure_told: AtomicBool::new(false),
            unstated: AtomicU64::new(0),
            refusal_told: AtomicBool::new(false),
            skipped: AtomicU64::new(0),
            lost: (!has_journal).then(Mutex::default),
            ended: AtomicU8::new(RUNS),
        });
        let worker = Worker {
            at,
            missed: 0,
            failure: String::new(),
            is_given_up: false,
            sink,
            state: Arc::clone(&state),
            report,
        };
        super::writer::spawn("audit-sink", move || worker.run(&received))?;
        Ok(Self { jobs, state })
    }

    /// Hands a batch to the sink. Where there is no room, the sink misses it.
    pub(super) fn offer(&self, batch: &Arc<Batch>) {
        let entries = batch.len() as u64;
        self.state.waiting.fetch_add(entries, Ordering::AcqRel);
        if self.jobs.try_send(Job::Batch(Arc::clone(batch))).is_err() {
            self.state.waiting.fetch_sub(entries, Ordering::AcqRel);
            let ends = ends(&batch.entries().collect::<Vec<_>>());
            self.state.miss(ends.as_slice());
            add(&self.state.skipped, entries);
        }
    }

    /// Whether a batch would be taken at once.
    pub(super) fn has_room(&self) -> bool {
        !self.jobs.is_full()
    }

    /// Asks the sink to flush and count the barrier down; `false` where it has no room for the question now.
    pub(super) fn barrier(&self, barrier: &Arc<Barrier>) -> bool {
        self.jobs.try_send(Job::Barrier(Arc::clone(barrier))).is_ok()
    }

    /// The trail ends: the sink's receiver has a last second to answer.
    pub(super) fn end(&self) {
        self.state.ending.store(true, Ordering::Release);
    }
}

/// Takes a sentence for people.
pub(super) type Report = Arc<dyn Fn(&str) + Send + Sync>;

struct Worker {
    /// Which of the trail's sinks this is.
    at: usize,
    /// Entries that the sink missed although its port took them.
    missed: u64,
    /// Why it failed for good.
    failure: String,
    /// At the end of the trail it was given up: what still comes is tried once.
    is_given_up: bool,
    sink: Box<dyn Sink>,
    state: Arc<PortState>,
    report: Report,
}

impl Worker {
    /// Runs until the writer drops its end and everything is delivered.
    fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            match job {
                Job::Batch(batch) => {
                    let entries: Vec<Entry<'_>> = batch.entries().collect();
                    self.deliver(&entries);
                    self.state
                        .waiting
                        .fetch_sub(entries.len() as u64, Ordering::AcqRel);
                }
                Job::Barrier(barrier) => {
                    let mark = self.mark(&barrier);
                    barrier.arrive(Some((self.at, mark)));
                }
            }
        }
        let ended = if self.flush().is_none() {
            ENDED_WELL
        } else {
            ENDED_UNFLUSHED
        };
        self.state.ended.store(ended, Ordering::Release);
    }

    /// What the sink did with everything before the barrier.
    fn mark(&mut self, barrier: &Barrier) -> Mark {
        let failure = self.flush();
        let lost = barrier.receipts().map(|before| self.state.take_lost(before));
        Mark {
            name: self.state.name.clone(),
            missed: self.missed + barrier.skipped(self.at),
            refused: self.state.refused.load(Ordering::Acquire),
            failure,
            lost: lost.unwrap_or_default(),
        }
    }

    fn deliver(&mut self, entries: &[Entry<'_>]) {
        let count = entries.len() as u64;
        let mut wait = if self.is_given_up {
            LONGEST_WAIT
        } else {
            FIRST_WAIT
        };
        while !self.state.has_failed() {
            let delivered = catch_unwind(AssertUnwindSafe(|| self.sink.deliver(entries)));
            match delivered {
                Ok(Ok(accepted)) => return self.accepted(entries, &accepted),
                Ok(Err(SinkError::Retry { after, cause })) => {
                    add(&self.state.retries, 1);
                    if self.state.ending.load(Ordering::Acquire) && wait >= LONGEST_WAIT / 8 {
                        if !std::mem::replace(&mut self.is_given_up, true) {
                            (self.report)(&format!(
                                "sink `{}` misses what it does not take at the end: {cause}",
                                self.state.name
                            ));
                        }
                        break;
                    }
                    let pause = after.unwrap_or(wait).min(LONGEST_WAIT);
                    self.pause(pause);
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
                Ok(Err(SinkError::Fatal { cause })) => self.fail(&cause),
                Err(_) => self.fail("it panicked"),
            }
        }
        self.missed += count;
        self.state.miss(ends(entries).as_slice());
    }

    /// The sink took a batch over, but for what its receiver refused.
    fn accepted(&self, entries: &[Entry<'_>], accepted: &Accepted) {
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
        if named.len() as u64 == refused {
            named.iter().for_each(|&seq| self.state.lose(seq, seq, 1, true));
        } else {
            self.state.lose(first, last, refused, true);
        }
        add(&self.state.refused, refused);
        add(&self.state.unstated, refused);
        add(&self.state.accepted, count - refused);
    }

    /// Waits for the next try; the end of the trail cuts long waits short.
    fn pause(&self, pause: Duration) {
        let until = Instant::now() + pause;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || (self.state.ending.load(Ordering::Acquire) && pause > FIRST_WAIT * 4) {
                return;
            }
            std::thread::park_timeout(left.min(FIRST_WAIT));
        }
    }

    /// Why the sink could not flush; `None` where it did.
    fn flush(&mut self) -> Option<String> {
        if self.state.has_failed() {
            return Some(format!("it failed for good: {}", self.failure));
        }
        match catch_unwind(AssertUnwindSafe(|| self.sink.flush())) {
            Ok(Ok(())) => None,
            Ok(Err(SinkError::Retry { cause, .. })) => {
                (self.report)(&format!("sink `{}` could not flush: {cause}", self.state.name));
                Some(cause)
            }
            Ok(Err(SinkError::Fatal { cause })) => {
                self.fail(&cause);
                Some(cause)
            }
            Err(_) => {
                self.fail("it panicked");
                Some("it panicked".to_owned())
            }
        }
    }

    fn fail(&mut self, cause: &str) {
        cause.clone_into(&mut self.failure);
        self.state.failed.store(true, Ordering::Release);
        (self.report)(&format!(
            "sink `{}` failed for good and misses all that follows: {cause}",
            self.state.name
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::NoopSink;

    #[test]
    fn however_much_a_sink_refuses_no_receipt_is_given_for_it_and_the_list_stays_short() {
        let port = Port::start(0, Box::new(NoopSink), false, Arc::new(|_| {})).unwrap();
        let state = &port.state;
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

    #[test]
    fn where_a_journal_gives_the_receipts_nothing_is_kept() {
        let port = Port::start(0, Box::new(NoopSink), true, Arc::new(|_| {})).unwrap();
        port.state.lose(1, 1, 1, false);
        assert!(port.state.take_lost(u64::MAX).is_empty());
    }
}
