//! The direct door: receipts, refusals that the caller is told of, and futures that may be dropped at any time.

#[path = "support/held.rs"]
mod held;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use held::HeldClock;
use parking_lot::{Condvar, Mutex};
use tracing::{info, info_span};
use tracing_audit::clock::ManualClock;
use tracing_audit::format::Entry;
use tracing_audit::record::{Level, Record, Slot};
use tracing_audit::sink::{Accepted, MemorySink, Sink, SinkError};
use tracing_audit::testing::{MemoryEmitter, Recording};
use tracing_audit::{Audit, Emitter, ErrorKind, NoopEmitter, State, Submitted};

const LONG: Duration = Duration::from_secs(30);

fn record(event: &str) -> Record {
    Record::builder(event).actor("user", "alice").build()
}

/// A sink that takes nothing until it is opened.
#[derive(Debug, Clone, Default)]
struct Gate {
    inner: MemorySink,
    state: Arc<(Mutex<bool>, Condvar)>,
}

impl Gate {
    fn open(&self) {
        *self.state.0.lock() = true;
        self.state.1.notify_all();
    }
}

impl Sink for Gate {
    fn deliver(&mut self, batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        let mut open = self.state.0.lock();
        self.state.1.wait_while(&mut open, |open| !*open);
        drop(open);
        self.inner.deliver(batch)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// The smallest queue, and the quarter of it that is kept for those who wait for an answer.
const CAPACITY: u64 = tracing_audit::config::limits::QUEUE_RECORDS.least;
const RESERVED: u64 = CAPACITY / 4;

/// A trail whose writer is held, and whose queue is full but for the reserved part.
fn full(commit_timeout: Duration) -> (Audit, HeldClock, MemorySink) {
    let (clock, sink) = (HeldClock::new(), MemorySink::new());
    let builder = Audit::builder()
        .without_journal()
        .sink(sink.clone())
        .clock(clock.clone())
        .queue_records(CAPACITY)
        .room_timeout(Duration::from_millis(20))
        .commit_timeout(commit_timeout);
    let audit = builder.start().unwrap();
    audit.flush(LONG).unwrap();
    clock.shut();
    audit.submit(record("filler")).unwrap();
    clock.wait_for_the_writer();
    // It may have the first in its hands: the credit of that one is given back when it goes on.
    for _ in 1..CAPACITY - RESERVED {
        audit.submit(record("filler")).unwrap();
    }
    assert_eq!(audit.stats().in_queue, CAPACITY - RESERVED);
    (audit, clock, sink)
}

/// How many records of that name the sink has.
fn count(sink: &MemorySink, name: &str) -> u64 {
    let records = sink.records();
    records.iter().filter(|record| record.event() == name).count() as u64
}

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(AtomicUsize, Mutex<Option<std::thread::Thread>>);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        if let Some(thread) = &*self.1.lock() {
            thread.unpark();
        }
    }
}

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

#[test]
fn with_a_journal_a_receipt_says_durable_and_the_line_is_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(1_795_219_200_000_000_000);
    let builder = Audit::builder().directory(directory.path()).clock(clock);
    let audit = builder.start().unwrap();
    let receipt = audit.emit(record("user.login")).unwrap();
    assert_eq!(receipt.state(), State::Durable);
    assert_eq!(receipt.stream(), audit.stream());
    assert_eq!(receipt.observed_at(), Some(1_795_219_200_000_000_000));
    // The first record is that the trail began.
    assert_eq!(receipt.seq(), Some(1));
    let segment = std::fs::read_dir(audit.path().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .unwrap();
    let text = std::fs::read_to_string(segment).unwrap();
    let line = text.lines().find(|line| line.contains("user.login")).unwrap();
    assert!(line.contains(&receipt.id().unwrap().to_string()), "{line}");
    assert_eq!(audit.stats().durable, 1);
}

#[test]
fn without_a_journal_a_receipt_says_delivered_and_every_sink_has_the_record() {
    let sinks = [MemorySink::new(), MemorySink::new()];
    let builder = Audit::builder().without_journal();
    let builder = sinks
        .iter()
        .fold(builder, |builder, sink| builder.sink(sink.clone()));
    let audit = builder.start().unwrap();
    let receipt = audit.emit(record("user.login")).unwrap();
    assert_eq!(receipt.state(), State::Delivered);
    for sink in &sinks {
        let last = sink.entries().pop().unwrap();
        assert_eq!(Some(last.seq()), receipt.seq());
        assert_eq!(
            last.record().unwrap().text(Slot::Id),
            Some(receipt.id().unwrap().to_string().as_str())
        );
    }
}

