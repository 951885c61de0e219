//! Sinks instead of a journal: each on a thread of its own, behind a bounded port.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};

use super::barrier::{Barrier, Mark};
use super::port_state::{ENDED_UNFLUSHED, ENDED_WELL, PortState, ends};
use crate::error::Result;
use crate::format::{Batch, Entry};
use crate::sink::{Sink, SinkError};
use crate::stats::add;

/// How many batches a port holds.
const PORT: usize = 64;

/// Batches that wait are handed to a sink that gathers together, as far as they have no more entries and bytes than this.
const TOGETHER_ENTRIES: usize = 16 * 1024;
const TOGETHER_BYTES: usize = 8 * 1024 * 1024;

/// Waits between tries of a delivery, doubled each time.
pub(super) const FIRST_WAIT: Duration = Duration::from_millis(50);
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// At the end of the trail the waits go on to this one: somewhat more than a second in all.
pub(super) const LAST_WAIT: Duration = Duration::from_millis(800);

/// A receiver that wants to be left alone for longer is asked again all the same.
const LONGEST_NAMED: Duration = Duration::from_secs(3600);

/// How long a receiver that named a time is left alone.
pub(super) fn kept(named: Duration) -> Duration {
    named.min(LONGEST_NAMED)
}

/// How long to wait before a delivery is tried again: for as long as the receiver said, else for `wait`.
pub(super) fn pause(named: Option<Duration>, wait: Duration) -> Duration {
    named.map_or(wait, kept)
}

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

