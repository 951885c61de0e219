//! What callers ask of the writer, and how a trail ends.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use super::barrier::{Barrier, Reached};
use super::inbox::Inbox;
use super::losses::LossRow;
use super::ticket::{Promise, Receipt};
use super::writer::{Phase, Progress, Writer};
use crate::error::{Error, ErrorKind};
use crate::record::Record;
use crate::sink::file::{Cleaned, Erased, Rotated};
use crate::stats::add;

/// What callers ask of the writer.
pub(super) enum Command {
    /// Make everything that was submitted before durable, everywhere.
    Flush(Promise<Reached>),
    /// Write a control record behind everything that was submitted before.
    Note(Box<Record>, Promise<Receipt>),
    /// As `Flush`, and say that the trail ends; the next record begins it again.
    Rest(Promise<Reached>),
    Rotate(Promise<Rotated>),
    Cleanup(Promise<Cleaned>),
    /// Remove the values of a subject that were submitted before.
    Erase(String, Promise<Erased>),
    /// End by the deadline.
    Close(Promise<Reached>, Instant),
}

impl Writer {
    pub(super) fn take_commands(&mut self) {
        read_ahead(&self.commands, &mut self.state);
        while let Some(command) = self.state.pending.pop_front() {
            match command {
                Command::Flush(promise) => self.barrier(vec![promise]),
                Command::Note(record, promise) => {
                    let target = self.submitted();
                    self.state.noting.push_back((target, record, promise));
                }
                Command::Rest(promise) => {
                    let target = self.submitted();
                    self.state.resting.push_back((target, promise));
                }
                Command::Rotate(promise) => {
                    if self.state.phase == Phase::Resting && self.journal.is_some() {
                        self.open("a segment after the end");
                    }
                    self.hand_on();
                    let rotated = match &mut self.journal {
                        Some(journal) => journal.rotate(),
                        None => Err(no_journal("rotate")),
                    };
                    self.tell_file_events();
                    // What cannot be removed now is removed later, and the segment has begun in any case.
                    let _ = self.finish_removal();
                    promise.answer(rotated);
                }
                Command::Cleanup(promise) => {
                    promise.answer(self.clean_up());
                }
                Command::Erase(subject, promise) => {
                    let behind = self.submitted();
                    self.requests.erase(behind, subject, promise);
                }
                Command::Close(promise, deadline) => close_by(&mut self.state, promise, deadline),
            }
        }
    }

    /// Notes the end behind the records that were submitted before somebody asked for it: one batch may not hold them
    /// all, and an end in their middle would leave the trail begun again, and never ended.
    pub(super) fn note_rest(&mut self) {
        while let Some((target, promise)) = self.state.resting.pop_front() {
            if self.state.popped < target && self.inbox.queue.used().records > 0 {
                return self.state.resting.push_front((target, promise));
            }
            self.close("guard");
            self.barrier(vec![promise]);
        }
    }

    /// How many records were submitted so far: the number that a barrier waits for.
    pub(super) fn submitted(&self) -> u64 {
        self.state.popped + self.inbox.queue.used().records
    }

    pub(super) fn barrier(&mut self, promises: Vec<Promise<Reached>>) {
        let target = self.submitted();
        let answer = move |reached: Reached| {
            for promise in promises {
                promise.answer(Ok(reached.clone()));
            }
        };
        let barrier = Barrier::new(self.sinks(), answer);
        self.state.barriers.push((target, Arc::new(barrier)));
    }