#[test]
fn an_id_that_the_caller_gave_is_kept_and_another_is_new_each_time() {
    let emitter = MemoryEmitter::new();
    let own = uuid::Uuid::from_u128(0x0192_f0c1_2b5e_7c3a_8f00_aaaa_bbbb_cccc);
    let given = emitter.emit(Record::builder("given").id(own).build()).unwrap();
    assert_eq!(given.id(), Some(own));
    let captured = emitter.captured();
    captured.only().assert_has(Slot::Id, own.to_string());
    let ids = [(); 2].map(|()| emitter.emit(record("made")).unwrap().id().unwrap());
    assert_ne!(ids[0], ids[1]);
    assert_eq!(ids.map(|id| id.get_version_num()), [7, 7]);
}

#[test]
fn a_level_travels_and_is_info_where_none_is_given() {
    let emitter = MemoryEmitter::new();
    emitter.emit(record("plain")).unwrap();
    emitter
        .emit(Record::builder("grave").level(&Level::Error).build())
        .unwrap();
    let captured = emitter.captured();
    captured
        .with_event("plain")
        .only()
        .assert_has(Slot::Level, "info");
    captured
        .with_event("grave")
        .only()
        .assert_has(Slot::Level, "error");
}

#[test]
fn a_record_that_was_read_can_be_emitted_again_and_has_a_place_of_its_own() {
    let emitter = MemoryEmitter::new();
    let first = emitter
        .emit(Record::builder("x").attribute("n", 1_u8).reason("why").build())
        .unwrap();
    let read = emitter.captured().only().record().clone();
    let second = emitter.emit(read).unwrap();
    assert_eq!(second.id(), first.id(), "the id is the record's own");
    assert_eq!(second.seq(), first.seq().map(|seq| seq + 1));
    let captured = emitter.captured();
    let [one, two] = captured.records() else {
        panic!("{captured:?}")
    };
    let places = [Slot::Seq, Slot::ObservedAt];
    for (slot, value) in one.slots().filter(|(slot, _)| !places.contains(slot)) {
        assert_eq!(two.get(slot), Some(value), "{slot:?}");
    }
    assert_eq!(two.uint(Slot::Seq), second.seq());
}

/// T000-04.
#[test]
fn a_disabled_trail_creates_nothing_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let inside = directory.path().join("audit");
    let audit = Audit::builder()
        .enabled(false)
        .directory(&inside)
        .start()
        .unwrap();
    assert_eq!(audit.emit(record("x")).unwrap().state(), State::Disabled);
    assert_eq!(audit.emit(record("x")).unwrap().id(), None);
    assert_eq!(audit.submit(record("x")).unwrap(), Submitted::Disabled);
    let mut future = audit.emit_async(record("x"));
    let Poll::Ready(Ok(receipt)) = poll(&mut future, Waker::noop()) else {
        panic!("it need not wait")
    };
    assert_eq!(receipt.state(), State::Disabled);
    audit.flush(LONG).unwrap();
    audit.shutdown(LONG).unwrap();
    assert!(!inside.exists());
    assert_eq!((audit.stream(), audit.path()), (None, None));
}

#[test]
fn after_the_shutdown_the_caller_is_told() {
    let emitter = MemoryEmitter::new();
    let audit = emitter.audit();
    emitter.emit(record("before")).unwrap();
    audit.shutdown(LONG).unwrap();
    assert_eq!(emitter.emit(record("x")).unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(emitter.submit(record("x")).unwrap_err().kind(), ErrorKind::Closed);
    let mut future = audit.emit_async(record("x"));
    let Poll::Ready(Err(error)) = poll(&mut future, Waker::noop()) else {
        panic!("it need not wait")
    };
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(audit.stats().rejected_closed, 3);
    emitter.captured().count(1);
}

/// Emits while it is being recorded.
struct Emits(Audit, Mutex<Vec<ErrorKind>>);

impl std::fmt::Debug for Emits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = |error: tracing_audit::Error| error.kind();
        let mut kinds = self.1.lock();
        kinds.push(self.0.emit(record("inner")).map_err(kind).unwrap_err());
        kinds.push(self.0.submit(record("inner")).map_err(kind).unwrap_err());
        let polled = poll(&mut self.0.emit_async(record("inner")), Waker::noop());
        let Poll::Ready(Err(error)) = polled else {
            panic!("it must not wait")
        };
        kinds.push(error.kind());
        f.write_str("emits")
    }
}

