//! The buffered emitter that the second seed asks for: a trail over a store of one's own, with a buffer of a chosen size,
//! whose callers never wait, and which can be flushed and closed at any time.

#[path = "support/held.rs"]
mod held;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use held::HeldClock;
use tracing_audit::format::{Entry, read_line};
use tracing_audit::record::{Record, Slot};
use tracing_audit::sink::{Accepted, MemorySink, Sink, SinkError};
use tracing_audit::{Audit, Emitter, ErrorKind, NoopEmitter, State, Stats, Submitted};

const LONG: Duration = Duration::from_secs(30);

/// A store of an application's own, which keeps the events of its records.
#[derive(Debug, Clone, Default)]
struct Store(Arc<parking_lot::Mutex<Vec<String>>>);

impl Store {
    /// What was stored of the application's own records, in order.
    fn events(&self) -> Vec<String> {
        let all = self.0.lock();
        all.iter()
            .filter(|event| !event.starts_with("audit."))
            .cloned()
            .collect()
    }
}

impl Sink for Store {
    fn deliver(&mut self, batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        for entry in batch {
            let record = read_line(entry.line()).map_err(SinkError::fatal)?;
            self.0.lock().push(record.event().to_owned());
        }
        Ok(Accepted::default())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

fn record(n: u64) -> Record {
    Record::builder(format!("event.{n}"))
        .actor("user", "alice")
        .build()
}

/// An emitter with a buffer of so many records over a store, as an application sets it up.
fn buffered(store: &Store, records: u64) -> Audit {
    let builder = Audit::builder().without_journal().sink(store.clone());
    builder.queue_records(records).start().unwrap()
}

/// Submits records with these numbers.
fn submit(audit: &Audit, numbers: std::ops::Range<u64>) {
    for n in numbers {
        assert_eq!(audit.submit(record(n)).unwrap(), Submitted::Queued);
    }
}

fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        std::thread::yield_now();
    }
}

/// T001-05: closing drains everything that waits.
#[test]
fn closing_stores_all_that_waits() {
    let store = Store::default();
    let audit = buffered(&store, 1_000);
    submit(&audit, 0..500);
    audit.shutdown(LONG).unwrap();
    let expected: Vec<_> = (0..500).map(|n| format!("event.{n}")).collect();
    assert_eq!(store.events(), expected);
}

/// T001-06: what is in the buffer is stored without a flush, and a quarter of the buffer at once.
#[test]
fn what_is_submitted_is_stored_without_anybody_asking_for_it() {
    let store = Store::default();
    let audit = buffered(&store, 64);
    // So many that the writer is woken, and one alone, which it finds by itself.
    for total in [20, 21] {
        submit(&audit, store.events().len() as u64..total as u64);
        until(|| store.events().len() == total);
    }
}

/// T001-07: a record without a time has that of its submission. What a missing status means is not made up: the shape of
/// the seed reads it as a success.
#[test]
fn a_record_without_a_time_has_that_of_its_submission_and_no_outcome_is_made_up() {
    let sink = MemorySink::new();
    let audit = Audit::builder().memory(&sink).start().unwrap();
    audit.submit(record(1)).unwrap();
    audit.flush(LONG).unwrap();
    let records = sink.records();
    let stored = records.iter().find(|record| record.event() == "event.1").unwrap();
    assert!(stored.uint(Slot::Time).is_some_and(|time| time > 0));
    assert!(stored.uint(Slot::ObservedAt) >= stored.uint(Slot::Time));
    assert_eq!(stored.text(Slot::Outcome), None);
}

/// T001-08: a flush stores the ten before it; the emitter goes on, and the next flush stores the eleventh.
#[test]
fn a_flush_stores_all_that_was_submitted_before_it_and_the_emitter_goes_on() {
    let store = Store::default();
    let audit = buffered(&store, 1_000);
    submit(&audit, 0..10);
    audit.flush(LONG).unwrap();
    assert_eq!(store.events().len(), 10);
    audit.submit(record(10)).unwrap();
    audit.flush(LONG).unwrap();
    assert_eq!(store.events().len(), 11);
}

/// T001-09: five flushes race a hundred emits; after the last flush exactly a hundred are stored.
#[test]
fn flushes_that_race_emits_lose_and_double_nothing() {
    let store = Store::default();
    let audit = buffered(&store, 1_000);
    std::thread::scope(|scope| {
        for thread in 0..10 {
            let audit = &audit;
            scope.spawn(move || submit(audit, thread * 10..thread * 10 + 10));
        }
        for _ in 0..5 {
            scope.spawn(|| audit.flush(LONG).unwrap());
        }
    });
    audit.flush(LONG).unwrap();
    let mut events = store.events();
    events.sort();
    events.dedup();
    assert_eq!((events.len(), store.events().len()), (100, 100));
}

