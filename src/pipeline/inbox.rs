//! The callers' side: buffers, the queue, and the counting of everything that it refuses.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::losses::Losses;
use super::ports::Report;
use super::space_watch::Gauge;
use super::ticket::{Promise, Receipt, Ticket};
use crate::capture::{Loss, Outlet, Route};
use crate::clock::SharedClock;
use crate::config::Mode;
use crate::error::{Error, ErrorKind, Result};
use crate::memory;
use crate::queue::{BUFFER, Credit, Lane, Pool, Queue, Refused};
use crate::redact::{Redacted, Redacting};
use crate::stats::{Counters, add};

/// A frame on its way, and who waits for it.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) frame: Redacted,
    pub(super) promise: Option<Promise<Receipt>>,
}

impl Default for Item {
    /// A place for an item, with none in it.
    fn default() -> Self {
        Self {
            frame: Redacted::none(),
            promise: None,
        }
    }
}

impl Item {
    /// Moves the item to `place`, where none is needed any more, and leaves none.
    #[inline]
    pub(super) fn leave_in(&mut self, place: &mut Self) {
        self.frame.leave_in(&mut place.frame);
        place.promise = self.promise.take();
    }
}

/// What callers and the writer share.
pub(super) struct Inbox {
    pub(super) queue: Queue<Item>,
    /// Shared by the streams of a trail.
    pub(super) pool: Arc<Pool>,
    pub(super) counters: Arc<Counters>,
    pub(super) losses: Losses,
    pub(super) clock: SharedClock,
    /// How long a caller waits for room, and a durable caller in a layer for the disk.
    pub(super) patience: Patience,
    /// Takes what people should know.
    pub(super) report: Report,
    /// The room of the journal's file system.
    pub(super) space: Gauge,
    /// The writer has ended; nobody answers any more.
    ended: AtomicBool,
    /// What the writer left undone when it ended.
    left: Mutex<Left>,
    /// The process that the writer lives in. A forked child has the queue, but not the writer.
    process: u32,
}

/// What a writer leaves undone at its end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Left {
    /// Records that were submitted and are not durable, or not written at all.
    pub(super) records: u64,
    /// It panicked; otherwise its time was up.
    pub(super) has_panicked: bool,
}

/// How long callers wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For room in the queue.
    pub(super) room: Duration,
    /// For the disk.
    pub(super) commit: Duration,
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox")
            .field("used", &self.queue.used())
            .finish_non_exhaustive()
    }
}

impl Inbox {
    pub(super) fn new(
        capacity: Credit,
        clock: SharedClock,
        counters: Arc<Counters>,
        patience: Patience,
        report: Report,
    ) -> Self {
        Self {
            queue: Queue::new(capacity),
            pool: Arc::new(pool(capacity)),
            counters,
            losses: Losses::default(),
            clock,
            patience,
            report,
            space: Gauge::default(),
            ended: AtomicBool::new(false),
            left: Mutex::new(Left::default()),
            process: std::process::id(),
        }
    }

    /// The inbox of another stream of the same trail: a queue of the same size, counters of its own.
    pub(super) fn beside(&self) -> Self {
        Self {
            queue: Queue::new(self.queue.capacity()),
            pool: Arc::clone(&self.pool),
            counters: Arc::default(),
            losses: Losses::default(),
            clock: self.clock.clone(),
            patience: self.patience,
            report: Arc::clone(&self.report),
            space: Gauge::default(),
            ended: AtomicBool::new(false),
            left: Mutex::new(Left::default()),
            process: self.process,
        }
    }

