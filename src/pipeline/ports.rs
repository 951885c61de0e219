//! Sinks beside the journal, or instead of it: each on a thread of its own, behind a bounded port.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, SendTimeoutError, Sender};

use super::ticket::Ticket;
use crate::error::{Error, ErrorKind, Result};
use crate::format::{Batch, Entry};
use crate::sink::{Sink, SinkError};
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

    fn miss(&self, entries: u64) {
        add(&self.missed, entries);
        add(&self.untold, entries);
    }
}

/// Answers a ticket when every sink has flushed.
#[derive(Debug)]
pub(super) struct Barrier {
    left: AtomicUsize,
    ticket: Arc<Ticket<()>>,
    failed: AtomicBool,
}

impl Barrier {
    /// A barrier over `sinks` sinks, and one more count that the writer takes when its own part is done.
    pub(super) fn new(sinks: usize, ticket: Arc<Ticket<()>>) -> Arc<Self> {
        Arc::new(Self {
            left: AtomicUsize::new(sinks + 1),
            ticket,
            failed: AtomicBool::new(false),
        })
    }

    pub(super) fn arrive(&self, is_good: bool) {
        if !is_good {
            self.failed.store(true, Ordering::Release);
        }
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            let answer = if self.failed.load(Ordering::Acquire) {
                let message = "a sink could not make everything durable; `Stats::sinks` names it";
                Err(Error::new(ErrorKind::Sink, message))
            } else {
                Ok(())
            };
            self.ticket.answer(answer);
        }
    }
}

impl Port {
    /// Starts a sink's thread. `report` is told what people should know.
    pub(super) fn start(sink: Box<dyn Sink>, report: Report) -> Result<Self> {
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
        });
        let worker = Worker {
            sink,
            state: Arc::clone(&state),
            report,
        };
        super::writer::spawn("audit-sink", move || worker.run(&received))?;
        Ok(Self { jobs, state })
    }

    /// Hands a batch to the sink, waiting at most `patience` for room. What it does not take it misses.
    pub(super) fn offer(&self, batch: &Arc<Batch>, patience: Duration) {
        let entries = batch.len() as u64;
        self.state.waiting.fetch_add(entries, Ordering::AcqRel);
        let sent = match self.jobs.send_timeout(Job::Batch(Arc::clone(batch)), patience) {
            Ok(()) => true,
            Err(SendTimeoutError::Timeout(_) | SendTimeoutError::Disconnected(_)) => false,
        };
        if !sent {
            self.state.waiting.fetch_sub(entries, Ordering::AcqRel);
            self.state.miss(entries);
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

    /// The trail ends.
    pub(super) fn end(&self) {
        self.state.ending.store(true, Ordering::Release);
    }
}

/// Takes a sentence for people.
pub(super) type Report = Arc<dyn Fn(&str) + Send + Sync>;

struct Worker {
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
                Job::Barrier(barrier) => barrier.arrive(self.flush()),
            }
        }
        self.flush();
    }

    fn deliver(&mut self, entries: &[Entry<'_>]) {
        let count = entries.len() as u64;
        let mut wait = FIRST_WAIT;
        while !self.state.failed.load(Ordering::Acquire) {
            let delivered = catch_unwind(AssertUnwindSafe(|| self.sink.deliver(entries)));
            match delivered {
                Ok(Ok(accepted)) => {
                    let refused = accepted.refused.min(count);
                    add(&self.state.refused, refused);
                    add(&self.state.accepted, count - refused);
                    return;
                }
                Ok(Err(SinkError::Retry { after, cause })) => {
                    add(&self.state.retries, 1);
                    if self.state.ending.load(Ordering::Acquire) && wait >= LONGEST_WAIT / 8 {
                        (self.report)(&format!(
                            "sink `{}` missed {count} entries at the end: {cause}",
                            self.state.name
                        ));
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
        self.state.miss(count);
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

    fn flush(&mut self) -> bool {
        if self.state.failed.load(Ordering::Acquire) {
            return false;
        }
        match catch_unwind(AssertUnwindSafe(|| self.sink.flush())) {
            Ok(Ok(())) => true,
            Ok(Err(SinkError::Retry { cause, .. })) => {
                (self.report)(&format!("sink `{}` could not flush: {cause}", self.state.name));
                false
            }
            Ok(Err(SinkError::Fatal { cause })) => {
                self.fail(&cause);
                false
            }
            Err(_) => {
                self.fail("it panicked");
                false
            }
        }
    }

    fn fail(&self, cause: &str) {
        self.state.failed.store(true, Ordering::Release);
        (self.report)(&format!(
            "sink `{}` failed for good and misses all that follows: {cause}",
            self.state.name
        ));
    }
}