    /// Ends the trail when everything is written, or when its time is up.
    pub(super) fn has_ended(&mut self, is_drained: bool) -> bool {
        if self.state.closing.is_none() {
            // Handles, guards and layers are gone: nobody can submit, and nobody will close.
            let is_alone = Arc::strong_count(&self.inbox) <= OWN_HANDLES;
            // Looked at again behind the last of them: what it sent just before it went is there by now.
            fence(Ordering::Acquire);
            let is_drained = is_drained && self.inbox.queue.used().records == 0;
            let is_done = is_alone
                && is_drained
                && self.state.resting.is_empty()
                && self.state.noting.is_empty()
                && self.requests.is_empty();
            if is_done && self.state.phase == Phase::Open {
                // Records came behind the last note of the end.
                self.close("dropped");
                return false;
            }
            return is_done && self.batch.is_empty() && !self.state.is_dirty;
        }
        self.end_sinks();
        let is_over = is_late(&self.state.closing);
        // What was asked for before the end stands before it: an `audit.resume` that has to wait for the disk, above all.
        let is_asked = !self.state.noting.is_empty() || !self.state.pending.is_empty();
        if (!is_drained || is_asked) && !is_over {
            return false;
        }
        let left = if is_drained {
            0
        } else {
            self.inbox.give_up_queued()
        };
        self.settle_losses();
        self.note_asked();
        if left > 0 && self.state.retry.is_none() {
            self.gap(LossRow::at_the_end(left, self.observed_at));
        }
        self.close("shutdown");
        self.hand_on();
        if self.batch.is_empty() {
            self.commit();
        }
        let is_stuck = !self.batch.is_empty() || self.state.is_dirty;
        if is_stuck {
            // Where its time is up, the promises are dropped, and what is left undone is the answer.
            return is_over;
        }
        let (promises, deadline) = self.state.closing.take().unwrap_or((Vec::new(), Instant::now()));
        self.state.closing = Some((Vec::new(), deadline));
        self.barrier(promises);
        // Released before the caller is told: a trail that starts in the same directory right after must find it free.
        self.journal = None;
        self.answer_barriers();
        while !self.state.unsent.is_empty() && !is_late(&self.state.closing) {
            std::thread::park_timeout(Duration::from_millis(1));
            self.answer_barriers();
        }
        true
    }
}

/// The writer's end, in whatever way: what it leaves undone is counted and told, then the promises that it holds are
/// dropped, which wakes everybody who waits.
impl Drop for Writer {
    fn drop(&mut self) {
        let has_panicked = std::thread::panicking();
        self.end_sinks();
        let inbox = &self.inbox;
        // A panic can leave records that were taken out of the queue and have no place yet.
        let unplaced = self.state.hand.credit();
        inbox.queue.release(unplaced);
        add(&inbox.counters.lost_write, unplaced.records);
        add(&inbox.counters.lost_taken, self.state.in_batch);
        let undurable = if self.state.is_dirty {
            self.state.written.iter().map(|batch| batch.records).sum()
        } else {
            0
        };
        add(&inbox.counters.unconfirmed, undurable);
        inbox.leave(unplaced.records + self.state.in_batch + undurable, has_panicked);
        // A caller may have been half way through its push when the time was up: that record counts as well.
        inbox.give_up_queued();
        let left = inbox.left().records;
        if has_panicked {
            (self.report)(&format!(
                "the audit writer panicked and the trail has ended; {left} records could not be written or confirmed"
            ));
        } else if left > 0 {
            (self.report)(&format!(
                "the audit trail ended with {left} records that could not be written or confirmed"
            ));
        }
    }
}

/// Says that the writer has ended, also where it panicked: nobody must wait for it.
pub(super) struct Ends(pub(super) Arc<Inbox>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.queue.close();
        self.0.end();
    }
}

/// How often the writer's own thread holds the inbox: the writer, and what tells others that it has ended.
const OWN_HANDLES: usize = 2;

pub(super) fn ended() -> Error {
    let message = "the audit trail ended before the record was written and confirmed; check the disk and the diagnostics";
    Error::new(ErrorKind::Closed, message)
}

/// Who waits for the end, and until when.
pub(super) type Closing = Option<(Vec<Promise<Reached>>, Instant)>;

/// Whether the trail must end now.
pub(super) fn is_late(closing: &Closing) -> bool {
    closing
        .as_ref()
        .is_some_and(|(_, deadline)| Instant::now() >= *deadline)
}

/// Reads commands without carrying them out, but for the deadline of a close: it ends the wait for a sink.
pub(super) fn read_ahead(commands: &Receiver<Command>, state: &mut Progress) {
    while let Ok(command) = commands.try_recv() {
        match command {
            Command::Close(promise, deadline) => close_by(state, promise, deadline),
            command => state.pending.push_back(command),
        }
    }
}

pub(super) fn close_by(state: &mut Progress, promise: Promise<Reached>, deadline: Instant) {
    match &mut state.closing {
        // The trail ends once; a second call waits for the same end.
        Some((promises, _)) => promises.push(promise),
        None => state.closing = Some((vec![promise], deadline)),
    }
}

pub(super) fn no_journal(what: &str) -> Error {
    Error::config(format!(
        "cannot {what}: this trail has no journal; give `directory` and leave `without_journal` out"
    ))
}
