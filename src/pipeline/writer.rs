//! The writer: one thread that gives records their place, renders their lines and hands them on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng as _, SeedableRng as _};
use uuid::Uuid;

use super::barrier::{Barrier, Reached};
use super::clock_watch::ClockWatch;
use super::commands::{Closing, Command, Ends};
use super::control;
use super::effective::Effective;
use super::failure::OnFailure;
use super::follower::Follower;
use super::hand::Hand;
use super::inbox::Inbox;
use super::ports::{Port, Report};
use super::requests::Requests;
use super::settle::Note;
use super::space_watch::{SpaceWatch, Thresholds};
use super::ticket::{Placed, Promise, Receipt};
use crate::capture::Outlet;
use crate::config::IdKind;
use crate::error::{Error, ErrorKind, Result};
use crate::format::{Batch, LineWriter, Place};
use crate::queue::Credit;
use crate::record::{Record, Slot};
use crate::redact::{Policy, Redacted, Redacting};
use crate::sink::FileSink;
use crate::stats::add;

/// A batch is handed on when it has so many bytes: large enough for the disk, small enough for the cache.
const BATCH_BYTES: usize = 256 * 1024;

/// Records that are taken together, under one reading of the clock and one return of credit.
const CHUNK: u64 = CHUNK_LINES as u64;
const CHUNK_LINES: usize = 64;

/// No line has fewer bytes: its times, ids and names alone are longer.
pub(super) const SHORTEST_LINE: usize = 256;

/// The idle writer's sleep: doubled from the first to the last while nothing comes.
const FIRST_SLEEP: Duration = Duration::from_micros(200);
const LAST_SLEEP: Duration = Duration::from_millis(50);

/// Whether the stream's last record says that it ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Fresh,
    Open,
    Resting,
}

pub(super) struct Writer {
    pub(super) inbox: Arc<Inbox>,
    pub(super) commands: Receiver<Command>,
    pub(super) lines: LineWriter,
    pub(super) journal: Option<FileSink>,
    /// The sinks, where there is no journal.
    pub(super) ports: Vec<Port>,
    /// The sinks, where there is one.
    pub(super) followers: Vec<Follower>,
    pub(super) stream: Arc<str>,
    pub(super) seq: u64,
    /// The random bits of ids. They make ids unique, not secret, so the generator need not withstand a guesser; it is
    /// seeded anew, with as many bits as it has, for every writer.
    random: Xoshiro256PlusPlus,
    pub(super) observed_at: u64,
    /// In the main stream: a step of the clock is told once in a trail.
    pub(super) clock_watch: Option<ClockWatch>,
    pub(super) space_watch: SpaceWatch,
    pub(super) on_failure: Option<OnFailure>,
    pub(super) commit_interval: Duration,
    pub(super) effective: Effective,
    pub(super) id_kind: IdKind,
    /// Nanoseconds without a record after which one says so; 0 is never.
    pub(super) heartbeat: u64,
    pub(super) report: Report,
    pub(super) batch: Batch,
    /// What control records pass, whatever the application's policy is. Kept for the plans that it keeps.
    own_policy: Policy,
    pub(super) requests: Requests,
    pub(super) state: Progress,
}

/// A batch that the journal has taken.
#[derive(Debug)]
pub(super) struct Written {
    /// The sequence numbers of its lines, from the first to before the second.
    pub(super) from: u64,
    pub(super) to: u64,
    /// How many of its lines are records of callers.
    pub(super) records: u64,
}

