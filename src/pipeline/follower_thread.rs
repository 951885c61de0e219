//! A follower's thread: reads the journal behind the writer, gives its sink batches, and remembers how far it came.
//!
//! Invariant: the cursor moves only over a batch that the sink took and flushed, and does so before the next one is offered.
//! So a process that is killed has its sink offered at most that one batch again. The disk is waited for now and then.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::barrier::{Barrier, Mark};
use super::port_state::{ENDED_FAILED, ENDED_UNFLUSHED, ENDED_WELL, PortState};
use super::ports::{FIRST_WAIT, LAST_WAIT, LONGEST_WAIT, Report};
use crate::error::Error;
use crate::format::{Batch, Entry};
use crate::sink::file::{CursorFile, Debt, Debts, Following, Hold, ReadAhead};
use crate::sink::{Accepted, Sink, SinkError};
use crate::stats::add;

/// How long it waits before it looks for new entries, doubled from the first to the last while there are none. The first
/// bounds how often the cursor is written where entries come one by one.
const FIRST_LOOK: Duration = Duration::from_millis(10);
const LAST_LOOK: Duration = Duration::from_millis(50);

/// How much of the cursor's way a power failure may take back: so often the disk is waited for.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// Somebody waits until the sink has taken everything before an entry.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) target: u64,
    pub(super) barrier: Arc<Barrier>,
    /// Nothing comes behind it: the journal is closed.
    pub(super) is_last: bool,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Read a batch.
    Read,
    /// Have the cursor's file say what was missing before it.
    Owe,
    /// Have the sink take it.
    Deliver,
    /// Have the sink flush it.
    Flush,
    /// Move the cursor over it.
    Keep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Runs,
    /// The receiver was away until the end of the trail: what is left is offered after the next start.
    GivenUp,
    /// Everything up to the end of the journal was answered for.
    Ended,
}

pub(super) struct Worker {
    /// Which of the trail's sinks this is.
    at: usize,
    sink: Box<dyn Sink>,
    state: Arc<PortState>,
    report: Report,
    reader: ReadAhead,
    cursor: Option<CursorFile>,
    hold: Option<Hold>,
    batch: Batch,
    /// Entries that were missing before the batch, and of which nobody was told.
    missing: u64,
    /// What the cursor's file says that no record is known to state.
    debts: Debts,
    /// When the disk was last waited for to keep the cursor, and whether it has moved since.
    kept: Instant,
    has_moved: bool,
    stage: Stage,
    phase: Phase,
    asked: Vec<Asked>,
    /// Why the stage did not succeed when it was tried last.
    trouble: Option<String>,
    /// Not tried again before this; at the end of the trail, not before the other.
    due: Instant,
    hurried: Instant,
    /// How long that will be from the next try, unless the receiver says.
    wait: Duration,
    look: Duration,
    /// Why it failed for good.
    failure: String,
}

impl Worker {
    pub(super) fn new(
        at: usize,
        sink: Box<dyn Sink>,
        state: Arc<PortState>,
        following: Following,
        report: Report,
    ) -> Self {
        Self {
            at,
            sink,
            state,
            report,
            reader: ReadAhead::new(following.reader),
            cursor: following.cursor,
            hold: Some(following.hold),
            batch: Batch::default(),
            missing: 0,
            debts: following.debts,
            kept: Instant::now(),
            has_moved: false,
            stage: Stage::Read,
            phase: Phase::Runs,
            asked: Vec::new(),
            trouble: None,
            due: Instant::now(),
            hurried: Instant::now(),
            wait: FIRST_WAIT,
            look: FIRST_LOOK,
            failure: String::new(),
        }
    }

