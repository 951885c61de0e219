//! What callers ask of the writer, and how a trail ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use super::control;
use super::inbox::Inbox;
use super::inbox::LossRow;
use super::ports::Barrier;
use super::ticket::Ticket;
use super::writer::{Progress, Writer};
use crate::error::{Error, ErrorKind};
use crate::queue::Credit;
use crate::sink::file::{Cleaned, Rotated};
use crate::stats::add;

/// What callers ask of the writer.
pub(super) enum Command {
    /// Make everything that was submitted before durable, everywhere.
    Flush(Arc<Ticket<()>>),
    /// As `Flush`, and say that the trail ends; the next record begins it again.
    Rest(Arc<Ticket<()>>),
    Rotate(Arc<Ticket<Rotated>>),
    Cleanup(Arc<Ticket<Cleaned>>),
    /// End by the deadline.
    Close(Arc<Ticket<()>>, Instant),
}

impl Writer {
    pub(super) fn take_commands(&mut self) {
        read_ahead(&self.commands, &mut self.state);
        while let Some(command) = self.state.pending.pop_front() {
            match command {
                Command::Flush(ticket) => self.barrier(ticket),
                Command::Rest(ticket) => {
                    let target = self.submitted();
                    self.state.resting.push_back((target, ticket));
                }
                Command::Rotate(ticket) => {
                    self.hand_on();
                    ticket.answer(match &mut self.journal {
                        Some(journal) => journal.rotate(),
                        None => Err(no_journal("rotate")),
                    });
                    self.tell_file_events();
                }
                Command::Cleanup(ticket) => {
                    ticket.answer(match &mut self.journal {
                        Some(journal) => journal.cleanup(),
                        None => Err(no_journal("clean up")),
                    });
                    self.tell_file_events();
                }
                Command::Close(ticket, deadline) => close_by(&mut self.state, ticket, deadline),
            }
        }
    }

    /// Tells everybody who still waits that no better answer will come: a task would wait for ever.
    pub(super) fn abandon(&mut self) {
        let answers = self.ports.len() + 1;
        let unreached = self.state.barriers.drain(..);
        let unreached = unreached.flat_map(|(_, barrier)| std::iter::repeat_n(barrier, answers));
        let unsent = self.state.unsent.drain(..).map(|(_, barrier)| barrier);
        unreached.chain(unsent).for_each(|barrier| barrier.arrive(false));
        for (_, ticket) in self.state.resting.drain(..) {
            ticket.answer(Err(Error::new(
                ErrorKind::Closed,
                "the audit trail was shut down",
            )));
        }
        // A caller may have been half way through its push when the time was up: that record counts as well.
        self.give_up_queued();
        let taken = self.state.waiting.drain(..).map(|(ticket, _)| ticket);
        for ticket in taken {
            ticket.answer(Err(ended()));
        }
    }

    /// Notes the end behind the records that were submitted before somebody asked for it: one batch may not hold them
    /// all, and an end in their middle would leave the trail begun again, and never ended.
    pub(super) fn note_rest(&mut self) {
        while let Some((target, ticket)) = self.state.resting.pop_front() {
            if self.state.popped < target && self.inbox.queue.used().records > 0 {
                return self.state.resting.push_front((target, ticket));
            }
            self.close("guard");
            self.barrier(ticket);
        }
    }

    /// How many records were submitted so far: the number that a barrier waits for.
    fn submitted(&self) -> u64 {
        self.state.popped + self.inbox.queue.used().records
    }

    pub(super) fn barrier(&mut self, ticket: Arc<Ticket<()>>) {
        let target = self.submitted();
        self.state
            .barriers
            .push((target, Barrier::new(self.ports.len(), ticket)));
    }

    /// Ends the trail when everything is written, or when its time is up.
    /// Takes what is still in the queue out of it when the time is up, and counts it: nothing is lost in silence.
    fn give_up_queued(&mut self) -> u64 {
        let mut left = Credit { records: 0, bytes: 0 };
        while let Some(item) = self.inbox.queue.pop() {
            left.records += 1;
            left.bytes += item.frame.capacity() as u64;
            if let Some(ticket) = item.ticket {
                ticket.answer(Err(ended()));
            }
        }
        add(&self.inbox.counters.lost_write, left.records);
        self.inbox.queue.release(left);
        left.records
    }

    pub(super) fn has_ended(&mut self, is_drained: bool) -> bool {
        let Some((ticket, _)) = &self.state.closing else {
            // Handles, guards and layers are gone: nobody can submit, and nobody will close.
            let is_alone = Arc::strong_count(&self.inbox) <= OWN_HANDLES;
            return is_alone && is_drained && !self.state.is_dirty && self.state.resting.is_empty();
        };
        let is_over = is_late(&self.state.closing);
        if !is_drained && !is_over {
            return false;
        }
        let ticket = Arc::clone(ticket);
        let left = if is_drained { 0 } else { self.give_up_queued() };
        self.settle_losses();
        if left > 0 && self.state.retry.is_none() {
            self.control(&control::gap(&LossRow::at_the_end(left, self.observed_at)));
            add(&self.inbox.counters.gap_recorded, left);
        }
        self.close("shutdown");
        self.hand_on();
        if self.batch.is_empty() {
            self.commit();
        }
        let is_stuck = !self.batch.is_empty() || self.state.is_dirty;
        if is_stuck && !is_over {
            return false;
        }
        self.barrier(ticket);
        if is_stuck {
            let lost = self.state.in_batch + left;
            add(&self.inbox.counters.lost_write, self.state.in_batch);
            (self.report)(&format!(
                "the audit trail ended with {lost} records that could not be written"
            ));
            return true;
        }
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

fn ended() -> Error {
    let message = "the audit trail ended before the record could be written; check the disk";
    Error::new(ErrorKind::Closed, message)
}

/// Who waits for the end, and until when.
pub(super) type Closing = Option<(Arc<Ticket<()>>, Instant)>;

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
            Command::Close(ticket, deadline) => close_by(state, ticket, deadline),
            command => state.pending.push_back(command),
        }
    }
}

pub(super) fn close_by(state: &mut Progress, ticket: Arc<Ticket<()>>, deadline: Instant) {
    match &state.closing {
        // The trail ends once; a second call waits for the same end.
        Some((first, _)) => {
            let first = Arc::clone(first);
            first.then(move |is_good| {
                let message = "the audit trail ended, and a sink could not make everything durable";
                ticket.answer(if is_good {
                    Ok(())
                } else {
                    Err(Error::new(ErrorKind::Sink, message))
                });
            });
        }
        None => state.closing = Some((ticket, deadline)),
    }
}

fn no_journal(what: &str) -> Error {
    Error::config(format!(
        "cannot {what}: this trail has no journal; give `directory` and leave `without_journal` out"
    ))
}