impl Port {
    /// Starts a sink's thread. `report` is told what people should know.
    pub(super) fn start(at: usize, sink: Box<dyn Sink>, report: Report) -> Result<Self> {
        let (jobs, received) = crossbeam_channel::bounded(PORT);
        let state = Arc::new(PortState::of_port(sink.name()));
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
            self.state.miss(batch.ends().as_slice());
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

/// Adds the batches that wait behind the first and go on where it ends, in their order. Gives the job that is none of them,
/// if there is one: an entry that the port had no room for is not between two that a sink is given together.
fn gather(batches: &mut Vec<Arc<Batch>>, jobs: &Receiver<Job>) -> Option<Job> {
    let (mut entries, mut bytes, mut next) = (0, 0, None);
    let mut fits = |batch: &Batch| {
        let Some((first, last)) = batch.ends() else {
            return false;
        };
        entries += batch.len();
        bytes += batch.bytes().len();
        let goes_on = next.is_none_or(|next| next == first);
        next = Some(last + 1);
        goes_on && entries <= TOGETHER_ENTRIES && bytes <= TOGETHER_BYTES
    };
    if !batches.iter().all(|batch| fits(batch)) {
        return None;
    }
    loop {
        match jobs.try_recv().ok()? {
            Job::Batch(batch) if fits(&batch) => batches.push(batch),
            other => return Some(other),
        }
    }
}

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
        let mut behind = None;
        while let Some(job) = behind.take().or_else(|| jobs.recv().ok()) {
            match job {
                Job::Batch(batch) => {
                    let mut batches = vec![batch];
                    // At the end what is not taken soon is given up, batch by batch.
                    if self.sink.gathers() && !self.state.ending.load(Ordering::Acquire) {
                        behind = gather(&mut batches, jobs);
                    }
                    self.deliver_all(&batches);
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
            name: self.state.name().to_owned(),
            missed: self.missed + barrier.skipped(self.at),
            refused: self.state.refused.load(Ordering::Acquire),
            failure,
            behind: 0,
            lost: lost.unwrap_or_default(),
        }
    }

    /// Has the sink take batches: all of them together once, where there are several, and then each by itself. One that takes
    /// some of them before it answers `Retry` remembers which.
    fn deliver_all(&mut self, batches: &[Arc<Batch>]) {
        if let [_, _, ..] = batches {
            let entries: Vec<Entry<'_>> = batches.iter().flat_map(|batch| batch.entries()).collect();
            if self.are_taken(&entries) {
                let count = entries.len() as u64;
                self.state.waiting.fetch_sub(count, Ordering::AcqRel);
                return;
            }
        }
        for batch in batches {
            let entries: Vec<Entry<'_>> = batch.entries().collect();
            self.deliver(&entries);
            let count = entries.len() as u64;
            self.state.waiting.fetch_sub(count, Ordering::AcqRel);
        }
    }

    /// Whether the sink takes the entries, now; otherwise it is known how it failed.
    fn are_taken(&mut self, entries: &[Entry<'_>]) -> bool {
        match self.attempt(entries) {
            Ok(taken) => return taken,
            Err((after, _)) => self.pause(after, FIRST_WAIT),
        }
        false
    }

    /// One try; `false` where the sink failed for good.
    fn attempt(&mut self, entries: &[Entry<'_>]) -> std::result::Result<bool, (Option<Duration>, String)> {
        let delivered = catch_unwind(AssertUnwindSafe(|| self.sink.deliver(entries)));
        match delivered {
            Ok(Ok(accepted)) => {
                self.state.accept(entries, &accepted);
                self.state.goes(None);
                return Ok(true);
            }
            Ok(Err(SinkError::Retry { after, cause })) => {
                add(&self.state.retries, 1);
                self.state.goes(Some(&cause));
                return Err((after, cause));
            }
            Ok(Err(SinkError::Fatal { cause })) => self.fail(&cause),
            Err(_) => self.fail("it panicked"),
        }
        Ok(false)
    }

    fn deliver(&mut self, entries: &[Entry<'_>]) {
        let count = entries.len() as u64;
        let mut wait = if self.is_given_up {
            LONGEST_WAIT
        } else {
            FIRST_WAIT
        };
        while !self.state.has_failed() {
            match self.attempt(entries) {
                Ok(true) => return,
                Ok(false) => {}
                Err((after, cause)) => {
                    if self.state.ending.load(Ordering::Acquire) && wait > LAST_WAIT {
                        if !std::mem::replace(&mut self.is_given_up, true) {
                            (self.report)(&format!(
                                "sink `{}` misses what it does not take at the end: {cause}",
                                self.state.name()
                            ));
                        }
                        break;
                    }
                    self.pause(after, wait);
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
        self.missed += count;
        self.state.miss(ends(entries).as_slice());
    }

    /// Waits for the next try. At the end of the trail for no longer than `wait` and [`LAST_WAIT`], however long the receiver
    /// wants to be left alone.
    fn pause(&self, named: Option<Duration>, wait: Duration) {
        let start = Instant::now();
        let pause = pause(named, wait);
        loop {
            let is_ending = self.state.ending.load(Ordering::Acquire);
            let pause = if is_ending {
                pause.min(wait).min(LAST_WAIT)
            } else {
                pause
            };
            let left = pause.saturating_sub(start.elapsed());
            if left.is_zero() {
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
                (self.report)(&format!("sink `{}` could not flush: {cause}", self.state.name()));
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
        self.state.goes(Some(cause));
        self.state.failed.store(true, Ordering::Release);
        (self.report)(&format!(
            "sink `{}` failed for good and misses all that follows: {cause}",
            self.state.name()
        ));
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;
    use crate::sink::Accepted;

    /// Remembers the numbers that it was given in one call, and takes so many in a call.
    #[derive(Debug, Clone)]
    struct Given {
        calls: Arc<Mutex<Vec<Vec<u64>>>>,
        most: usize,
        /// It has taken all before this one.
        next: u64,
        gathers: bool,
    }

    impl Sink for Given {
        fn deliver(&mut self, batch: &[Entry<'_>]) -> std::result::Result<Accepted, SinkError> {
            self.calls.lock().push(batch.iter().map(Entry::seq).collect());
            let new = batch.iter().filter(|entry| entry.seq() >= self.next);
            let taken = new.map(Entry::seq).take(self.most).last();
            self.next = taken.map_or(self.next, |last| last + 1);
            if batch.iter().all(|entry| entry.seq() < self.next) {
                return Ok(Accepted::default());
            }
            Err(SinkError::Retry {
                after: Some(Duration::ZERO),
                cause: "one call takes no more".to_owned(),
            })
        }

        fn gathers(&self) -> bool {
            self.gathers
        }

        fn flush(&mut self) -> std::result::Result<(), SinkError> {
            self.calls.lock().push(Vec::new());
            Ok(())
        }
    }

    fn batch(numbers: std::ops::Range<u64>, len: usize) -> Job {
        let mut batch = Batch::default();
        for seq in numbers {
            batch.push(seq, 0, |out| out.resize(out.len() + len, b'x'));
        }
        Job::Batch(Arc::new(batch))
    }

    fn sink(most: usize) -> Given {
        Given {
            calls: Arc::default(),
            most,
            next: 0,
            gathers: true,
        }
    }

    /// What a sink is given of jobs that all wait when it begins, and what became of the entries. A flush is an empty list.
    fn given(sink: Given, is_ending: bool, waiting: Vec<Job>) -> (Vec<Vec<u64>>, crate::stats::SinkStats) {
        let (send, jobs) = crossbeam_channel::unbounded();
        let calls = Arc::clone(&sink.calls);
        let state = Arc::new(PortState::of_port("given"));
        for job in waiting {
            if let Job::Batch(batch) = &job {
                state.waiting.fetch_add(batch.len() as u64, Ordering::AcqRel);
            }
            send.send(job).unwrap();
        }
        drop(send);
        state.ending.store(is_ending, Ordering::Release);
        let worker = Worker {
            at: 0,
            missed: 0,
            failure: String::new(),
            is_given_up: is_ending,
            sink: Box::new(sink),
            state: Arc::clone(&state),
            report: Arc::new(|_| {}),
        };
        worker.run(&jobs);
        let calls = calls.lock().clone();
        (calls, state.stats())
    }

    #[test]
    fn batches_that_wait_are_given_together_up_to_a_barrier_and_none_over_a_hole() {
        let barrier = Job::Barrier(Arc::new(Barrier::new(1, |_| {})));
        let jobs = vec![
            batch(0..2, 9),
            batch(2..3, 9),
            barrier,
            batch(3..4, 9),
            batch(4..6, 9),
            batch(7..8, 9),
        ];
        let wanted: [&[u64]; 5] = [&[0, 1, 2], &[], &[3, 4, 5], &[7], &[]];
        let (calls, stats) = given(sink(100), false, jobs);
        assert_eq!(calls, wanted);
        assert_eq!((stats.accepted, stats.missed, stats.waiting), (7, 0, 0));
    }

    #[test]
    fn a_sink_that_does_not_say_that_it_gathers_is_given_batch_by_batch() {
        let alone = Given {
            gathers: false,
            ..sink(100)
        };
        let wanted: [&[u64]; 3] = [&[0, 1], &[2], &[]];
        assert_eq!(
            given(alone, false, vec![batch(0..2, 9), batch(2..3, 9)]).0,
            wanted
        );
    }

    #[test]
    fn where_one_call_does_not_take_all_that_waits_the_rest_is_given_batch_by_batch_and_none_is_missed() {
        let jobs = || (0..6).map(|at| batch(at * 4..at * 4 + 4, 9)).collect::<Vec<_>>();
        let (calls, stats) = given(sink(10), false, jobs());
        assert_eq!((calls[0].len(), calls[1].len()), (24, 4));
        assert_eq!((stats.accepted, stats.missed, stats.waiting), (24, 0, 0));
        assert_eq!(stats.retries, 1);
        // At the end each batch is tried once, as it stands.
        let (_, stats) = given(sink(10), true, jobs());
        assert_eq!((stats.accepted, stats.missed, stats.waiting), (24, 0, 0));
        let (_, stats) = given(sink(3), true, jobs());
        assert_eq!((stats.accepted, stats.missed, stats.waiting), (0, 24, 0));
    }

    #[test]
    fn no_more_is_given_together_than_the_limits_say_but_a_batch_that_is_larger_by_itself() {
        let most = TOGETHER_ENTRIES as u64;
        let counts = |jobs| {
            let calls = given(sink(usize::MAX), false, jobs).0;
            calls.iter().map(Vec::len).collect::<Vec<_>>()
        };
        let many = vec![
            batch(0..most - 1, 1),
            batch(most - 1..most, 1),
            batch(most..most + 1, 1),
        ];
        assert_eq!(counts(many), [TOGETHER_ENTRIES, 1, 0]);
        let large = TOGETHER_BYTES;
        let long = vec![batch(0..1, large), batch(1..2, large / 2), batch(2..3, large / 4)];
        assert_eq!(counts(long), [1, 2, 0]);
    }

    #[test]
    fn a_receiver_is_left_alone_for_as_long_as_it_said_and_for_an_hour_at_most() {
        let (minute, day) = (Duration::from_secs(60), Duration::from_secs(86_400));
        assert_eq!(pause(None, FIRST_WAIT), FIRST_WAIT);
        assert_eq!(pause(Some(minute), FIRST_WAIT), minute);
        assert_eq!(pause(Some(Duration::ZERO), LONGEST_WAIT), Duration::ZERO);
        assert_eq!(pause(Some(day), FIRST_WAIT), LONGEST_NAMED);
    }
}
