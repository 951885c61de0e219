//! A writer that panics, here in the clock that it was given: everybody who waits is told, and nothing is called a success.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tracing_audit::clock::Clock;
use tracing_audit::format::Entry;
use tracing_audit::record::Record;
use tracing_audit::sink::{Accepted, Sink, SinkError};
use tracing_audit::{Audit, ErrorKind, State};

/// Longer than any test may take: who waits for it was not woken.
const LONG: Duration = Duration::from_secs(300);

fn record(event: &str) -> Record {
    Record::builder(event).actor("user", "alice").build()
}

/// A clock that panics on the writer's thread, once a test says so.
#[derive(Debug, Clone, Default)]
struct Bomb(Arc<AtomicBool>);

impl Clock for Bomb {
    fn now(&self) -> u64 {
        let is_writer = std::thread::current().name() == Some("audit-writer");
        assert!(
            !(is_writer && self.0.load(Ordering::SeqCst)),
            "the clock of this test panics"
        );
        1_795_219_200_000_000_000
    }

    fn monotonic(&self) -> u64 {
        0
    }
}

/// A sink that holds the writer up until it is opened.
#[derive(Debug, Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn open(&self) {
        *self.0.0.lock() = true;
        self.0.1.notify_all();
    }
}

impl Sink for Gate {
    fn deliver(&mut self, _: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        let mut open = self.0.0.lock();
        self.0.1.wait_while(&mut open, |open| !*open);
        Ok(Accepted::default())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

#[derive(Default)]
struct Woken(Mutex<bool>, Condvar);

impl Woken {
    fn until(&self) {
        let mut is_woken = self.0.lock();
        self.1.wait_while(&mut is_woken, |is_woken| !*is_woken);
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        *self.0.lock() = true;
        self.1.notify_all();
    }
}

#[test]
fn a_writer_that_panics_wakes_everybody_who_waits_with_an_error() {
    let (bomb, gate) = (Bomb::default(), Gate::default());
    let told = Arc::new(Mutex::new(Vec::new()));
    let sentences = Arc::clone(&told);
    let audit = Audit::builder()
        .without_journal()
        .sink(gate.clone())
        .clock(bomb.clone())
        .commit_timeout(LONG)
        .diagnostics(move |sentence| sentences.lock().push(sentence.to_owned()))
        .start()
        .unwrap();
    // They wait for the sink, which is shut: an answer that the writer alone cannot give.
    let emit = {
        let audit = audit.clone();
        std::thread::spawn(move || audit.emit(record("emitted")).map_err(|error| error.kind()))
    };
    while audit.stats().taken < 1 {
        std::thread::yield_now();
    }
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut future = audit.emit_async(record("async"));
    bomb.0.store(true, Ordering::SeqCst);
    assert!(
        Pin::new(&mut future)
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    woken.until();
    let Poll::Ready(Err(error)) = Pin::new(&mut future).poll(&mut Context::from_waker(&waker)) else {
        panic!("woken without an answer")
    };
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    gate.open();
    // The first record was taken before the panic, and handed on or not: it is delivered, or its caller is told.
    match emit.join().unwrap() {
        Ok(receipt) => assert_eq!(receipt.state(), State::Delivered),
        Err(kind) => assert_eq!(kind, ErrorKind::Closed),
    }
    let error = audit.flush(LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert!(error.to_string().contains("panicked"), "{error}");
    assert_eq!(audit.shutdown(LONG).unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(audit.rotate().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(audit.emit(record("late")).unwrap_err().kind(), ErrorKind::Closed);
    let stats = audit.stats();
    assert_eq!(
        (stats.lost_write, stats.in_queue),
        (1, 0),
        "the one that was not placed"
    );
    assert_eq!(stats.submitted(), 3);
    let told = told.lock();
    assert!(
        told.iter().any(|sentence| sentence.contains("writer panicked")),
        "{told:?}"
    );
}

#[test]
fn a_panic_in_the_writer_reaches_a_blocked_emit_and_a_blocked_flush_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let bomb = Bomb::default();
    let audit = Audit::builder()
        .directory(directory.path())
        .clock(bomb.clone())
        .commit_timeout(LONG)
        .diagnostics(|_| {})
        .start()
        .unwrap();
    audit.flush(LONG).unwrap();
    bomb.0.store(true, Ordering::SeqCst);
    let emit = {
        let audit = audit.clone();
        std::thread::spawn(move || audit.emit(record("emitted")).unwrap_err().kind())
    };
    let flush = audit.flush(LONG).unwrap_err();
    assert_eq!(flush.kind(), ErrorKind::Closed, "{flush}");
    assert_eq!(emit.join().unwrap(), ErrorKind::Closed);
    assert_eq!(audit.stats().durable, 0);
}