    /// Runs until the writer drops its end and everything that the disk has confirmed is delivered, or given up.
    pub(super) fn run(mut self, jobs: &Receiver<Asked>) {
        let mut has_writer = true;
        loop {
            self.forgive();
            let pause = self.turn();
            self.answer();
            if !has_writer && self.is_done() {
                break;
            }
            if !has_writer {
                std::thread::park_timeout(pause);
                continue;
            }
            match jobs.recv_timeout(pause) {
                Ok(asked) => self.hear(asked),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => has_writer = false,
            }
        }
        // Before the end is said: whoever waits for it may start a trail in the same directory.
        self.let_go();
        let ended = match (&self.trouble, self.state.has_failed()) {
            (_, true) => ENDED_FAILED,
            (Some(_), _) if self.stage != Stage::Deliver => ENDED_UNFLUSHED,
            _ => ENDED_WELL,
        };
        self.state.ended.store(ended, Ordering::Release);
    }

    fn hear(&mut self, asked: Asked) {
        if matches!(self.stage, Stage::Owe | Stage::Flush | Stage::Keep) {
            // Whoever asks is told how it is now, and not how it was at the last try.
            self.due = Instant::now();
            self.trouble = None;
        }
        self.asked.push(asked);
    }

    /// Whether nothing is left to do once the writer is gone.
    fn is_done(&self) -> bool {
        let is_idle = self.stage == Stage::Read && self.batch.is_empty() && !self.reader.is_behind();
        self.state.has_failed() || self.phase != Phase::Runs || is_idle
    }

    /// Takes out of the cursor's file what records on disk say, also where the sink takes nothing: retention may remove them
    /// while it stands still, and then the next start would find nothing that it can subtract.
    fn forgive(&mut self) {
        if self.debts == Debts::default() || self.hold.is_none() {
            return;
        }
        let owed = self.owed();
        let left = Debts {
            missed: self.debts.missed.and(owed.missed),
            refused: self.debts.refused.and(owed.refused).and(self.debts.refused),
        };
        let Some(cursor) = self.cursor.as_mut().filter(|_| left != self.debts) else {
            return;
        };
        // What cannot be written now is tried again at the next turn; what is behind it fails by itself, and says so.
        if cursor.begin(self.state.next(), left).is_ok() {
            self.debts = left;
        }
    }

    /// What no record on disk is known to state.
    fn owed(&self) -> Debts {
        Debts {
            missed: self.debts.missed.filter(|_| !self.state.is_stated()),
            refused: self.state.refusals.debt(self.state.durable()),
        }
    }

