//! The writer: one thread that gives records their place, renders their lines and hands them on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use uuid::Uuid;

use super::control::{self, Effective};
use super::inbox::{Inbox, Item};
use super::ports::{Barrier, Port, Report};
use super::ticket::{Placed, Receipt, State, Ticket};
use crate::capture::Outlet;
use crate::error::{Error, ErrorKind, Result};
use crate::format::{Batch, LineWriter, Place};
use crate::queue::Credit;
use crate::record::Record;
use crate::redact::{Policy, Redacted, Redacting};
use crate::sink::file::{Cleaned, Rotated};
use crate::sink::{FileSink, Sink, SinkError};
use crate::stats::add;

/// A batch is handed on when it has so many bytes: large enough for the disk, small enough for the cache.
const BATCH_BYTES: usize = 256 * 1024;

/// Records that are taken together, under one reading of the clock and one return of credit.
const CHUNK: usize = 64;

/// The idle writer's sleep: doubled from the first to the last while nothing comes.
const FIRST_SLEEP: Duration = Duration::from_micros(200);
const LAST_SLEEP: Duration = Duration::from_millis(50);

/// Waits after a failed write, doubled from the first to the last.
const FIRST_RETRY: Duration = Duration::from_millis(10);
const LAST_RETRY: Duration = Duration::from_secs(1);

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

/// Whether the stream's last record says that it ended.
#[derive(Debug, PartialEq, Eq)]
enum Phase {
    Fresh,
    Open,
    Resting,
}

pub(super) struct Writer {
    pub(super) inbox: Arc<Inbox>,
    pub(super) commands: Receiver<Command>,
    pub(super) lines: LineWriter,
    pub(super) journal: Option<FileSink>,
    pub(super) ports: Vec<Port>,
    pub(super) stream: Arc<str>,
    pub(super) seq: u64,
    pub(super) observed_at: u64,
    pub(super) commit_interval: Duration,
    pub(super) effective: Effective,
    pub(super) report: Report,
    pub(super) batch: Batch,
    state: Progress,
}

/// What the loop remembers from turn to turn.
struct Progress {
    phase: Phase,
    chunk: Vec<Item>,
    /// Who waits for the records that are in the batch or written and not durable.
    waiting: Vec<(Arc<Ticket<Receipt>>, Placed)>,
    /// Barriers, each with the number of records that must have been taken first.
    barriers: Vec<(u64, Arc<Barrier>)>,
    /// Commands that were read while the writer waited for a sink.
    pending: VecDeque<Command>,
    /// Records taken from the queue.
    popped: u64,
    /// Barriers that a full port could not take yet, and for how many ports.
    unsent: Vec<(usize, Arc<Barrier>)>,
    /// Records of callers in the batch, and in lines that are written and not durable.
    in_batch: u64,
    undurable: u64,
    is_dirty: bool,
    last_commit: Instant,
    retry: Option<(Instant, Duration)>,
    told_failure: bool,
    sleep: Duration,
    closing: Closing,
}

/// Starts a thread of ours: without a subscriber, so that nothing on it can become a record.
pub(super) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
    let start = move || {
        super::emit::mark_own_thread();
        tracing_core::dispatcher::with_default(&tracing_core::Dispatch::none(), run);
    };
    match std::thread::Builder::new().name(name.to_owned()).spawn(start) {
        Ok(_detached) => Ok(()),
        Err(error) => {
            Err(Error::new(ErrorKind::Io, format!("cannot start the thread `{name}`")).because(error))
        }
    }
}

