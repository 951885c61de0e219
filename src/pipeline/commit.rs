//! The writer's far side: batches to the journal, or to the sinks, commits, and the answers to those who wait for them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::barrier::{Barrier, Reached, pass_on};
use super::commands::{is_late, read_ahead};
use super::control;
use super::failure::{self, FailureKind};
use super::ports::Port;
use super::ticket::{Receipt, State};
use super::writer::{Phase, Writer, Written};
use crate::error::{Error, ErrorKind};
use crate::format::Batch;
use crate::sink::file::FileEvent;
use crate::sink::{FileSink, Sink, SinkError};
use crate::stats::add;

/// Waits after a failed write, doubled from the first to the last.
const FIRST_RETRY: Duration = Duration::from_millis(10);
const LAST_RETRY: Duration = Duration::from_secs(1);

impl Writer {
    /// Hands the batch to the journal, or to the sinks where there is none.
    pub(super) fn hand_on(&mut self) {
        if self.batch.is_empty() || self.state.retry.is_some_and(|(at, _)| Instant::now() < at) {
            return;
        }
        if let Some(journal) = &mut self.journal {
            match journal.append(&self.batch) {
                Ok(_) => {
                    self.state.is_dirty = true;
                    let to = journal.next_seq();
                    self.state.written.push_back(Written {
                        from: to - self.batch.len() as u64,
                        to,
                        records: self.state.in_batch,
                    });
                    self.take_leaves();
                }
                Err(error) => {
                    // A part of it can have been taken: those lines do not come again.
                    self.take_leaves();
                    return self.failed_write(&error);
                }
            }
        }
        self.recovered();
        self.state.in_batch = 0;
        if self.journal.is_none() {
            self.notes_are_safe(self.seq);
        }
        if self.ports.is_empty() {
            self.batch.clear();
        } else {
            // As large as the writer makes them: one that grows is copied several times.
            let next = Batch::with_room(self.batch.len(), self.batch.bytes().len());
            let batch = Arc::new(std::mem::replace(&mut self.batch, next));
            self.offer(&batch);
            // Kept if no sink holds it any more: a batch's memory is worth a second use.
            if let Some(mut batch) = Arc::into_inner(batch) {
                batch.clear();
                self.batch = batch;
            }
        }
        self.tell_file_events();
    }

    /// Without a journal, a single sink is what the trail is for, and several must not wait for the slowest for ever. The
    /// end of the trail ends every wait.
    pub(super) fn offer(&mut self, batch: &Arc<Batch>) {
        let mut full: Vec<&Port> = self.ports.iter().collect();
        let mut until = None;
        loop {
            full.retain(|port| {
                let has_room = port.has_room();
                if has_room {
                    port.offer(batch);
                }
                !has_room
            });
            let patience = self.inbox.patience.room;
            let until = *until.get_or_insert_with(|| crate::clock::deadline(patience));
            let is_over = self.ports.len() > 1 && Instant::now() >= until;
            if full.is_empty() || is_over || is_late(&self.state.closing) {
                break;
            }
            read_ahead(&self.commands, &mut self.state);
            if self.state.closing.is_some() {
                self.ports.iter().for_each(Port::end);
            }
            std::thread::park_timeout(Duration::from_millis(1));
        }
        for port in full {
            port.offer(batch);
        }
    }

    pub(super) fn failed_write(&mut self, error: &SinkError) {
        add(&self.inbox.counters.write_errors, 1);
        self.back_off();
        if !self.state.told_failure {
            self.state.told_failure = true;
            let message = format!("the audit journal cannot be written; records wait in memory: {error}");
            self.failed(FailureKind::Write, false, &message);
        }
    }

    /// Waits before the next try, longer each time.
    pub(super) fn back_off(&mut self) {
        let wait = self
            .state
            .retry
            .map_or(FIRST_RETRY, |(_, wait)| (wait * 2).min(LAST_RETRY));
        self.state.retry = Some((Instant::now() + wait, wait));
    }

    pub(super) fn recovered(&mut self) {
        self.state.retry = None;
        if self.state.told_failure {
            self.state.told_failure = false;
            self.failed(FailureKind::Write, true, "the audit journal can be written again");
        }
    }

    /// Tells people and, where it asked for that, the application.
    pub(super) fn failed(&self, kind: FailureKind, is_over: bool, message: &str) {
        (self.report)(message);
        failure::tell(self.on_failure.as_ref(), kind, is_over, message);
    }

    /// Turns what the journal did to its files into control records, which stand in the next batch.
    pub(super) fn tell_file_events(&mut self) {
        let events = self.journal.as_mut().map(FileSink::take_events);
        self.tell(events.unwrap_or_default());
    }

    pub(super) fn tell(&mut self, events: Vec<FileEvent>) {
        for event in events {
            if let FileEvent::Unconfirmed { first, last } = event {
                self.doubt(first, last);
            }
            if let Some(record) = control::file(&event) {
                self.control(&record);
            }
            match (&event, &mut self.journal) {
                (FileEvent::Removing { segments, .. }, Some(journal)) => {
                    journal.removal_stands_at(segments, self.seq - 1);
                }
                (FileEvent::NotShipped { sink, lost }, Some(journal)) => {
                    journal.not_shipped_stands_at(sink, *lost, self.seq - 1);
                }
                _ => {}
            }
        }
    }