    /// The writer says that it has ended. What was in the queue before is still its own to count; who pushes behind it
    /// sees the end: one of the two happens, hence the strict order.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    pub(super) fn has_ended(&self) -> bool {
        fence(Ordering::SeqCst);
        self.ended.load(Ordering::SeqCst)
    }

    /// Takes what is still in the queue out of it, and counts it: nothing is lost in silence. Called by the writer at its
    /// end, and by whoever finds that a record arrived behind that end. Who waits for one of them is told.
    pub(super) fn give_up_queued(&self) -> u64 {
        let mut gone = Credit { records: 0, bytes: 0 };
        while let Some(item) = self.queue.pop() {
            gone.records += 1;
            gone.bytes += item.frame.capacity() as u64;
        }
        add(&self.counters.lost_write, gone.records);
        self.queue.release(gone);
        self.leave(gone.records, false);
        gone.records
    }

    /// Notes what the writer leaves undone.
    pub(super) fn leave(&self, records: u64, has_panicked: bool) {
        let mut left = self.left.lock();
        left.records += records;
        left.has_panicked |= has_panicked;
    }

    pub(super) fn left(&self) -> Left {
        *self.left.lock()
    }

    pub(super) fn is_forked(&self) -> bool {
        std::process::id() != self.process
    }

    /// Hands an item over in the way of its mode. What is refused comes back with the cause.
    #[expect(
        clippy::result_large_err,
        reason = "what is refused comes back by value, as it was given"
    )]
    pub(super) fn push(&self, item: Item, route: Route<'_>) -> Result<(), (Item, Loss)> {
        let bytes = item.frame.capacity();
        let lane = if route.mode == Mode::Durable {
            Lane::Reserved
        } else {
            Lane::Ordinary
        };
        let has_promise = item.promise.is_some();
        let pushed = match self.queue.try_push(item, bytes, lane) {
            Err(Refused::Full(item)) if route.mode != Mode::Lossy => {
                if self.is_forked() {
                    return Err((item, Loss::Forked));
                }
                self.queue
                    .push(item, bytes, lane, trip(route.category), self.room())
            }
            pushed => pushed,
        };
        if has_promise && self.has_ended() {
            // It may stand behind the writer's last look at the queue.
            self.give_up_queued();
        }
        pushed.map_err(|refused| match refused {
            Refused::Full(item) => (item, Loss::Full),
            Refused::Tripped(item) => (item, Loss::Tripped),
            Refused::Closed(item) => (item, Loss::Closed),
        })
    }

    /// Counts a refusal whose caller is told, and says it.
    pub(super) fn rejected(&self, item: Option<Item>, loss: Loss) -> Error {
        if let Some(item) = item {
            self.recycle(item.frame.into_buffer());
        }
        let counters = &self.counters;
        let (counter, kind, message) = match loss {
            Loss::Full => (
                &counters.rejected_full,
                ErrorKind::Full,
                "the audit queue stayed full; the record was not taken. Check the disk, or give `queue_records` more",
            ),
            Loss::Tripped => (
                &counters.rejected_tripped,
                ErrorKind::Full,
                "the audit queue is full and the writer has not moved since the last wait expired; \
                 the record was not taken. Check the disk",
            ),
            Loss::Closed => (
                &counters.rejected_closed,
                ErrorKind::Closed,
                "the audit trail was shut down; the record was not taken. Emit before `shutdown`",
            ),
            Loss::Policy => (
                &counters.rejected_policy,
                ErrorKind::Refused,
                "the record names no actor and the policy requires one; it was not taken. \
                 Give `actor`, or open an `Actor` scope",
            ),
            Loss::Reentrant => (
                &counters.rejected_reentrant,
                ErrorKind::Reentrant,
                "the audit trail was called from a value that it is recording, or from its own thread; \
                 the record was not taken. Emit outside of `Debug`, `Display` and `Sink`",
            ),
            Loss::Forked => (
                &counters.rejected_forked,
                ErrorKind::Forked,
                "this process was forked and has no audit writer; the record was not taken. \
                 Start a trail of its own in the child",
            ),
            Loss::Memory => {
                add(&counters.rejected_memory, 1);
                return Error::memory();
            }
        };
        add(counter, 1);
        Error::new(kind, message)
    }
}

