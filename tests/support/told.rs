//! A sink that does what a test tells it, and trails over it.
#![allow(dead_code, reason = "each test file uses a part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tracing_audit::Audit;
use tracing_audit::format::Entry;
use tracing_audit::record::Record;
use tracing_audit::sink::{Accepted, MemorySink, Sink, SinkError};

pub(crate) fn record(event: &str) -> Record {
    Record::builder(event).actor("user", "alice").build()
}

/// What a test has a sink do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Take,
    /// Refuse the entries that speak of `odd`, and name them.
    RefuseOdd,
    /// The same, without a word which they are.
    RefuseSome,
    RefuseAll,
    /// Take nothing until it is told otherwise.
    Stand,
    /// Take nothing, and have it offered again.
    Retry,
    Fail,
    Panic,
    FailToFlush,
}

/// A sink that does what it is told.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) name: &'static str,
    pub(crate) deed: Arc<(Mutex<Deed>, Condvar)>,
    pub(crate) kept: MemorySink,
    /// A batch is in its hands, and it stands.
    pub(crate) stands: Arc<AtomicBool>,
}

impl Told {
    pub(crate) fn new(name: &'static str, deed: Deed) -> Self {
        Self {
            name,
            deed: Arc::new((Mutex::new(deed), Condvar::new())),
            kept: MemorySink::new(),
            stands: Arc::default(),
        }
    }

    /// Returns when a batch is in its hands, and it stands.
    pub(crate) fn wait_until_it_stands(&self) {
        let mut deed = self.deed.0.lock();
        let stands = |_: &mut Deed| self.stands.load(Ordering::SeqCst);
        self.deed.1.wait_while(&mut deed, |deed| !stands(deed));
    }

    pub(crate) fn tell(&self, deed: Deed) {
        *self.deed.0.lock() = deed;
        self.deed.1.notify_all();
    }

    pub(crate) fn has(&self, event: &str) -> bool {
        self.kept.records().iter().any(|record| record.event() == event)
    }
}

impl Sink for Told {
    fn deliver(&mut self, batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        let mut deed = self.deed.0.lock();
        self.stands.store(*deed == Deed::Stand, Ordering::SeqCst);
        self.deed.1.notify_all();
        self.deed.1.wait_while(&mut deed, |deed| *deed == Deed::Stand);
        self.stands.store(false, Ordering::SeqCst);
        let is_odd = |entry: &&Entry<'_>| String::from_utf8_lossy(entry.line()).contains("odd.");
        let odd: Vec<u64> = batch.iter().filter(is_odd).map(|entry| entry.seq()).collect();
        match *deed {
            Deed::RefuseOdd => return Ok(Accepted::all_but_these(odd)),
            Deed::RefuseSome => return Ok(Accepted::all_but(odd.len() as u64)),
            Deed::RefuseAll => return Ok(Accepted::all_but(batch.len() as u64)),
            Deed::Retry => return Err(SinkError::retry("the receiver is away")),
            Deed::Fail => return Err(SinkError::fatal("the receiver is gone")),
            Deed::Panic => panic!("the sink of this test panics"),
            _ => {}
        }
        self.kept.deliver(batch)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        match *self.deed.0.lock() {
            Deed::FailToFlush => Err(SinkError::retry("the receiver does not answer")),
            _ => Ok(()),
        }
    }

    fn name(&self) -> &str {
        self.name
    }
}

pub(crate) fn without_journal(sinks: &[&Told]) -> Audit {
    let builder = Audit::builder().without_journal().diagnostics(|_| {});
    let builder = builder.room_timeout(Duration::from_millis(1));
    let add = |builder: tracing_audit::AuditBuilder, sink: &&Told| builder.sink((*sink).clone());
    sinks.iter().fold(builder, add).start().unwrap()
}