/// What the loop remembers from turn to turn.
pub(super) struct Progress {
    pub(super) phase: Phase,
    /// Records that were taken and are not rendered yet: the clock must be read first.
    pub(super) hand: Hand,
    /// Who waits for the records that are in the batch or written and not durable.
    pub(super) waiting: Vec<(Promise<Receipt>, Placed)>,
    /// Barriers, each with the number of records that must have been taken first.
    pub(super) barriers: Vec<(u64, Arc<Barrier>)>,
    /// Who asked for a note of the end, each with the number of records that must have been taken first.
    pub(super) resting: VecDeque<(u64, Promise<Reached>)>,
    /// Control records that callers asked for, likewise.
    pub(super) noting: VecDeque<(u64, Box<Record>, Promise<Receipt>)>,
    /// Commands that were read while the writer waited for a sink.
    pub(super) pending: VecDeque<Command>,
    /// Records taken from the queue.
    pub(super) popped: u64,
    /// Barriers that a full port could not take yet, and for how many ports.
    pub(super) unsent: Vec<(usize, Arc<Barrier>)>,
    /// Records of callers in the batch.
    pub(super) in_batch: u64,
    /// Batches that are written and not known to be durable, in order.
    pub(super) written: VecDeque<Written>,
    /// Control records that are in the batch, or written and not durable.
    pub(super) notes: Vec<Note>,
    pub(super) is_dirty: bool,
    pub(super) last_commit: Instant,
    pub(super) retry: Option<(Instant, Duration)>,
    pub(super) told_failure: bool,
    pub(super) sleep: Duration,
    pub(super) closing: Closing,
}

impl Progress {
    fn new() -> Self {
        Self {
            phase: Phase::Fresh,
            hand: Hand::new(),
            waiting: Vec::new(),
            barriers: Vec::new(),
            resting: VecDeque::new(),
            noting: VecDeque::new(),
            pending: VecDeque::new(),
            popped: 0,
            unsent: Vec::new(),
            in_batch: 0,
            written: VecDeque::new(),
            notes: Vec::new(),
            is_dirty: false,
            last_commit: Instant::now(),
            retry: None,
            told_failure: false,
            sleep: FIRST_SLEEP,
            closing: None,
        }
    }
}