impl Writer {
    #[expect(
        clippy::too_many_arguments,
        reason = "called once, by the builder, with what it has assembled"
    )]
    pub(super) fn new(
        inbox: Arc<Inbox>,
        commands: Receiver<Command>,
        lines: LineWriter,
        journal: Option<FileSink>,
        ports: Vec<Port>,
        stream: Arc<str>,
        commit_interval: Duration,
        effective: Effective,
        report: Report,
    ) -> Self {
        let seq = journal.as_ref().map_or(0, FileSink::next_seq);
        let observed_at = journal
            .as_ref()
            .and_then(|journal| journal.opened().last_observed_at)
            .unwrap_or(0);
        let state = Progress {
            phase: Phase::Fresh,
            chunk: Vec::with_capacity(CHUNK),
            waiting: Vec::new(),
            barriers: Vec::new(),
            pending: VecDeque::new(),
            popped: 0,
            unsent: Vec::new(),
            in_batch: 0,
            undurable: 0,
            is_dirty: false,
            last_commit: Instant::now(),
            retry: None,
            told_failure: false,
            sleep: FIRST_SLEEP,
            closing: None,
        };
        Self {
            inbox,
            commands,
            lines,
            journal,
            ports,
            stream,
            seq,
            observed_at,
            commit_interval,
            effective,
            report,
            batch: Batch::default(),
            state,
        }
    }

    /// Runs until the trail is closed, or until nobody is left who could submit.
    pub(super) fn run(mut self) {
        self.inbox.queue.signal().attach();
        self.open("start");
        while !self.turn() {}
        for port in &self.ports {
            port.end();
        }
        self.inbox.end();
    }

    /// One turn: take, write, commit, answer. `true` when the trail has ended.
    fn turn(&mut self) -> bool {
        self.take_commands();
        let moved = self.take_records();
        self.settle_losses();
        self.hand_on();
        self.tick();
        let is_drained = self.batch.is_empty() && self.inbox.queue.used().records == 0;
        if self.is_commit_due() {
            self.commit();
        }
        if self.batch.is_empty() {
            self.answer_barriers();
        }
        if self.has_ended(is_drained) {
            return true;
        }
        self.rest(moved > 0);
        false
    }

    /// Renders waiting records into the batch, as long as it has room and can be handed on.
    fn take_records(&mut self) -> usize {
        let mut moved = 0;
        while self.state.retry.is_none() && self.batch.bytes().len() < BATCH_BYTES {
            while self.state.chunk.len() < CHUNK {
                let Some(item) = self.inbox.queue.pop() else { break };
                self.state.chunk.push(item);
            }
            if self.state.chunk.is_empty() {
                break;
            }
            moved += self.state.chunk.len();
            self.place_chunk();
        }
        moved
    }

    fn place_chunk(&mut self) {
        if self.state.phase == Phase::Resting {
            self.open("records after the end");
        }
        // Read after the records were taken, so that none of them is observed before it happened.
        self.observe();
        let mut credit = Credit { records: 0, bytes: 0 };
        let mut chunk = std::mem::take(&mut self.state.chunk);
        for item in chunk.drain(..) {
            credit.records += 1;
            credit.bytes += item.frame.capacity() as u64;
            let placed = self.place(&item.frame);
            self.state.in_batch += 1;
            if let Some(ticket) = item.ticket {
                self.state.waiting.push((ticket, placed));
            }
            self.inbox.recycle(item.frame.into_buffer());
        }
        self.state.chunk = chunk;
        self.state.popped += credit.records;
        add(&self.inbox.counters.taken, credit.records);
        self.inbox.queue.release(credit);
    }

    fn observe(&mut self) {
        let now = self.inbox.clock.now();
        if now < self.observed_at {
            add(&self.inbox.counters.clock_backwards, 1);
        } else {
            self.observed_at = now;
        }
    }

    /// Gives a frame its place and renders its line into the batch.
    fn place(&mut self, frame: &Redacted) -> Placed {
        let time = frame
            .bytes()
            .first_chunk()
            .map_or(0, |time| u64::from_le_bytes(*time));
        let id = record_id(time);
        let place = Place {
            stream: &self.stream,
            seq: self.seq,
            observed_at: self.observed_at,
            id,
        };
        let lines = &mut self.lines;
        self.batch.push(self.seq, self.observed_at, |out| {
            lines.write(frame.bytes(), &place, out);
        });
        let placed = Placed {
            id,
            stream: Arc::clone(&self.stream),
            seq: self.seq,
            observed_at: self.observed_at,
        };
        self.seq += 1;
        placed
    }

    /// Adds a control record to the batch.
    fn control(&mut self, record: &Record) {
        self.observe();
        let policy = Policy::balanced();
        let mut into = Redacting::frame(Vec::new(), self.observed_at, &policy);
        into.record(record);
        let frame = into.finish();
        self.place(&frame);
        add(&self.inbox.counters.control, 1);
    }

    fn open(&mut self, cause: &str) {
        let capacity = self.inbox.queue.capacity().records;
        let bound = capacity + BATCH_BYTES as u64 / 256;
        let opened = self.journal.as_ref().map(|journal| journal.opened().clone());
        let opened = opened.filter(|_| self.state.phase == Phase::Fresh);
        self.state.phase = Phase::Open;
        let record = control::open(cause, opened.as_ref(), bound, &self.effective);
        self.control(&record);
    }

    fn close(&mut self, cause: &str) {
        if self.state.phase == Phase::Open {
            let stats = self.inbox.counters.snapshot();
            self.control(&control::close(cause, stats.taken, stats.lost()));
            self.state.phase = Phase::Resting;
        }
    }

    /// Writes gap records for what was lost, before the next record.
    fn settle_losses(&mut self) {
        if self.state.retry.is_some() {
            return;
        }
        let rows = self.inbox.losses.take();
        if !rows.is_empty() && self.state.phase == Phase::Resting {
            self.open("losses after the end");
        }
        for row in rows {
            self.control(&control::gap(&row));
            add(&self.inbox.counters.gap_recorded, row.lost);
        }
        for at in 0..self.ports.len() {
            let Some(port) = self.ports.get(at).filter(|port| port.has_room()) else {
                continue;
            };
            let lost = port.state.untold.swap(0, std::sync::atomic::Ordering::AcqRel);
            if lost > 0 && !port.state.stats().failed {
                let record = control::sink_gap(port.state.name(), lost);
                self.control(&record);
            }
        }
    }

    /// Hands the batch to the journal and to the sinks.
    fn hand_on(&mut self) {
        if self.batch.is_empty() || self.state.retry.is_some_and(|(at, _)| Instant::now() < at) {
            return;
        }
        if let Some(journal) = &mut self.journal {
            match journal.append(&self.batch) {
                Ok(_) => self.state.is_dirty = true,
                Err(error) => return self.failed_write(&error),
            }
        }
        self.recovered();
        self.state.undurable += self.state.in_batch;
        self.state.in_batch = 0;
        if self.ports.is_empty() {
            self.batch.clear();
        } else {
            let batch = Arc::new(std::mem::take(&mut self.batch));
            self.offer(&batch);
            // Kept if no sink holds it any more: a batch's memory is worth a second use.
            if let Some(mut batch) = Arc::into_inner(batch) {
                batch.clear();
                self.batch = batch;
            }
        }
        self.tell_file_events();
    }

    /// With a journal nothing is lost by a slow sink, so the writer does not wait for it. Without one, a single sink
    /// is what the trail is for, and several must not wait for the slowest for ever.
    fn offer(&mut self, batch: &Arc<Batch>) {
        let patience = if self.journal.is_some() {
            Duration::ZERO
        } else {
            self.inbox.patience.room
        };
        if let (None, [port]) = (&self.journal, self.ports.as_slice()) {
            while !port.has_room() && !is_late(&self.state.closing) {
                read_ahead(&self.commands, &mut self.state);
                std::thread::park_timeout(Duration::from_millis(1));
            }
        }
        for port in &self.ports {
            port.offer(batch, patience);
        }
    }

    fn failed_write(&mut self, error: &SinkError) {
        add(&self.inbox.counters.write_errors, 1);
        let wait = self
            .state
            .retry
            .map_or(FIRST_RETRY, |(_, wait)| (wait * 2).min(LAST_RETRY));
        self.state.retry = Some((Instant::now() + wait, wait));
        if !self.state.told_failure {
            self.state.told_failure = true;
            (self.report)(&format!(
                "the audit journal cannot be written; records wait in memory: {error}"
            ));
        }
    }

    fn recovered(&mut self) {
        self.state.retry = None;
        if self.state.told_failure {
            self.state.told_failure = false;
            (self.report)("the audit journal can be written again");
        }
    }

    /// Turns what the journal did to its files into control records, which stand in the next batch.
    fn tell_file_events(&mut self) {
        let Some(journal) = &mut self.journal else { return };
        for event in journal.take_events() {
            if let Some(record) = control::file(&event) {
                self.control(&record);
            }
        }
    }

    /// Lets the journal roll at midnight while nothing is written.
    fn tick(&mut self) {
        let now = self.inbox.clock.now();
        let Some(journal) = &mut self.journal else { return };
        if let Err(error) = journal.tick(now) {
            (self.report)(&format!("the audit journal could not roll: {error}"));
        }
        self.tell_file_events();
    }

    fn is_commit_due(&self) -> bool {
        if !self.state.is_dirty || self.state.retry.is_some_and(|(at, _)| Instant::now() < at) {
            return false;
        }
        let is_asked = !self.state.waiting.is_empty() || self.reached_barriers() > 0;
        is_asked || self.state.last_commit.elapsed() >= self.commit_interval
    }

    /// One fdatasync for everybody who waits.
    fn commit(&mut self) {
        let Some(journal) = &mut self.journal else { return };
        self.state.last_commit = Instant::now();
        if let Err(error) = journal.flush() {
            add(&self.inbox.counters.sync_errors, 1);
            let wait = self
                .state
                .retry
                .map_or(FIRST_RETRY, |(_, wait)| (wait * 2).min(LAST_RETRY));
            self.state.retry = Some((Instant::now() + wait, wait));
            return (self.report)(&format!("the disk did not confirm the audit journal: {error}"));
        }
        self.recovered();
        self.state.is_dirty = false;
        add(&self.inbox.counters.durable, self.state.undurable);
        self.state.undurable = 0;
        for (ticket, place) in self.state.waiting.drain(..) {
            ticket.answer(Ok(Receipt {
                state: State::Durable,
                place: Some(place),
            }));
        }
        self.tell_file_events();
    }

    /// Takes the writer's count of barriers whose records have all been handed on, and passes them to the sinks.
    fn answer_barriers(&mut self) {
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
            barrier.arrive(true);
        }
        let ports = &self.ports;
        self.state
            .unsent
            .retain(|(at, barrier)| !ports.get(*at).is_none_or(|port| port.barrier(barrier)));
    }

    /// How many barriers have all their records taken. The queue's count can include a record that is just being
    /// refused, so an empty queue reaches every barrier.
    fn reached_barriers(&self) -> usize {
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
    fn deliver_receipts(&mut self) {
        if self.state.waiting.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.state.waiting);
        let flushed = Ticket::new();
        self.state
            .barriers
            .push((0, Barrier::new(self.ports.len(), Arc::clone(&flushed))));
        flushed.then(move |answer| {
            for (ticket, place) in waiting {
                let receipt = Receipt {
                    state: State::Delivered,
                    place: Some(place),
                };
                let failed = || {
                    Error::new(
                        ErrorKind::Sink,
                        "a sink did not take the record; `Stats::sinks` names it",
                    )
                };
                ticket.answer(if answer { Ok(receipt) } else { Err(failed()) });
            }
        });
    }

    fn take_commands(&mut self) {
        read_ahead(&self.commands, &mut self.state);
        while let Some(command) = self.state.pending.pop_front() {
            match command {
                Command::Flush(ticket) => self.barrier(ticket),
                Command::Rest(ticket) => {
                    self.take_records();
                    self.settle_losses();
                    self.close("guard");
                    self.barrier(ticket);
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

    fn barrier(&mut self, ticket: Arc<Ticket<()>>) {
        let target = self.state.popped + self.inbox.queue.used().records;
        self.state
            .barriers
            .push((target, Barrier::new(self.ports.len(), ticket)));
    }

    /// Ends the trail when everything is written, or when its time is up.
    fn has_ended(&mut self, is_drained: bool) -> bool {
        let Some((ticket, _)) = &self.state.closing else {
            // Handles, guards and layers are gone: nobody can submit, and nobody will close.
            return Arc::strong_count(&self.inbox) == 1 && is_drained && !self.state.is_dirty;
        };
        let is_over = is_late(&self.state.closing);
        if !is_drained && !is_over {
            return false;
        }
        let ticket = Arc::clone(ticket);
        self.settle_losses();
        self.close("shutdown");
        self.hand_on();
        self.commit();
        let is_stuck = !self.batch.is_empty() || self.state.is_dirty;
        if is_stuck && !is_over {
            return false;
        }
        self.barrier(ticket);
        if is_stuck {
            let lost = self.state.in_batch + self.inbox.queue.used().records;
            add(&self.inbox.counters.lost_write, lost);
            (self.report)(&format!(
                "the audit trail ended with {lost} records that could not be written"
            ));
            return true;
        }
        self.answer_barriers();
        while !self.state.unsent.is_empty() && !is_late(&self.state.closing) {
            std::thread::park_timeout(Duration::from_millis(1));
            self.answer_barriers();
        }
        true
    }

    /// Sleeps when there is nothing to do, longer each time: waking a sleeper would cost the callers microseconds,
    /// so the writer looks by itself.
    fn rest(&mut self, has_moved: bool) {
        if has_moved || !self.commands.is_empty() {
            self.state.sleep = FIRST_SLEEP;
            return;
        }
        let mut sleep = self.state.sleep;
        if self.state.is_dirty {
            sleep = sleep.min(
                self.commit_interval
                    .saturating_sub(self.state.last_commit.elapsed())
                    .max(FIRST_SLEEP),
            );
        }
        if !self.state.unsent.is_empty() || self.state.closing.is_some() {
            sleep = FIRST_SLEEP;
        }
        self.inbox.queue.signal().wait(sleep);
        self.state.sleep = (self.state.sleep * 2).min(LAST_SLEEP);
    }
}

type Closing = Option<(Arc<Ticket<()>>, Instant)>;

/// Whether the trail must end now.
fn is_late(closing: &Closing) -> bool {
    closing
        .as_ref()
        .is_some_and(|(_, deadline)| Instant::now() >= *deadline)
}

/// Reads commands without carrying them out, but for the deadline of a close: it ends the wait for a sink.
fn read_ahead(commands: &Receiver<Command>, state: &mut Progress) {
    while let Ok(command) = commands.try_recv() {
        match command {
            Command::Close(ticket, deadline) => close_by(state, ticket, deadline),
            command => state.pending.push_back(command),
        }
    }
}

fn close_by(state: &mut Progress, ticket: Arc<Ticket<()>>, deadline: Instant) {
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

/// A UUIDv7 from the record's own time, so that ids sort by when things happened.
fn record_id(time: u64) -> Uuid {
    let random: [u8; 10] = rand::random();
    uuid::Builder::from_unix_timestamp_millis(time / 1_000_000, &random).into_uuid()
}
