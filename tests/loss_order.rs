//! Where a gap record stands, and what a hung sink holds up: nobody else. Counted, not timed.

#[path = "support/held.rs"]
mod held;

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use held::HeldClock;
use tracing::{info, subscriber};
use tracing_audit::config::Mode;
use tracing_audit::format::Entry;
use tracing_audit::record::Record;
use tracing_audit::sink::{Accepted, MemorySink, Sink, SinkError};
use tracing_audit::{Audit, AuditedExt, Submitted};

const LONG: Duration = Duration::from_secs(30);

/// Longer than any test: whoever waited for a sink would wait for ever.
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

fn record(event: &str) -> Record {
    Record::builder(event).actor("user", "u-1").build()
}

fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        std::thread::yield_now();
    }
}

#[test]
fn a_gap_stands_before_every_record_that_was_accepted_behind_the_loss_and_needs_none_to_be_written() {
    let (clock, sink) = (HeldClock::new(), MemorySink::new());
    let builder = Audit::builder().memory(&sink).clock(clock.clone());
    let audit = builder.mode(Mode::Lossy).queue_records(256).start().unwrap();
    for round in 0..20 {
        audit.flush(LONG).unwrap();
        clock.shut();
        while let Ok(Submitted::Queued) = audit.submit(record("load.before")) {}
        clock.wait_for_the_writer();
        while let Ok(Submitted::Queued) = audit.submit(record("load.before")) {}
        let lost = audit.stats().lost_full;
        subscriber::with_default(tracing_subscriber::registry().audited(&audit), || {
            info!(target: "audit", event = "load.lost", actor.id = "u-1");
        });
        assert_eq!(audit.stats().lost_full, lost + 1, "the queue is full");
        clock.open();
        if round % 2 == 0 {
            // Nobody reports anything behind it.
            until(|| audit.stats().gap_recorded == lost + 1);
        } else {
            until(|| audit.submit(record("load.behind")).is_ok());
        }
    }
    audit.shutdown(LONG).unwrap();
    let records = sink.records();
    let events = records.iter().map(|record| record.event());
    let told: Vec<&str> = events
        .filter(|event| matches!(*event, "audit.gap" | "load.behind"))
        .collect();
    let expected = ["audit.gap", "audit.gap", "load.behind"].repeat(10);
    assert_eq!(told, expected);
}

/// Hangs in its first delivery until it is let go.
#[derive(Debug, Clone, Default)]
struct Hung(Arc<(Mutex<(bool, bool)>, Condvar)>);

impl Hung {
    fn until_it_hangs(&self) {
        let mut state = self.0.0.lock().unwrap();
        while !state.0 {
            state = self.0.1.wait(state).unwrap();
        }
    }

    fn let_go(&self) {
        self.0.0.lock().unwrap().1 = true;
        self.0.1.notify_all();
    }
}

impl Sink for Hung {
    fn deliver(&mut self, _batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        let mut state = self.0.0.lock().unwrap();
        state.0 = true;
        self.0.1.notify_all();
        while !state.1 {
            state = self.0.1.wait(state).unwrap();
        }
        Ok(Accepted::default())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

fn count(sink: &MemorySink, event: &str) -> u64 {
    let records = sink.records();
    records.iter().filter(|record| record.event() == event).count() as u64
}

#[test]
fn a_sink_that_hangs_beside_a_journal_holds_up_neither_a_caller_nor_another_sink() {
    let place = tempfile::tempdir().unwrap();
    let (hung, other) = (Hung::default(), MemorySink::new());
    let builder = Audit::builder()
        .directory(place.path())
        .sink(hung.clone())
        .sink(other.clone());
    // A caller that had to wait for the hung sink would wait for ever, and so would this test.
    let builder = builder
        .room_timeout(FOR_EVER)
        .commit_timeout(FOR_EVER)
        .queue_records(64);
    let audit = builder.start().unwrap();
    audit.emit(record("load.first")).unwrap();
    hung.until_it_hangs();
    // So few at a time that the other sink's port holds them, however slowly its thread is scheduled; many more in all than
    // the hung one's.
    let (rounds, each) = (50_u64, 12);
    let counted = |event| count(&other, event);
    let of_other = || {
        let sinks = audit.stats().sinks;
        sinks.into_iter().find(|sink| sink.name == "memory").unwrap()
    };
    for round in 1..=rounds {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    subscriber::with_default(tracing_subscriber::registry().audited(&audit), || {
                        for n in 0..each {
                            info!(target: "audit", event = "load.step", actor.id = "u-1", n);
                        }
                    });
                });
            }
            scope.spawn(|| audit.emit(record("load.durable")).unwrap());
        });
        // What the sink accepted holds the trail's own records as well; its records are counted where they stand.
        until(|| audit.stats().durable == round * (4 * each + 1) + 1);
        let all = (round * 4 * each, round);
        until(|| {
            of_other().accepted >= audit.stats().taken
                && (counted("load.step"), counted("load.durable")) == all
        });
    }
    let stats = audit.stats();
    assert_eq!((stats.lost(), stats.rejected()), (0, 0));
    let hung_sink = stats.sinks.iter().find(|sink| sink.name == "Hung").unwrap();
    assert_eq!((hung_sink.accepted, of_other().missed), (0, 0));
    assert_eq!(
        (counted("load.step"), counted("load.durable")),
        (rounds * 4 * each, rounds)
    );
    hung.let_go();
    let _ = audit.shutdown(LONG);
}