#[test]
fn a_value_that_emits_while_it_is_recorded_is_refused_and_the_outer_record_written() {
    let recording = Recording::new();
    let emits = Emits(recording.audit().clone(), Mutex::default());
    recording.run(|| {
        info!(target: "audit", event = "event", value = ?emits);
        drop(info_span!(target: "audit", "span", value = ?emits));
    });
    assert_eq!(*emits.1.lock(), [ErrorKind::Reentrant; 6]);
    let captured = recording.captured();
    captured.count(2).with_attribute("value", "emits").count(2);
    assert_eq!(recording.audit().stats().rejected_reentrant, 6);
}

/// A sink that emits into the trail that it belongs to.
#[derive(Debug, Default, Clone)]
struct Loops(Arc<Mutex<Option<Audit>>>, Arc<Mutex<Vec<ErrorKind>>>);

impl Sink for Loops {
    fn deliver(&mut self, _: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        if let Some(audit) = self.0.lock().take() {
            let mut kinds = self.1.lock();
            kinds.push(audit.emit(record("x")).unwrap_err().kind());
            kinds.push(audit.submit(record("x")).unwrap_err().kind());
            kinds.push(audit.flush(LONG).unwrap_err().kind());
        }
        Ok(Accepted::default())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

#[test]
fn a_sink_that_calls_its_own_trail_is_refused_and_does_not_wait_for_itself() {
    let sink = Loops::default();
    let audit = Audit::builder()
        .without_journal()
        .sink(sink.clone())
        .start()
        .unwrap();
    audit.flush(LONG).unwrap();
    *sink.0.lock() = Some(audit.clone());
    assert_eq!(audit.emit(record("x")).unwrap().state(), State::Delivered);
    assert_eq!(*sink.1.lock(), [ErrorKind::Reentrant; 3]);
}

#[test]
fn a_queue_that_stays_full_refuses_and_then_refuses_at_once() {
    let (audit, clock, sink) = full(Duration::from_millis(1));
    let refused = || (audit.stats().rejected_full, audit.stats().rejected_tripped);
    // `submit` never waits and trips nothing.
    for n in 1..=3 {
        assert_eq!(
            audit.submit(record("filler")).unwrap_err().kind(),
            ErrorKind::Full
        );
        assert_eq!(refused(), (n, 0));
    }
    // `emit` may use the part that is kept for those who wait for the answer: queued, and only the answer is late.
    for _ in 0..RESERVED {
        assert_eq!(
            audit.emit(record("emitted")).unwrap_err().kind(),
            ErrorKind::Timeout
        );
    }
    assert_eq!((audit.stats().in_queue, refused()), (CAPACITY, (3, 0)));
    // Then it waits for room, and then it need not.
    for expected in [(4, 0), (4, 1), (4, 2)] {
        assert_eq!(audit.emit(record("emitted")).unwrap_err().kind(), ErrorKind::Full);
        assert_eq!(refused(), expected);
    }
    clock.open();
    // The writer has moved: nothing is tripped any more.
    audit.flush(LONG).unwrap();
    audit.submit(record("after")).unwrap();
    audit.shutdown(LONG).unwrap();
    let events = ["filler", "emitted", "after"].map(|name| count(&sink, name));
    assert_eq!(events, [CAPACITY - RESERVED, RESERVED, 1]);
    let stats = audit.stats();
    assert_eq!(stats.taken, CAPACITY + 1);
    assert_eq!((stats.lost(), stats.in_queue), (0, 0));
    assert_eq!(refused(), (4, 2));
}

#[test]
fn a_future_that_is_never_polled_submits_nothing() {
    let emitter = MemoryEmitter::new();
    drop(emitter.audit().emit_async(record("never")));
    emitter.captured().none();
    assert_eq!(emitter.audit().stats().taken, 0);
}

#[test]
fn a_future_that_is_dropped_after_it_was_queued_is_still_written() {
    let gate = Gate::default();
    let audit = Audit::builder()
        .without_journal()
        .sink(gate.clone())
        .start()
        .unwrap();
    let mut future = audit.emit_async(record("queued"));
    assert!(poll(&mut future, Waker::noop()).is_pending());
    drop(future);
    gate.open();
    audit.shutdown(LONG).unwrap();
    assert!(
        gate.inner
            .records()
            .iter()
            .any(|record| record.event() == "queued")
    );
}

#[test]
fn a_future_that_waits_for_room_is_woken_and_one_that_is_dropped_there_submits_nothing() {
    let (audit, clock, sink) = full(LONG);
    let woken = Arc::new(Woken(
        AtomicUsize::new(0),
        Mutex::new(Some(std::thread::current())),
    ));
    let waker = Waker::from(Arc::clone(&woken));
    // The reserved part of the queue fills up, until one future must wait for room.
    let mut queued = Vec::new();
    for _ in 0..RESERVED {
        let mut future = audit.emit_async(record("queued"));
        assert!(poll(&mut future, Waker::noop()).is_pending());
        queued.push(future);
    }
    assert_eq!(audit.stats().in_queue, CAPACITY);
    let mut dropped = audit.emit_async(record("dropped"));
    assert!(poll(&mut dropped, Waker::noop()).is_pending());
    drop(dropped);
    let mut waits = audit.emit_async(record("waited"));
    assert!(poll(&mut waits, &waker).is_pending());
    assert_eq!(audit.stats().in_queue, CAPACITY);
    clock.open();
    let receipt = loop {
        match poll(&mut waits, &waker) {
            Poll::Ready(receipt) => break receipt.unwrap(),
            // Without a wake this test would hang.
            Poll::Pending => std::thread::park(),
        }
    };
    assert_eq!(receipt.state(), State::Delivered);
    assert!(woken.0.load(Ordering::SeqCst) >= 1);
    audit.shutdown(LONG).unwrap();
    let events = ["dropped", "waited", "queued"].map(|name| count(&sink, name));
    assert_eq!(events, [0, 1, RESERVED]);
    assert_eq!(audit.stats().rejected_tripped, 0);
}

#[test]
fn a_future_is_answered_on_a_runtime_of_one_thread() {
    let directory = tempfile::tempdir().unwrap();
    let audit = Audit::builder().directory(directory.path()).start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let receipts = runtime.block_on(async {
        let tasks: Vec<_> = (0..20)
            .map(|n| audit.emit_async(Record::builder("x").attribute("n", n).build()))
            .collect();
        let mut receipts = Vec::new();
        for task in tasks {
            receipts.push(task.await.unwrap());
        }
        receipts
    });
    assert!(receipts.iter().all(|receipt| receipt.state() == State::Durable));
    let places: Vec<_> = receipts.iter().map(|receipt| receipt.seq().unwrap()).collect();
    assert!(places.is_sorted());
}

#[test]
fn every_emitter_works_behind_the_trait() {
    let memory = MemoryEmitter::new();
    let emitters: Vec<(Box<dyn Emitter>, State)> = vec![
        (Box::new(memory.clone()), State::Delivered),
        (Box::new(memory.audit().clone()), State::Delivered),
        (Box::new(NoopEmitter), State::Disabled),
    ];
    for (emitter, state) in &emitters {
        assert_eq!(emitter.emit(record("emitted")).unwrap().state(), *state);
        let submitted = emitter.submit(record("submitted")).unwrap();
        assert_eq!(submitted == Submitted::Queued, *state == State::Delivered);
    }
    memory.captured().count(4);
}

#[test]
fn a_memory_emitter_keeps_what_would_be_written() {
    let emitter = MemoryEmitter::with(|audit| audit.event_floor("noise.*", Level::Warn));
    emitter
        .emit(Record::builder("x").attribute("password", "hunter2").build())
        .unwrap();
    assert_eq!(
        emitter.submit(record("noise.tick")).unwrap(),
        Submitted::BelowLevel
    );
    emitter
        .captured()
        .only()
        .assert_attribute("password", "[REDACTED:secret]")
        .assert_hides("hunter2");
    assert!(!format!("{emitter:?}").contains("hunter2"));
}
