//! The second thread: it confirms lines while the first one writes on, and lets go of what nobody reads soon.
//!
//! Invariant: at most one sync is under way, it is of the open segment, and its answer is taken before that segment is
//! synced otherwise or ends. A system tells a descriptor once that its data was lost; two syncs at a time could not say
//! which of them was told.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};

use super::append::into_sink_error;
use super::fs::FsFile;
use super::{FileSink, OpenSegment, RollCause};
use crate::error::Error;
use crate::sink::SinkError;

/// A sync is begun when so many bytes wait for it, however short ago the last one was: what it has to write then
/// never becomes much, and neither does the wait at the end of a segment.
const STEP: u64 = 8 * 1024 * 1024;

/// With so many bytes unconfirmed the writer waits: a disk that cannot follow must slow down the callers, and must not
/// gather lines that a power failure takes away.
const MOST: u64 = 32 * 1024 * 1024;

/// No more than this is ever unconfirmed at a segment's end: to [`MOST`] come the batches that were under way.
pub(super) const UNCONFIRMED: u64 = MOST + 16 * 1024 * 1024;

/// So much of what was written last stays in the system's cache, for those who follow the trail: who is behind by less than a
/// tenth of a second of the fastest callers does not read from the disk, beside the writer that writes to it.
const KEEP: u64 = 64 * 1024 * 1024;

/// So much at least is let go of at once.
const LET_GO: u64 = 4 * 1024 * 1024;

/// The thread's work, in order.
enum Job {
    Sync(Arc<dyn FsFile>),
    Forget(Arc<dyn FsFile>, u64, u64),
}

#[derive(Debug)]
struct Thread {
    jobs: Sender<Job>,
    /// One answer for each sync.
    answers: Receiver<io::Result<()>>,
}

/// What a success confirms: the bytes of the open segment, and the number behind the last of its lines.
#[derive(Debug, Clone, Copy)]
struct Mark {
    len: u64,
    next_seq: u64,
}

/// The thread, begun when it is needed first, and the sync that is under way. Dropping it does not wait: the thread
/// ends when its sync has, and writes nothing.
#[derive(Debug, Default)]
pub(super) struct Background {
    thread: Option<Thread>,
    running: Option<Mark>,
    /// The last segment that ended, and what of it the system's cache still holds for those who follow the trail.
    left: Option<(Arc<dyn FsFile>, u64, u64)>,
}

fn start() -> io::Result<Thread> {
    let (jobs, received) = mpsc::channel();
    let (answer, answers) = mpsc::channel();
    let work = move || {
        for job in received {
            match job {
                Job::Sync(file) => {
                    if answer.send(file.sync()).is_err() {
                        return;
                    }
                }
                Job::Forget(file, from, to) => file.forget(from, to),
            }
        }
    };
    std::thread::Builder::new()
        .name("audit-sync".to_owned())
        .spawn(work)?;
    Ok(Thread { jobs, answers })
}

impl Background {
    /// Gives the thread something to do; `false` where there is none.
    fn hand(&mut self, job: Job) -> bool {
        if self.thread.is_none() {
            self.thread = start().ok();
        }
        let sent = self
            .thread
            .as_ref()
            .is_some_and(|thread| thread.jobs.send(job).is_ok());
        if !sent {
            self.thread = None;
        }
        sent
    }

    /// The answer of the sync that is under way, if there is one and it has ended, or if `wait` says to wait for it.
    fn answer(&mut self, wait: bool) -> Option<(Mark, io::Result<()>)> {
        let mark = self.running?;
        let lost = || io::Error::other("the thread that syncs has ended");
        let answer = match &self.thread {
            None => Err(lost()),
            Some(thread) if wait => thread.answers.recv().unwrap_or_else(|_| Err(lost())),
            Some(thread) => match thread.answers.try_recv() {
                Ok(answer) => answer,
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => Err(lost()),
            },
        };
        self.running = None;
        Some((mark, answer))
    }
}

impl OpenSegment {
    fn unconfirmed(&self) -> u64 {
        self.len.saturating_sub(self.confirmed)
    }

    /// What the system's cache need not hold any more: confirmed, and `behind` bytes before the end of that.
    fn forgettable(&mut self, behind: u64) -> Option<(u64, u64)> {
        let (from, to) = (self.cached, self.confirmed.saturating_sub(behind));
        if to < from + LET_GO {
            return None;
        }
        self.cached = to;
        Some((from, to))
    }
}