/// T001-10: the emitter that does nothing takes everything, says that it is off, and keeps nothing.
#[test]
fn the_emitter_that_does_nothing_says_so() {
    let emitter: &dyn Emitter = &NoopEmitter;
    assert_eq!(emitter.submit(record(1)).unwrap(), Submitted::Disabled);
    assert_eq!(emitter.emit(record(1)).unwrap().state(), State::Disabled);
}

/// What was stored and what was refused of a burst of 2,000 records by so many producers, while the writer stands still.
fn burst(producers: u64) -> (u64, u64, Stats) {
    const BUFFER: u64 = 1_000;
    const BURST: u64 = 2_000;
    let (clock, sink) = (HeldClock::new(), MemorySink::new());
    let builder = Audit::builder()
        .memory(&sink)
        .clock(clock.clone())
        .queue_records(BUFFER);
    let audit = builder.start().unwrap();
    audit.flush(LONG).unwrap();
    clock.shut();
    clock.wait_for_the_writer();
    let dropped = AtomicU64::new(0);
    // The clock holds whoever asks it but this thread, so the records state their time.
    let timed = |n: u64| {
        Record::builder(format!("event.{n}"))
            .actor("user", "alice")
            .time(1)
            .build()
    };
    // Where a producer waited, this would never end: the writer goes on only behind it.
    std::thread::scope(|scope| {
        for _ in 0..producers {
            scope.spawn(|| {
                for n in 0..BURST / producers {
                    if let Err(error) = audit.submit(timed(n)) {
                        assert_eq!(error.kind(), ErrorKind::Full);
                        dropped.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    clock.open();
    audit.shutdown(LONG).unwrap();
    let delivered = sink
        .records()
        .iter()
        .filter(|record| record.event().starts_with("event."))
        .count();
    (delivered as u64, dropped.into_inner(), audit.stats())
}

/// T001-11, T001-12: a burst of 2,000 into a buffer of 1,000 whose writer stands still: nobody waits, delivered and dropped
/// are 2,000 exactly, and every drop is told to its caller and counted. A quarter of the buffer is kept for records whose
/// callers wait for them.
#[test]
fn in_a_burst_nobody_waits_and_delivered_and_dropped_are_all_that_was_submitted() {
    for producers in [1, 2] {
        let (delivered, dropped, stats) = burst(producers);
        assert_eq!(delivered + dropped, 2_000, "{producers} producers");
        assert_eq!(delivered, 750, "{producers} producers");
        assert_eq!(
            (stats.rejected_full + stats.rejected_tripped, stats.taken),
            (dropped, delivered)
        );
    }
}

/// After the end every call answers: a record is refused and counted, a flush and a second close say how the end was. (The
/// seed's own emitter panics, and its flush waits for ever.)
#[test]
fn after_the_close_records_are_refused_and_counted_and_nothing_hangs() {
    let store = Store::default();
    let audit = buffered(&store, 1_000);
    audit.submit(record(1)).unwrap();
    audit.shutdown(LONG).unwrap();
    for _ in 0..2 {
        assert_eq!(audit.submit(record(2)).unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(audit.emit(record(3)).unwrap_err().kind(), ErrorKind::Closed);
        audit.flush(LONG).unwrap();
        audit.shutdown(LONG).unwrap();
    }
    assert_eq!(audit.stats().rejected_closed, 4);
    assert_eq!(store.events(), ["event.1"]);
}

/// A store that fails for a while costs no batch: it is offered again. (The seed's own emitter loses the whole batch.)
#[test]
fn a_store_that_fails_for_a_while_loses_no_batch() {
    #[derive(Debug)]
    struct Failing(Store, u32);
    impl Sink for Failing {
        fn deliver(&mut self, batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
            self.1 += 1;
            if !self.1.is_multiple_of(3) {
                return Err(SinkError::Retry {
                    after: Some(Duration::ZERO),
                    cause: "busy".to_owned(),
                });
            }
            self.0.deliver(batch)
        }

        fn flush(&mut self) -> Result<(), SinkError> {
            Ok(())
        }
    }
    let store = Store::default();
    let builder = Audit::builder().without_journal().sink(Failing(store.clone(), 0));
    let audit = builder.start().unwrap();
    for n in 0..100 {
        audit.submit(record(n)).unwrap();
        if n.is_multiple_of(10) {
            audit.flush(LONG).unwrap();
        }
    }
    audit.shutdown(LONG).unwrap();
    assert_eq!(store.events().len(), 100);
}