/// Starts a thread of ours, on which nothing can become a record.
///
/// It has no scoped dispatcher of its own: while any thread of a process has one, `tracing` takes its slow path for
/// every event of every thread, and hides what is reported by the `Debug` of a value that is being recorded, or
/// while a thread's locals are destroyed.
pub(super) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
    let start = move || {
        crate::capture::mark_own_thread();
        run();
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
        (ports, followers): (Vec<Port>, Vec<Follower>),
        stream: Arc<str>,
        commit_interval: Duration,
        effective: Effective,
        id_kind: IdKind,
        heartbeat: u64,
        report: Report,
        watch: (Thresholds, Option<OnFailure>, bool),
        policy: Policy,
    ) -> Self {
        let seq = journal.as_ref().map_or(0, FileSink::next_seq);
        let observed_at = journal
            .as_ref()
            .and_then(|journal| journal.opened().last_observed_at)
            .unwrap_or(0);
        Self {
            inbox,
            commands,
            lines,
            journal,
            ports,
            followers,
            stream,
            seq,
            random: Xoshiro256PlusPlus::from_rng(&mut rand::rng()),
            observed_at,
            clock_watch: watch.2.then(ClockWatch::default),
            space_watch: SpaceWatch::new(watch.0),
            on_failure: watch.1,
            commit_interval,
            effective,
            id_kind,
            heartbeat,
            report,
            // Room for every batch of ordinary lines, so that the first large one finds it there.
            batch: Batch::with_room(
                BATCH_BYTES / SHORTEST_LINE + CHUNK_LINES,
                BATCH_BYTES + BATCH_BYTES / 4,
            ),
            own_policy: Policy::balanced(),
            requests: Requests::new(policy),
            state: Progress::new(),
        }
    }

    /// Runs until the trail is closed, or until nobody is left who could submit.
    pub(super) fn run(mut self) {
        let _ends = Ends(Arc::clone(&self.inbox));
        self.inbox.queue.signal().attach();
        self.look_at_space(true);
        self.open("start");
        self.state_removal();
        while !self.turn() {}
    }

    /// One turn: take, write, commit, answer. `true` when the trail has ended.
    pub(super) fn turn(&mut self) -> bool {
        self.take_commands();
        self.watch_clock();
        self.watch_space();
        let moved = self.take_records();
        self.settle_losses();
        self.note_asked();
        self.note_rest();
        self.hand_on();
        self.carry_out();
        if moved == 0 {
            self.tick();
        }
        let is_drained = self.batch.is_empty() && self.inbox.queue.used().records == 0;
        self.commit_if_due();
        self.seal_behind();
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
    pub(super) fn take_records(&mut self) -> usize {
        let mut moved = 0;
        // What is in the hand is rendered, whatever the size of the batch: its credit says that it waits in the queue.
        while self.state.retry.is_none()
            && (self.batch.bytes().len() < BATCH_BYTES || !self.state.hand.is_empty())
            && self.take()
        {
            self.settle_refused();
            moved += self.place_chunk();
        }
        moved
    }

    /// Takes the oldest records of the queue, unless some are held. Should anything panic before they have their places, the
    /// writer's end finds them held, and counts them.
    #[inline]
    pub(super) fn take(&mut self) -> bool {
        self.state.hand.fill(&self.inbox.queue)
    }

    /// Whether the oldest that is held happened after the clock was read.
    #[inline]
    fn is_ahead(&mut self) -> bool {
        let observed_at = self.observed_at;
        let first = self.state.hand.first();
        first.is_some_and(|item| happened(&item.frame) > observed_at)
    }

    /// Renders the record that is held and the next ones, as far as one reading of the clock serves for them.
    pub(super) fn place_chunk(&mut self) -> usize {
        if self.state.phase == Phase::Resting {
            self.open("records after the end");
        }
        self.observe();
        let mut credit = Credit { records: 0, bytes: 0 };
        loop {
            credit.records += 1;
            credit.bytes += self.place_first();
            // Read after the records were taken or before they happened: none of them is observed before it happened.
            // Nor beyond a full batch: a caller who is as fast as this thread would have it grow, and not be written.
            if credit.records == CHUNK
                || self.batch.bytes().len() >= BATCH_BYTES
                || !self.take()
                || self.is_ahead()
            {
                break;
            }
        }
        self.state.popped += credit.records;
        add(&self.inbox.counters.taken, credit.records);
        self.inbox.queue.release(credit);
        credit.records as usize
    }

    /// Renders the oldest record that is held; answers with the bytes of its credit.
    #[inline]
    fn place_first(&mut self) -> u64 {
        let Some(item) = self.state.hand.first() else {
            return 0;
        };
        let bytes = item.frame.capacity() as u64;
        let seq = self.seq;
        let id = record_id(self.id_kind, happened(&item.frame), &mut self.random);
        let place = Place {
            stream: &self.stream,
            seq,
            observed_at: self.observed_at,
            id,
        };
        render(&mut self.lines, &mut self.batch, &place, &item.frame);
        self.seq += 1;
        self.state.in_batch += 1;
        if let Some(promise) = item.promise.take() {
            let placed = Placed {
                id,
                stream: Arc::clone(&self.stream),
                seq,
                observed_at: self.observed_at,
                leaf: None,
            };
            self.state.waiting.push((promise, placed));
        }
        self.inbox.recycle(item.frame.take_buffer());
        self.state.hand.pass();
        bytes
    }

    pub(super) fn observe(&mut self) {
        let now = self.inbox.clock.now();
        if now < self.observed_at {
            add(&self.inbox.counters.clock_backwards, 1);
        } else {
            self.observed_at = now;
        }
    }

    /// Gives a frame its place and renders its line into the batch. Gives the record's id.
    pub(super) fn place(&mut self, frame: &Redacted) -> Uuid {
        let id = record_id(self.id_kind, happened(frame), &mut self.random);
        let place = Place {
            stream: &self.stream,
            seq: self.seq,
            observed_at: self.observed_at,
            id,
        };
        render(&mut self.lines, &mut self.batch, &place, frame);
        self.seq += 1;
        id
    }

    /// Adds a control record to the batch. Gives its id.
    pub(super) fn control(&mut self, record: &Record) -> Uuid {
        self.observe();
        let mut into = Redacting::frame(Vec::new(), &self.own_policy);
        into.at(self.observed_at);
        into.record(record);
        if into.capacity().is_none() {
            // The writer's own records are few and short, and nobody else can say what they do: as everything on this
            // thread, they end the process where there is no memory.
            std::alloc::handle_alloc_error(std::alloc::Layout::new::<Record>());
        }
        let (frame, _) = into.finish();
        self.state.notes.push((self.seq, None));
        add(&self.inbox.counters.control, 1);
        self.place(&frame)
    }

    pub(super) fn open(&mut self, cause: &str) {
        let capacity = self.inbox.queue.capacity().records;
        // The queue, and a batch of the shortest lines with the chunk that made it full.
        let bound = capacity + (BATCH_BYTES / SHORTEST_LINE) as u64 + CHUNK;
        let opened = self.journal.as_ref().map(|journal| journal.opened().clone());
        let opened = opened.filter(|_| self.state.phase == Phase::Fresh);
        self.state.phase = Phase::Open;
        let mut record = control::open(cause, opened.as_ref(), bound, &self.effective);
        if let Some(percent) = self.space_watch.at_start.take() {
            record.put_member(Slot::Attributes, "disk_used_percent".to_owned(), percent.into());
        }
        self.control(&record);
        // What the start did, above all a key that takes over, stands right behind.
        self.tell_file_events();
    }

    pub(super) fn close(&mut self, cause: &str) {
        if self.state.phase == Phase::Open {
            self.remove_before_end();
            self.settle_sinks(true);
            let stats = self.inbox.counters.snapshot();
            self.control(&control::close(cause, stats.taken, stats.lost(), stats.paused));
            self.state.phase = Phase::Resting;
        }
    }

    /// Sleeps when there is nothing to do, longer each time: waking a sleeper would cost the callers microseconds,
    /// so the writer looks by itself.
    pub(super) fn rest(&mut self, has_moved: bool) {
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
        if self.journal.as_ref().is_some_and(FileSink::is_confirming) {
            // Short, so that what the disk confirms is known soon; not the shortest, for it takes that long anyway.
            sleep = sleep.min(FIRST_SLEEP * 8);
        }
        if !self.state.unsent.is_empty() || self.state.closing.is_some() {
            sleep = FIRST_SLEEP;
        }
        self.inbox.queue.signal().wait(sleep);
        self.state.sleep = (self.state.sleep * 2).min(LAST_SLEEP);
    }
}

/// Appends a record's line to the batch.
#[inline]
fn render(lines: &mut LineWriter, batch: &mut Batch, place: &Place<'_>, frame: &Redacted) {
    batch.push(place.seq, place.observed_at, |out| {
        lines.write(frame.bytes(), place, out);
    });
    if lines.has_rows() {
        batch.push_rows(place.seq, lines.take_rows());
    }
}

/// When the record of a frame happened: what every frame begins with.
#[inline]
fn happened(frame: &Redacted) -> u64 {
    let time = frame.bytes().first_chunk();
    time.map_or(0, |time| u64::from_le_bytes(*time))
}

/// A UUIDv7 from the record's own time, so that ids sort by when things happened, or a UUIDv4, which says nothing.
fn record_id(kind: IdKind, time: u64, random: &mut Xoshiro256PlusPlus) -> Uuid {
    match kind {
        IdKind::V7 => {
            let mut bits = [0; 10];
            random.fill_bytes(&mut bits);
            uuid::Builder::from_unix_timestamp_millis(time / 1_000_000, &bits).into_uuid()
        }
        IdKind::V4 => {
            let mut bits = [0; 16];
            random.fill_bytes(&mut bits);
            uuid::Builder::from_random_bytes(bits).into_uuid()
        }
    }
}