    /// Does what is next, and says how long to wait before the turn behind it.
    fn turn(&mut self) -> Duration {
        if self.state.has_failed() || self.phase != Phase::Runs {
            return LAST_LOOK;
        }
        let hurried = self.is_ending().then_some(self.hurried);
        let due = hurried.map_or(self.due, |hurried| hurried.min(self.due));
        let left = due.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            return left.min(FIRST_WAIT);
        }
        match self.stage {
            Stage::Read => self.read(),
            Stage::Owe => self.owe(),
            Stage::Deliver => self.deliver(),
            Stage::Flush => self.flush(),
            Stage::Keep => self.keep(),
        }
    }

    fn is_ending(&self) -> bool {
        self.state.ending.load(Ordering::Acquire)
    }

    fn read(&mut self) -> Duration {
        let missing = match self.reader.fill(&mut self.batch) {
            Ok(missing) => missing,
            Err(error) => {
                self.say(&format!("sink `{}` waits: {error}", self.state.name()));
                return self.try_again(None, error.to_string());
            }
        };
        if missing > 0 {
            self.goes_well();
            self.missing = missing;
            self.stage = Stage::Owe;
            return Duration::ZERO;
        }
        if self.batch.is_empty() && self.reader.is_lost() {
            let next = self.reader.next();
            return self.try_again(
                None,
                format!("entry {next} is not where it should be in the journal"),
            );
        }
        self.goes_well();
        if !self.batch.is_empty() {
            self.stage = Stage::Deliver;
            return Duration::ZERO;
        }
        if self.kept.elapsed() >= KEEP_EVERY {
            self.keep_for_good();
        }
        let look = self.look;
        self.look = (look * 2).min(LAST_LOOK);
        look
    }

    /// The entry that the batch begins with.
    fn due(&self) -> u64 {
        self.reader.next() - self.batch.len() as u64
    }

    /// The cursor moves over what was missing, and its file says how much, before anybody is told: so no stop in between
    /// loses the count.
    fn owe(&mut self) -> Duration {
        let next = self.due();
        if let Some(cursor) = &mut self.cursor {
            let before = self.debts.missed.filter(|_| !self.state.is_stated());
            let mut debts = self.debts;
            debts.missed = Some(Debt {
                count: self.missing + before.map_or(0, |debt| debt.count),
                // The record that will say so stands behind all that the disk has confirmed.
                from: before.map_or(self.state.durable(), |debt| debt.from),
            });
            if let Err(error) = cursor.begin(next, debts) {
                return self.cannot_keep(&error);
            }
            self.debts = debts;
        }
        self.goes_well();
        self.state.miss_unkept(std::mem::take(&mut self.missing));
        self.state.passes(next);
        self.stage = if self.batch.is_empty() {
            Stage::Read
        } else {
            Stage::Deliver
        };
        Duration::ZERO
    }

    fn cannot_keep(&mut self, error: &Error) -> Duration {
        self.say(&format!(
            "{error}; the sink is given nothing more until it can be"
        ));
        self.try_again(None, error.to_string())
    }

    fn deliver(&mut self) -> Duration {
        let entries: Vec<Entry<'_>> = self.batch.entries().collect();
        let sink = &mut self.sink;
        let answer = self.reader.beside(|| caught(|| sink.deliver(&entries)));
        match answer {
            Ok(accepted) => {
                self.state.accept(&entries, &accepted);
                self.goes_well();
                self.stage = Stage::Flush;
                Duration::ZERO
            }
            Err(SinkError::Retry { after, cause }) => {
                add(&self.state.retries, 1);
                self.try_again(after, cause)
            }
            Err(SinkError::Fatal { cause }) => self.fail(cause),
        }
    }

    fn flush(&mut self) -> Duration {
        match self.flush_sink() {
            Ok(()) => {
                self.goes_well();
                self.stage = Stage::Keep;
                Duration::ZERO
            }
            Err(SinkError::Retry { after, cause }) => {
                self.say(&format!("sink `{}` could not flush: {cause}", self.state.name()));
                self.try_again(after, cause)
            }
            Err(SinkError::Fatal { cause }) => self.fail(cause),
        }
    }

    fn flush_sink(&mut self) -> Result<(), SinkError> {
        caught(|| self.sink.flush().map(|()| Accepted::default())).map(|_| ())
    }

    fn keep(&mut self) -> Duration {
        let next = self.reader.next();
        let debts = self.owed();
        // The file has to say more or less than it does: or it is time.
        let is_due = debts != self.debts || self.kept.elapsed() >= KEEP_EVERY;
        let kept = self.cursor.as_mut().map_or(Ok(()), |cursor| match is_due {
            true => cursor.write_owing(next, debts),
            false => cursor.step(next),
        });
        if let Err(error) = kept {
            return self.cannot_keep(&error);
        }
        if is_due {
            self.kept = Instant::now();
        }
        self.has_moved = !is_due;
        self.debts = debts;
        self.goes_well();
        self.state.passes(next);
        self.batch.clear();
        self.stage = Stage::Read;
        self.look = FIRST_LOOK;
        if self.reader.is_behind() {
            Duration::ZERO
        } else {
            FIRST_LOOK
        }
    }

    /// Waits for the disk to keep the cursor, where it has moved. Why that failed, if it did: a sink with nothing in its hands
    /// is then given nothing more.
    fn keep_for_good(&mut self) -> Option<String> {
        let next = self.state.next();
        let cursor = self.cursor.as_mut().filter(|_| self.has_moved)?;
        self.kept = Instant::now();
        match cursor.write_owing(next, self.debts) {
            Ok(()) => {
                self.has_moved = false;
                None
            }
            Err(error) => {
                if self.stage == Stage::Read && self.batch.is_empty() && self.reader.next() == next {
                    self.stage = Stage::Keep;
                    self.cannot_keep(&error);
                }
                Some(error.to_string())
            }
        }
    }

    /// Nothing more comes. Without the stream's lock nobody writes a cursor.
    fn let_go(&mut self) {
        if self.hold.is_some() {
            self.keep_for_good();
            self.hold = None;
        }
    }

    fn goes_well(&mut self) {
        self.trouble = None;
        self.state.goes(None);
        self.wait = FIRST_WAIT;
    }

    /// The stage is tried again later. At the end of the trail only for somewhat more than a second.
    fn try_again(&mut self, after: Option<Duration>, cause: String) -> Duration {
        if self.is_ending() && self.wait > LAST_WAIT {
            self.phase = Phase::GivenUp;
            let (name, waiting) = (self.state.name(), self.state.waiting());
            self.say(&format!(
                "sink `{name}` has not taken {waiting} entries at the end; they are offered again after the next start: {cause}"
            ));
        }
        self.state.goes(Some(&cause));
        self.trouble = Some(cause);
        let pause = super::ports::pause(after, self.wait);
        self.due = Instant::now() + pause;
        self.hurried = Instant::now() + self.wait.min(LAST_WAIT);
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        pause.min(FIRST_WAIT)
    }

    fn fail(&mut self, cause: String) -> Duration {
        self.say(&format!(
            "sink `{}` failed for good and is given nothing more before the next start: {cause}",
            self.state.name()
        ));
        self.state.goes(Some(&cause));
        self.failure = cause;
        self.state.failed.store(true, Ordering::Release);
        Duration::ZERO
    }

    fn say(&self, sentence: &str) {
        (self.report)(sentence);
    }

    /// Answers those whose entries were taken, and those who would wait in vain.
    fn answer(&mut self) {
        let has_failed = self.state.has_failed();
        let is_over = has_failed || self.phase != Phase::Runs;
        let is_unflushed =
            self.trouble.is_some() && matches!(self.stage, Stage::Owe | Stage::Flush | Stage::Keep);
        let reach = match self.stage {
            _ if is_over => u64::MAX,
            Stage::Owe if is_unflushed => self.due(),
            _ if is_unflushed => self.reader.next(),
            _ => self.state.next(),
        };
        let due: Vec<Asked> = self.asked.extract_if(.., |asked| asked.target <= reach).collect();
        for asked in due {
            let failure = if has_failed {
                Some(format!("it failed for good: {}", self.failure))
            } else if is_unflushed || (is_over && self.trouble.is_some()) {
                self.trouble.clone()
            } else {
                self.flushed_again().or_else(|| self.keep_for_good())
            };
            self.arrive(&asked, failure);
        }
    }

    /// A sink with nothing in its hands is asked to flush all the same. Why it could not; `None` where it did.
    fn flushed_again(&mut self) -> Option<String> {
        match self.flush_sink() {
            Ok(()) => None,
            Err(SinkError::Retry { cause, .. }) => {
                self.say(&format!("sink `{}` could not flush: {cause}", self.state.name()));
                Some(cause)
            }
            Err(SinkError::Fatal { cause }) => {
                self.fail(cause.clone());
                Some(cause)
            }
        }
    }

    fn arrive(&mut self, asked: &Asked, failure: Option<String>) {
        let is_behind = self.phase == Phase::GivenUp && matches!(self.stage, Stage::Read | Stage::Deliver);
        let stats = self.state.stats();
        let mark = Mark {
            name: stats.name,
            missed: stats.missed,
            refused: stats.refused,
            failure: failure.filter(|_| !is_behind),
            behind: if is_behind { stats.waiting } else { 0 },
            lost: Vec::new(),
        };
        if asked.is_last {
            if self.phase == Phase::Runs {
                self.phase = Phase::Ended;
            }
            self.let_go();
        }
        asked.barrier.arrive(Some((self.at, mark)));
    }
}

/// Calls a sink; one that panics has failed for good.
fn caught(call: impl FnOnce() -> Result<Accepted, SinkError>) -> Result<Accepted, SinkError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err(SinkError::fatal("it panicked")))
}