    /// Lines that the disk may or may not hold are not acknowledged, whenever that becomes known.
    fn doubt(&mut self, first: u64, last: u64) {
        let count = (last - first + 1).saturating_sub(self.notes_in_doubt(first, last));
        let mut left = count;
        let mut settle = |from: u64, to: u64, records: &mut u64| {
            let common = to.min(last + 1).saturating_sub(from.max(first));
            let doubted = common.min(*records).min(left);
            *records -= doubted;
            left -= doubted;
        };
        for batch in &mut self.state.written {
            settle(batch.from, batch.to, &mut batch.records);
        }
        // Of the batch that waits for another try, a part may have been written.
        let batch = self.seq - self.batch.len() as u64;
        settle(batch, self.seq, &mut self.state.in_batch);
        // Lines that are in doubt a second time, because their copies are lost as well, count once.
        add(&self.inbox.counters.unconfirmed, count - left);
        for (ticket, _) in self
            .state
            .waiting
            .extract_if(.., |(_, place)| (first..=last).contains(&place.seq))
        {
            let message =
                "the record was written, but the disk did not confirm it and it could not be repeated";
            ticket.answer(Err(Error::new(ErrorKind::Io, message)));
        }
    }

    /// Lets the journal roll at midnight while nothing is written. Not behind the note of an end, which nothing may follow
    /// unasked: the first record that does has the journal roll.
    pub(super) fn tick(&mut self) {
        let now = self.inbox.clock.now();
        let is_open = self.state.phase == Phase::Open;
        let Some(journal) = self.journal.as_mut().filter(|_| is_open) else {
            return;
        };
        if let Err(error) = journal.tick(now) {
            (self.report)(&format!("the audit journal could not roll: {error}"));
        }
        self.tell_file_events();
        self.beat(now);
    }

    /// Waits for the disk where somebody waits for it; else the disk is asked and the writer goes on.
    pub(super) fn commit_if_due(&mut self) {
        if !self.state.is_dirty || self.state.retry.is_some_and(|(at, _)| Instant::now() < at) {
            return;
        }
        if !self.state.waiting.is_empty() || self.reached_barriers() > 0 {
            return self.commit();
        }
        let Some(journal) = &mut self.journal else { return };
        let is_due = self.state.last_commit.elapsed() >= self.commit_interval;
        let was_confirming = journal.is_confirming();
        if let Err(error) = journal.confirm_behind(is_due) {
            return self.failed_sync(&error);
        }
        if is_due && !was_confirming {
            self.state.last_commit = Instant::now();
        }
        self.confirmed();
        if self.batch.is_empty() {
            // What was to be tried again was this, and no batch will say that it went well: records may be taken again.
            self.state.retry = None;
        }
    }

    fn failed_sync(&mut self, error: &SinkError) {
        add(&self.inbox.counters.sync_errors, 1);
        self.back_off();
        let message = format!("the disk did not confirm the audit journal: {error}");
        self.failed(FailureKind::Sync, false, &message);
    }

    /// Counts what the disk has confirmed.
    fn confirmed(&mut self) {
        // First of all what is in doubt: it must not be counted below.
        self.tell_file_events();
        let Some(journal) = &self.journal else { return };
        let durable = journal.publish();
        self.state.is_dirty = durable < journal.next_seq();
        while let Some(batch) = self.state.written.front()
            && batch.to <= durable
        {
            add(&self.inbox.counters.durable, batch.records);
            self.state.written.pop_front();
        }
        self.notes_are_safe(durable);
    }

    /// One fdatasync for everybody who waits.
    pub(super) fn commit(&mut self) {
        let Some(journal) = &mut self.journal else { return };
        self.state.last_commit = Instant::now();
        if let Err(error) = journal.flush() {
            return self.failed_sync(&error);
        }
        // What is still in the batch has not been written: a failed write keeps its callers waiting.
        let written = journal.next_seq();
        self.confirmed();
        self.recovered();
        self.seal_end();
        let mut waiting = std::mem::take(&mut self.state.waiting);
        for (ticket, place) in waiting.extract_if(.., |(_, place)| place.seq < written) {
            ticket.answer(Ok(Receipt {
                state: State::Durable,
                place: Some(place),
            }));
        }
        self.state.waiting = waiting;
    }

    /// Takes the writer's count of barriers whose records have all been handed on, and passes them to the sinks.
    pub(super) fn answer_barriers(&mut self) {
        if self.journal.is_none() {
            self.deliver_receipts();
        }
        if self.state.is_dirty {
            return;
        }
        let reached = self.reached_barriers();
        for (_, barrier) in self.state.barriers.drain(..reached).collect::<Vec<_>>() {
            for at in 0..self.ports.len() {
                self.state.unsent.push((at, Arc::clone(&barrier)));
            }
            self.ask_followers(&barrier);
            barrier.reached(&self.ports);
        }
        let ports = &self.ports;
        pass_on(&mut self.state.unsent, |at, barrier| {
            ports.get(at).is_none_or(|port| port.barrier(barrier))
        });
    }

    /// How many barriers have all their records taken. The queue's count can include a record that is just being
    /// refused, so an empty queue reaches every barrier.
    pub(super) fn reached_barriers(&self) -> usize {
        if self.inbox.queue.used().records == 0 {
            return self.state.barriers.len();
        }
        self.state
            .barriers
            .iter()
            .take_while(|(target, _)| *target <= self.state.popped)
            .count()
    }

    /// Without a journal, a receipt says that every sink has the record.
    pub(super) fn deliver_receipts(&mut self) {
        if self.state.waiting.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.state.waiting);
        let answer = move |reached: Reached| {
            for (promise, place) in waiting {
                promise.answer(match reached.objection(place.seq) {
                    None => Ok(Receipt {
                        state: State::Delivered,
                        place: Some(place),
                    }),
                    Some(objection) => Err(Error::new(ErrorKind::Sink, objection)),
                });
            }
        };
        let barrier = Barrier::new(self.ports.len(), answer).for_receipts(self.seq);
        self.state.barriers.push((0, Arc::new(barrier)));
    }
}