impl FileSink {
    /// Entries below this are on disk, as far as answers that were taken tell.
    pub(crate) fn durable_seq(&self) -> u64 {
        self.lines_durable_to().min(self.rows_durable_to())
    }

    fn lines_durable_to(&self) -> u64 {
        if let Some(first) = self.carry.as_ref().map(super::roll::Carry::first) {
            return first;
        }
        self.segment.as_ref().map_or(self.next_seq, |segment| {
            if segment.dirty() {
                segment.confirmed_seq
            } else {
                self.next_seq
            }
        })
    }

    /// Whether a sync is under way whose answer was not taken.
    pub(crate) fn is_confirming(&self) -> bool {
        self.background.running.is_some()
    }

    /// Takes the answer of a sync that was begun, if it is there, and begins the next one if it is `due` or much waits
    /// for it. Waits only for a disk that cannot follow. [`FileSink::durable_seq`] then says how far the disk is.
    ///
    /// # Errors
    ///
    /// As [`Sink::flush`](crate::sink::Sink::flush): the open segment was given up, and its unconfirmed lines go into the
    /// next one.
    pub(crate) fn confirm_behind(&mut self, due: bool) -> Result<(), SinkError> {
        let waits = self.segment.as_ref().map_or(0, OpenSegment::unconfirmed);
        self.settle_or_give_up(waits >= MOST)?;
        if self.is_confirming() || (waits < STEP && !due) {
            return Ok(());
        }
        self.confirm_rows()?;
        self.check_place().map_err(into_sink_error)?;
        let next_seq = self.next_seq;
        let Some(segment) = self.segment.as_mut().filter(|segment| segment.dirty()) else {
            // Nothing to do, or what a failure left: both are the usual flush's.
            return self.confirm();
        };
        let mark = Mark {
            len: segment.len,
            next_seq,
        };
        let forget = segment.forgettable(KEEP);
        let file = Arc::clone(&segment.file);
        if !self.background.hand(Job::Sync(Arc::clone(&file))) {
            return self.confirm();
        }
        self.background.running = Some(mark);
        self.mark_seal();
        if let Some((from, to)) = forget {
            self.background.hand(Job::Forget(file, from, to));
        }
        Ok(())
    }

    /// Waits for the sync that is under way. What it confirmed is then known.
    pub(super) fn settle(&mut self, wait: bool) -> io::Result<()> {
        let Some((mark, answer)) = self.background.answer(wait) else {
            return Ok(());
        };
        answer?;
        if let Some(segment) = &mut self.segment {
            segment.confirmed = segment.confirmed.max(mark.len);
            segment.confirmed_seq = segment.confirmed_seq.max(mark.next_seq);
        }
        self.settle_seal();
        Ok(())
    }

    /// As [`Self::settle`]; a segment that was not confirmed is given up.
    pub(super) fn settle_or_give_up(&mut self, wait: bool) -> Result<(), SinkError> {
        match self.settle(wait) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.unconfirmed(error)),
        }
    }

    /// Gives up the open segment because of a failed sync: the kernel may have dropped the pages and would report
    /// success the next time.
    pub(super) fn unconfirmed(&mut self, error: io::Error) -> SinkError {
        let path = self.segment.as_ref().map(|segment| segment.path.clone());
        self.give_up_segment(RollCause::SyncError, false);
        SinkError::retry(Error::io(
            "the disk did not confirm",
            &path.unwrap_or_default(),
            error,
        ))
    }

    /// Lets go of a segment that ended, as far as retention removed it: a descriptor holds its room on the disk.
    pub(super) fn let_go_of_removed(&mut self) {
        self.background.left = None;
    }

    /// A segment ended: lets the system's cache go of it, unless it is small, when the next one ends.
    pub(super) fn let_go(&mut self, mut segment: OpenSegment) {
        let left = segment.forgettable(0).map(|(from, to)| (segment.file, from, to));
        // Who follows the trail may still read it: the one before it goes.
        if let Some((file, from, to)) = std::mem::replace(&mut self.background.left, left)
            && self.background.thread.is_some()
        {
            self.background.hand(Job::Forget(file, from, to));
        }
    }
}