thread_local! {
    static LAST_WAIT: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// While it lives, what this thread reports waits for room until then at most, and for no answer: whoever ends the trail
/// waits for all records together, and no longer than it was told.
pub(super) struct LastWait(());

impl LastWait {
    pub(super) fn until(deadline: Instant) -> Self {
        let _ = LAST_WAIT.try_with(|until| until.set(Some(deadline)));
        Self(())
    }

    fn get() -> Option<Instant> {
        LAST_WAIT.try_with(Cell::get).ok().flatten()
    }
}

impl Drop for LastWait {
    fn drop(&mut self) {
        let _ = LAST_WAIT.try_with(|until| until.set(None));
    }
}

impl Inbox {
    /// How long this thread waits for room.
    fn room(&self) -> Duration {
        let left = |until: Instant| until.saturating_duration_since(Instant::now());
        let room = self.patience.room;
        LastWait::get().map_or(room, |until| left(until).min(room))
    }

    /// What a full or closed queue refused: waits as the mode says, and counts what is lost.
    #[cold]
    #[inline(never)]
    fn send_again(&self, refused: &Refused<()>, frame: &mut Redacting<'_>, route: Route<'_>) {
        // A thread of our own must not wait for itself.
        let may_wait = route.mode != Mode::Lossy && !crate::capture::is_own_thread();
        let loss = match refused {
            Refused::Full(()) => Loss::Full,
            Refused::Tripped(()) => Loss::Tripped,
            Refused::Closed(()) => Loss::Closed,
        };
        if !(may_wait && loss == Loss::Full) {
            return self.lost(loss, route.category);
        }
        let (frame, spare) = frame.finish();
        self.recycle(spare);
        let item = Item { frame, promise: None };
        if let Err((item, loss)) = self.push(item, route) {
            self.recycle(item.frame.into_buffer());
            self.lost(loss, route.category);
        }
    }

    /// A buffer for a thread that has none in its hand.
    #[cold]
    #[inline(never)]
    fn other_buffer(&self) -> Vec<u8> {
        self.pool.take().unwrap_or_else(|| {
            add(&self.counters.pool_empty, 1);
            memory::zeros(BUFFER)
        })
    }

    /// Counts a frame for which there was no memory.
    #[cold]
    #[inline(never)]
    fn lost_whole(&self, frame: &mut Redacting<'_>, route: Route<'_>) {
        self.recycle(frame.discard());
        self.lost(Loss::Memory, route.category);
    }

    /// Hands a frame over and waits for the disk; `false`, and nothing, on a thread of our own, which would wait for itself.
    #[cold]
    #[inline(never)]
    fn send_durable(&self, frame: &mut Redacting<'_>, route: Route<'_>) -> bool {
        if crate::capture::is_own_thread() {
            return false;
        }
        let (frame, spare) = frame.finish();
        self.recycle(spare);
        self.push_durable(frame, route);
        true
    }

    fn push_durable(&self, frame: Redacted, route: Route<'_>) {
        if self.is_forked() {
            self.recycle(frame.into_buffer());
            return self.lost(Loss::Forked, route.category);
        }
        let Some((promise, ticket)) = Ticket::of_record() else {
            self.recycle(frame.into_buffer());
            return self.lost(Loss::Memory, route.category);
        };
        let is_last = LastWait::get().is_some();
        let promise = (!is_last).then_some(promise);
        match self.push(Item { frame, promise }, route) {
            Ok(()) if is_last => {}
            Ok(()) => {
                self.queue.signal().notify();
                // An expired wait loses nothing: the record is still on its way.
                let deadline = crate::clock::deadline(self.patience.commit);
                let _ = ticket.wait(deadline);
                Ticket::keep(&ticket);
            }
            Err((item, loss)) => {
                self.recycle(item.frame.into_buffer());
                self.lost(loss, route.category);
            }
        }
    }
}

impl Outlet for Inbox {
    #[inline]
    fn buffer(&self) -> Vec<u8> {
        match Pool::held() {
            Some(buffer) => buffer,
            None => self.other_buffer(),
        }
    }

    #[inline]
    fn recycle(&self, buffer: Vec<u8>) {
        if !self.pool.put(buffer) {
            add(&self.counters.large_frames, 1);
        }
    }

    #[inline]
    fn send(&self, frame: &mut Redacting<'_>, route: Route<'_>) {
        let Some(bytes) = frame.capacity() else {
            return self.lost_whole(frame, route);
        };
        if route.mode == Mode::Durable && self.send_durable(frame, route) {
            return;
        }
        let sent = self.queue.try_fill(bytes, Lane::Ordinary, |place| {
            frame.finish_in(&mut place.frame);
        });
        if let Err(refused) = sent {
            self.send_again(&refused, frame, route);
        }
        self.recycle(frame.discard());
    }

    #[cold]
    fn lost(&self, cause: Loss, category: &str) {
        let counter = match cause {
            Loss::Full => &self.counters.lost_full,
            Loss::Forked => &self.counters.lost_forked,
            Loss::Tripped => &self.counters.lost_tripped,
            Loss::Policy => &self.counters.lost_policy,
            Loss::Reentrant => &self.counters.lost_reentrant,
            Loss::Closed => &self.counters.lost_closed,
            Loss::Memory => &self.counters.lost_memory,
        };
        if matches!(cause, Loss::Closed | Loss::Forked) {
            // The trail has ended, or its writer lives in another process: no gap record can follow, the counter is all
            // there is.
            add(counter, 1);
            return;
        }
        self.losses.add(cause, category, self.clock.now(), 1);
        counter.fetch_add(1, Ordering::AcqRel);
        self.queue.signal().notify();
    }

    #[cold]
    fn say(&self, sentence: &str) {
        (self.report)(sentence);
    }
}

/// Buffers for frames that are too long to travel by value, in what the queue's own memory leaves of `capacity`. Where
/// every frame is long, more are made, and kept.
fn pool(capacity: Credit) -> Pool {
    let buffers =
        |bytes: u64| usize::try_from(capacity.records.min(bytes / BUFFER as u64)).unwrap_or(usize::MAX);
    let queue = capacity.records.saturating_mul(size_of::<Item>() as u64);
    Pool::new(
        buffers(capacity.bytes.saturating_sub(queue)),
        buffers(capacity.bytes),
    )
}

/// Which trip state a category uses: FNV-1a, because it costs nothing and need not resist anybody.
fn trip(category: &str) -> u8 {
    let hash = category.bytes().fold(0x811C_9DC5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    u8::try_from(hash >> 24).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Policy;

    #[test]
    fn what_a_forked_child_loses_has_a_counter_of_its_own_and_no_gap() {
        let capacity = Credit {
            records: 16,
            bytes: 1 << 20,
        };
        let patience = Patience {
            room: Duration::MAX,
            commit: Duration::MAX,
        };
        let (clock, counters) = (SharedClock::System, Arc::new(Counters::default()));
        let mut inbox = Inbox::new(capacity, clock, Arc::clone(&counters), patience, Arc::new(|_| {}));
        // As a child finds it: the writer lives in the process that it was forked from.
        inbox.process = inbox.process.wrapping_add(1);
        let send = |mode| {
            let policy = Policy::balanced();
            let mut frame = Redacting::frame(inbox.buffer(), &policy);
            frame.at(1);
            inbox.send(&mut frame, Route { mode, category: "x" });
        };
        // It must not wait for a disk that nobody asks, nor for room that nobody makes.
        send(Mode::Durable);
        (0..16).for_each(|_| send(Mode::Bounded));
        let stats = counters.snapshot();
        let took = inbox.queue.used().records;
        assert_eq!(stats.lost_forked, 17 - took);
        assert!(stats.lost_forked > 1);
        assert_eq!((stats.lost(), stats.lost_full), (stats.lost_forked, 0));
        assert!(inbox.losses.take().is_empty(), "nobody will write a gap");
    }
}
